from __future__ import annotations

from collections.abc import Iterable

import pytest

from pyodide_rtc.errors import (
    ChangesMissingError,
    DecodeError,
    DecryptionError,
    IceFailedError,
    LocalProtocolError,
    MessageTooBigError,
    NegotiationError,
    PeerLimitError,
    RemoteProtocolError,
    RtcError,
)
from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.connections.linked_peers import TELL_DELAY_S
from pyodide_rtc.protocol.connections.mesh import GUESS_DELAYS_S
from pyodide_rtc.protocol.connections.signs_of_life import PATIENCE_S
from pyodide_rtc.protocol.connections.strangers import NEWS_INTERVAL_S, SHOW_INTERVAL_S
from pyodide_rtc.protocol.document.awareness_limits import (
    CLIENT_BYTES,
    MAX_LINK_BYTES,
    MAX_STATE_BYTES,
)
from pyodide_rtc.protocol.document.comparison import (
    GAPS_PATIENCE_S,
    LATEST_S,
    QUIET_S,
    TAB_INTERVAL_S,
)
from pyodide_rtc.protocol.document.document_machine import EAGER_STATE_BYTES
from pyodide_rtc.protocol.document.replica import NO_STATE
from pyodide_rtc.protocol.fault_limits import INTERVAL_S
from pyodide_rtc.protocol.intake import MAX_WAITING_BYTES
from pyodide_rtc.protocol.room_machine import RoomMachine
from pyodide_rtc.snapshot import Peer
from pyodide_rtc.wire.awareness_update import AwarenessEntry, encode_awareness
from pyodide_rtc.wire.chunks import CHUNK_TYPE, cut, encode_chunk
from pyodide_rtc.wire.messages import (
    AwarenessMessage,
    LinkedPeers,
    Message,
    QueryAwareness,
    StateCheck,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    TabPeer,
    UnknownMessage,
    encode,
)
from pyodide_rtc.wire.payload import Announce, Leave

from .machine_helpers import (
    ANSWER,
    LIMIT,
    ME,
    MY_CLIENT,
    OFFER,
    OTHER,
    OTHER_CLIENT,
    PEER,
    PEER_CLIENT,
    URL,
    announce,
    awareness_frame,
    entries_in,
    extra,
    frames,
    link_peer,
    make_room,
    only,
    receive,
    signal,
)

DIGEST, OTHER_DIGEST = b"8 bytes.", b"8 others"


@pytest.fixture
def room() -> RoomMachine:
    return make_room()


def link_tab(room: RoomMachine, peer: str = PEER) -> list[fx.Effect]:
    room.handle(ev.TabOpened(), 0.0)
    return receive(room, ev.TABS, encode(TabPeer(peer, True)))


def reported(effects: Iterable[object]) -> RtcError:
    [report] = only(fx.Report, effects)
    return report.error


class TestJoining:
    def test_a_server_that_opens_is_told_of_us(self, room: RoomMachine) -> None:
        assert room.handle(ev.ServerOpened(URL), 0.0) == [
            fx.PublishPayload(Announce(ME, extra(MY_CLIENT)), URL)
        ]

    def test_the_greeting_is_step_1_and_all_awareness(self, room: RoomMachine) -> None:
        room.handle(ev.LocalStateSet(ev.MAIN, {"user": {"name": "Ada"}}), 0.0)
        conn = link_peer(room)

        greeting = frames(room.handle(ev.StateVectorRead(ev.MAIN, conn, b"\0"), 0.0), conn)

        assert greeting[0] == SyncStep1(b"\0")
        assert [(e.client_id, e.state) for e in entries_in(greeting)] == [
            (MY_CLIENT, {"user": {"name": "Ada"}})
        ]

    def test_who_shows_nothing_greets_with_step_1_only(self, room: RoomMachine) -> None:
        conn = link_peer(room)

        assert frames(room.handle(ev.StateVectorRead(ev.MAIN, conn, b"\0"), 0.0), conn) == [
            SyncStep1(b"\0")
        ]

    def test_a_small_state_goes_at_once_and_answers_the_first_question(
        self, room: RoomMachine
    ) -> None:
        conn = link_peer(room, client_id=PEER_CLIENT)

        greeting = frames(room.handle(ev.StateVectorRead(ev.MAIN, conn, b"\0", b"all"), 0.0), conn)

        assert greeting == [SyncStep2(b"all"), SyncStep1(b"\0")], "what it waits for is first"
        assert receive(room, conn, encode(SyncStep1(b"\0"))) == [], "asked before it came"
        later = receive(room, conn, encode(SyncStep1(b"\0")))
        assert later == [fx.AskDiff(ev.MAIN, conn, b"\0")]

    def test_the_state_of_a_link_that_is_gone_meanwhile_goes_nowhere(
        self, room: RoomMachine
    ) -> None:
        conn = link_peer(room)
        room.handle(ev.ChannelClosed(conn, "local", "test"), 0.0)

        assert room.handle(ev.StateVectorRead(ev.MAIN, conn, b"\0"), 0.0) == []
        assert room.handle(ev.DiffRead(ev.MAIN, conn, b"\0\0"), 0.0) == []

    def test_peers_tell_how_far_they_are(self, room: RoomMachine) -> None:
        room.handle(ev.PayloadReceived(URL, announce(OTHER)), 0.0)
        conn = link_peer(room, client_id=PEER_CLIENT)
        room.handle(ev.AnswerApplied(ev.MAIN, conn), 0.0)
        shown = AwarenessEntry(PEER_CLIENT, 1, {"user": {"name": "Bob"}})
        receive(room, conn, awareness_frame(shown))
        link_tab(room, "id-tab")

        assert room.peers(0.0) == (
            Peer(OTHER, None, "webrtc", is_connected=False, is_synced=False),
            Peer(PEER, "Bob", "webrtc", True, True, client_id=PEER_CLIENT),
            Peer("id-tab", None, "tab", is_connected=True, is_synced=False),
        )


class TestAuthors:
    def test_a_peer_is_named_as_it_shows_itself(self, room: RoomMachine) -> None:
        named, unnamed = link_peer(room, client_id=PEER_CLIENT), link_peer(room, OTHER)
        shown = AwarenessEntry(PEER_CLIENT, 1, {"user": {"name": "Bob"}})
        receive(room, named, awareness_frame(shown))

        assert [room.author(link) for link in (named, unnamed)] == ["Bob", "peer id-other"]

    def test_who_shows_a_name_is_listed_by_it(self, room: RoomMachine) -> None:
        named = link_peer(room, client_id=PEER_CLIENT)
        link_peer(room, OTHER)
        link_tab(room, "id-tab")
        shown = AwarenessEntry(PEER_CLIENT, 1, {"user": {"name": "Bob"}})
        receive(room, named, awareness_frame(shown))

        assert room.names == {PEER: "Bob"}

    def test_a_link_of_the_past_leads_to_nobody(self, room: RoomMachine) -> None:
        assert room.author(77) == "a peer that left"

    def test_of_tabs_only_a_single_one_is_known(self, room: RoomMachine) -> None:
        link_tab(room)
        assert room.author(ev.TABS) == "peer id-peer"
        link_tab(room, OTHER)
        assert room.author(ev.TABS) == "another tab"


class TestSync:
    def test_step_1_is_answered_with_what_the_peer_lacks(self, room: RoomMachine) -> None:
        conn = link_peer(room)

        assert receive(room, conn, encode(SyncStep1(b"\x07"))) == [
            fx.AskDiff(ev.MAIN, conn, b"\x07")
        ]
        assert frames(room.handle(ev.DiffRead(ev.MAIN, conn, b"\0\0"), 0.0), conn) == [
            SyncStep2(b"\0\0")
        ]

    def test_step_2_is_applied_and_makes_synced_once(self, room: RoomMachine) -> None:
        conn = link_peer(room, client_id=PEER_CLIENT)

        assert receive(room, conn, encode(SyncStep2(b"u"))) == [
            fx.ApplyUpdate(ev.MAIN, conn, b"u", is_answer=True)
        ]
        assert not room.peers(0.0)[0].is_synced, "only when it is in the document"
        assert room.handle(ev.AnswerApplied(ev.MAIN, conn), 0.0) == [
            fx.SyncChanged(ev.MAIN, PEER, "synced")
        ]
        assert room.handle(ev.AnswerApplied(ev.MAIN, conn), 0.0) == []

    def test_an_answer_that_is_applied_after_its_peer_went_is_passed_over(
        self, room: RoomMachine
    ) -> None:
        conn = link_peer(room)
        room.handle(ev.ChannelClosed(conn, "local", "test"), 0.0)

        assert room.handle(ev.AnswerApplied(ev.MAIN, conn), 1.0) == []

    def test_an_update_is_applied_with_its_link_as_source(self, room: RoomMachine) -> None:
        conn = link_peer(room)

        assert receive(room, conn, encode(SyncUpdate(b"u"))) == [
            fx.ApplyUpdate(ev.MAIN, conn, b"u")
        ]

    def test_a_change_goes_to_all_but_its_source(self, room: RoomMachine) -> None:
        one, two = link_peer(room), link_peer(room, OTHER)
        room.handle(ev.PayloadReceived(URL, announce("on its way")), 0.0)

        mine = room.handle(ev.DocumentChanged(ev.MAIN, b"u", None), 0.0)
        passed_on = room.handle(ev.DocumentChanged(ev.MAIN, b"u", one), 0.0)

        assert only(fx.SendFrame, mine) == [
            fx.SendFrame(link, "local", encode(SyncUpdate(b"u"))) for link in (one, two)
        ]
        assert only(fx.SendFrame, passed_on) == [
            fx.SendFrame(two, "local", encode(SyncUpdate(b"u")))
        ]
        assert only(fx.SendTabFrame, mine) == [], "no tab is there to hear it"

    def test_after_glare_with_a_stock_peer_frames_go_by_its_channel(
        self, room: RoomMachine
    ) -> None:
        conn = link_peer(room)
        room.handle(ev.ChannelOpened(conn, "remote", LIMIT), 0.0)

        [sent] = only(fx.SendFrame, room.handle(ev.DocumentChanged(ev.MAIN, b"u", None), 0.0))

        assert sent.side == "remote"

    def test_what_is_too_big_for_a_peer_is_reported_and_goes_to_the_others(
        self, room: RoomMachine
    ) -> None:
        small = link_peer(room, limit=100)
        large = link_peer(room, OTHER)

        effects = room.handle(ev.DocumentChanged(ev.MAIN, b"u" * 100, None), 0.0)

        error = reported(effects)
        assert isinstance(error, MessageTooBigError)
        assert (error.peer_id, error.limit_bytes, error.direction) == (PEER, 100, "out")
        assert error.size_bytes > 100
        assert [e.conn for e in only(fx.SendFrame, effects)] == [large]
        assert small in [p.negotiation.conn for p in room.mesh], "the peer is kept"

    def test_what_fits_exactly_is_sent(self, room: RoomMachine) -> None:
        frame = encode(SyncUpdate(b"u" * 100))
        conn = link_peer(room, limit=len(frame))

        assert room.handle(ev.DocumentChanged(ev.MAIN, b"u" * 100, None), 0.0) == [
            fx.SendFrame(conn, "local", frame)
        ]


class TestAwareness:
    def test_the_own_state_goes_to_all(self, room: RoomMachine) -> None:
        one, two = link_peer(room), link_peer(room, OTHER)

        effects = room.handle(ev.LocalStateSet(ev.MAIN, {"x": 1}), 0.0)

        assert fx.AwarenessChanged(ev.MAIN, (MY_CLIENT,), (), ()) in effects
        for link in (one, two):
            assert [e.state for e in entries_in(frames(effects, link))] == [{"x": 1}]

    def test_a_peers_state_is_shown_and_passed_on_but_not_back(self, room: RoomMachine) -> None:
        one, two = link_peer(room), link_peer(room, OTHER)

        effects = receive(room, one, awareness_frame(AwarenessEntry(PEER_CLIENT, 1, {"x": 1})))

        assert effects[0] == fx.AwarenessChanged(ev.MAIN, (PEER_CLIENT,), (), ())
        assert frames(effects, one) == []
        assert entries_in(frames(effects, two)) == [AwarenessEntry(PEER_CLIENT, 1, {"x": 1})]

    def test_a_renewal_is_passed_on_and_not_shown(self, room: RoomMachine) -> None:
        one, two = link_peer(room), link_peer(room, OTHER)
        receive(room, one, awareness_frame(AwarenessEntry(PEER_CLIENT, 1, {})))

        effects = receive(room, one, awareness_frame(AwarenessEntry(PEER_CLIENT, 2, {})))

        assert only(fx.AwarenessChanged, effects) == []
        assert [e.clock for e in entries_in(frames(effects, two))] == [2]

    def test_old_news_is_not_passed_on(self, room: RoomMachine) -> None:
        one, _ = link_peer(room), link_peer(room, OTHER)
        frame = awareness_frame(AwarenessEntry(PEER_CLIENT, 1, {}))
        receive(room, one, frame)

        assert receive(room, one, frame) == []

    def test_who_says_that_we_are_gone_hears_better(self, room: RoomMachine) -> None:
        conn = link_peer(room)
        room.handle(ev.LocalStateSet(ev.MAIN, {"x": 1}), 0.0)

        effects = receive(room, conn, awareness_frame(AwarenessEntry(MY_CLIENT, 9, None)))

        assert entries_in(frames(effects, conn)) == [AwarenessEntry(MY_CLIENT, 10, {"x": 1})]
        assert only(fx.AwarenessChanged, effects) == []

    def test_a_query_is_answered_with_all_states(self, room: RoomMachine) -> None:
        conn = link_peer(room)
        room.handle(ev.LocalStateSet(ev.MAIN, {}), 0.0)
        receive(room, conn, awareness_frame(AwarenessEntry(PEER_CLIENT, 1, {"x": 1})))

        answer = frames(receive(room, conn, encode(QueryAwareness())), conn)

        assert {e.client_id for e in entries_in(answer)} == {MY_CLIENT, PEER_CLIENT}

    def test_where_nobody_shows_anything_a_query_is_answered_all_the_same(
        self, room: RoomMachine
    ) -> None:
        conn = link_peer(room)

        [answer] = frames(receive(room, conn, encode(QueryAwareness())), conn)

        assert entries_in([answer]) == []

    def test_we_renew_after_15_s_and_drop_the_silent_after_30_s(self, room: RoomMachine) -> None:
        conn = link_peer(room)
        room.handle(ev.LocalStateSet(ev.MAIN, {}), 0.0)
        receive(room, conn, awareness_frame(AwarenessEntry(PEER_CLIENT, 1, {})))

        assert room.deadline_s == 15.0
        renewal = room.handle(ev.TimePassed(), 15.0)
        assert [e.client_id for e in entries_in(frames(renewal, conn))] == [MY_CLIENT]
        assert only(fx.AwarenessChanged, renewal) == []
        outdated = room.handle(ev.TimePassed(), 30.0)
        assert only(fx.AwarenessChanged, outdated) == [
            fx.AwarenessChanged(ev.MAIN, (), (), (PEER_CLIENT,))
        ]
        assert [e.client_id for e in entries_in(frames(outdated, conn))] == [MY_CLIENT]

    def test_a_lost_peer_of_our_kind_takes_its_state_with_it(self, room: RoomMachine) -> None:
        conn = link_peer(room, client_id=PEER_CLIENT)
        receive(room, conn, awareness_frame(AwarenessEntry(PEER_CLIENT, 1, {})))

        effects = room.handle(ev.ChannelClosed(conn, "local", "gone"), 0.0)

        assert fx.AwarenessChanged(ev.MAIN, (), (), (PEER_CLIENT,)) in effects

    def test_garbage_in_it_is_told_and_the_peer_kept(self, room: RoomMachine) -> None:
        # A stock peer passes on what others say, whatever it is.
        conn = link_peer(room)

        effects = receive(room, conn, encode(AwarenessMessage(b"\xff\xff")))

        assert isinstance(reported(effects), DecodeError)
        assert only(fx.CloseTransport, effects) == []


class TestLosing:
    def test_a_linked_peer_leaves_with_the_reason_and_is_called_for(
        self, room: RoomMachine
    ) -> None:
        conn = link_peer(room)

        effects = room.handle(ev.ChannelClosed(conn, "local", "it closed"), 0.0)

        assert effects == [
            fx.CloseTransport(conn),
            fx.PeersChanged(PEER, "left", "it closed"),
            fx.PublishPayload(Announce(ME, extra(MY_CLIENT))),
        ]
        assert room.peers(0.0) == ()

    def test_one_that_never_came_is_told(self, room: RoomMachine) -> None:
        room.handle(ev.PayloadReceived(URL, announce()), 0.0)

        error = reported(room.handle(ev.TransportFailed(1, "bad sdp"), 0.0))

        assert type(error) is NegotiationError
        assert PEER[:8] in str(error)

    def test_a_channel_that_closes_before_it_was_open_had_no_path(self, room: RoomMachine) -> None:
        """Reproduces: Firefox closes it before it says that ICE failed; no reason was ever told."""
        room.handle(ev.PayloadReceived(URL, announce()), 0.0)

        effects = room.handle(ev.ChannelClosed(1, "agreed", "closed"), 5.0)
        assert only(fx.OpenTransport, effects) == [fx.OpenTransport(2, True, False)]
        error = reported(room.handle(ev.ChannelClosed(2, "agreed", "closed"), 10.0))
        assert type(error) is IceFailedError

    def test_the_end_of_what_we_closed_ourselves_is_no_news(self, room: RoomMachine) -> None:
        conn = link_peer(room)
        room.handle(ev.ChannelClosed(conn, "local", "first"), 0.0)

        assert room.handle(ev.TransportFailed(conn, "second"), 0.0) == []
        assert room.handle(ev.ChannelClosed(conn, "local", "third"), 0.0) == []

    def test_an_attempt_without_end_is_given_up_by_the_clock(self, room: RoomMachine) -> None:
        room.handle(ev.PayloadReceived(URL, announce()), 0.0)
        deadline_s = room.deadline_s

        assert deadline_s is not None
        assert only(fx.Report, room.handle(ev.TimePassed(), deadline_s)) == []
        assert room.peers(0.0) == ()

    def test_one_that_may_have_gone_is_called_but_not_shown(self, room: RoomMachine) -> None:
        conn = link_peer(room)
        room.handle(ev.ChannelClosed(conn, "local", "it closed"), 0.0)

        assert only(fx.OpenTransport, room.handle(ev.TimePassed(), GUESS_DELAYS_S[0]))
        assert room.peers(0.0) == ()
        room.handle(ev.PayloadReceived(URL, signal(ANSWER)), 2.0)
        assert len(room.peers(0.0)) == 1

    def test_a_lost_path_is_looked_for_again(self, room: RoomMachine) -> None:
        conn = link_peer(room, client_id=PEER_CLIENT)

        lost = room.handle(ev.TransportFailed(conn, "no network path", is_ice=True), 5.0)

        assert only(fx.RestartIce, lost) == [fx.RestartIce(conn)]
        [peer] = room.peers(0.0)
        assert not peer.is_connected
        found = room.handle(ev.PathRestored(conn), 6.0)
        assert only(fx.PeersChanged, found) == [
            fx.PeersChanged(PEER, "joined", client_id=PEER_CLIENT)
        ]


class TestBadPeers:
    @pytest.mark.parametrize(
        "frame", [b"", b"\0", b"\0\x09", b"\0\x02\x7f", b"\x80" * 11, b"\x04\x01\x09x"], ids=repr
    )
    def test_garbage_closes_that_peer_for_good_and_no_other(
        self, room: RoomMachine, frame: bytes
    ) -> None:
        bad, good = link_peer(room), link_peer(room, OTHER)

        effects = receive(room, bad, frame)

        error = reported(effects)
        assert isinstance(error, RemoteProtocolError)
        assert error.peer_id == PEER
        assert fx.CloseTransport(bad) in effects
        assert room.handle(ev.PayloadReceived(URL, announce()), 0.0) == []
        assert receive(room, good, encode(SyncUpdate(b"u"))) == [
            fx.ApplyUpdate(ev.MAIN, good, b"u")
        ]

    def test_an_update_that_the_document_refuses_does_the_same(self, room: RoomMachine) -> None:
        conn = link_peer(room)

        effects = room.handle(ev.UpdateRefused(ev.MAIN, conn, "no update"), 0.0)

        assert fx.CloseTransport(conn) in effects
        assert "no update" in str(reported(effects))
        assert receive(room, conn, encode(SyncUpdate(b"late"))) == []

    def test_an_update_that_the_library_fails_on_bans_nobody(self, room: RoomMachine) -> None:
        """Reproduces: an honest update that made Yrs panic banned its sender for good."""
        conn = link_peer(room)

        [report] = room.handle(ev.UpdateFailed(ev.MAIN, conn, "a panic"), 0.0)

        assert "a panic" in str(reported([report]))
        assert receive(room, conn, encode(SyncUpdate(b"u"))) == [
            fx.ApplyUpdate(ev.MAIN, conn, b"u")
        ]

    @pytest.mark.parametrize("order", [1, -1], ids=["known first", "known last"])
    def test_who_names_anothers_client_has_neither_its_name_nor_its_presence(
        self, room: RoomMachine, order: int
    ) -> None:
        """Reproduces: it was shown by that name, and took the other's presence along."""
        linking = (PEER, PEER_CLIENT), (OTHER, OTHER_CLIENT)
        conns = {peer_id: link_peer(room, peer_id, i) for peer_id, i in linking[::order]}
        honest, thief = conns[PEER], conns[OTHER]
        state = [AwarenessEntry(PEER_CLIENT, 1, {"user": {"name": "Ada"}})]
        receive(room, honest, encode(AwarenessMessage(encode_awareness(state))))
        room.handle(ev.ChannelClosed(thief, "local", "gone"), 1.0)
        thief = link_peer(room, OTHER, PEER_CLIENT)
        assert {peer.peer_id: peer.name for peer in room.peers(0.0)} == {PEER: "Ada", OTHER: None}

        effects = room.handle(ev.ChannelClosed(thief, "local", "gone"), 2.0)

        assert only(fx.AwarenessChanged, effects) == []
        assert room.main.presence.awareness.is_here(PEER_CLIENT)
        effects = room.handle(ev.ChannelClosed(honest, "local", "gone"), 3.0)
        assert only(fx.AwarenessChanged, effects) == [
            fx.AwarenessChanged(ev.MAIN, (), (), (PEER_CLIENT,))
        ]

    def test_a_peer_that_comes_back_by_another_name_has_its_name_again(
        self, room: RoomMachine
    ) -> None:
        before, after = (link_peer(room, peer_id, PEER_CLIENT) for peer_id in (PEER, OTHER))
        state = [AwarenessEntry(PEER_CLIENT, 1, {"user": {"name": "Ada"}})]
        receive(room, after, encode(AwarenessMessage(encode_awareness(state))))
        room.handle(ev.ChannelClosed(before, "local", "gone"), 1.0)
        assert [peer.name for peer in room.peers(0.0) if peer.is_connected] == ["Ada"]

    def test_an_extension_that_we_do_not_know_is_passed_over(self, room: RoomMachine) -> None:
        conn = link_peer(room)

        assert receive(room, conn, encode(UnknownMessage(77, b"x"))) == []

    def test_it_is_counted(self, room: RoomMachine) -> None:
        conn, other = link_peer(room), link_peer(room, OTHER, OTHER_CLIENT)
        link_tab(room, "id-tab")
        for _ in range(3):
            receive(room, conn, encode(UnknownMessage(77, b"x")))
        receive(room, conn, encode(UnknownMessage(CHUNK_TYPE, b"x")))  # to a stock peer unknown
        receive(room, ev.TABS, encode(UnknownMessage(78, b"x")))

        assert {p.peer_id: p.unknown_messages for p in room.peers(0.0)} == {
            PEER: 4,
            OTHER: 0,
            "id-tab": 1,
        }
        room.handle(ev.ChannelClosed(conn, "local", "gone"), 0.0)
        assert room.connections.tabs.link.unknown_messages > 0
        assert other in {p.negotiation.conn for p in room.mesh}

    def test_what_tabs_sent_is_not_told_of_a_peer_without_a_connection(
        self, room: RoomMachine
    ) -> None:
        link_tab(room, "id-tab")
        receive(room, ev.TABS, encode(UnknownMessage(99, b"")))
        peer = room.mesh.peer_of(link_peer(room))
        assert peer is not None
        peer.negotiation.close()  # as between two connections

        assert {p.peer_id: p.unknown_messages for p in room.peers(0.0)} == {PEER: 0, "id-tab": 1}

    def test_a_peer_connection_cannot_speak_for_tabs(self, room: RoomMachine) -> None:
        conn = link_peer(room)

        assert receive(room, conn, encode(TabPeer(OTHER, True))) == []
        assert [p.peer_id for p in room.peers(0.0)] == [PEER]

    def test_in_the_tab_channel_garbage_is_told_and_nobody_closed(self, room: RoomMachine) -> None:
        link_tab(room)

        effects = receive(room, ev.TABS, b"")

        assert isinstance(reported(effects), DecodeError)
        assert [p.peer_id for p in room.peers(0.0)] == [PEER]


class TestLimits:
    def test_what_a_peer_says_that_makes_no_sense_is_told_once_a_minute(
        self, room: RoomMachine
    ) -> None:
        conn, other = link_peer(room), link_peer(room, OTHER)
        bad = encode(AwarenessMessage(b"\x01"))

        assert "peer id-peer" in str(reported(receive(room, conn, bad, 1.0)))
        assert [receive(room, conn, bad, 2.0) for _ in range(100)] == [[]] * 100
        assert "peer id-other" in str(reported(receive(room, other, bad, 3.0)))
        [report] = only(fx.Report, receive(room, conn, bad, 1.0 + INTERVAL_S))
        assert report.count == 101

    def test_nonsense_that_is_published_too(self, room: RoomMachine) -> None:
        error = DecodeError("a payload")

        assert room.handle(ev.PayloadRefused(error), 0.0) == [fx.Report(error)]
        assert room.handle(ev.PayloadRefused(error), 1.0) == []

    def test_a_state_that_is_too_big_is_not_passed_on_but_the_rest_is(
        self, room: RoomMachine
    ) -> None:
        conn, other = link_peer(room), link_peer(room, OTHER)
        big = AwarenessEntry(OTHER_CLIENT, 1, {"x": "y" * MAX_STATE_BYTES})
        small = AwarenessEntry(PEER_CLIENT, 1, {"x": 1})

        effects = receive(room, conn, awareness_frame(big, small))

        assert set(room.main.presence.awareness.states) == {PEER_CLIENT}
        assert entries_in(frames(effects, other)) == [small]
        error = reported(effects)
        assert isinstance(error, PeerLimitError)
        assert (error.peer_id, error.limit) == (PEER, MAX_STATE_BYTES)
        assert only(fx.Report, receive(room, conn, awareness_frame(big))) == []

    def test_a_peer_speaks_for_many_and_no_more(self, room: RoomMachine) -> None:
        conn = link_peer(room)
        room.handle(ev.LocalStateSet(ev.MAIN, {"x": 1}), 0.0)
        for first in range(10, 3_000, 100):
            receive(
                room, conn, awareness_frame(*[AwarenessEntry(first + i, 1, {}) for i in range(100)])
            )

        assert 1_000 < len(room.main.presence.awareness.states) <= MAX_LINK_BYTES // CLIENT_BYTES
        room.handle(ev.ChannelClosed(conn, "local", "gone"), 0.0)
        conn = link_peer(room, OTHER)
        receive(room, conn, awareness_frame(AwarenessEntry(5_000, 1, {})))
        assert 5_000 in room.main.presence.awareness.states

    def test_frames_that_have_waited_are_taken_in_order_and_their_awareness_as_one(
        self, room: RoomMachine
    ) -> None:
        conn, other = link_peer(room), link_peer(room, OTHER)
        waited = [
            encode(SyncUpdate(b"1")),
            awareness_frame(AwarenessEntry(PEER_CLIENT, 1, {"x": 1})),
            encode(SyncUpdate(b"2")),
            awareness_frame(AwarenessEntry(PEER_CLIENT, 2, {"x": 2})),
        ]

        effects = room.handle(ev.FramesReceived(conn, tuple(waited)), 0.0)

        assert only(fx.ApplyUpdate, effects) == [
            fx.ApplyUpdate(ev.MAIN, conn, b"1"),
            fx.ApplyUpdate(ev.MAIN, conn, b"2"),
        ]
        assert only(fx.AwarenessChanged, effects) == [
            fx.AwarenessChanged(ev.MAIN, (PEER_CLIENT,), (), ())
        ]
        assert entries_in(frames(effects, other)) == [AwarenessEntry(PEER_CLIENT, 2, {"x": 2})]

    def test_what_stands_behind_garbage_is_not_taken(self, room: RoomMachine) -> None:
        conn = link_peer(room)
        waited = (encode(SyncUpdate(b"1")), b"\0\x09", encode(SyncUpdate(b"2")))

        effects = room.handle(ev.FramesReceived(conn, waited), 0.0)

        assert only(fx.ApplyUpdate, effects) == [fx.ApplyUpdate(ev.MAIN, conn, b"1")]
        assert fx.DropHeld(conn) in effects
        assert fx.CloseTransport(conn) in effects

    def test_what_a_peer_wrote_before_it_went_is_not_lost(self, room: RoomMachine) -> None:
        conn = link_peer(room)
        room.handle(ev.ChannelClosed(conn, "local", "gone"), 0.0)
        waited = (
            awareness_frame(AwarenessEntry(PEER_CLIENT, 1, {})),
            encode(SyncUpdate(b"1")),
            b"\0\x09",
            encode(SyncStep1(b"\0")),
            encode(SyncStep2(b"2")),
        )

        effects = room.handle(ev.FramesReceived(conn, waited), 0.0)

        assert only(fx.ApplyUpdate, effects) == [
            fx.ApplyUpdate(ev.MAIN, conn, b"1"),
            fx.ApplyUpdate(ev.MAIN, conn, b"2"),
        ]
        assert isinstance(reported(effects), DecodeError)
        assert len(effects) == 3

    def test_a_flood_that_does_not_end_closes_its_peer(self, room: RoomMachine) -> None:
        conn = link_peer(room)

        effects = room.handle(ev.Flooded(conn, MAX_WAITING_BYTES + 1), 0.0)

        assert effects[0] == fx.DropHeld(conn)
        assert fx.CloseTransport(conn) in effects
        error = reported(effects)
        assert isinstance(error, PeerLimitError)
        assert str(error) == (
            "peer id-peer: bytes sent faster than they can be taken: 67108865, "
            "the limit is 67108864"
        )
        [left] = only(fx.PeersChanged, effects)
        assert (left.change, left.reason) == ("left", error.hint)

    def test_from_the_tabs_it_is_dropped_and_they_are_asked_for_what_we_lack(
        self, room: RoomMachine
    ) -> None:
        link_tab(room)

        effects = room.handle(ev.Flooded(ev.TABS, MAX_WAITING_BYTES + 1), 0.0)

        assert only(fx.DropHeld, effects) == [fx.DropHeld(ev.TABS)]
        assert [ask.link for ask in only(fx.AskState, effects)] == [ev.TABS]
        assert isinstance(reported(effects), PeerLimitError)
        assert [p.peer_id for p in room.peers(0.0)] == [PEER]

    def test_questions_do_not_make_us_hold_answer_upon_answer(self, room: RoomMachine) -> None:
        conn, other = link_peer(room, client_id=PEER_CLIENT), link_peer(room, OTHER)
        for first in range(10, 30):
            state = {"x": "y" * 10_000}
            receive(room, other, awareness_frame(AwarenessEntry(first, 1, state)))
        told = [receive(room, conn, encode(QueryAwareness())) for _ in range(200)]

        [answer] = [bulk for effects in told for bulk in only(fx.SendBulk, effects)]
        gone = room.handle(ev.FramesGone(conn, 0, sum(map(len, answer.frames))), 1.0)
        assert len(only(fx.SendBulk, gone)) == 1
        # What is small goes all the same.
        assert frames(room.handle(ev.LocalStateSet(ev.MAIN, {"x": 1}), 1.0), conn) != []


class TestTabs:
    def test_joining_tells_and_asks_everything(self, room: RoomMachine) -> None:
        room.handle(ev.LocalStateSet(ev.MAIN, {"x": 1}), 0.0)
        opened = room.handle(ev.TabOpened(), 0.0)
        assert frames(opened, ev.TABS) == [TabPeer(ME, True, MY_CLIENT)]
        assert only(fx.AskState, opened) == [fx.AskState(ev.MAIN, ev.TABS, EAGER_STATE_BYTES)]

        greeting = frames(
            room.handle(ev.StateVectorRead(ev.MAIN, ev.TABS, b"\0", b"all"), 0.0), ev.TABS
        )

        assert greeting[:3] == [
            SyncStep1(b"\0"),
            SyncStep2(b"all"),
            QueryAwareness(),
        ]
        assert [e.state for e in entries_in(greeting)] == [{"x": 1}]

    def test_without_the_whole_state_there_is_no_step_2(self, room: RoomMachine) -> None:
        greeting = frames(room.handle(ev.StateVectorRead(ev.MAIN, ev.TABS, b"\0"), 0.0), ev.TABS)

        assert greeting == [SyncStep1(b"\0"), QueryAwareness()]

    def test_a_large_state_is_for_the_first_who_listens(self, room: RoomMachine) -> None:
        room.handle(ev.TabOpened(), 0.0)
        room.handle(ev.StateVectorRead(ev.MAIN, ev.TABS, b"\0"), 0.0)

        assert only(fx.AskDiff, link_tab(room)) == [fx.AskDiff(ev.MAIN, ev.TABS, NO_STATE)]
        # Who comes later asks.
        assert only(fx.AskDiff, link_tab(room, "another tab")) == []

    def test_a_tab_that_comes_is_answered_once(self, room: RoomMachine) -> None:
        effects = link_tab(room)

        assert frames(effects, ev.TABS) == [TabPeer(ME, True, MY_CLIENT)]
        assert only(fx.PeersChanged, effects) == [fx.PeersChanged(PEER, "joined")]
        assert receive(room, ev.TABS, encode(TabPeer(PEER, True))) == []

    def test_our_own_id_is_nobody(self, room: RoomMachine) -> None:
        # The page's other rooms and a kernel worker share the channel.
        assert link_tab(room, ME) == []
        assert room.peers(0.0) == ()

    def test_a_tab_that_goes_has_left(self, room: RoomMachine) -> None:
        link_tab(room)

        assert receive(room, ev.TABS, encode(TabPeer(PEER, False))) == [
            fx.PeersChanged(PEER, "left", "the tab left the room")
        ]
        assert receive(room, ev.TABS, encode(TabPeer(PEER, False))) == []
        assert room.peers(0.0) == ()

    def test_step_2_makes_all_tabs_synced_once(self, room: RoomMachine) -> None:
        link_tab(room)

        frame = encode(SyncStep2(b"u"))
        assert receive(room, ev.TABS, frame) == [
            fx.ApplyUpdate(ev.MAIN, ev.TABS, b"u", is_answer=True)
        ]
        assert room.handle(ev.AnswerApplied(ev.MAIN, ev.TABS), 0.0) == [
            fx.SyncChanged(ev.MAIN, PEER, "synced")
        ]
        assert room.handle(ev.AnswerApplied(ev.MAIN, ev.TABS), 0.0) == []

    def test_updates_go_to_tabs_as_to_peers_but_not_back(self, room: RoomMachine) -> None:
        link_tab(room)
        conn = link_peer(room, OTHER)

        mine = room.handle(ev.DocumentChanged(ev.MAIN, b"u", None), 0.0)
        from_tab = room.handle(ev.DocumentChanged(ev.MAIN, b"u", ev.TABS), 0.0)

        assert frames(mine, ev.TABS) == frames(mine, conn) == [SyncUpdate(b"u")]
        assert frames(from_tab, ev.TABS) == []
        assert frames(from_tab, conn) == [SyncUpdate(b"u")]

    def test_signals_of_a_tab_are_ignored(self, room: RoomMachine) -> None:
        link_tab(room)

        for payload in (announce(), signal(OFFER), signal(ANSWER)):
            assert room.handle(ev.PayloadReceived(URL, payload), 0.0) == []

    def test_a_tab_replaces_its_peer_connection(self, room: RoomMachine) -> None:
        conn = link_peer(room, client_id=PEER_CLIENT)

        effects = link_tab(room)

        assert fx.CloseTransport(conn) in effects
        assert [(p.peer_id, p.via) for p in room.peers(0.0)] == [(PEER, "tab")]
        assert [e.change for e in only(fx.PeersChanged, effects)] == ["left", "joined"]

    def test_a_tab_of_our_own_kind_is_watched_and_takes_its_presence_along(
        self, room: RoomMachine
    ) -> None:
        room.handle(ev.TabOpened(), 0.0)
        effects = receive(room, ev.TABS, encode(TabPeer(PEER, True, PEER_CLIENT)))
        assert fx.WatchTabPeer(PEER) in effects
        receive(room, ev.TABS, awareness_frame(AwarenessEntry(PEER_CLIENT, 1, {})))

        assert room.handle(ev.TabPeerGone(PEER), 1.0) == [
            fx.PeersChanged(PEER, "left", "the tab left the room", PEER_CLIENT),
            fx.AwarenessChanged(ev.MAIN, (), (), (PEER_CLIENT,)),
        ]
        assert room.peers(0.0) == ()
        assert room.handle(ev.TabPeerGone(PEER), 1.0) == []

    def test_a_stock_tab_holds_no_lock(self, room: RoomMachine) -> None:
        assert only(fx.WatchTabPeer, link_tab(room)) == []


class TestDoubts:
    @pytest.mark.parametrize("event", [ev.TransportUnsure(1, False), ev.Woken()])
    def test_a_peer_in_doubt_is_asked_and_dropped_if_it_does_not_answer(
        self, room: RoomMachine, event: ev.Event
    ) -> None:
        conn = link_peer(room)
        asked = room.handle(event, 5.0)
        assert frames(asked, conn) == [QueryAwareness()]
        assert room.deadline_s == 5.0 + PATIENCE_S
        assert only(fx.SendFrame, room.handle(ev.TransportUnsure(conn, False), 6.0)) == [], "once"

        dropped = room.handle(ev.TimePassed(), 5.0 + PATIENCE_S)

        assert only(fx.CloseTransport, dropped) == [fx.CloseTransport(conn)]
        assert only(fx.PeersChanged, dropped) == [
            fx.PeersChanged(PEER, "left", "it does not answer any more")
        ]
        assert only(fx.PublishPayload, dropped), "and is called for"
        assert only(fx.CheckServers, dropped), "perhaps it is our own network that is gone"

    @pytest.mark.parametrize(
        "sign", [ev.FrameReceived(1, encode(QueryAwareness())), ev.TransportUnsure(1, True)]
    )
    def test_a_sign_of_life_is_enough(self, room: RoomMachine, sign: ev.Event) -> None:
        link_peer(room)
        room.handle(ev.TransportUnsure(1, False), 5.0)
        room.handle(sign, 6.0)

        assert only(fx.CloseTransport, room.handle(ev.TimePassed(), 30.0)) == []
        assert [p.peer_id for p in room.peers(0.0)] == [PEER]

    @pytest.mark.parametrize("event", [ev.TransportUnsure(1, False), ev.Woken()])
    def test_one_that_is_not_linked_yet_has_its_own_time(
        self, room: RoomMachine, event: ev.Event
    ) -> None:
        room.handle(ev.PayloadReceived(URL, announce()), 0.0)

        assert only(fx.SendFrame, room.handle(event, 1.0)) == []
        assert room.handle(ev.TransportUnsure(99, False), 1.0) == []

    def test_who_wakes_shows_itself_again(self, room: RoomMachine) -> None:
        assert room.handle(ev.Woken(), 5.0) == [fx.PublishPayload(Announce(ME, extra(MY_CLIENT)))]


class TestBeingPutAway:
    def away(self, room: RoomMachine) -> list[fx.Effect]:
        link_tab(room, OTHER)
        link_peer(room, client_id=PEER_CLIENT)
        return room.handle(ev.PutAway(), 5.0)

    def test_who_is_linked_is_dropped_and_tabs_are_told(self, room: RoomMachine) -> None:
        effects = self.away(room)

        assert frames(effects, ev.TABS) == [TabPeer(ME, False, MY_CLIENT)]
        assert only(fx.CloseTransport, effects) == [fx.CloseTransport(1, is_gentle=False)]
        reason = "the page is put away"
        assert only(fx.PeersChanged, effects) == [
            fx.PeersChanged(OTHER, "left", reason),
            fx.PeersChanged(PEER, "left", reason, PEER_CLIENT),
        ]
        assert room.peers(0.0) == ()

    @pytest.mark.parametrize(
        "event",
        [
            ev.PayloadReceived(URL, announce()),
            ev.PayloadReceived(URL, signal(OFFER)),
            ev.ServerOpened(URL),
            ev.StrangerHeard("another password"),
            ev.ChannelClosed(1, "local", "the page closed it"),
            ev.TransportFailed(1, "the page closed it"),
            ev.FrameReceived(ev.TABS, encode(TabPeer(PEER, True))),
            ev.FrameReceived(ev.TABS, encode(QueryAwareness())),
            ev.FrameReceived(1, encode(QueryAwareness())),
            ev.StateVectorRead(ev.MAIN, ev.TABS, b"\0"),
            ev.DocumentChanged(ev.MAIN, b"\0\0", None, b"\0"),
            ev.LocalStateSet(ev.MAIN, {"user": {"name": "Ada"}}),
            ev.TimePassed(),
        ],
        ids=lambda event: type(event).__name__,
    )
    def test_from_then_on_nothing_is_said(self, room: RoomMachine, event: ev.Event) -> None:
        self.away(room)

        effects = room.handle(event, 30.0)

        assert [e for e in effects if not isinstance(e, fx.AwarenessChanged)] == []
        assert room.peers(0.0) == ()
        assert room.deadline_s is None

    def test_the_last_changes_of_those_who_were_linked_are_taken(self, room: RoomMachine) -> None:
        self.away(room)

        late = room.handle(ev.FramesReceived(1, (encode(SyncUpdate(b"late")),)), 6.0)

        assert late == [fx.ApplyUpdate(ev.MAIN, 1, b"late")]

    def test_who_wakes_greets_everybody_again(self, room: RoomMachine) -> None:
        self.away(room)

        assert room.handle(ev.Woken(), 60.0) == [
            fx.SendTabFrame(encode(TabPeer(ME, True, MY_CLIENT))),
            fx.AskState(ev.MAIN, ev.TABS, EAGER_STATE_BYTES),
            fx.PublishPayload(Announce(ME, extra(MY_CLIENT))),
        ]
        assert only(fx.OpenTransport, room.handle(ev.PayloadReceived(URL, announce()), 60.1))
        greeting = frames(room.handle(ev.StateVectorRead(ev.MAIN, ev.TABS, b"\0"), 60.1), ev.TABS)
        assert greeting[0] == SyncStep1(b"\0")

    def test_a_stock_peer_that_does_not_hear_us_is_called_a_second_later(
        self, room: RoomMachine
    ) -> None:
        # It may wait for the answer to an offer that came while we were away: for ever.
        link_peer(room)
        room.handle(ev.PutAway(), 5.0)
        room.handle(ev.Woken(), 60.0)

        assert room.deadline_s == 60.0 + GUESS_DELAYS_S[0]
        called = room.handle(ev.TimePassed(), 60.0 + GUESS_DELAYS_S[0])
        assert [e.is_initiator for e in only(fx.OpenTransport, called)] == [True]

    def test_a_tab_channel_that_opened_meanwhile_is_greeted_then(self, room: RoomMachine) -> None:
        room.handle(ev.PutAway(), 0.0)
        room.handle(ev.TabOpened(), 0.1)

        assert fx.AskState(ev.MAIN, ev.TABS, EAGER_STATE_BYTES) in room.handle(ev.Woken(), 60.0)


class TestStrangers:
    def test_they_are_told_once_a_minute(self, room: RoomMachine) -> None:
        error = reported(room.handle(ev.StrangerHeard("another password"), 0.0))
        assert isinstance(error, DecryptionError)
        assert error.reason == "another password"
        assert only(fx.Report, room.handle(ev.StrangerHeard("x"), NEWS_INTERVAL_S - 1)) == []
        assert room.connections.strangers.are_here(2 * NEWS_INTERVAL_S - 2)
        assert not room.connections.strangers.are_here(2 * NEWS_INTERVAL_S - 1)

        assert only(fx.Report, room.handle(ev.StrangerHeard("x"), NEWS_INTERVAL_S)) != []

    def test_we_show_ourselves_so_that_they_find_out_but_not_for_ever(
        self, room: RoomMachine
    ) -> None:
        room.handle(ev.TabOpened(), 0.0)

        shown = room.handle(ev.StrangerHeard("x"), 0.0)
        assert len(only(fx.PublishPayload, shown)) == 1
        assert frames(shown, ev.TABS) == [TabPeer(ME, True, MY_CLIENT)]
        assert room.handle(ev.StrangerHeard("x"), SHOW_INTERVAL_S - 1) == []
        assert only(fx.PublishPayload, room.handle(ev.StrangerHeard("x"), SHOW_INTERVAL_S)) != []

    def test_without_tabs_only_the_servers_hear_of_us(self, room: RoomMachine) -> None:
        assert only(fx.SendTabFrame, room.handle(ev.StrangerHeard("x"), 0.0)) == []


def state_vector(**clocks: int) -> bytes:
    """Of clients c1, c2, ..."""
    pairs = [byte for name, clock in clocks.items() for byte in (int(name[1:]), clock)]
    return bytes([len(clocks), *pairs])


def uints(*numbers: int) -> bytes:
    """All below 128."""
    return bytes(numbers)


class TestBlocked:
    def test_a_link_that_has_to_drop_an_update_is_closed_and_told(self, room: RoomMachine) -> None:
        conn = link_peer(room, client_id=PEER_CLIENT)

        effects = room.handle(ev.UpdateBlocked(ev.MAIN, conn, 1000), 1.0)

        error = reported(effects)
        assert isinstance(error, LocalProtocolError)
        assert "1000 bytes" in str(error)
        assert fx.CloseTransport(conn) in effects
        assert only(fx.PublishPayload, effects) != [], "it will be called again"
        assert room.peers(0.0) == ()

    def test_of_the_tabs_it_is_told(self, room: RoomMachine) -> None:
        link_tab(room)

        [report] = room.handle(ev.UpdateBlocked(ev.MAIN, ev.TABS, 1000), 1.0)

        assert isinstance(report, fx.Report)
        assert len(room.peers(0.0)) == 1


class TestComparing:
    def test_after_changes_there_is_a_check_once_it_is_quiet(self, room: RoomMachine) -> None:
        room.handle(ev.DocumentChanged(ev.MAIN, b"u", None), 1.0)
        room.handle(ev.DocumentChanged(ev.MAIN, b"u", 7), 2.0)
        assert room.deadline_s == 2.0 + QUIET_S
        assert room.handle(ev.TimePassed(), 2.5) == []

        assert room.handle(ev.TimePassed(), 2.0 + QUIET_S) == [fx.AskCheck(ev.MAIN)]
        assert room.deadline_s is None
        assert room.handle(ev.TimePassed(), 100.0) == []

    def test_where_it_is_never_quiet_it_is_not_put_off_for_ever(self, room: RoomMachine) -> None:
        for tenth in range(100):
            room.handle(ev.DocumentChanged(ev.MAIN, b"u", None), tenth / 10)
            if room.handle(ev.TimePassed(), tenth / 10):
                break

        assert tenth / 10 == LATEST_S

    def test_with_each_renewal_one_link_is_told_in_turn(self, room: RoomMachine) -> None:
        room.handle(ev.LocalStateSet(ev.MAIN, {}), 0.0)
        assert only(fx.AskCheck, room.handle(ev.TimePassed(), 15.0)) == [], "nobody is here"
        one, other = link_peer(room, client_id=PEER_CLIENT), link_peer(room, OTHER, OTHER_CLIENT)

        turns = [
            ask.link
            for now_s in (30.0, 45.0, 60.0)
            for ask in only(fx.AskCheck, room.handle(ev.TimePassed(), now_s))
        ]
        assert turns == [one, other, one]
        told = room.handle(ev.CheckRead(ev.MAIN, StateCheck(b"\0", DIGEST), link=other), 60.0)
        assert (frames(told, one), len(frames(told, other))) == ([], 1)

    def test_our_own_kind_is_told_and_tabs_are_asked_now_and_then(self, room: RoomMachine) -> None:
        own, stock = link_peer(room, client_id=PEER_CLIENT), link_peer(room, OTHER)
        room.handle(ev.PayloadReceived(URL, announce("on its way")), 0.0)
        link_tab(room, "id-tab")
        check = StateCheck(b"\0", DIGEST)

        told = room.handle(ev.CheckRead(ev.MAIN, check), 5.0)
        again = room.handle(ev.CheckRead(ev.MAIN, check), 5.0 + TAB_INTERVAL_S - 1)
        later = room.handle(ev.CheckRead(ev.MAIN, check), 5.0 + TAB_INTERVAL_S)

        assert [frames(effects, own) for effects in (told, again, later)] == [[check]] * 3
        assert frames(told, ev.TABS) == frames(later, ev.TABS) == [SyncStep1(b"\0")]
        assert frames(again, ev.TABS) == frames(told, stock) == []

    def test_what_a_peer_has_is_compared_with_what_we_have(self, room: RoomMachine) -> None:
        conn = link_peer(room, client_id=PEER_CLIENT)
        theirs = StateCheck(b"\0", DIGEST)

        assert receive(room, conn, encode(theirs)) == [fx.AskComparison(ev.MAIN, conn, theirs)]

    @pytest.mark.parametrize(
        ("mine", "theirs", "said", "ahead", "behind"),
        [
            ({"c1": 3}, {"c1": 5, "c2": 1}, [SyncStep1], 3, 0),
            ({"c1": 3, "c2": 2}, {"c1": 3}, [StateCheck], 0, 2),
            ({"c1": 3}, {"c2": 1}, [SyncStep1, StateCheck], 1, 3),
        ],
    )
    def test_who_lacks_something_asks_for_it(
        self,
        room: RoomMachine,
        mine: dict[str, int],
        theirs: dict[str, int],
        said: list[type],
        ahead: int,
        behind: int,
    ) -> None:
        conn = link_peer(room, client_id=PEER_CLIENT)
        event = ev.Compared(
            ev.MAIN,
            conn,
            StateCheck(state_vector(**mine), OTHER_DIGEST),
            StateCheck(state_vector(**theirs), DIGEST),
        )

        effects = room.handle(event, 1.0)

        assert [type(message) for message in frames(effects, conn)] == said
        [peer] = room.peers(0.0)
        assert (peer.ahead, peer.behind) == (ahead, behind)
        changes = [e.change for e in only(fx.SyncChanged, effects)]
        assert changes == ["changed"]
        assert only(fx.SyncChanged, room.handle(event, 2.0)) == [], "only what is new"

    def test_what_no_state_vector_tells_goes_both_ways_where_digests_differ(
        self, room: RoomMachine
    ) -> None:
        conn = link_peer(room, client_id=PEER_CLIENT)
        mine = StateCheck(b"\0", DIGEST)
        unlike = ev.Compared(ev.MAIN, conn, mine, StateCheck(b"\0", OTHER_DIGEST))

        effects = room.handle(unlike, 1.0)

        assert effects[0] == fx.AskBeyond(ev.MAIN, conn), (
            "before the peer hears that it may lack something"
        )
        assert frames(effects, conn) == [mine]
        sent = room.handle(ev.DiffRead(ev.MAIN, conn, b"\0\0", is_answer=False), 1.0)
        assert frames(sent, conn) == [SyncUpdate(b"\0\0")]

    def test_two_that_stay_unlike_come_to_rest_and_are_not_synced(self, room: RoomMachine) -> None:
        conn = link_peer(room, client_id=PEER_CLIENT)
        room.handle(ev.AnswerApplied(ev.MAIN, conn), 0.0)

        def compare(ours: bytes, its: bytes) -> list[fx.Effect]:
            checks = StateCheck(b"\0", ours), StateCheck(b"\0", its)
            return room.handle(ev.Compared(ev.MAIN, conn, *checks), 1.0)

        assert len(compare(DIGEST, OTHER_DIGEST)) == 2
        assert room.peers(0.0)[0].is_synced, (
            "what it has comes, or one of both has just deleted more"
        )
        assert [e.change for e in only(fx.SyncChanged, compare(DIGEST, OTHER_DIGEST))] == [
            "changed"
        ]
        assert not room.peers(0.0)[0].is_synced
        assert compare(DIGEST, OTHER_DIGEST) == []
        assert len(compare(OTHER_DIGEST, DIGEST)) == 2, "something has changed"
        assert not room.peers(0.0)[0].is_synced
        assert [e.change for e in only(fx.SyncChanged, compare(DIGEST, DIGEST))] == ["synced"]
        assert compare(DIGEST, DIGEST) == []
        assert len(compare(DIGEST, OTHER_DIGEST)) == 2

    def test_nothing_more_is_sent_to_who_does_not_read(self, room: RoomMachine) -> None:
        conn = link_peer(room, client_id=PEER_CLIENT)
        for _ in range(30):
            room.handle(ev.DiffRead(ev.MAIN, conn, bytes(50_000), is_answer=False), 1.0)
        unlike = ev.Compared(
            ev.MAIN, conn, StateCheck(b"\0", DIGEST), StateCheck(b"\0", OTHER_DIGEST)
        )
        assert room.handle(unlike, 1.0) == []

        room.handle(ev.FramesGone(conn, 30 * 50_006, 0), 2.0)
        assert len(room.handle(unlike, 2.0)) == 2

    @pytest.mark.parametrize("direction", ["sending", "receiving"])
    def test_what_is_on_its_way_is_not_asked_for_again(
        self, room: RoomMachine, direction: str
    ) -> None:
        conn = link_peer(room, client_id=PEER_CLIENT)
        large = encode(SyncUpdate(bytes(1000)))
        if direction == "sending":
            room.handle(ev.DocumentChanged(ev.MAIN, bytes(100_000), None), 1.0)
        else:
            receive(room, conn, encode_chunk(next(cut(1, large, max_bytes=100))))
        mine = StateCheck(state_vector(c1=3), DIGEST)
        theirs = StateCheck(state_vector(c1=5, c2=1), DIGEST)

        effects = room.handle(ev.Compared(ev.MAIN, conn, mine, theirs), 1.0)

        assert (
            frames(effects, conn)
            == frames(room.handle(ev.CheckRead(ev.MAIN, mine), 1.0), conn)
            == []
        )
        assert room.peers(0.0)[0].ahead == 3, "it is shown"

    def test_synced_is_who_has_told_all_that_it_has(self, room: RoomMachine) -> None:
        conn = link_peer(room, client_id=PEER_CLIENT)
        room.handle(ev.AnswerApplied(ev.MAIN, conn), 0.0)
        mine, theirs = StateCheck(b"\0", DIGEST), StateCheck(state_vector(c1=5), DIGEST)
        room.handle(ev.Compared(ev.MAIN, conn, mine, theirs), 1.0)
        assert room.peers(0.0)[0].is_synced, "it is asked, and will answer"

        def answer(**clocks: int) -> list[str]:
            asked = room.handle(ev.AnswerApplied(ev.MAIN, conn), 1.0)
            assert asked == [fx.AskComparison(ev.MAIN, conn, theirs)]
            now = StateCheck(state_vector(**clocks), DIGEST)
            effects = room.handle(ev.Compared(ev.MAIN, conn, now, theirs), 1.0)
            asked_again.append(frames(effects, conn))
            return [e.change for e in only(fx.SyncChanged, effects)]

        asked_again: list[list[Message]] = []
        assert answer(c1=3) == ["changed"]
        assert (room.peers(0.0)[0].ahead, room.peers(0.0)[0].is_synced) == (2, False)
        assert answer(c1=3) == []
        assert asked_again == [[SyncStep1(NO_STATE)], []], "for all that it has, once"
        assert answer(c1=5) == ["changed", "synced"]
        assert (room.peers(0.0)[0].ahead, room.peers(0.0)[0].is_synced) == (0, True)
        assert room.handle(ev.AnswerApplied(ev.MAIN, conn), 2.0) == []

    def test_two_who_both_lack_what_no_answer_brings_come_to_rest(self, room: RoomMachine) -> None:
        conn = link_peer(room, client_id=PEER_CLIENT)
        mine = StateCheck(state_vector(c1=3), DIGEST)
        told = (StateCheck(state_vector(c2=1), DIGEST) for _ in range(2))

        first, second = (
            room.handle(ev.Compared(ev.MAIN, conn, mine, theirs), 1.0) for theirs in told
        )

        assert [type(m) for m in frames(first, conn)] == [SyncStep1, StateCheck]
        assert [type(m) for m in frames(second, conn)] == [SyncStep1]

    def test_a_gap_that_nobody_fills_is_told_once(self, room: RoomMachine) -> None:
        def told(missing: int, now_s: float) -> list[BaseException]:
            check = ev.CheckRead(ev.MAIN, StateCheck(b"\0", DIGEST), missing)
            return [e.error for e in only(fx.Report, room.handle(check, now_s))]

        assert told(4, 0.0) == told(4, GAPS_PATIENCE_S - 1) == []
        [error] = told(4, GAPS_PATIENCE_S)
        assert isinstance(error, ChangesMissingError)
        assert error.count == 4
        assert told(4, 100.0) == told(0, 101.0) == told(4, 102.0) == []
        assert [type(e) for e in told(4, 112.0)] == [ChangesMissingError], "it is another one"

    def test_it_is_not_told_while_somebody_is_still_to_say_what_they_have(
        self, room: RoomMachine
    ) -> None:
        gap = ev.CheckRead(ev.MAIN, StateCheck(state_vector(c1=3), DIGEST), 2)
        conn = link_peer(room, client_id=PEER_CLIENT)
        room.handle(gap, 0.0)
        large = encode(SyncUpdate(bytes(1000)))
        first, *rest = (encode_chunk(c) for c in cut(1, large, max_bytes=600))
        room.handle(ev.FrameReceived(conn, first), 15.0)
        assert only(fx.Report, room.handle(gap, 20.0)) == []
        for chunk in rest:
            receive(room, conn, chunk)
        room.handle(ev.PayloadReceived(URL, announce(OTHER)), 21.0)

        assert only(fx.Report, room.handle(gap, 40.0)) == []

    def test_it_is_told_to_who_is_alone(self, room: RoomMachine) -> None:
        """Reproduces: with nobody to be compared with there were no checks."""
        room.handle(ev.LocalStateSet(ev.MAIN, {}), 0.0)
        gap = ev.CheckRead(ev.MAIN, StateCheck(state_vector(c1=3), DIGEST), 2)
        room.handle(gap, 1.0)

        assert fx.AskCheck(ev.MAIN) in room.handle(ev.TimePassed(), 15.0)
        assert isinstance(reported(room.handle(gap, 15.0)), ChangesMissingError)

    def test_a_check_that_is_none_ends_that_peer(self, room: RoomMachine) -> None:
        conn = link_peer(room, client_id=PEER_CLIENT)
        nonsense = StateCheck(b"\xff", DIGEST)

        effects = room.handle(ev.Compared(ev.MAIN, conn, StateCheck(b"\0", DIGEST), nonsense), 1.0)

        assert isinstance(reported(effects), DecodeError)
        assert room.peers(0.0) == ()

    def test_the_answer_for_a_peer_that_is_gone_meanwhile_goes_nowhere(
        self, room: RoomMachine
    ) -> None:
        check = StateCheck(b"\0", DIGEST)

        assert room.handle(ev.Compared(ev.MAIN, 9, check, check), 1.0) == []


class TestLeaving:
    def test_what_others_may_lack_is_sent_before(self, room: RoomMachine) -> None:
        source, other = link_peer(room, client_id=PEER_CLIENT), link_peer(room, OTHER, OTHER_CLIENT)
        receive(room, other, encode(LinkedPeers((PEER,))))
        room.handle(ev.DocumentChanged(ev.MAIN, b"u", source, b"before"), 0.0)

        difference = fx.AskDiff(ev.MAIN, other, b"before", is_answer=False)
        assert room.handle(ev.FlushAsked(), 1.0) == [difference]

    def test_all_are_told_and_closed_gently(self, room: RoomMachine) -> None:
        link_tab(room)
        conn = link_peer(room, OTHER, OTHER_CLIENT)
        room.handle(ev.LocalStateSet(ev.MAIN, {}), 0.0)

        effects = room.handle(ev.LeaveAsked(), 0.0)

        goodbye = frames(effects, conn)
        assert [(e.client_id, e.state) for e in entries_in(goodbye)] == [(MY_CLIENT, None)]
        assert frames(effects, ev.TABS)[-1] == TabPeer(ME, False, MY_CLIENT)
        assert entries_in(frames(effects, ev.TABS)) == entries_in(goodbye)
        assert fx.CloseTransport(conn, is_gentle=True) in effects
        assert {(e.peer_id, e.change) for e in only(fx.PeersChanged, effects)} == {
            (PEER, "left"),
            (OTHER, "left"),
        }
        assert room.peers(0.0) == ()

    def test_without_tab_channel_none_is_told(self, room: RoomMachine) -> None:
        effects = room.handle(ev.LeaveAsked(), 0.0)
        assert effects == [fx.PublishPayload(Leave(ME, extra(MY_CLIENT)))]

    def test_afterwards_nothing_happens_any_more(self, room: RoomMachine) -> None:
        room.handle(ev.LocalStateSet(ev.MAIN, {}), 0.0)
        room.handle(ev.LeaveAsked(), 0.0)

        assert room.deadline_s is None
        assert room.handle(ev.PayloadReceived(URL, announce()), 0.0) == []
        assert room.handle(ev.LeaveAsked(), 0.0) == []


def test_an_empty_room_waits_for_nothing(room: RoomMachine) -> None:
    assert room.deadline_s is None


class TestWhatAllHear:
    """Nobody passes on what everybody hears from its source."""

    def test_whom_we_are_linked_with_is_told_to_our_own_kind(self, room: RoomMachine) -> None:
        own = link_peer(room, client_id=PEER_CLIENT)
        assert room.deadline_s is None, "with one there is nothing to pass on"
        stock = link_peer(room, OTHER)
        link_tab(room, "id-tab")

        told = room.handle(ev.TimePassed(), TELL_DELAY_S)
        assert frames(told, own) == [LinkedPeers((OTHER, PEER, "id-tab"))]
        assert frames(told, stock) == []
        assert room.handle(ev.TimePassed(), 2 * TELL_DELAY_S) == []

        room.handle(ev.ChannelClosed(stock, "local", "gone"), 5.0)
        told = room.handle(ev.TimePassed(), 5.0)
        assert frames(told, own) == [LinkedPeers((PEER, "id-tab"))], "at once"

    def test_a_change_goes_on_to_who_does_not_hear_its_source(self, room: RoomMachine) -> None:
        source, near = link_peer(room, client_id=PEER_CLIENT), link_peer(room, OTHER, OTHER_CLIENT)
        far = link_peer(room, "id-far", 9)
        receive(room, near, encode(LinkedPeers((ME, PEER))))
        receive(room, far, encode(LinkedPeers((ME,))))

        effects = room.handle(ev.DocumentChanged(ev.MAIN, b"u", source), 0.0)
        shown = receive(room, source, awareness_frame(AwarenessEntry(PEER_CLIENT, 1, {})))

        for told in (effects, shown):
            assert [e.conn for e in only(fx.SendFrame, told)] == [far]
        own = room.handle(ev.DocumentChanged(ev.MAIN, b"u", None), 0.0)
        assert {e.conn for e in only(fx.SendFrame, own)} == {source, near, far}

    def test_what_tabs_say_goes_on_to_who_does_not_hear_all_of_them(
        self, room: RoomMachine
    ) -> None:
        near = link_peer(room, client_id=PEER_CLIENT)
        receive(room, near, encode(LinkedPeers((ME, "id-tab"))))
        change = ev.DocumentChanged(ev.MAIN, b"u", ev.TABS)

        assert len(only(fx.SendFrame, room.handle(change, 0.0))) == 1, "whoever it was"
        link_tab(room, "id-tab")
        assert only(fx.SendFrame, room.handle(change, 0.0)) == []
        link_tab(room, "id-tab-2")
        assert len(only(fx.SendFrame, room.handle(change, 0.0))) == 1

    def test_tabs_are_told_of_everything(self, room: RoomMachine) -> None:
        source = link_peer(room, client_id=PEER_CLIENT)
        link_tab(room, "id-tab")

        effects = room.handle(ev.DocumentChanged(ev.MAIN, b"u", source), 0.0)

        assert frames(effects, ev.TABS) == [SyncUpdate(b"u")]

    def test_a_stock_peer_has_no_say_in_it(self, room: RoomMachine) -> None:
        stock = link_peer(room)

        receive(room, stock, encode(LinkedPeers((ME,))))

        assert room.peers(0.0)[0].unknown_messages == 1
