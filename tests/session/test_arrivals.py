from __future__ import annotations

import asyncio
from collections.abc import Hashable
from itertools import pairwise

import pytest

from pyodide_rtc.protocol.intake import BURST, MIN_BREAK_S, RUN_FRAMES, SLICE_RUNS
from pyodide_rtc.session.arrivals import Arrivals
from pyodide_rtc.testing import VirtualTimeLoop, run_virtual


class World:
    """Arrivals, and what has come of them with the time of each turn."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, VirtualTimeLoop)
        self.clock = loop
        self.turns: list[tuple[float, Hashable, list[int]]] = []
        self.arrivals: Arrivals[int] = Arrivals(self.take)
        self.work_s = 0.0
        self.fails = False

    def take(self, source: Hashable, run: list[int]) -> None:
        self.turns.append((self.clock.time(), source, run))
        self.clock.spend(self.work_s)
        if self.fails:
            raise ZeroDivisionError

    def send(self, source: Hashable, count: int) -> int:
        """Send numbered frames; tells how many did not have to wait."""
        passed = 0
        for i in range(count):
            if self.arrivals.may_pass(source, 1.0):
                passed += 1
            else:
                self.arrivals.wait(source, [i], [1])
        return passed

    def taken(self, source: Hashable) -> list[int]:
        return [i for _, s, run in self.turns if s == source for i in run]


def test_what_is_above_the_budget_is_taken_by_and_by_in_order() -> None:
    async def main() -> None:
        world = World()
        passed = world.send(1, 5_000)
        assert passed == pytest.approx(BURST, abs=1)
        assert world.turns == []
        await asyncio.sleep(10)

        assert world.taken(1) == list(range(passed, 5_000))
        first = [at_s for at_s, _, _ in world.turns[: SLICE_RUNS + 1]]
        assert first == pytest.approx([MIN_BREAK_S] * SLICE_RUNS + [2 * MIN_BREAK_S])
        last_s = MIN_BREAK_S * (5_000 - passed) / (SLICE_RUNS * RUN_FRAMES)
        assert world.turns[-1][0] == pytest.approx(last_s, abs=2 * MIN_BREAK_S)

    run_virtual(main())


def test_one_that_sends_little_does_not_wait_for_one_that_sends_much() -> None:
    async def main() -> None:
        world = World()
        for source in range(8):
            world.send(source, 10_000)
        assert world.arrivals.may_pass(8, 1.0)
        world.clock.spend(0.3)
        world.arrivals.worked()
        assert not world.arrivals.may_pass("quiet", 1.0), "all together have taken too long"
        world.arrivals.wait("quiet", [7], [1])
        await asyncio.sleep(3 * MIN_BREAK_S)

        assert world.taken("quiet") == [7]

    run_virtual(main())


def test_it_never_takes_more_than_half_of_the_time() -> None:
    async def main() -> None:
        world = World()
        world.work_s = 0.05
        world.send(1, 1_000)
        await asyncio.sleep(1)

        starts = [at_s for at_s, _, _ in world.turns]
        assert 9 <= len(starts) <= 10
        assert all(b - a >= 0.1 - 1e-9 for a, b in pairwise(starts))

    run_virtual(main())


def test_a_fault_of_ours_in_one_turn_does_not_end_the_others(
    background_faults: list[BaseException],
) -> None:
    async def main() -> None:
        world = World()
        world.fails = True
        passed = world.send(1, 1_000)
        await asyncio.sleep(1)

        assert world.taken(1) == list(range(passed, 1_000))

    run_virtual(main())
    assert {type(fault) for fault in background_faults} == {ZeroDivisionError}
    background_faults.clear()


def test_closing_drops_all() -> None:
    async def main() -> None:
        world = World()
        world.arrivals.close()
        world.send(1, 1_000)
        world.arrivals.close()
        await asyncio.sleep(1)

        assert world.turns == []

    run_virtual(main())
