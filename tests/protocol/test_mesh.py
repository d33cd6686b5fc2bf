from __future__ import annotations

from collections.abc import Iterable

import pytest

from pyodide_rtc.errors import IceFailedError, NegotiationError, PeerClosedError
from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.abilities import Abilities
from pyodide_rtc.protocol.connections.announces import MAX_ECHO_S, MIN_ANNOUNCE_INTERVAL_S
from pyodide_rtc.protocol.connections.capability import Capability, encode_capability
from pyodide_rtc.protocol.connections.mesh import (
    CROSSING_S,
    GUESS_DELAYS_S,
    LAST_WORDS_S,
    MAX_CALLERS,
    MAX_REFUSED,
    Mesh,
)
from pyodide_rtc.protocol.connections.negotiation import (
    ANSWER_TIMEOUT_S,
    CONNECT_TIMEOUT_S,
)
from pyodide_rtc.protocol.connections.negotiation_steps import (
    DOUBT_S,
    REPEAT_INTERVAL_S,
    RESTART_TIMEOUT_S,
)
from pyodide_rtc.protocol.connections.news import LinkReady, Outcome
from pyodide_rtc.protocol.link import PeerLink
from pyodide_rtc.wire.payload import Announce, Description, Leave, OtherSignal, SignalMessage

from .machine_helpers import (
    ANSWER,
    CANDIDATE,
    LIMIT,
    ME,
    MY_CLIENT,
    OF_A_BROWSER,
    OFFER,
    OTHER,
    PEER,
    PEER_CLIENT,
    URL,
    announce,
    extra,
    make_mesh,
    only,
    sdp,
    signal,
)

OTHER_URL = "wss://other.example.org/"


@pytest.fixture
def mesh() -> Mesh:
    return make_mesh()


def call(
    mesh: Mesh, peer: str = PEER, client_id: int | None = None, now_s: float = 0.0
) -> list[fx.Effect]:
    """Hear an announce, and so offer; the first time as connection 1."""
    return mesh.on_payload(URL, announce(peer, client_id), now_s)


def link_of(mesh: Mesh) -> PeerLink:
    """The link of the first connection."""
    peer = mesh.peer_of(1)
    assert peer is not None
    assert peer.link is not None
    return peer.link


def published(effects: Iterable[object]) -> list[SignalMessage]:
    payloads = [e.payload for e in only(fx.PublishPayload, effects)]
    return [p for p in payloads if isinstance(p, SignalMessage)]


class TestAbilities:
    @pytest.mark.parametrize(
        ("abilities", "said"),
        [
            (Abilities(rollback=True, ice_restart=True), {}),
            (Abilities(rollback=False, ice_restart=True), {"iceRestart": False}),
            (Abilities(rollback=True, ice_restart=False), {"iceRestart": False}),
        ],
        ids=["all", "no rollback", "no restart"],
    )
    def test_what_we_lack_is_said_in_announces_and_signals(
        self, abilities: Abilities, said: dict[str, object]
    ) -> None:
        mesh = make_mesh(abilities=abilities)
        own = {"pyodideRtc": {"version": 1, "client": MY_CLIENT, **said}}

        assert mesh.announce(0.0) == [fx.PublishPayload(Announce(ME, own), None)]
        call(mesh, client_id=PEER_CLIENT)
        [offer] = published(mesh.publish_signal(ev.DescriptionMade(1, "offer", "ours"), 0.0))
        assert offer.extra == own

    @pytest.mark.parametrize("can_restart", [True, False])
    def test_ice_is_restarted_with_who_has_not_said_that_it_cannot(
        self, mesh: Mesh, can_restart: bool
    ) -> None:
        theirs = encode_capability(Capability(PEER_CLIENT, can_restart))
        mesh.on_payload(URL, Announce(PEER, theirs), 0.0)
        mesh.on_payload(URL, SignalMessage(PEER, ME, 10.0, ANSWER, theirs), 0.0)
        mesh.on_channel_opened(ev.ChannelOpened(1, "agreed", LIMIT))

        lost = mesh.lose_path(1, "no path", 1.0)

        assert (only(fx.RestartIce, lost) == [fx.RestartIce(1)]) is can_restart
        assert (only(fx.CloseTransport, lost) == []) is can_restart


class TestAnnounces:
    def test_ours_names_us_and_our_kind(self, mesh: Mesh) -> None:
        [published] = mesh.announce(0.0, URL)
        assert published == fx.PublishPayload(Announce(ME, extra(MY_CLIENT)), URL)

    def test_the_newcomer_is_called(self, mesh: Mesh) -> None:
        assert call(mesh) == [fx.OpenTransport(1, is_initiator=True, is_own_kind=False)]
        assert PEER in mesh

    def test_each_peer_has_its_own_connection(self, mesh: Mesh) -> None:
        call(mesh)

        assert call(mesh, OTHER) == [fx.OpenTransport(2, is_initiator=True, is_own_kind=False)]
        assert [p.peer_id for p in mesh] == [PEER, OTHER]

    def test_our_own_echo_calls_nobody(self, mesh: Mesh) -> None:
        assert call(mesh, ME) == []
        assert list(mesh) == []

    def test_a_newcomer_is_not_called_twice_though_two_servers_bring_its_announce(
        self, mesh: Mesh
    ) -> None:
        call(mesh)
        mesh.publish_signal(ev.DescriptionMade(1, "offer", "our offer"), 0.0)

        assert mesh.on_payload("wss://second.example.org/", announce(), 1.0) == []
        assert mesh.deadline_s == ANSWER_TIMEOUT_S

    def test_a_peer_that_announces_itself_again_is_offered_again(self, mesh: Mesh) -> None:
        call(mesh)
        offer = mesh.publish_signal(ev.DescriptionMade(1, "offer", "our offer"), 0.0)

        assert mesh.on_payload(URL, announce(), 1.0) == offer

    def test_that_it_tells_its_loss_twice_counts_once(self, mesh: Mesh) -> None:
        call(mesh)
        mesh.publish_signal(ev.DescriptionMade(1, "offer", "our offer"), 0.0)
        mesh.on_payload(URL, announce(), 1.0)

        assert mesh.on_payload(URL, announce(), 1.0) == []
        assert mesh.deadline_s == 1.0 + REPEAT_INTERVAL_S
        mesh.on_payload(URL, signal(ANSWER), 1.05)
        assert mesh.on_time(1.0 + REPEAT_INTERVAL_S) == []

    def test_a_doubt_is_settled_in_time(self, mesh: Mesh) -> None:
        call(mesh)
        mesh.on_payload(URL, signal(ANSWER), 0.0)
        assert mesh.on_payload(URL, announce(), 1.0) == []

        assert mesh.on_time(1.0 + DOUBT_S) == [
            fx.CloseTransport(1),
            fx.OpenTransport(2, is_initiator=True, is_own_kind=False),
        ]

    def test_a_linked_peer_that_announces_itself_has_lost_somebody_else(self, mesh: Mesh) -> None:
        call(mesh)
        mesh.on_channel_opened(ev.ChannelOpened(1, "remote", LIMIT))

        assert call(mesh) == []
        assert mesh.deadline_s is None

    def test_a_full_mesh_calls_nobody_but_takes_offers(self) -> None:
        mesh = make_mesh(max_peers=1)
        call(mesh)

        assert call(mesh, OTHER) == []
        assert mesh.on_payload(URL, signal(OFFER, OTHER), 0.0) == [
            fx.OpenTransport(2, is_initiator=False, is_own_kind=False),
            fx.AcceptDescription(2, "offer", OFFER.sdp),
        ]

    def test_made_up_peers_do_not_make_us_call_or_answer_without_end(self) -> None:
        mesh = make_mesh(max_peers=3)
        for i in range(10_000):
            call(mesh, f"announced {i}")
        assert len(list(mesh)) == 3
        opened = 0
        for i in range(10_000):
            effects = mesh.on_payload(URL, signal(OFFER, f"offering {i}"), 0.0)
            opened += len(only(fx.OpenTransport, effects))

        assert opened == MAX_CALLERS
        assert len(list(mesh)) == 3 + MAX_CALLERS
        for _ in range(20):
            deadline_s = mesh.deadline_s
            if deadline_s is None:
                break
            mesh.on_time(deadline_s)
            assert len(list(mesh)) <= 3 + MAX_CALLERS

    def test_of_refused_peers_the_oldest_are_forgotten(self, mesh: Mesh) -> None:
        for i in range(MAX_REFUSED + 1):
            mesh.refuse(f"peer {i}", "garbage")

        assert call(mesh, f"peer {MAX_REFUSED}") == []
        assert call(mesh, "peer 1") == []
        assert call(mesh, "peer 0") != []

    def test_they_are_repeated_but_not_more_often_than_each_second(self, mesh: Mesh) -> None:
        assert len(mesh.announce_again(0.0)) == 1, "the first is free"
        assert mesh.announce_again(0.5) == []
        assert mesh.deadline_s == MIN_ANNOUNCE_INTERVAL_S
        assert mesh.on_time(0.9) == []
        [due] = mesh.on_time(1.0)
        assert due == fx.PublishPayload(Announce(ME, extra(MY_CLIENT)))
        assert mesh.deadline_s is None
        assert mesh.on_time(5.0) == []
        assert len(mesh.announce_again(5.0)) == 1


class TestSignals:
    def test_an_offer_to_us_is_taken(self, mesh: Mesh) -> None:
        mesh.on_payload(URL, signal(OFFER, client_id=PEER_CLIENT), 0.0)

        [peer] = mesh
        assert (peer.peer_id, peer.client_id) == (PEER, PEER_CLIENT)

    def test_a_candidate_may_come_first(self, mesh: Mesh) -> None:
        assert mesh.on_payload(URL, signal(CANDIDATE), 0.0) == []
        assert mesh.on_payload(URL, signal(OFFER), 0.0) == [
            fx.OpenTransport(1, is_initiator=False, is_own_kind=False),
            fx.AcceptDescription(1, "offer", OFFER.sdp),
            fx.AddCandidate(1, CANDIDATE.candidate, 0, "0"),
        ]

    @pytest.mark.parametrize("what", [ANSWER, OtherSignal("renegotiate")], ids=["answer", "other"])
    def test_from_nobody_an_answer_begins_nothing(self, mesh: Mesh, what: object) -> None:
        assert mesh.on_payload(URL, signal(what), 0.0) == []  # type: ignore[arg-type]
        assert PEER not in mesh

    def test_those_to_others_are_not_ours(self, mesh: Mesh) -> None:
        assert mesh.on_payload(URL, signal(OFFER, to=OTHER), 0.0) == []
        assert PEER not in mesh

    def test_what_the_browser_makes_goes_to_the_peer_with_one_token(self, mesh: Mesh) -> None:
        call(mesh)
        made = mesh.publish_signal(ev.DescriptionMade(1, "offer", "our offer"), 0.0)
        found = mesh.publish_signal(ev.CandidateFound(1, "ours", 0, "0"), 0.0)

        [offer, candidate] = published(made + found)
        assert (offer.to, offer.sender, offer.extra) == (PEER, ME, extra(MY_CLIENT))
        assert offer.token == candidate.token == 50.0
        assert [e.url for e in only(fx.PublishPayload, made + found)] == [URL, URL]

    def test_answers_go_by_the_server_that_was_heard_last(self, mesh: Mesh) -> None:
        call(mesh)
        mesh.on_payload("wss://second.example.org/", signal(ANSWER), 0.0)

        [effect] = only(
            fx.PublishPayload, mesh.publish_signal(ev.CandidateFound(1, "ours", 0, "0"), 0.0)
        )
        assert effect.url == "wss://second.example.org/"

    def test_an_offer_that_was_taken_back_meanwhile_is_not_sent(self, mesh: Mesh) -> None:
        call(mesh)
        mesh.on_payload(URL, signal(OFFER, token=99.0), 0.0)

        assert mesh.publish_signal(ev.DescriptionMade(1, "offer", "our offer"), 0.0) == []
        [answer] = published(
            mesh.publish_signal(ev.DescriptionMade(1, "answer", "our answer"), 0.0)
        )
        assert answer.to == PEER

    def test_what_a_closed_connection_made_is_not_sent(self, mesh: Mesh) -> None:
        call(mesh)
        mesh.close(PEER, "test")

        assert mesh.publish_signal(ev.CandidateFound(1, "ours", 0, "0"), 0.0) == []


class TestGlare:
    @pytest.mark.parametrize("client_id", [None, PEER_CLIENT])
    def test_the_loser_rolls_back_under_the_same_number(
        self, mesh: Mesh, client_id: int | None
    ) -> None:
        call(mesh, client_id=client_id)
        mesh.publish_signal(ev.DescriptionMade(1, "offer", "our offer"), 0.0)
        theirs = signal(OFFER, token=99.0, client_id=client_id)

        assert mesh.on_payload(URL, theirs, 7.0) == [fx.AcceptDescription(1, "offer", OFFER.sdp)]
        assert mesh.deadline_s == CONNECT_TIMEOUT_S


class TestLinks:
    def linked(self, mesh: Mesh, client_id: int | None = None) -> list[Outcome]:
        call(mesh, client_id=client_id)
        return mesh.on_channel_opened(ev.ChannelOpened(1, "local", LIMIT))

    def test_an_open_channel_joins_and_greets(self, mesh: Mesh) -> None:
        assert self.linked(mesh, PEER_CLIENT) == [
            fx.PeersChanged(PEER, "joined", client_id=PEER_CLIENT),
            LinkReady(link_of(mesh)),
        ]
        assert mesh.deadline_s is None

    def test_the_peers_own_channel_is_better_and_greeted_again(self, mesh: Mesh) -> None:
        self.linked(mesh)

        assert mesh.on_channel_opened(ev.ChannelOpened(1, "remote", LIMIT)) == [
            LinkReady(link_of(mesh))
        ]
        assert link_of(mesh).side == "remote"

    def test_ours_is_no_better_and_not_greeted(self, mesh: Mesh) -> None:
        call(mesh)
        mesh.on_channel_opened(ev.ChannelOpened(1, "remote", LIMIT))

        assert mesh.on_channel_opened(ev.ChannelOpened(1, "local", LIMIT)) == []

    def test_the_channel_of_a_closed_connection_is_nothing(self, mesh: Mesh) -> None:
        assert mesh.on_channel_opened(ev.ChannelOpened(9, "local", LIMIT)) == []

    def test_a_peer_that_begins_anew_has_left_first(self, mesh: Mesh) -> None:
        self.linked(mesh, PEER_CLIENT)
        mesh.on_payload(URL, signal(ANSWER, client_id=PEER_CLIENT), 0.0)

        effects = mesh.on_payload(URL, signal(OFFER), 5.0)

        assert only(fx.CloseTransport, effects) == [fx.CloseTransport(1)]
        assert only(fx.PeersChanged, effects) == [
            fx.PeersChanged(PEER, "left", "the peer began anew", PEER_CLIENT)
        ]
        [peer] = mesh
        assert peer.client_id is None, "it may be another kind now"
        assert not peer.is_joined

    def test_the_way_to_a_peer_is_told_when_it_changes(self, mesh: Mesh) -> None:
        self.linked(mesh, PEER_CLIENT)
        changed = [fx.PeersChanged(PEER, "changed", client_id=PEER_CLIENT)]

        assert mesh.on_path(ev.PathFound(1, is_relayed=True)) == changed
        assert mesh.on_path(ev.PathFound(1, is_relayed=True)) == []
        assert mesh.on_path(ev.PathFound(99, is_relayed=True)) == []
        [peer] = mesh
        assert peer.is_relayed is True

    def test_how_long_the_network_takes_is_kept_and_told_to_nobody(self, mesh: Mesh) -> None:
        self.linked(mesh, PEER_CLIENT)
        for conn, round_trip_s in ((1, 0.5), (1, 0.02), (99, 3.0)):
            mesh.on_path_measured(ev.PathMeasured(conn, round_trip_s))

        [peer] = mesh
        assert peer.round_trip_s == 0.02

    def test_dropping_closes_and_tells(self, mesh: Mesh) -> None:
        self.linked(mesh, PEER_CLIENT)

        assert mesh.close(PEER, "test", is_gentle=True) == [
            fx.CloseTransport(1, is_gentle=True),
            fx.PeersChanged(PEER, "left", "test", PEER_CLIENT),
        ]
        assert PEER not in mesh
        again = [fx.OpenTransport(2, is_initiator=True, is_own_kind=False)]
        assert call(mesh) == again, "it may come again"

    def test_who_was_never_linked_does_not_leave(self, mesh: Mesh) -> None:
        call(mesh)

        assert mesh.close(PEER, "test") == [fx.CloseTransport(1)]

    def test_a_refused_peer_does_not_come_again(self, mesh: Mesh) -> None:
        self.linked(mesh)
        mesh.refuse(PEER, "garbage")

        assert call(mesh) == []
        assert mesh.on_payload(URL, signal(OFFER), 0.0) == []
        assert PEER not in mesh


class TestTime:
    def test_who_answers_nothing_has_gone_and_is_no_fault(self, mesh: Mesh) -> None:
        call(mesh)
        assert mesh.deadline_s == ANSWER_TIMEOUT_S
        assert mesh.on_time(ANSWER_TIMEOUT_S - 0.1) == []

        effects = mesh.on_time(ANSWER_TIMEOUT_S)

        assert effects == [
            fx.CloseTransport(1),
            fx.PublishPayload(Announce(ME, extra(MY_CLIENT))),
        ]
        assert list(mesh) == []

    def test_who_speaks_but_does_not_answer_is_given_up_told_and_announced(
        self, mesh: Mesh
    ) -> None:
        call(mesh)
        mesh.on_payload(URL, signal(CANDIDATE), 0.0)
        mesh.on_payload(URL, signal(OFFER, OTHER), 5.0)

        effects = mesh.on_time(ANSWER_TIMEOUT_S)

        assert only(fx.CloseTransport, effects) == [fx.CloseTransport(1)]
        [report] = only(fx.Report, effects)
        assert isinstance(report.error, NegotiationError)
        assert "waiting for the answer" in str(report.error)
        assert len(only(fx.PublishPayload, effects)) == 1
        assert [p.peer_id for p in mesh] == [OTHER]

    def test_candidates_of_a_peer_that_has_gone_make_no_peer(self, mesh: Mesh) -> None:
        mesh.on_payload(URL, signal(CANDIDATE), 0.0)

        assert PEER not in mesh
        assert mesh.deadline_s is None


class TestLostPaths:
    """One restart, one new connection, then a told reason."""

    def linked(self, mesh: Mesh, client_id: int | None = PEER_CLIENT) -> None:
        call(mesh, client_id=client_id)
        mesh.publish_signal(ev.DescriptionMade(1, "offer", "our offer"), 0.0)
        answer = signal(sdp("answer", 7), client_id=client_id)
        mesh.on_payload(URL, answer, 0.0)
        mesh.on_channel_opened(ev.ChannelOpened(1, "agreed" if client_id else "remote", LIMIT))

    def test_a_peer_of_our_own_kind_is_looked_for_under_the_same_connection(
        self, mesh: Mesh
    ) -> None:
        self.linked(mesh)

        assert mesh.lose_path(1, "no network path", 50.0) == [
            fx.PeersChanged(PEER, "left", "no network path", PEER_CLIENT),
            fx.RestartIce(1),
        ]
        [offer] = published(mesh.publish_signal(ev.DescriptionMade(1, "offer", "anew"), 50.0))
        assert offer.signal == Description("offer", "anew")
        mesh.on_payload(URL, signal(sdp("answer", 7), client_id=PEER_CLIENT), 51.0)
        assert mesh.on_path_restored(1) == [
            fx.PeersChanged(PEER, "joined", client_id=PEER_CLIENT),
            LinkReady(link_of(mesh), is_back=True),
        ]
        assert mesh.deadline_s is None
        assert mesh.on_path_restored(1) == [], "that is no news"

    def test_the_other_side_answers_a_restart_in_the_same_connection(self, mesh: Mesh) -> None:
        self.linked(mesh)
        restart = sdp("offer", 7)

        effects = mesh.on_payload(URL, signal(restart, client_id=PEER_CLIENT), 50.0)

        assert effects == [
            fx.AcceptDescription(1, "offer", restart.sdp),
            LinkReady(link_of(mesh)),  # the peer may have edited meanwhile
        ]
        assert mesh.deadline_s is None, "it has a path as far as it knows"

    def test_of_two_restarts_the_larger_token_wins(self, mesh: Mesh) -> None:
        self.linked(mesh)
        mesh.lose_path(1, "no network path", 50.0)
        mesh.publish_signal(ev.DescriptionMade(1, "offer", "anew"), 50.0)

        lower, higher = sdp("offer", 7, 2), sdp("offer", 7, 3)
        assert mesh.on_payload(URL, signal(lower, token=1.0, client_id=PEER_CLIENT), 50.0) == []
        assert mesh.on_payload(URL, signal(higher, token=99.0, client_id=PEER_CLIENT), 50.0) == [
            fx.AcceptDescription(1, "offer", higher.sdp)
        ]

    def test_a_restart_without_answer_means_that_the_peer_has_gone(self, mesh: Mesh) -> None:
        self.linked(mesh)
        mesh.lose_path(1, "no network path", 50.0)

        assert mesh.deadline_s == 50.0 + RESTART_TIMEOUT_S
        effects = mesh.on_time(50.0 + RESTART_TIMEOUT_S)

        assert only(fx.CloseTransport, effects) == [fx.CloseTransport(1)]
        assert only(fx.Report, effects) == []
        assert PEER not in mesh

    def restarted_in_vain(self, mesh: Mesh) -> list[fx.Effect]:
        self.linked(mesh)
        mesh.lose_path(1, "no network path", 50.0)
        mesh.on_payload(URL, signal(sdp("answer", 7), client_id=PEER_CLIENT), 51.0)
        return mesh.on_time(50.0 + RESTART_TIMEOUT_S)

    def test_after_it_comes_a_new_connection(self, mesh: Mesh) -> None:
        assert self.restarted_in_vain(mesh) == [
            fx.PeersChanged(PEER, "changed", "no network path in time", PEER_CLIENT),
            fx.CloseTransport(1),
            fx.OpenTransport(2, is_initiator=True, is_own_kind=True),
        ]

    def test_after_that_it_is_told_with_what_to_do(self, mesh: Mesh) -> None:
        self.restarted_in_vain(mesh)
        mesh.on_payload(URL, signal(sdp("answer", 8), client_id=PEER_CLIENT), 56.0)

        effects = mesh.lose_path(2, "no network path", 70.0)

        [report] = only(fx.Report, effects)
        assert isinstance(report.error, IceFailedError)
        assert "STUN" in str(report.error)
        assert PEER not in mesh
        assert len(only(fx.PublishPayload, mesh.on_time(71.0))) == 1

    def test_where_nobody_is_ever_reached_the_attempts_slow_down(self, mesh: Mesh) -> None:
        now_s, pauses_s = 0.0, []
        for first_conn in range(1, 15, 2):
            call(mesh, client_id=PEER_CLIENT, now_s=now_s)
            mesh.lose_path(first_conn, "no network path", now_s)
            mesh.lose_path(first_conn + 1, "no network path", now_s)
            due_s = mesh.deadline_s
            assert due_s is not None
            assert only(fx.PublishPayload, mesh.on_time(due_s)) != []
            pauses_s.append(due_s - now_s)
            now_s = due_s

        assert pauses_s == [1, 2, 4, 8, 16, 30, 30]
        call(mesh, client_id=PEER_CLIENT, now_s=now_s)
        mesh.on_channel_opened(ev.ChannelOpened(15, "agreed", LIMIT))
        mesh.close(PEER, "gone")
        call(mesh, client_id=PEER_CLIENT, now_s=now_s)
        mesh.lose_path(16, "no network path", now_s)
        mesh.lose_path(17, "no network path", now_s)
        assert mesh.deadline_s == now_s + 1

    def test_an_open_channel_makes_all_tries_new(self, mesh: Mesh) -> None:
        self.restarted_in_vain(mesh)
        mesh.on_payload(URL, signal(sdp("answer", 8), client_id=PEER_CLIENT), 56.0)
        mesh.on_channel_opened(ev.ChannelOpened(2, "agreed", LIMIT))

        assert fx.RestartIce(2) in mesh.lose_path(2, "no network path", 70.0)

    def test_who_announces_itself_after_its_offer_may_have_given_it_up(self, mesh: Mesh) -> None:
        mesh.on_payload(URL, signal(OFFER, client_id=PEER_CLIENT), 0.0)

        assert call(mesh, client_id=PEER_CLIENT) == []
        assert mesh.on_time(DOUBT_S) == [
            fx.CloseTransport(1),
            fx.OpenTransport(2, is_initiator=True, is_own_kind=True),
        ]

    def test_one_that_never_had_a_path_is_tried_again_too(self, mesh: Mesh) -> None:
        call(mesh, client_id=PEER_CLIENT)
        mesh.on_payload(URL, signal(ANSWER, client_id=PEER_CLIENT), 0.0)

        # Not by an ICE restart: the peer may have given its end up, and both would go on to ask for
        # ends that are no more (seed 144 of the hard simulation).
        assert mesh.on_time(CONNECT_TIMEOUT_S) == [
            fx.PeersChanged(PEER, "changed", "no network path in time", PEER_CLIENT),
            fx.CloseTransport(1),
            fx.OpenTransport(2, is_initiator=True, is_own_kind=True),
        ]
        assert [p.negotiation.retries for p in mesh] == [1]

    @pytest.mark.parametrize(("when_s", "retries"), [(RESTART_TIMEOUT_S - 1, 0), (17.0, 1)])
    def test_the_peer_may_be_the_first_to_try_again(
        self, mesh: Mesh, when_s: float, retries: int
    ) -> None:
        mesh.on_payload(URL, signal(sdp("offer", 7), client_id=PEER_CLIENT), 0.0)

        effects = mesh.on_payload(URL, signal(sdp("offer", 8), client_id=PEER_CLIENT), when_s)

        assert [e.change for e in only(fx.PeersChanged, effects)] == ["changed"] * retries
        assert [p.negotiation.retries for p in mesh] == [retries]

    def test_a_stock_peer_gets_a_new_connection_at_once(self, mesh: Mesh) -> None:
        self.linked(mesh, client_id=None)

        assert mesh.lose_path(1, "no network path", 50.0) == [
            fx.PeersChanged(PEER, "left", "no network path"),
            fx.CloseTransport(1),
            fx.OpenTransport(2, is_initiator=True, is_own_kind=False),
        ]

    def test_a_restart_meets_a_peer_that_has_begun_anew(self, mesh: Mesh) -> None:
        self.linked(mesh)
        mesh.lose_path(1, "no network path", 50.0)
        mesh.publish_signal(ev.DescriptionMade(1, "offer", "anew"), 50.0)
        fresh = sdp("offer", 8)

        effects = mesh.on_payload(URL, signal(fresh, token=1.0, client_id=PEER_CLIENT), 51.0)

        assert effects == [
            fx.CloseTransport(1),
            fx.OpenTransport(2, is_initiator=False, is_own_kind=True),
            fx.AcceptDescription(2, "offer", fresh.sdp),
        ]
        assert only(fx.Report, mesh.lose_path(2, "no network path", 60.0)), "it was the last try"

    def test_the_answer_of_another_end_does_not_belong_to_a_restart(self, mesh: Mesh) -> None:
        self.linked(mesh)
        mesh.lose_path(1, "no network path", 50.0)

        assert mesh.on_payload(URL, signal(sdp("answer", 8), client_id=PEER_CLIENT), 51.0) == []

    def test_an_announce_in_the_midst_of_a_restart_begins_anew(self, mesh: Mesh) -> None:
        self.linked(mesh)
        mesh.lose_path(1, "no network path", 50.0)

        assert mesh.on_payload(URL, announce(client_id=PEER_CLIENT), 51.0) == [
            fx.CloseTransport(1),
            fx.OpenTransport(2, is_initiator=True, is_own_kind=True),
        ]

    def test_a_restart_of_what_we_have_closed_is_answered_by_a_call(self, mesh: Mesh) -> None:
        self.linked(mesh)
        mesh.close(PEER, "test")
        restart = signal(sdp("offer", 7), client_id=PEER_CLIENT)

        assert mesh.on_payload(URL, restart, 50.0) == [
            fx.OpenTransport(2, is_initiator=True, is_own_kind=True)
        ]
        assert mesh.on_payload(URL, restart, 50.0) == [], "called it is"

    def test_a_peer_answers_with_the_end_whose_offer_we_have_lost(self, mesh: Mesh) -> None:
        # A page that was put away had answered, perhaps in vain; back again it calls, and the peer
        # gives way: it rolls its offer back in the same connection, and answers with that.
        offer = signal(sdp("offer", 7), client_id=PEER_CLIENT)
        mesh.on_payload(URL, offer, 0.0)
        mesh.publish_signal(ev.DescriptionMade(1, "answer", "lost"), 0.0)
        mesh.lose(1, "the connection is closed", NegotiationError, 3.0)
        assert only(fx.OpenTransport, mesh.on_payload(URL, offer, 3.1)), "we call"
        mesh.publish_signal(ev.DescriptionMade(2, "offer", "ours"), 3.1)

        answer = sdp("answer", 7)
        assert mesh.on_payload(URL, signal(answer, client_id=PEER_CLIENT), 3.2) == [
            fx.AcceptDescription(2, "answer", answer.sdp)
        ]
        mesh.on_channel_opened(ev.ChannelOpened(2, "agreed", LIMIT))
        restart = sdp("offer", 7, 3)
        assert fx.AcceptDescription(2, "offer", restart.sdp) in mesh.on_payload(
            URL, signal(restart, client_id=PEER_CLIENT), 50.0
        ), "and that end is the one that we talk to"

    def test_an_offer_that_we_could_not_answer_is_as_good_as_new(self, mesh: Mesh) -> None:
        # Else both would offer, and wait for 10 s if the peer's token is the larger one.
        offer = signal(sdp("offer", 7), client_id=PEER_CLIENT)
        mesh.on_payload(URL, offer, 0.0)
        mesh.lose(1, "the connection is closed", NegotiationError, 3.0)

        assert mesh.on_payload(URL, offer, 3.1) == [
            fx.OpenTransport(2, is_initiator=False, is_own_kind=True),
            fx.AcceptDescription(2, "offer", sdp("offer", 7).sdp),
        ]

    def test_an_answer_that_is_doubled_is_late(self, mesh: Mesh) -> None:
        self.linked(mesh)
        mesh.close(PEER, "test")
        call(mesh, client_id=PEER_CLIENT)
        mesh.publish_signal(ev.DescriptionMade(2, "offer", "anew"), 5.0)

        doubled = signal(sdp("answer", 7), client_id=PEER_CLIENT)
        assert mesh.on_payload(URL, doubled, 5.0) == []

    def test_a_stock_peer_may_answer_with_the_end_that_it_has(self, mesh: Mesh) -> None:
        self.linked(mesh, client_id=None)
        mesh.lose_path(1, "no network path", 50.0)
        mesh.publish_signal(ev.DescriptionMade(2, "offer", "anew"), 50.0)

        again = sdp("answer", 7, 2)
        assert mesh.on_payload(URL, signal(again), 51.0) == [
            fx.AcceptDescription(2, "answer", again.sdp)
        ]

    def test_a_path_of_nobody_is_nothing(self, mesh: Mesh) -> None:
        assert mesh.lose_path(9, "no network path", 0.0) == []
        assert mesh.on_path_restored(9) == []
        call(mesh)
        assert mesh.on_path_restored(1) == [], "without a channel it is only half the way"


class TestCrossing:
    """A peer and we announce at the same time: one of us offers, by the order at the server."""

    def test_who_has_heard_us_is_left_the_first_word(self, mesh: Mesh) -> None:
        mesh.on_server_opened(URL, 0.0)

        assert call(mesh) == []
        assert PEER in mesh
        assert mesh.on_payload(URL, signal(OFFER), 0.2) == [
            fx.OpenTransport(1, is_initiator=False, is_own_kind=False),
            fx.AcceptDescription(1, "offer", OFFER.sdp),
        ]
        assert mesh.on_time(CROSSING_S) == []

    def test_but_not_for_long(self, mesh: Mesh) -> None:
        mesh.on_server_opened(URL, 0.0)
        call(mesh)

        assert mesh.deadline_s == CROSSING_S
        assert mesh.on_time(CROSSING_S) == [
            fx.OpenTransport(1, is_initiator=True, is_own_kind=False)
        ]

    def test_who_comes_after_our_echo_is_called_at_once(self, mesh: Mesh) -> None:
        mesh.on_server_opened(URL, 0.0)
        mesh.on_payload(URL, announce(ME, MY_CLIENT), 0.1)

        assert call(mesh) == [fx.OpenTransport(1, is_initiator=True, is_own_kind=False)]

    def test_a_server_without_echo_makes_no_difference_later(self, mesh: Mesh) -> None:
        mesh.on_server_opened(URL, 0.0)

        assert len(mesh.on_payload(URL, announce(), MAX_ECHO_S)) == 1

    def test_of_two_of_our_kind_only_one_offers(self) -> None:
        # Both are subscribed, and the server passes on the first one's announce, then the other's.
        first, second = make_mesh(), Mesh(PEER, PEER_CLIENT, 20, lambda: 50.0, OF_A_BROWSER)
        for mesh in (first, second):
            mesh.on_server_opened(URL, 0.0)
        for payload in (announce(ME, MY_CLIENT), announce(PEER, PEER_CLIENT)):
            said_by_first = first.on_payload(URL, payload, 0.1)
            assert second.on_payload(URL, payload, 0.1) == []

        assert said_by_first == [fx.OpenTransport(1, is_initiator=True, is_own_kind=True)]
        assert second.on_time(0.1 + CROSSING_S) == [
            fx.OpenTransport(1, is_initiator=True, is_own_kind=True)
        ], "should that offer not come"

    def test_who_is_linked_otherwise_meanwhile_is_not_called(self, mesh: Mesh) -> None:
        mesh.on_server_opened(URL, 0.0)
        call(mesh)

        assert mesh.close(PEER, "linked by the tab channel") == []
        assert mesh.on_time(CROSSING_S) == []

    def test_a_full_mesh_calls_nobody_later_either(self) -> None:
        mesh = make_mesh(max_peers=1)
        mesh.on_server_opened(URL, 0.0)
        call(mesh)
        mesh.on_payload(URL, signal(OFFER, OTHER), 0.0)

        assert mesh.on_time(CROSSING_S) == []


class TestGuesses:
    """A stock peer that is lost may be there still, and pass over our announces."""

    def lose(self, mesh: Mesh, client_id: int | None = None) -> list[fx.Effect]:
        call(mesh, client_id=client_id)
        mesh.on_channel_opened(ev.ChannelOpened(1, "remote", LIMIT))
        return mesh.lose(1, "it closed", PeerClosedError, 50.0)

    def test_it_is_called_after_a_moment(self, mesh: Mesh) -> None:
        assert only(fx.OpenTransport, self.lose(mesh)) == []
        assert mesh.deadline_s == 50.0 + GUESS_DELAYS_S[0]

        effects = mesh.on_time(50.0 + GUESS_DELAYS_S[0])

        assert effects == [fx.OpenTransport(2, is_initiator=True, is_own_kind=False)]
        [peer] = mesh
        assert peer.guess == 1
        mesh.on_payload(URL, signal(ANSWER), 52.0)
        assert peer.guess == 0, "it is there"

    def test_after_some_calls_in_vain_it_has_gone(self, mesh: Mesh) -> None:
        self.lose(mesh)
        calls, announces = 0, 0
        while mesh.deadline_s is not None:
            effects = mesh.on_time(mesh.deadline_s)
            calls += len(only(fx.OpenTransport, effects))
            announces += len(only(fx.PublishPayload, effects))
            assert only(fx.Report, effects) == []

        assert calls == len(GUESS_DELAYS_S)
        assert announces == 0
        assert list(mesh) == []

    def test_our_own_kind_calls_us(self, mesh: Mesh) -> None:
        self.lose(mesh, PEER_CLIENT)

        assert mesh.deadline_s is None

    def test_one_that_offers_first_is_not_called(self, mesh: Mesh) -> None:
        self.lose(mesh)
        mesh.on_payload(URL, signal(OFFER), 50.5)

        assert mesh.on_time(50.0 + GUESS_DELAYS_S[0]) == []

    def test_one_that_broke_the_protocol_is_not_called(self, mesh: Mesh) -> None:
        call(mesh)
        mesh.refuse(PEER, "garbage")

        assert mesh.deadline_s is None


class TestOutages:
    def test_what_went_by_a_server_that_was_away_goes_again(self, mesh: Mesh) -> None:
        call(mesh)
        offer = mesh.publish_signal(ev.DescriptionMade(1, "offer", "our offer"), 0.0)

        assert mesh.on_server_opened(URL, 3.0)[1:] == offer
        assert len(mesh.on_server_opened("wss://second.example.org/", 4.0)) == 1

    def test_who_is_linked_needs_nothing(self, mesh: Mesh) -> None:
        call(mesh)
        mesh.on_channel_opened(ev.ChannelOpened(1, "remote", LIMIT))

        assert len(mesh.on_server_opened(URL, 3.0)) == 1


class TestLeaving:
    """Who leaves before it was reached is forgotten at once."""

    def hear(self, mesh: Mesh, now_s: float = 1.0, *, may_return: bool = False) -> list[Outcome]:
        theirs = encode_capability(Capability(PEER_CLIENT), may_return=may_return)
        return mesh.on_payload(URL, Leave(PEER, theirs), now_s)

    def test_who_leaves_says_so_and_who_is_put_away_that_it_may_return(self, mesh: Mesh) -> None:
        own = {"version": 1, "client": MY_CLIENT}
        assert mesh.put_away("away", 0.0) == [
            fx.PublishPayload(Leave(ME, {"pyodideRtc": {**own, "mayReturn": True}}))
        ]
        assert mesh.leave("we left") == [fx.PublishPayload(Leave(ME, {"pyodideRtc": own}))]
        assert mesh.on_payload(URL, Leave(ME), 0.0) == []

    def test_a_peer_that_was_not_reached_is_shown_no_more_and_dropped(self, mesh: Mesh) -> None:
        call(mesh, client_id=PEER_CLIENT)
        [told] = only(fx.PeersChanged, self.hear(mesh))
        assert (told.peer_id, told.change, told.reason) == (PEER, "changed", "it left")
        assert [peer.is_shown for peer in mesh] == [False]
        assert mesh.deadline_s == 1.0 + LAST_WORDS_S
        assert mesh.on_time(1.0 + LAST_WORDS_S) == [fx.CloseTransport(1, is_gentle=False)]
        assert PEER not in mesh

    def test_what_a_slower_server_brings_of_it_is_ignored(self, mesh: Mesh) -> None:
        assert self.hear(mesh) == []
        assert call(mesh, client_id=PEER_CLIENT) == []
        assert mesh.on_payload(OTHER_URL, signal(OFFER, client_id=PEER_CLIENT), 2.0) == []
        assert PEER not in mesh

    def test_its_data_channel_may_still_open(self, mesh: Mesh) -> None:
        call(mesh, client_id=PEER_CLIENT)
        self.hear(mesh)
        mesh.on_payload(URL, signal(ANSWER, client_id=PEER_CLIENT), 1.5)
        assert [peer.is_shown for peer in mesh] == [False], "a signal is no sign that it is back"
        opened = mesh.on_channel_opened(ev.ChannelOpened(1, "agreed", LIMIT))
        assert only(LinkReady, opened)
        assert [peer.is_shown for peer in mesh] == [True]
        assert only(fx.CloseTransport, mesh.on_time(1.0 + LAST_WORDS_S)) == []

    def test_one_that_is_linked_tells_it_by_itself(self, mesh: Mesh) -> None:
        call(mesh, client_id=PEER_CLIENT)
        mesh.on_payload(URL, signal(ANSWER, client_id=PEER_CLIENT), 0.0)
        mesh.on_channel_opened(ev.ChannelOpened(1, "agreed", LIMIT))
        assert self.hear(mesh) == []
        assert mesh.on_time(1.0 + LAST_WORDS_S) == []
        assert PEER in mesh

    @pytest.mark.parametrize("is_ice", [True, False])
    def test_that_its_connection_ends_is_no_fault(self, mesh: Mesh, is_ice: bool) -> None:
        call(mesh, client_id=PEER_CLIENT)
        self.hear(mesh)
        ended = (
            mesh.lose_path(1, "no path", 1.5)
            if is_ice
            else mesh.lose(1, "closed", PeerClosedError, 1.5)
        )
        assert ended == [fx.CloseTransport(1, is_gentle=False)]

    def test_that_it_does_not_answer_is_no_fault(self, mesh: Mesh) -> None:
        call(mesh, client_id=PEER_CLIENT)
        self.hear(mesh, ANSWER_TIMEOUT_S - 1)
        assert mesh.on_time(ANSWER_TIMEOUT_S) == []
        assert mesh.deadline_s == ANSWER_TIMEOUT_S - 1 + LAST_WORDS_S

    def test_a_page_that_was_put_away_is_called_when_it_is_back(self, mesh: Mesh) -> None:
        call(mesh, client_id=PEER_CLIENT)
        self.hear(mesh, may_return=True)
        back = mesh.on_payload(URL, announce(PEER, PEER_CLIENT), 1.5)
        assert only(fx.CloseTransport, back) == [fx.CloseTransport(1, is_gentle=False)]
        assert [opened.conn for opened in only(fx.OpenTransport, back)] == [2]
        assert [peer.is_shown for peer in mesh] == [True]

    def test_one_that_waits_to_be_called_is_not_called(self, mesh: Mesh) -> None:
        mesh.announce(0.0, URL)
        call(mesh, client_id=PEER_CLIENT)
        assert PEER in mesh
        self.hear(mesh, 0.1)
        assert mesh.on_time(CROSSING_S) == []

    def test_back_while_our_own_announce_is_crossing_it_waits(self, mesh: Mesh) -> None:
        call(mesh, client_id=PEER_CLIENT)
        self.hear(mesh, may_return=True)
        mesh.announce(1.2, URL)
        back = mesh.on_payload(URL, announce(PEER, PEER_CLIENT), 1.3)
        assert back == [fx.CloseTransport(1, is_gentle=False)]
        assert only(fx.OpenTransport, mesh.on_time(1.3 + CROSSING_S))
