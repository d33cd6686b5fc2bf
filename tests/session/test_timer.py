from __future__ import annotations

import asyncio
from typing import Any

from pyodide_rtc.session.timer import DeadlineTimer
from pyodide_rtc.testing import run_virtual


def rings(deadlines: list[tuple[float, float | None]], until_s: float = 100.0) -> list[float]:
    """Set each deadline at its time, and tell when the timer rang."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        rang: list[float] = []
        timer = DeadlineTimer(lambda: rang.append(round(loop.time(), 6)))
        for at_s, deadline_s in deadlines:
            await asyncio.sleep(at_s - loop.time())
            timer.set(deadline_s)
        await asyncio.sleep(until_s - loop.time())
        return rang

    return run_virtual(main())


def test_it_rings_once_at_the_deadline() -> None:
    assert rings([(0.0, 15.0)]) == [15.0]


def test_an_earlier_deadline_counts() -> None:
    assert rings([(0.0, 15.0), (1.0, 3.0)]) == [3.0]


def test_a_later_deadline_counts() -> None:
    assert rings([(0.0, 15.0), (1.0, 20.0), (16.0, 30.0)]) == [30.0]


def test_none_stops_it() -> None:
    assert rings([(0.0, 15.0), (1.0, None)]) == []


def test_it_can_be_set_again_after_each_end() -> None:
    assert rings([(0.0, 5.0), (6.0, 8.0), (9.0, 12.0), (10.0, None), (11.0, 13.0)]) == [5, 8, 13]


def test_a_deadline_that_has_passed_rings_at_once() -> None:
    assert rings([(10.0, 3.0)]) == [10.0]


def test_moving_the_deadline_away_makes_no_new_timer() -> None:
    async def main() -> int:
        loop = asyncio.get_running_loop()
        made = 0
        call_at = loop.call_at

        def counting(*args: object, **kwargs: object) -> asyncio.TimerHandle:
            nonlocal made
            made += 1
            return call_at(*args, **kwargs)  # type: ignore[arg-type]

        loop.call_at = counting  # type: ignore[method-assign]
        timer = DeadlineTimer(lambda: None)
        for i in range(1000):
            timer.set(15.0 + i)
        return made

    assert run_virtual(main()) == 1


def test_a_deadline_that_has_passed_rings_at_once_and_later_ones_too() -> None:
    # Pyodide's loop refuses the past, as this one does here. The timer was dead from then on: on a
    # busy machine a signaling server that came back was never tried again.
    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        schedule = loop.call_at

        def call_at(when: float, *args: Any, **kwargs: Any) -> asyncio.TimerHandle:
            if when < loop.time():
                raise ValueError("Can't schedule in the past")
            return schedule(when, *args, **kwargs)

        loop.call_at = call_at  # type: ignore[method-assign]
        rang: list[float] = []
        timer = DeadlineTimer(lambda: rang.append(loop.time()))
        await asyncio.sleep(5)
        timer.set(3.0)
        await asyncio.sleep(1)
        timer.set(8.0)
        await asyncio.sleep(5)
        return rang

    assert run_virtual(main()) == [5.0, 8.0]
