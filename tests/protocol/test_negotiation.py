from __future__ import annotations

from collections.abc import Callable
from itertools import count

import pytest

from pyodide_rtc.protocol.abilities import Abilities
from pyodide_rtc.protocol.connections.capability import Capability
from pyodide_rtc.protocol.connections.negotiation import (
    ANSWER_TIMEOUT_S,
    CONNECT_TIMEOUT_S,
    Negotiation,
    State,
)
from pyodide_rtc.protocol.connections.negotiation_steps import (
    DOUBT_S,
    MAX_CANDIDATES,
    MAX_QUEUED_CANDIDATES,
    REPEAT_INTERVAL_S,
)
from pyodide_rtc.protocol.effects import (
    AcceptDescription,
    AddCandidate,
    CloseTransport,
    Effect,
    OpenTransport,
)
from pyodide_rtc.wire.payload import Candidate, Description, OtherSignal, Signal, SignalMessage

from .machine_helpers import sdp

ME, PEER = "m", "p"
ALL = Abilities(rollback=True, ice_restart=True)
OWN = Capability(7)
LOW, MINE, HIGH = 10.0, 50.0, 90.0


def conns() -> Callable[[bool], tuple[int, str | None]]:
    """Connections 1, 2, ... of which none was in reserve."""
    numbers = count(1)
    return lambda _is_initiator: (next(numbers), None)


def negotiation(my_id: str = ME, abilities: Abilities = ALL) -> Negotiation:
    return Negotiation(PEER, 100.0, conns(), lambda: MINE, my_id, abilities)


def offering(my_id: str = ME) -> Negotiation:
    """We offer, and our offer has gone out."""
    made = negotiation(my_id)
    made.offer()
    made.token_for_signal()
    return made


def message(signal: Signal, token: float | None = LOW) -> SignalMessage:
    return SignalMessage(PEER, ME, token, signal)


def offer(sdp: str = "their offer", token: float | None = LOW) -> SignalMessage:
    return message(Description("offer", sdp), token)


def answer(sdp: str = "their answer") -> SignalMessage:
    return message(Description("answer", sdp))


def candidate(text: str = "c", token: float | None = LOW) -> SignalMessage:
    return message(Candidate(text, 0, "0"), token)


def test_an_initiator_opens_takes_the_answer_and_candidates() -> None:
    made = negotiation()

    assert made.offer() == [OpenTransport(1, is_initiator=True, is_own_kind=False)]
    assert made.state is State.CALLING
    assert made.accept(answer(), 100.0, None) == [AcceptDescription(1, "answer", "their answer")]
    assert made.state is State.CONNECTING
    assert made.accept(candidate(), 100.0, None) == [AddCandidate(1, "c", 0, "0")]


def test_an_offer_opens_an_answerer() -> None:
    made = negotiation()

    assert made.accept(offer(), 100.0, None) == [
        OpenTransport(1, is_initiator=False, is_own_kind=False),
        AcceptDescription(1, "offer", "their offer"),
    ]
    assert made.state is State.CONNECTING


def test_the_token_is_made_once_and_anew_after_the_answer() -> None:
    tokens = iter([1.0, 2.0])
    made = Negotiation(PEER, 0.0, conns(), tokens.__next__, ME, ALL)
    made.offer()

    assert made.token_for_signal() == 1.0
    assert made.token_for_signal() == 1.0
    made.accept(answer(), 100.0, None)
    assert made.token is None
    assert made.token_for_signal() == 2.0


class TestCandidates:
    def test_those_before_the_offer_wait_for_it(self) -> None:
        made = negotiation()

        assert made.accept(candidate("a"), 100.0, None) == []
        assert made.accept(candidate("b"), 100.0, None) == []
        assert made.accept(offer(), 100.0, None)[1:] == [
            AcceptDescription(1, "offer", "their offer"),
            AddCandidate(1, "a", 0, "0"),
            AddCandidate(1, "b", 0, "0"),
        ]

    def test_those_before_the_answer_wait_for_it(self) -> None:
        made = offering()

        assert made.accept(candidate("a"), 100.0, OWN) == []
        assert made.accept(answer(), 100.0, OWN) == [
            AcceptDescription(1, "answer", "their answer"),
            AddCandidate(1, "a", 0, "0"),
        ]

    def test_each_is_added_once(self) -> None:
        made = negotiation()
        made.accept(candidate("a"), 100.0, None)
        made.accept(offer(), 100.0, None)

        assert made.accept(offer("anew"), 100.0, None)[2:] == [
            AcceptDescription(2, "offer", "anew")
        ]

    def test_no_peer_makes_us_keep_more_than_the_limit(self) -> None:
        made = negotiation()
        for i in range(MAX_QUEUED_CANDIDATES + 10):
            made.accept(candidate(str(i)), 100.0, None)

        added = made.accept(offer(), 100.0, None)[2:]

        assert [e.candidate for e in added if isinstance(e, AddCandidate)] == [
            str(i) for i in range(MAX_QUEUED_CANDIDATES)
        ]

    def test_those_of_a_rejected_offer_are_dropped(self) -> None:
        made = offering()
        made.accept(offer(token=LOW), 100.0, None)

        assert made.accept(candidate("of the rejected", token=LOW), 100.0, None) == []
        assert made.accept(answer(), 100.0, None) == [
            AcceptDescription(1, "answer", "their answer")
        ]
        assert made.accept(candidate("of the rejected", token=LOW), 100.0, None) == []
        assert made.accept(candidate("of the answer", token=HIGH), 100.0, None) == [
            AddCandidate(1, "of the answer", 0, "0")
        ]

    def test_those_without_token_are_taken(self) -> None:
        made = negotiation()
        made.accept(offer(token=None), 100.0, None)

        assert made.accept(candidate(token=None), 100.0, None) == [AddCandidate(1, "c", 0, "0")]


class TestGlare:
    @pytest.mark.parametrize("capability", [OWN, None], ids=["our own kind", "stock"])
    def test_the_larger_token_keeps_its_offer(self, capability: Capability | None) -> None:
        made = offering()

        assert made.accept(offer(token=LOW), 100.0, capability) == []
        assert made.state is State.CALLING
        assert made.token == MINE, "the same token goes with our candidates"
        assert made.accept(answer(), 100.0, capability) == [
            AcceptDescription(1, "answer", "their answer")
        ]

    @pytest.mark.parametrize("capability", [OWN, None], ids=["our own kind", "stock"])
    def test_the_loser_rolls_back_in_the_same_connection(
        self, capability: Capability | None
    ) -> None:
        made = offering()

        assert made.accept(offer(token=HIGH), 100.0, capability) == [
            AcceptDescription(1, "offer", "their offer")
        ]
        assert made.state is State.CONNECTING
        assert made.token is None

    @pytest.mark.parametrize(("my_id", "keeps"), [("z", True), ("a", False)])
    def test_of_equal_tokens_the_larger_id_keeps_its_offer(self, my_id: str, keeps: bool) -> None:
        made = offering(my_id)

        effects = made.accept(offer(token=MINE), 100.0, OWN)

        assert (effects == []) is keeps
        assert made.state is (State.CALLING if keeps else State.CONNECTING)

    @pytest.mark.parametrize("my_id", ["a", "z"])
    def test_of_equal_tokens_a_stock_peer_gives_way(self, my_id: str) -> None:
        assert offering(my_id).accept(offer(token=MINE), 100.0, None) == []

    def test_exactly_one_of_two_keeps_its_offer_whatever_the_tokens(self) -> None:
        for mine, theirs in [(1.0, 2.0), (2.0, 1.0), (1.0, 1.0)]:
            one = Negotiation("b", 0.0, conns(), lambda t=mine: t, "a", ALL)  # type: ignore[misc]
            other = Negotiation("a", 0.0, conns(), lambda t=theirs: t, "b", ALL)  # type: ignore[misc]
            for end in (one, other):
                end.offer()
                end.token_for_signal()

            one.accept(offer(token=theirs), 100.0, OWN)
            other.accept(offer(token=mine), 100.0, OWN)

            assert {one.state, other.state} == {State.CALLING, State.CONNECTING}

    def test_who_offers_without_token_wins(self) -> None:
        made = offering()

        assert made.accept(offer(token=None), 100.0, None) == [
            AcceptDescription(1, "offer", "their offer")
        ]

    def test_an_offer_that_has_not_gone_out_yet_gives_way(self) -> None:
        made = negotiation()
        made.offer()

        assert made.accept(offer(token=LOW), 100.0, None) == [
            AcceptDescription(1, "offer", "their offer")
        ]

    def test_the_answer_to_an_offer_that_was_taken_back_is_ignored(self) -> None:
        made = offering()
        made.accept(offer(token=HIGH), 100.0, None)

        assert made.accept(answer(), 100.0, None) == []


class TestAbilities:
    """What our connections, or the peer's, cannot do."""

    NO_ROLLBACK = Abilities(rollback=False, ice_restart=True)
    NO_RESTART = Abilities(rollback=True, ice_restart=False)

    def offering(self, *, has_gone_out: bool = True) -> Negotiation:
        made = negotiation(abilities=self.NO_ROLLBACK)
        made.offer()
        if has_gone_out:
            made.token_for_signal()
        return made

    @pytest.mark.parametrize("capability", [OWN, None], ids=["our own kind", "stock"])
    def test_without_rollback_the_loser_answers_by_a_new_connection(
        self, capability: Capability | None
    ) -> None:
        made = self.offering()
        made.accept(candidate("of their offer", HIGH), 100.0, capability)

        assert made.accept(offer(token=HIGH), 101.0, capability) == [
            CloseTransport(1),
            OpenTransport(2, is_initiator=False, is_own_kind=capability is not None),
            AcceptDescription(2, "offer", "their offer"),
            AddCandidate(2, "of their offer", 0, "0"),
        ]
        assert made.state is State.CONNECTING
        assert made.token is None, "the answer goes out with another one than our offer"
        assert made.give_up_s == 101.0 + CONNECT_TIMEOUT_S

    def test_without_rollback_the_larger_token_keeps_its_offer_too(self) -> None:
        made = self.offering()

        assert made.accept(offer(token=LOW), 100.0, OWN) == []
        assert made.state is State.CALLING

    def test_an_offer_that_has_not_gone_out_yet_cannot_be_taken_back_either(self) -> None:
        made = self.offering(has_gone_out=False)

        assert made.accept(offer(token=LOW), 100.0, OWN)[0] == CloseTransport(1)

    def test_the_answer_of_a_stock_peer_to_the_offer_that_gave_way_is_a_sign_as_ever(self) -> None:
        made = self.offering()
        made.accept(offer(token=HIGH), 100.0, None)
        assert made.accept(answer(), 100.0, None) == []

        made.doubt(101.0)

        assert made.deadline_s == 101.0, "it took its own offer back as we did"

    def test_an_open_channel_does_not_stand_in_the_way_of_giving_way(self) -> None:
        made = self.offering()
        made.open_channel("agreed", 1)
        assert made.state is State.RECOVERED

        assert made.accept(offer(token=HIGH), 100.0, OWN)[0] == CloseTransport(1)
        assert made.state is State.CONNECTING
        assert made.send_side is None

    @pytest.mark.parametrize(
        ("ours", "theirs"),
        [
            (ALL, None),
            (ALL, Capability(7, can_restart=False)),
            (NO_RESTART, OWN),
            (NO_ROLLBACK, OWN),  # should both restart, one has to take its offer back
        ],
        ids=["stock peer", "the peer cannot", "we cannot", "we could not take ours back"],
    )
    def test_a_lost_path_leads_to_a_new_connection_where_ice_is_not_restarted(
        self, ours: Abilities, theirs: Capability | None
    ) -> None:
        made = negotiation(abilities=ours)
        made.know(theirs)
        made.offer()
        made.accept(answer(), 100.0, theirs)
        made.open_channel("agreed", 1)

        assert made.lose_path(101.0) == [
            CloseTransport(1),
            OpenTransport(2, is_initiator=True, is_own_kind=theirs is not None),
        ]
        assert made.state is State.CALLING


class TestRepetition:
    def test_an_offer_heard_twice_is_taken_once(self) -> None:
        made = negotiation()
        made.accept(offer(), 100.0, None)

        assert made.accept(offer(), 100.0, None) == []

    def test_an_offer_that_won_is_taken_once(self) -> None:
        made = offering()
        made.accept(offer(token=HIGH), 100.0, OWN)

        assert made.accept(offer(token=HIGH), 100.0, OWN) == []

    def test_an_offer_that_is_sent_again_is_answered_again(self) -> None:
        made = negotiation()
        made.accept(offer(), 100.0, OWN)
        ours = SignalMessage(ME, PEER, 1.0, Description("answer", "ours"))
        sent = made.publish(ours, 100.0)

        assert made.accept(offer(), 100.01, OWN) == [], "two servers brought it"
        assert made.accept(offer(), 101.0, OWN) == sent
        assert made.accept(offer(), 101.01, OWN) == []
        made.open_channel("agreed", 1)
        assert made.accept(offer(), 105.0, OWN) == []

    def test_what_the_same_offer_knows_of_by_then_is_added(self) -> None:
        made, sdp = negotiation(), "v=0\r\no=- 1 2 IN IP4 0.0.0.0\r\n"

        def again(count: int) -> Description:
            return Description("offer", sdp + "".join(f"a=candidate:{i}\r\n" for i in range(count)))

        def accept(count: int, now_s: float) -> list[Effect]:
            message = SignalMessage(PEER, ME, HIGH, again(count))
            return made.accept(message, now_s, OWN)

        accept(1, 100.0)
        ours = SignalMessage(ME, PEER, 1.0, Description("answer", "ours"))
        sent = made.publish(ours, 100.0)

        assert accept(2, 101.0) == [AddCandidate(1, "candidate:1", 0, None), *sent]
        assert accept(2, 102.0) == sent
        assert len(accept(1000, 102.01)) == MAX_CANDIDATES - 1

    def test_what_it_knows_of_is_not_for_the_next_connection(self) -> None:
        made = negotiation()
        made.accept(offer(), 100.0, OWN)
        made.settle_doubt(110.0)

        assert made.accept(offer(), 111.0, OWN) == []

    def test_a_stock_peer_gets_no_second_answer(self) -> None:
        made = negotiation()
        made.accept(offer(), 100.0, None)
        made.publish(SignalMessage(ME, PEER, 1.0, Description("answer", "ours")), 100.0)

        assert made.accept(offer(), 101.0, None) == []

    def test_an_answer_heard_twice_is_taken_once(self) -> None:
        made = offering()
        made.accept(answer(), 100.0, None)

        assert made.accept(answer(), 100.0, None) == []

    def test_an_answer_without_any_offer_is_ignored(self) -> None:
        made = negotiation()

        assert made.accept(answer(), 100.0, None) == []
        assert made.conn is None

    @pytest.mark.parametrize("capability", [OWN, None], ids=["our own kind", "stock"])
    def test_another_offer_begins_anew(self, capability: Capability | None) -> None:
        made = negotiation()
        made.accept(offer("first"), 100.0, capability)
        made.channels["remote"] = 1

        assert made.accept(offer("second"), 100.0, capability) == [
            CloseTransport(1),
            OpenTransport(2, is_initiator=False, is_own_kind=capability is not None),
            AcceptDescription(2, "offer", "second"),
        ]
        assert made.send_side is None


class TestDoubt:
    """The peer announces itself in the midst of it: it may have lost its end."""

    def sent(self, made: Negotiation, *signals: Signal, now_s: float = 100.0) -> list[Effect]:
        """Our signals, as they have gone out."""
        effects: list[Effect] = []
        for signal in signals:
            own = SignalMessage(ME, PEER, made.token_for_signal(), signal)
            effects += made.publish(own, now_s)
        return effects

    def test_an_offer_without_answer_is_sent_again_with_its_candidates(self) -> None:
        made = offering()
        before = self.sent(made, Description("offer", "ours"), Candidate("ours", 0, "0"))

        made.doubt(101.0)

        assert made.deadline_s == 101.0
        assert made.settle_doubt(101.0) == before
        assert made.deadline_s == 100.0 + ANSWER_TIMEOUT_S

    def test_an_offer_that_has_just_gone_is_not_sent_again_at_once(self) -> None:
        made = offering()
        self.sent(made, Description("offer", "ours"))

        made.doubt(100.01)

        assert made.deadline_s == 100.0 + REPEAT_INTERVAL_S
        made.settle_doubt(100.0 + REPEAT_INTERVAL_S)
        made.doubt(100.11)
        assert made.deadline_s == pytest.approx(100.0 + 2 * REPEAT_INTERVAL_S)

    def test_the_answer_settles_it(self) -> None:
        made = offering()
        self.sent(made, Description("offer", "ours"))
        made.doubt(100.01)

        made.accept(answer(), 100.0, None)

        assert made.deadline_s == 100.0 + CONNECT_TIMEOUT_S

    def test_what_is_under_way_gets_some_time_and_is_then_made_anew(self) -> None:
        made = offering()
        made.accept(answer(), 100.0, None)

        made.doubt(101.0)
        made.doubt(102.0)

        assert made.deadline_s == 101.0 + DOUBT_S
        assert made.settle_doubt(104.0) == [
            CloseTransport(1),
            OpenTransport(2, is_initiator=True, is_own_kind=False),
        ]
        assert made.deadline_s == 104.0 + ANSWER_TIMEOUT_S

    def test_it_is_made_anew_at_once_if_the_peer_took_back_its_offer_as_we_did(self) -> None:
        made = offering()
        made.accept(offer(token=HIGH), 100.0, None)
        made.accept(answer(), 100.0, None)

        made.doubt(101.0)

        assert made.deadline_s == 101.0

    def test_a_doubled_answer_is_no_such_sign(self) -> None:
        made = offering()
        made.accept(answer(), 100.0, None)
        made.accept(answer(), 100.0, None)

        made.doubt(101.0)

        assert made.deadline_s == 101.0 + DOUBT_S

    def test_what_belongs_to_an_offer_that_was_taken_back_is_not_sent_again(self) -> None:
        made = offering()
        self.sent(made, Description("offer", "ours"), Candidate("ours", 0, "0"))
        made.accept(offer(token=HIGH), 100.0, None)
        made.doubt(101.0)
        made.settle_doubt(104.0)
        anew = self.sent(made, Description("offer", "anew"), now_s=104.0)

        made.doubt(105.0)

        assert made.settle_doubt(105.0) == anew


@pytest.mark.parametrize("kind", ["renegotiate", "transceiverRequest"])
def test_media_signals_are_ignored(kind: str) -> None:
    made = offering()

    assert made.accept(message(OtherSignal(kind)), 100.0, None) == []
    assert made.state is State.CALLING


def test_frames_go_by_the_channel_that_the_peer_created() -> None:
    made = offering()

    assert made.send_side is None
    made.channels["local"] = 1
    assert made.send_side == "local"
    made.channels["remote"] = 1
    assert made.send_side == "remote"


def test_only_an_open_channel_ends_the_wait() -> None:
    made = offering()

    assert made.deadline_s == 100.0 + ANSWER_TIMEOUT_S
    made.accept(answer(), 100.0, None)
    assert made.deadline_s == 100.0 + CONNECT_TIMEOUT_S
    made.open_channel("local", 1)
    assert made.deadline_s is None


def test_closing_closes_once() -> None:
    made = offering()
    made.channels["local"] = 1

    assert made.close(is_gentle=True) == [CloseTransport(1, is_gentle=True)]
    assert made.close() == []
    assert made.send_side is None


def test_no_more_candidates_are_taken_than_a_browser_can_have() -> None:
    made = offering()
    for _ in range(10):
        made.accept(candidate(), 100.0, None)
    effects = made.accept(answer(), 100.0, None)
    for _ in range(1_000):
        effects += made.accept(candidate(), 100.0, None)

    assert sum(isinstance(e, AddCandidate) for e in effects) == MAX_CANDIDATES


def reach(state: State) -> Negotiation:
    """Dealings with a peer of our own kind, whose end has session 7, in that state at 100 s."""
    made = negotiation()
    made.know(OWN)
    if state is State.ANSWERED_OPEN:
        made.answer_open_offer(sdp("offer", 7).sdp, 100.0)
        return made
    made.offer()
    made.token_for_signal()
    if state is State.CALLING:
        return made
    hear(made, sdp("answer", 7))
    if state is State.CONNECTING:
        return made
    made.open_channel("agreed", 1)
    if state is State.CONNECTED:
        return made
    made.lose_path(100.0)
    made.token_for_signal()
    if state is State.RESTARTED:
        hear(made, sdp("answer", 7))
    elif state is State.RECOVERED:
        made.find_path()
    return made


def hear(
    made: Negotiation, signal: Signal, *, token: float | None = LOW, now_s: float = 100.0
) -> list[Effect]:
    return made.accept(message(signal, token), now_s, OWN)


def begun_anew(conn: int) -> list[Effect]:
    return [CloseTransport(conn - 1), OpenTransport(conn, is_initiator=True, is_own_kind=True)]


def answered_anew(conn: int, their: Description) -> list[Effect]:
    return [
        CloseTransport(conn - 1),
        OpenTransport(conn, is_initiator=False, is_own_kind=True),
        AcceptDescription(conn, "offer", their.sdp),
    ]


LASTING = [
    State.CALLING,
    State.ANSWERED_OPEN,
    State.CONNECTING,
    State.CONNECTED,
    State.RESTARTING,
    State.RESTARTED,
    State.RECOVERED,
]


class TestStates:
    @pytest.mark.parametrize("state", LASTING)
    def test_each_is_reached(self, state: State) -> None:
        assert reach(state).state is state

    @pytest.mark.parametrize("state", [State.CONNECTED, State.RECOVERED])
    def test_while_there_is_a_path_nothing_is_doubted_and_nothing_takes_too_long(
        self, state: State
    ) -> None:
        made = reach(state)
        made.doubt(101.0)

        assert made.deadline_s is None
        assert made.settle_doubt(101.0) == made.time_out(101.0) == []
        assert made.state is state

    @pytest.mark.parametrize("state", LASTING)
    def test_all_are_closed(self, state: State) -> None:
        made = reach(state)

        assert made.close() == [CloseTransport(1)]
        assert made.state is State.IDLE

    @pytest.mark.parametrize("state", [s for s in LASTING if s is not State.CONNECTED])
    def test_whose_path_is_lost_but_for_one_that_was_there_is_called_anew(
        self, state: State
    ) -> None:
        made = reach(state)

        assert made.lose_path(101.0) == begun_anew(2)
        assert made.state is State.CALLING

    def test_a_second_channel_changes_nothing(self) -> None:
        made = reach(State.CONNECTED)
        made.open_channel("remote", 1)

        assert made.state is State.CONNECTED
        assert made.send_side == "agreed"

    def test_after_a_new_connection_there_is_no_further_way(self) -> None:
        for is_answered in (False, True):
            made = reach(State.CONNECTING)
            made.lose_path(101.0)
            if is_answered:
                hear(made, sdp("answer", 8))
            assert made.lose_path(102.0) == []
            assert made.state is State.FAILED

    def test_nor_after_it_takes_too_long(self) -> None:
        made = reach(State.CONNECTING)
        assert made.time_out(120.0) == begun_anew(2)
        hear(made, sdp("answer", 8))

        assert made.time_out(140.0) == []
        assert made.state is State.FAILED

    @pytest.mark.parametrize("state", [State.CALLING, State.ANSWERED_OPEN, State.RESTARTING])
    def test_who_does_not_answer_has_gone(self, state: State) -> None:
        made = reach(state)

        assert made.time_out(110.0) == []
        assert made.state is State.GONE

    @pytest.mark.parametrize(
        "state", [s for s in LASTING if s not in (State.CALLING, State.RECOVERED)]
    )
    def test_who_begins_anew_is_answered_by_a_new_connection(self, state: State) -> None:
        made, their = reach(state), sdp("offer", 8)

        assert hear(made, their) == answered_anew(2, their)
        assert made.state is State.CONNECTING

    @pytest.mark.parametrize(
        ("state", "next_state"),
        [
            (State.ANSWERED_OPEN, State.CONNECTING),
            (State.CONNECTING, State.CONNECTING),
            (State.CONNECTED, State.CONNECTED),
            (State.RESTARTING, State.RESTARTED),
            (State.RESTARTED, State.RESTARTED),
            (State.RECOVERED, State.CONNECTED),
        ],
    )
    def test_an_offer_of_the_same_end_is_answered_in_the_same_connection(
        self, state: State, next_state: State
    ) -> None:
        made, their = reach(state), sdp("offer", 7, 2)

        assert hear(made, their, token=HIGH) == [AcceptDescription(1, "offer", their.sdp)]
        assert made.state is next_state

    @pytest.mark.parametrize("state", [State.CALLING, State.RESTARTING, State.RECOVERED])
    def test_our_offer_with_the_larger_token_stands(self, state: State) -> None:
        made = reach(state)

        assert hear(made, sdp("offer", 7, 2), token=LOW) == []
        assert made.state is state
        assert hear(made, Candidate("theirs", 0, "0"), token=LOW) == []
        hear(made, Candidate("ours", 0, "0"), token=HIGH)
        assert hear(made, sdp("answer", 7))[1:] == [AddCandidate(1, "ours", 0, "0")]

    @pytest.mark.parametrize("state", [State.RESTARTING, State.RECOVERED])
    def test_what_was_answered_before_our_offer_is_passed_over(self, state: State) -> None:
        made, their = reach(State.CONNECTED), sdp("offer", 7, 2)
        hear(made, their)
        made.lose_path(101.0)
        if state is State.RECOVERED:
            made.find_path()

        assert hear(made, their, token=HIGH, now_s=102.0) == []
        assert made.state is state

    @pytest.mark.parametrize("state", [State.ANSWERED_OPEN, State.CONNECTING, State.RESTARTED])
    def test_who_offers_again_gets_our_answer_again(self, state: State) -> None:
        made, their = reach(state), sdp("offer", 7)
        if state is not State.ANSWERED_OPEN:
            hear(made, their)
        ours = SignalMessage(ME, PEER, MINE, Description("answer", "ours"))
        sent = made.publish(ours, 100.0)

        assert hear(made, their, now_s=101.0) == sent
        assert made.state is state

    @pytest.mark.parametrize("state", [State.CONNECTING, State.CONNECTED, State.RESTARTED])
    def test_a_candidate_that_the_offer_had_is_not_added_again(self, state: State) -> None:
        made, text = reach(state), "candidate:1"
        hear(made, Description("offer", f"{sdp('offer', 7, 2).sdp}a={text}\r\n"))

        assert hear(made, Candidate(text, 0, "0")) == []
        other = Candidate("candidate:2", 0, "0")
        assert hear(made, other) == [AddCandidate(1, "candidate:2", 0, "0")]

    def test_a_restart_that_is_answered_by_another_end_waits_on(self) -> None:
        made = reach(State.RESTARTING)

        assert hear(made, sdp("answer", 8)) == []
        assert made.state is State.RESTARTING

    def test_a_restart_whose_path_is_in_doubt_is_not_said_again_but_begun_anew(self) -> None:
        for state, due_s in ((State.RESTARTING, 101.0), (State.RESTARTED, 101.0 + DOUBT_S)):
            made = reach(state)
            made.doubt(101.0)

            assert made.deadline_s == due_s
            assert made.settle_doubt(due_s) == begun_anew(2)
            assert made.state is State.CALLING

    @pytest.mark.parametrize("state", [State.CONNECTED, State.RESTARTED])
    def test_that_both_took_back_their_offers_is_known_later_too(self, state: State) -> None:
        made = reach(State.CALLING)
        hear(made, sdp("offer", 7), token=HIGH)
        made.open_channel("agreed", 1)
        if state is State.CONNECTED:
            hear(made, sdp("answer", 8))
        made.lose_path(100.0)
        hear(made, sdp("answer", 7))
        if state is State.RESTARTED:
            hear(made, sdp("answer", 8))

        made.doubt(101.0)

        assert made.deadline_s == 101.0
