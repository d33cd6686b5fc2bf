from __future__ import annotations

from pyodide_rtc.protocol.intake import (
    ALL_BURST_S,
    ALL_SHARE,
    BURST,
    FRAME_OVERHEAD_BYTES,
    RATE_PER_S,
    RUN_BYTES,
    RUN_FRAMES,
    Budget,
    Intake,
    cost_of,
)
from pyodide_rtc.wire.awareness_update import AwarenessEntry, encode_awareness
from pyodide_rtc.wire.chunks import CHUNK_TYPE
from pyodide_rtc.wire.messages import (
    AwarenessMessage,
    QueryAwareness,
    StateCheck,
    SyncStep1,
    SyncUpdate,
    UnknownMessage,
    encode,
)


def spend_all(intake: Intake[str], source: int, now_s: float) -> int:
    """How many small frames of a source pass at once."""
    count = 0
    while intake.may_pass(source, 1.0, now_s):
        count += 1
    return count


class TestCosts:
    def test_a_small_message_counts_one(self) -> None:
        assert cost_of(encode(SyncUpdate(b"x" * 100))) == 1
        assert cost_of(b"") == 1

    def test_a_large_document_in_chunks_does_not_wait(self) -> None:
        chunk = cost_of(encode(UnknownMessage(CHUNK_TYPE, b"x" * 65_000)))

        assert 30_000_000 / 65_536 * chunk <= RATE_PER_S, "30 MB per second"

    def test_awareness_counts_by_its_states(self) -> None:
        states = [AwarenessEntry(i, 1, {"user": {"name": "Ada"}}) for i in range(1_000)]

        assert cost_of(encode(AwarenessMessage(encode_awareness(states[:20])))) == 1
        assert cost_of(encode(AwarenessMessage(encode_awareness(states)))) >= 7

    def test_a_question_counts_what_its_answer_takes(self) -> None:
        for question in (SyncStep1(b"\0"), StateCheck(b"\0", bytes(8)), QueryAwareness()):
            assert cost_of(encode(question)) == 10

    def test_an_envelope_changes_nothing(self) -> None:
        for name in ("a", "x" * 200):
            for message in (QueryAwareness(), SyncUpdate(b"x"), AwarenessMessage(bytes(9_000))):
                assert cost_of(encode(message, name)) == cost_of(encode(message))
        assert cost_of(b"\x66") == 1.0, "nonsense"


class TestBudget:
    def test_a_burst_may_be_spent_at_any_time(self) -> None:
        budget = Budget(10.0, 5.0)

        assert budget.free_s() is None
        for _ in range(6):  # one more than the burst, for debts are earned later
            assert budget.may_spend(100.0)
            budget.spend(1.0, 100.0)
        assert not budget.may_spend(100.0)

    def test_it_is_earned_again_by_and_by(self) -> None:
        budget = Budget(10.0, 5.0)
        budget.spend(7.0, 0.0)
        free_s = budget.free_s()

        assert free_s is not None
        assert abs(free_s - 0.2) < 1e-9
        assert not budget.may_spend(0.19)
        assert budget.may_spend(free_s)

    def test_no_more_is_saved_than_a_burst(self) -> None:
        budget = Budget(10.0, 5.0)
        budget.spend(1.0, 0.0)
        budget.spend(6.0, 1_000.0)

        assert not budget.may_spend(1_000.0)


class TestPassing:
    def test_ordinary_traffic_never_waits(self) -> None:
        intake: Intake[str] = Intake()

        for i in range(100_000):
            assert intake.may_pass(1, 1.0, i / RATE_PER_S)
        assert not intake.is_waiting

    def test_a_burst_passes_at_once_and_the_rest_has_to_wait(self) -> None:
        intake: Intake[str] = Intake()

        assert abs(spend_all(intake, 1, 0.0) - BURST) <= 1
        assert abs(spend_all(intake, 1, 1.0) - RATE_PER_S) <= 1

    def test_each_source_has_a_budget_of_its_own(self) -> None:
        intake: Intake[str] = Intake()
        spend_all(intake, 1, 0.0)

        assert intake.may_pass(2, 1.0, 0.0)

    def test_all_together_have_a_share_of_the_time(self) -> None:
        intake: Intake[str] = Intake()
        assert intake.may_pass(1, 1.0, 0.0)
        intake.worked(ALL_BURST_S + ALL_SHARE, 0.0)

        assert not intake.may_pass(2, 1.0, 0.99)
        assert intake.may_pass(2, 1.0, 1.01)

    def test_nothing_overtakes_what_waits(self) -> None:
        intake: Intake[str] = Intake()
        intake.wait(1, ["first"], [5])

        assert not intake.may_pass(1, 1.0, 1_000.0)
        intake.wait(1, ["second"], [6])
        assert intake.take() == (1, ["first", "second"])
        assert intake.may_pass(1, 1.0, 1_000.0)


class TestWaiting:
    def test_nothing_waits_at_first(self) -> None:
        intake: Intake[str] = Intake()

        assert intake.take() is None
        assert not intake.is_waiting
        assert intake.waiting_bytes(1) == 0

    def test_it_is_weighed_with_what_keeping_it_takes(self) -> None:
        intake: Intake[str] = Intake()
        for _ in range(RUN_FRAMES + 1):
            intake.wait(1, [""], [100])
        one = 100 + FRAME_OVERHEAD_BYTES

        assert intake.waiting_bytes(1) == (RUN_FRAMES + 1) * one
        intake.take()
        assert intake.waiting_bytes(1) == one

    def test_sources_take_turns_and_each_keeps_its_order(self) -> None:
        intake: Intake[int] = Intake()
        for i in range(3 * RUN_FRAMES):
            intake.wait("flood", [i], [1])
        intake.wait("quiet", [-1], [1])

        turns = []
        while (turn := intake.take()) is not None:
            turns.append(turn)

        assert [source for source, _ in turns] == ["flood", "quiet", "flood", "flood"]
        assert [i for source, run in turns for i in run if source == "flood"] == list(range(75))

    def test_a_run_ends_before_it_is_too_large(self) -> None:
        intake: Intake[str] = Intake()
        for item in ("a", "b", "c"):
            intake.wait(1, [item], [RUN_BYTES // 2])
        intake.wait(1, ["d"], [10 * RUN_BYTES])

        assert [intake.take() for _ in range(3)] == [(1, ["a", "b"]), (1, ["c"]), (1, ["d"])]

    def test_what_waits_of_a_source_that_has_ended_waits_on_until_it_is_dropped(self) -> None:
        intake: Intake[str] = Intake()
        spend_all(intake, 1, 0.0)
        intake.wait(1, ["a"], [1])
        intake.end(1)
        intake.end(1)

        assert intake.is_waiting
        intake.drop(1)
        intake.drop(1)
        assert intake.take() is None
