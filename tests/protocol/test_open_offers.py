"""Offers that go out with an announce, for whoever answers first."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.connections.capability import (
    Capability,
    answered_session_of,
    encode_capability,
)
from pyodide_rtc.protocol.connections.mesh import Mesh
from pyodide_rtc.protocol.connections.negotiation import (
    ANSWER_TIMEOUT_S,
    CONNECT_TIMEOUT_S,
    State,
)
from pyodide_rtc.protocol.connections.negotiation_steps import (
    REPEAT_INTERVAL_S,
)
from pyodide_rtc.wire.payload import Announce, Candidate, Description, SignalMessage

from .machine_helpers import (
    CANDIDATE,
    LIMIT,
    ME,
    MY_CLIENT,
    OTHER,
    OTHER_CLIENT,
    PEER,
    PEER_CLIENT,
    URL,
    announce,
    make_mesh,
    make_room,
    only,
    sdp,
    signal,
)

MINE, ANOTHER = sdp("offer", 100).sdp, sdp("offer", 101).sdp
THEIRS = sdp("offer", 200).sdp
CANDIDATE_OF_PEER = signal(CANDIDATE, client_id=PEER_CLIENT)


@pytest.fixture
def mesh() -> Mesh:
    """One with an offer in hand."""
    mesh = make_mesh()
    mesh.take_offer(MINE)
    return mesh


def inviting(peer: str = PEER, offer: str = THEIRS) -> Announce:
    """An announce that brings an offer."""
    return Announce(peer, encode_capability(Capability(PEER_CLIENT), open_offer=offer))


def answer(
    session: int = 300, peer: str = PEER, client_id: int = PEER_CLIENT, *, to: str = "100"
) -> SignalMessage:
    """An answer to an open offer, from the peer's end with that session id."""
    extra = encode_capability(Capability(client_id), answers=to)
    return SignalMessage(peer, ME, 10.0, sdp("answer", session), extra)


def hear(mesh: Mesh, payload: Announce | SignalMessage, now_s: float = 0.0) -> list[fx.Effect]:
    return mesh.on_payload(URL, payload, now_s)


def brought(effects: Iterable[object]) -> dict[str, object]:
    """What an announce among the effects brings to our own kind."""
    [wish] = only(fx.PublishPayload, effects)
    said = wish.payload.extra["pyodideRtc"]  # type: ignore[union-attr]
    assert isinstance(said, dict)
    return said


def with_candidates(offer: str, count: int) -> str:
    """The same offer, when so many candidates are known."""
    return offer + "".join(f"a=candidate:{i}\r\n" for i in range(count))


def told_candidates(effects: Iterable[object]) -> list[str]:
    """The candidates that are sent to the peer."""
    signals = [e.payload.signal for e in only(fx.PublishPayload, effects)]  # type: ignore[union-attr]
    return [signal.candidate for signal in signals if isinstance(signal, Candidate)]


CALLED = [fx.OpenTransport(1, is_initiator=True, is_own_kind=True)]
TAKEN = [*CALLED, fx.AcceptDescription(1, "answer", sdp("answer", 300).sdp)]
ANSWERED = [
    fx.OpenTransport(1, is_initiator=False, is_own_kind=True),
    fx.AcceptDescription(1, "offer", THEIRS),
]


class TestOffering:
    def test_an_announce_brings_the_offer_in_hand(self, mesh: Mesh) -> None:
        said = {"version": 1, "client": MY_CLIENT, "offer": MINE}
        assert brought(mesh.announce(0.0, URL)) == said

    def test_it_is_told_by_an_event_and_may_become_void(self) -> None:
        room = make_room()
        room.handle(ev.OfferPrepared(MINE), 0.0)
        assert brought(room.handle(ev.ServerOpened(URL), 0.0))["offer"] == MINE
        room.handle(ev.OfferPrepared(None), 1.0)

        assert "offer" not in brought(room.handle(ev.ServerOpened(URL), 1.0))

    def test_who_is_called_has_it_and_nobody_else(self, mesh: Mesh) -> None:
        hear(mesh, announce(client_id=PEER_CLIENT))

        assert "offer" not in brought(mesh.announce(0.0, URL))

    def test_a_page_that_is_put_away_offers_nothing(self, mesh: Mesh) -> None:
        mesh.put_away("away", 0.0)

        assert "offer" not in brought(mesh.announce(0.0, URL))

    def test_the_first_answer_is_taken(self, mesh: Mesh) -> None:
        assert hear(mesh, answer()) == TAKEN

    def test_candidates_that_were_found_since_it_went_round_are_told(self, mesh: Mesh) -> None:
        mesh.take_offer(with_candidates(MINE, 1))
        mesh.announce(0.0, URL)
        mesh.take_offer(with_candidates(MINE, 3))
        assert brought(mesh.announce(1.0, URL))["offer"] == with_candidates(MINE, 3)

        effects = hear(mesh, answer())
        assert effects[:2] == TAKEN
        assert told_candidates(effects) == ["candidate:1", "candidate:2"]

    def test_if_there_are_none_one_tells_that_the_answer_is_taken(self, mesh: Mesh) -> None:
        mesh.take_offer(with_candidates(MINE, 2))
        mesh.announce(0.0, URL)

        effects = hear(mesh, answer())
        assert effects[:2] == TAKEN
        assert told_candidates(effects) == ["candidate:0"]

    def test_the_next_offer_has_its_own_candidates(self, mesh: Mesh) -> None:
        mesh.take_offer(with_candidates(MINE, 2))
        mesh.announce(0.0, URL)
        mesh.take_offer(with_candidates(ANOTHER, 1))
        mesh.announce(1.0, URL)
        mesh.take_offer(with_candidates(ANOTHER, 2))

        assert told_candidates(hear(mesh, answer(to="101"))) == ["candidate:1"]

    def test_what_came_before_it_belongs_to_it(self, mesh: Mesh) -> None:
        hear(mesh, CANDIDATE_OF_PEER)

        assert hear(mesh, answer()) == [*TAKEN, fx.AddCandidate(1, "candidate", 0, "0")]

    def test_the_offer_is_not_sent_again_to_who_has_answered(self, mesh: Mesh) -> None:
        hear(mesh, answer())

        assert mesh.publish_signal(ev.DescriptionMade(1, "offer", MINE), 0.0) == []

    def test_who_answers_later_is_called(self, mesh: Mesh) -> None:
        hear(mesh, answer())

        late = answer(400, OTHER, OTHER_CLIENT)
        assert hear(mesh, late) == [fx.OpenTransport(2, is_initiator=True, is_own_kind=True)]

    def test_the_same_answer_again_is_passed_over(self, mesh: Mesh) -> None:
        hear(mesh, answer())

        assert hear(mesh, answer()) == []

    def test_it_counts_for_who_is_called_by_the_same_offer(self, mesh: Mesh) -> None:
        hear(mesh, announce(client_id=PEER_CLIENT))

        assert hear(mesh, answer()) == TAKEN[1:]

    def test_who_is_called_by_another_offer_will_answer_that(self, mesh: Mesh) -> None:
        mesh.take_offer(None)
        hear(mesh, announce(client_id=PEER_CLIENT))
        mesh.take_offer(MINE)

        assert hear(mesh, answer()) == []
        assert hear(mesh, answer()) == [], "it is late from now on"

    def test_who_has_lost_its_end_answers_anew(self, mesh: Mesh) -> None:
        hear(mesh, answer())
        mesh.on_channel_opened(ev.ChannelOpened(1, "agreed", LIMIT))
        mesh.take_offer(ANOTHER)

        effects = hear(mesh, answer(301, to="101"))
        assert only(fx.CloseTransport, effects) == [fx.CloseTransport(1)]
        assert [e.change for e in only(fx.PeersChanged, effects)] == ["left"]
        assert effects[-2:] == [
            fx.OpenTransport(2, is_initiator=True, is_own_kind=True),
            fx.AcceptDescription(2, "answer", sdp("answer", 301).sdp),
        ]

    def test_an_answer_that_others_have_overtaken_ends_nothing(self, mesh: Mesh) -> None:
        hear(mesh, signal(sdp("offer", 500), client_id=PEER_CLIENT))
        mesh.on_channel_opened(ev.ChannelOpened(1, "agreed", LIMIT))

        assert hear(mesh, answer()) == []
        assert [p.negotiation.conn for p in mesh] == [1]

    def test_who_is_on_its_way_and_answers_too_late_is_called(self, mesh: Mesh) -> None:
        hear(mesh, signal(sdp("offer", 500), client_id=PEER_CLIENT))

        assert hear(mesh, answer()) == [
            fx.CloseTransport(1),
            fx.OpenTransport(2, is_initiator=True, is_own_kind=True),
        ]

    def test_an_answer_that_is_said_again_much_later_ends_nothing(self, mesh: Mesh) -> None:
        hear(mesh, answer(to="99"))  # too late: so it is called
        hear(mesh, signal(sdp("answer", 500), client_id=PEER_CLIENT))
        mesh.on_channel_opened(ev.ChannelOpened(1, "agreed", LIMIT))

        assert hear(mesh, answer(to="99"), 60.0) == []
        assert [p.negotiation.conn for p in mesh] == [1]

    def test_who_waits_for_a_closed_connection_is_called(self, mesh: Mesh) -> None:
        hear(mesh, answer())
        mesh.put_away("away", 0.0)

        again = hear(mesh, answer())
        assert again == [fx.OpenTransport(2, is_initiator=True, is_own_kind=True)]

    def test_a_candidate_that_claims_to_answer_is_a_candidate(self, mesh: Mesh) -> None:
        extra = encode_capability(Capability(PEER_CLIENT), answers="100")

        assert hear(mesh, SignalMessage(PEER, ME, 1.0, CANDIDATE, extra)) == []
        assert PEER not in mesh


class TestCrossing:
    """Both answer each other's offer: their announces were on the way for long."""

    def test_the_larger_id_calls_if_its_offer_is_no_more_in_hand(self) -> None:
        mesh = make_mesh()
        mesh.take_offer(MINE)
        hear(mesh, inviting("id-a"))

        # By the connection of the offer that we have answered.
        assert hear(mesh, answer(200, "id-a")) == [
            fx.CloseTransport(1),
            fx.OpenTransport(2, is_initiator=True, is_own_kind=True),
        ]

    def test_the_larger_id_takes_the_answer_if_its_offer_is_in_hand(self) -> None:
        mesh = make_mesh()
        hear(mesh, inviting("id-a"))
        mesh.take_offer(MINE)

        assert hear(mesh, answer(300, "id-a")) == [
            fx.CloseTransport(1),
            fx.OpenTransport(2, is_initiator=True, is_own_kind=True),
            fx.AcceptDescription(2, "answer", sdp("answer", 300).sdp),
        ]

    def test_the_smaller_id_keeps_to_its_answer_and_says_it_again(self, mesh: Mesh) -> None:
        hear(mesh, inviting())
        sent = mesh.publish_signal(ev.DescriptionMade(1, "answer", "our answer"), 0.0)

        assert hear(mesh, answer(200), 0.01) == []
        assert mesh.on_time(REPEAT_INTERVAL_S) == sent
        assert [p.negotiation.conn for p in mesh] == [1]

    def test_candidates_of_the_other_answer_tell_nothing(self, mesh: Mesh) -> None:
        hear(mesh, inviting())
        sent = mesh.publish_signal(ev.DescriptionMade(1, "answer", "our answer"), 0.0)
        hear(mesh, answer(200), 0.01)

        assert hear(mesh, CANDIDATE_OF_PEER, 0.02) == []
        assert mesh.on_time(REPEAT_INTERVAL_S) == sent, "it may not have been heard"

    def test_once_our_answer_is_taken_it_is_not_doubted(self, mesh: Mesh) -> None:
        hear(mesh, inviting())
        mesh.publish_signal(ev.DescriptionMade(1, "answer", "our answer"), 0.0)
        hear(mesh, answer(200), 0.01)
        taken = signal(CANDIDATE, token=11.0, client_id=PEER_CLIENT)

        assert hear(mesh, taken, 0.02) == [fx.AddCandidate(1, "candidate", 0, "0")]
        assert mesh.on_time(REPEAT_INTERVAL_S) == []
        assert [p.negotiation.conn for p in mesh] == [1]


class TestAnswering:
    def test_who_is_alone_answers(self, mesh: Mesh) -> None:
        assert hear(mesh, inviting()) == ANSWERED

    def test_the_answer_says_for_what_it_is(self, mesh: Mesh) -> None:
        hear(mesh, inviting())
        [wish] = mesh.publish_signal(ev.DescriptionMade(1, "answer", "our answer"), 0.0)
        [other] = mesh.publish_signal(ev.CandidateFound(1, "candidate", 0, "0"), 0.0)

        assert isinstance(wish, fx.PublishPayload) and isinstance(other, fx.PublishPayload)
        message, candidate = wish.payload, other.payload
        assert isinstance(message, SignalMessage) and isinstance(candidate, SignalMessage)
        assert message.signal == Description("answer", "our answer")
        assert answered_session_of(message.extra) == "200"
        assert answered_session_of(candidate.extra) is None

    def test_a_candidate_that_was_in_the_offer_only_tells_that_it_is_taken(
        self, mesh: Mesh
    ) -> None:
        hear(mesh, inviting(offer=with_candidates(THEIRS, 1)))
        known = signal(Candidate("candidate:0", 0, None), client_id=PEER_CLIENT)

        assert hear(mesh, known) == []
        [peer] = mesh
        assert peer.negotiation.state is State.CONNECTING

    def test_who_has_somebody_calls(self, mesh: Mesh) -> None:
        hear(mesh, inviting(OTHER, ANOTHER))

        assert hear(mesh, inviting()) == [fx.OpenTransport(2, is_initiator=True, is_own_kind=True)]

    @pytest.mark.parametrize("offer", ["", "v=0", "o=", "nonsense"])
    def test_an_offer_that_names_no_connection_is_not_answered(
        self, mesh: Mesh, offer: str
    ) -> None:
        assert hear(mesh, inviting(offer=offer)) == CALLED

    def test_nor_one_of_a_connection_that_is_closed(self, mesh: Mesh) -> None:
        hear(mesh, inviting())
        mesh.close(PEER, "it left")

        assert hear(mesh, inviting()) == [fx.OpenTransport(2, is_initiator=True, is_own_kind=True)]

    def test_another_may_be_faster_and_then_we_are_called(self, mesh: Mesh) -> None:
        hear(mesh, inviting())

        assert hear(mesh, signal(sdp("offer", 201), client_id=PEER_CLIENT)) == [
            fx.CloseTransport(1),
            fx.OpenTransport(2, is_initiator=False, is_own_kind=True),
            fx.AcceptDescription(2, "offer", sdp("offer", 201).sdp),
        ]

    def test_the_answer_goes_again_to_who_announces_itself_again(self, mesh: Mesh) -> None:
        hear(mesh, inviting())
        sent = mesh.publish_signal(ev.DescriptionMade(1, "answer", "our answer"), 0.0)

        assert hear(mesh, inviting(), 1.0) == sent
        assert hear(mesh, inviting(), 1.01) == [], "not too often"
        assert mesh.deadline_s == 1.0 + REPEAT_INTERVAL_S
        assert mesh.on_time(1.0 + REPEAT_INTERVAL_S) == sent

    def test_who_never_takes_it_has_gone(self, mesh: Mesh) -> None:
        hear(mesh, inviting())
        assert mesh.deadline_s == ANSWER_TIMEOUT_S

        effects = mesh.on_time(ANSWER_TIMEOUT_S)
        assert only(fx.CloseTransport, effects) == [fx.CloseTransport(1)]
        assert only(fx.Report, effects) == []
        assert PEER not in mesh

    @pytest.mark.parametrize("is_by_channel", [False, True])
    def test_who_speaks_has_taken_it(self, mesh: Mesh, is_by_channel: bool) -> None:
        hear(mesh, inviting())
        if is_by_channel:
            mesh.on_channel_opened(ev.ChannelOpened(1, "agreed", LIMIT))
            assert mesh.deadline_s is None
        else:
            added = hear(mesh, CANDIDATE_OF_PEER)
            assert added == [fx.AddCandidate(1, "candidate", 0, "0")]
            assert mesh.deadline_s == CONNECT_TIMEOUT_S

        assert hear(mesh, inviting(), 1.0) == [], "no answer any more"
