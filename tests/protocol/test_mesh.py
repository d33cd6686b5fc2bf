from __future__ import annotations

import pytest

from pyodide_rtc.errors import NegotiationError
from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.mesh import EAGER_STATE_BYTES, MIN_ANNOUNCE_INTERVAL_S, Mesh
from pyodide_rtc.protocol.negotiation import CONNECT_TIMEOUT_S, DOUBT_S, REPEAT_INTERVAL_S
from pyodide_rtc.wire.payload import Announce, Lost, OtherSignal, SignalMessage

from .helpers import (
    ANSWER,
    CANDIDATE,
    LIMIT,
    ME,
    MY_CLIENT,
    OFFER,
    OTHER,
    PEER,
    PEER_CLIENT,
    URL,
    announce,
    extra,
    make_mesh,
    only,
    signal,
)


@pytest.fixture
def mesh() -> Mesh:
    return make_mesh()


def call(mesh: Mesh, peer: str = PEER, client_id: int | None = None) -> list[fx.Effect]:
    """Hear an announce, and so offer as connection 1."""
    return mesh.on_payload(URL, announce(peer, client_id), 0.0)


def published(effects: list[fx.Effect]) -> list[SignalMessage]:
    payloads = [e.payload for e in only(fx.PublishPayload, effects)]
    return [p for p in payloads if isinstance(p, SignalMessage)]


class TestAnnounces:
    def test_ours_names_us_and_our_kind(self, mesh: Mesh) -> None:
        [published] = mesh.announce(0.0, URL)
        assert published == fx.PublishPayload(Announce(ME, extra(MY_CLIENT)), URL, will=Lost(ME))

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
        assert mesh.deadline_s == CONNECT_TIMEOUT_S

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

    def test_they_are_repeated_but_not_more_often_than_each_second(self, mesh: Mesh) -> None:
        assert len(mesh.announce_again(0.0)) == 1, "the first is free"
        assert mesh.announce_again(0.5) == []
        assert mesh.deadline_s == MIN_ANNOUNCE_INTERVAL_S
        assert mesh.on_time(0.9) == []
        [due] = mesh.on_time(1.0)
        assert due == fx.PublishPayload(Announce(ME, extra(MY_CLIENT)), will=Lost(ME))
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
        mesh.drop(PEER, "test")

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
    def linked(self, mesh: Mesh, client_id: int | None = None) -> list[fx.Effect]:
        call(mesh, client_id=client_id)
        return mesh.on_channel_opened(ev.ChannelOpened(1, "local", LIMIT))

    def test_an_open_channel_joins_and_greets(self, mesh: Mesh) -> None:
        assert self.linked(mesh, PEER_CLIENT) == [
            fx.PeersChanged(PEER, "joined", client_id=PEER_CLIENT),
            fx.AskState(1, EAGER_STATE_BYTES),
        ]
        assert mesh.deadline_s is None

    def test_the_peers_own_channel_is_better_and_greeted_again(self, mesh: Mesh) -> None:
        self.linked(mesh)

        assert mesh.on_channel_opened(ev.ChannelOpened(1, "remote", LIMIT)) == [fx.AskState(1, 0)]

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

    def test_dropping_closes_and_tells(self, mesh: Mesh) -> None:
        self.linked(mesh, PEER_CLIENT)

        assert mesh.drop(PEER, "test", is_gentle=True) == [
            fx.CloseTransport(1, is_gentle=True),
            fx.PeersChanged(PEER, "left", "test", PEER_CLIENT),
        ]
        assert PEER not in mesh
        again = [fx.OpenTransport(2, is_initiator=True, is_own_kind=False)]
        assert call(mesh) == again, "it may come again"

    def test_who_was_never_linked_does_not_leave(self, mesh: Mesh) -> None:
        call(mesh)

        assert mesh.drop(PEER, "test") == [fx.CloseTransport(1)]

    def test_a_refused_peer_does_not_come_again(self, mesh: Mesh) -> None:
        self.linked(mesh)
        mesh.refuse(PEER, "garbage")

        assert call(mesh) == []
        assert mesh.on_payload(URL, signal(OFFER), 0.0) == []
        assert PEER not in mesh


class TestTime:
    def test_what_takes_too_long_is_given_up_told_and_announced(self, mesh: Mesh) -> None:
        call(mesh)
        mesh.on_payload(URL, signal(OFFER, OTHER), 5.0)
        assert mesh.deadline_s == CONNECT_TIMEOUT_S

        assert mesh.on_time(CONNECT_TIMEOUT_S - 0.1) == []
        effects = mesh.on_time(CONNECT_TIMEOUT_S)

        assert only(fx.CloseTransport, effects) == [fx.CloseTransport(1)]
        [report] = only(fx.Report, effects)
        assert isinstance(report.error, NegotiationError)
        assert "waiting for the answer" in str(report.error)
        assert len(only(fx.PublishPayload, effects)) == 1
        assert [p.peer_id for p in mesh] == [OTHER]

    def test_candidates_without_an_offer_are_given_up_too(self, mesh: Mesh) -> None:
        mesh.on_payload(URL, signal(CANDIDATE), 0.0)

        effects = mesh.on_time(CONNECT_TIMEOUT_S)

        assert only(fx.CloseTransport, effects) == []
        assert "waiting for the offer" in str(only(fx.Report, effects)[0].error)
        assert PEER not in mesh
