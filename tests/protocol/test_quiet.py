"""A peer whose kernel does not answer: it stays, and what waits for it is told."""

from __future__ import annotations

import pytest

from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.connections.signs_of_life import PATIENCE_S
from pyodide_rtc.protocol.document.awareness_machine import OUTDATED_TIMEOUT_S, RENEW_INTERVAL_S
from pyodide_rtc.protocol.quiet_tabs import GRACE_S, LATE_S
from pyodide_rtc.protocol.room_machine import RoomMachine
from pyodide_rtc.snapshot import Peer
from pyodide_rtc.wire.awareness_update import AwarenessEntry
from pyodide_rtc.wire.messages import (
    DocumentPeer,
    QueryAwareness,
    StateCheck,
    SyncStep2,
    TabPeer,
    encode,
)
from pyodide_rtc.wire.state import encode_state_vector

from .machine_helpers import (
    MY_CLIENT,
    OTHER,
    OTHER_CLIENT,
    PEER,
    PEER_CLIENT,
    awareness_frame,
    frames,
    link_peer,
    make_room,
    only,
    receive,
)

BOARD = "board"
DIGEST = bytes(8)
ADA: dict[str, object] = {"user": {"name": "Ada"}}
HERE = AwarenessEntry(PEER_CLIENT, 5, ADA)
FORGOTTEN = AwarenessEntry(PEER_CLIENT, 5, None)
GOODBYE = AwarenessEntry(PEER_CLIENT, 6, None)
WRITTEN = StateCheck(encode_state_vector({MY_CLIENT: 1}), DIGEST)
BEFORE = StateCheck(b"\0", DIGEST)


@pytest.fixture
def room() -> RoomMachine:
    return make_room()


@pytest.fixture
def ada(room: RoomMachine) -> ev.LinkId:
    """A link to Ada, who has told all that she has."""
    link = link_peer(room, PEER, PEER_CLIENT)
    receive(room, link, awareness_frame(HERE))
    receive(room, link, encode(SyncStep2(b"\0\0")))
    room.handle(ev.AnswerApplied(ev.MAIN, link), 0.0)
    return link


def write(room: RoomMachine, document: str = ev.MAIN) -> list[fx.Effect]:
    return room.handle(ev.DocumentChanged(document, b"change", None), 1.0)


def compare(room: RoomMachine, link: ev.LinkId, theirs: StateCheck) -> list[fx.Effect]:
    """Ada has sent what she has, while we have what was written."""
    return room.handle(ev.Compared(ev.MAIN, link, WRITTEN, theirs), 3.0)


def quiet(
    room: RoomMachine, link: ev.LinkId, quiet_s: float, now_s: float = 10.0, *, asleep: bool = False
) -> list[fx.Effect]:
    return room.handle(ev.PeerQuiet(link, quiet_s, asleep), now_s)


def shown(room: RoomMachine, now_s: float = 10.0) -> Peer:
    [peer] = room.peers(now_s)
    return peer


class TestItIsShown:
    def test_since_when_and_whether_its_page_sleeps(
        self, room: RoomMachine, ada: ev.LinkId
    ) -> None:
        assert (shown(room).busy_s, shown(room).is_asleep) == (None, False)
        [busy] = quiet(room, ada, 5.0)
        assert busy == fx.PeersChanged(PEER, "changed", "its kernel is busy", PEER_CLIENT)
        assert (shown(room, 40.0).busy_s, shown(room).is_asleep) == (35.0, False)
        [asleep] = quiet(room, ada, 45.0, 50.0, asleep=True)
        assert asleep == fx.PeersChanged(PEER, "changed", "its page is asleep", PEER_CLIENT)
        assert (shown(room, 50.0).busy_s, shown(room).is_asleep) == (45.0, True)
        [back] = quiet(room, ada, 0.0)
        assert back == fx.PeersChanged(PEER, "changed", "it answers again", PEER_CLIENT)
        assert (shown(room).busy_s, shown(room).is_asleep) == (None, False)

    def test_who_answers_again_was_silent_before(self, room: RoomMachine, ada: ev.LinkId) -> None:
        assert quiet(room, ada, 0.0) == []
        assert quiet(room, 99, 7.0) == [], "a connection that is closed"


class TestItStays:
    def test_its_name_is_kept_as_long_as_its_link(self, room: RoomMachine, ada: ev.LinkId) -> None:
        """Reproduces: after 30.0 s the others lost its name and presence."""
        assert room.handle(ev.TimePassed(), OUTDATED_TIMEOUT_S + 1) == []
        assert shown(room).name == "Ada"
        room.handle(ev.ChannelClosed(ada, "local", "it has gone"), 40.0)
        assert room.main.presence.awareness.states == {}

    def test_who_does_not_answer_is_not_asked_after_we_slept(
        self, room: RoomMachine, ada: ev.LinkId
    ) -> None:
        """Reproduces: its kernel could not answer, and it was taken for gone."""
        bob = link_peer(room, OTHER, OTHER_CLIENT)
        quiet(room, ada, 5.0)
        woken = room.handle(ev.Woken(), 20.0)
        assert frames(woken, ada) == []
        assert frames(woken, bob) == [QueryAwareness()]
        room.handle(ev.TimePassed(), 20.0 + PATIENCE_S)
        assert [peer.peer_id for peer in room.peers(22.0)] == [PEER]

    def test_without_a_network_path_it_is_gone_as_fast_as_ever(
        self, room: RoomMachine, ada: ev.LinkId
    ) -> None:
        quiet(room, ada, 5.0)
        asked = room.handle(ev.TransportUnsure(ada, is_sure=False), 20.0)
        assert frames(asked, ada) == [QueryAwareness()]
        room.handle(ev.TimePassed(), 20.0 + PATIENCE_S)
        assert room.peers(22.0) == ()

    def test_others_who_have_not_heard_of_it_do_not_remove_it(
        self, room: RoomMachine, ada: ev.LinkId
    ) -> None:
        """A stock page drops who is silent for 30 s, and tells everybody."""
        stock = link_peer(room, OTHER)
        assert receive(room, stock, awareness_frame(FORGOTTEN)) == []
        assert room.main.presence.awareness.states == {PEER_CLIENT: ADA}
        gone = receive(room, stock, awareness_frame(GOODBYE))
        assert only(fx.AwarenessChanged, gone), "its own goodbye is passed on with a new clock"


class TestWhatWaits:
    def test_what_was_written_while_it_is_busy(self, room: RoomMachine, ada: ev.LinkId) -> None:
        """Reproduces: the room was synced all along, though nothing was taken."""
        quiet(room, ada, 5.0)
        assert (shown(room).is_synced, shown(room).edits_wait) == (True, False)
        changed = fx.SyncChanged(ev.MAIN, PEER, "changed")
        assert only(fx.SyncChanged, write(room)) == [changed]
        assert only(fx.SyncChanged, write(room)) == [], "once"
        assert (shown(room).is_synced, shown(room).edits_wait) == (False, True)
        quiet(room, ada, 0.0)
        assert shown(room).edits_wait, "it answers, and has not taken it yet"
        compare(room, ada, BEFORE)
        assert shown(room).edits_wait
        assert only(fx.SyncChanged, compare(room, ada, WRITTEN))
        assert (shown(room).is_synced, shown(room).edits_wait) == (True, False)

    def test_what_was_written_a_moment_before(self, room: RoomMachine, ada: ev.LinkId) -> None:
        write(room)
        assert shown(room).is_synced, "it takes it in this moment"
        assert fx.SyncChanged(ev.MAIN, PEER, "changed") in quiet(room, ada, 5.0)
        assert not shown(room).is_synced

    def test_what_it_has_taken_does_not_wait(self, room: RoomMachine, ada: ev.LinkId) -> None:
        write(room)
        compare(room, ada, WRITTEN)
        quiet(room, ada, 5.0)
        assert (shown(room).is_synced, shown(room).edits_wait) == (True, False)

    def test_deletions_wait_too(self, room: RoomMachine, ada: ev.LinkId) -> None:
        write(room)
        compare(room, ada, StateCheck(WRITTEN.state_vector, b"another!"))
        quiet(room, ada, 5.0)
        assert shown(room).edits_wait

    def test_its_own_changes_do_not_wait_for_it(self, room: RoomMachine, ada: ev.LinkId) -> None:
        room.handle(ev.DocumentChanged(ev.MAIN, b"change", ada), 1.0)
        quiet(room, ada, 5.0)
        assert not shown(room).edits_wait

    def test_in_each_document_by_itself(self, room: RoomMachine, ada: ev.LinkId) -> None:
        room.handle(ev.DocumentOpened(BOARD, 11), 0.0)
        receive(room, ada, encode(DocumentPeer(PEER, True, 12), BOARD))
        quiet(room, ada, 5.0)
        write(room, BOARD)
        [peer] = room.peers_in(BOARD, 40.0)
        assert (peer.busy_s, peer.edits_wait) == (35.0, True)
        assert not shown(room).edits_wait

    def test_a_document_that_it_has_not_open_waits_for_nobody(
        self, room: RoomMachine, ada: ev.LinkId
    ) -> None:
        room.handle(ev.DocumentOpened(BOARD, 11), 0.0)
        write(room, BOARD)
        assert only(fx.SyncChanged, quiet(room, ada, 5.0)) == []


class TestTabs:
    """No page speaks for them: they are late with renewing their presence."""

    LATE = RENEW_INTERVAL_S + LATE_S
    BUSY = LATE + GRACE_S

    @pytest.fixture
    def room(self) -> RoomMachine:
        """A room with Ada in another tab, who has told all that she has."""
        room = make_room()
        room.handle(ev.TabOpened(), 0.0)
        receive(room, ev.TABS, encode(TabPeer(PEER, True, PEER_CLIENT)))
        receive(room, ev.TABS, awareness_frame(HERE))
        receive(room, ev.TABS, encode(SyncStep2(b"\0\0")))
        room.handle(ev.AnswerApplied(ev.MAIN, ev.TABS), 0.0)
        return room

    def pass_time(self, room: RoomMachine, now_s: float) -> list[str]:
        """Let the time come, at each deadline; give what is told of peers."""
        told: list[fx.Effect] = []
        while (due_s := room.deadline_s) is not None and due_s <= now_s:
            told += room.handle(ev.TimePassed(), due_s)
        return [changed.reason for changed in only(fx.PeersChanged, told)]

    def test_who_is_late_is_busy_until_it_is_heard(self, room: RoomMachine) -> None:
        assert self.pass_time(room, self.BUSY - 0.1) == []
        assert self.pass_time(room, self.BUSY) == ["its kernel is busy"]
        busy = Peer(PEER, "Ada", "tab", True, True, busy_s=25.0, client_id=PEER_CLIENT)
        assert shown(room, 40.0) == busy
        assert self.pass_time(room, 60.0) == []
        back = receive(room, ev.TABS, awareness_frame(AwarenessEntry(PEER_CLIENT, 6, ADA)), 60.0)
        assert only(fx.PeersChanged, back) == [
            fx.PeersChanged(PEER, "changed", "it answers again", PEER_CLIENT)
        ]
        assert shown(room, 60.0).busy_s is None
        assert self.pass_time(room, 60.0 + self.BUSY) == ["its kernel is busy"]

    def test_who_was_asleep_itself_hears_first_what_has_come(self, room: RoomMachine) -> None:
        assert only(fx.PeersChanged, room.handle(ev.TimePassed(), 100.0)) == []
        receive(room, ev.TABS, awareness_frame(AwarenessEntry(PEER_CLIENT, 6, ADA)), 100.1)
        assert self.pass_time(room, 110.0) == []

    def test_what_was_written_since_waits_for_it(self, room: RoomMachine) -> None:
        write(room)
        self.pass_time(room, self.BUSY)
        assert (shown(room).is_synced, shown(room).edits_wait) == (False, True)
        receive(room, ev.TABS, awareness_frame(AwarenessEntry(PEER_CLIENT, 6, ADA)), 30.0)
        assert (shown(room).is_synced, shown(room).edits_wait) == (True, False)

    def test_what_came_from_tabs_does_not(self, room: RoomMachine) -> None:
        room.handle(ev.DocumentChanged(ev.MAIN, b"change", ev.TABS), 1.0)
        self.pass_time(room, self.BUSY)
        assert not shown(room).edits_wait

    def test_who_ends_while_it_is_late_has_left(self, room: RoomMachine) -> None:
        self.pass_time(room, self.BUSY)
        room.handle(ev.TabPeerGone(PEER), 30.0)
        assert self.pass_time(room, 60.0) == []
        assert room.peers(60.0) == ()

    def test_of_a_stock_tab_and_of_who_shows_nothing_nobody_knows(self) -> None:
        room = make_room()
        room.handle(ev.TabOpened(), 0.0)
        receive(room, ev.TABS, encode(TabPeer(PEER, True, PEER_CLIENT)))
        receive(room, ev.TABS, encode(TabPeer(OTHER, True)))
        assert self.pass_time(room, 100.0) == []

    def test_in_another_document(self, room: RoomMachine) -> None:
        room.handle(ev.DocumentOpened(BOARD, 11), 0.0)
        receive(room, ev.TABS, encode(DocumentPeer(PEER, True, 12), BOARD))
        write(room, BOARD)
        self.pass_time(room, self.BUSY)
        [peer] = room.peers_in(BOARD, 40.0)
        assert (peer.busy_s, peer.edits_wait) == (25.0, True)
        assert not shown(room).edits_wait
