"""What is sent to those who look at a panel: no more than has changed, and nothing to nobody."""

from __future__ import annotations

import asyncio

from pyodide_rtc.panel.feed import INTERVAL_S, MEASURE_S, Feed
from pyodide_rtc.testing import run_virtual


class Told:
    """A feed of a number, what it has sent, and how often it has computed and measured."""

    def __init__(self) -> None:
        self.value = 0
        self.sent: list[int] = []
        self.computed = self.measured = 0
        self.feed = Feed(self._compute, self.sent.append, self._measure)

    def _compute(self) -> int:
        self.computed += 1
        return self.value

    def _measure(self) -> None:
        self.measured += 1


def test_nothing_is_done_while_nobody_looks() -> None:
    async def main() -> None:
        told = Told()
        for _ in range(100):
            told.feed.look()
            await asyncio.sleep(1)

        assert (told.computed, told.measured, told.sent) == (0, 0, [])
        assert not told.feed.is_shown

    run_virtual(main())


def test_nothing_is_sent_while_nothing_changes() -> None:
    async def main() -> None:
        told = Told()
        told.feed.show("a")
        for _ in range(1000):
            told.feed.look()
            await asyncio.sleep(0.1)

        assert told.sent == [0]
        assert told.measured <= 100 / MEASURE_S + 1
        assert told.computed <= 100 / INTERVAL_S + 1

    run_virtual(main())


def test_it_is_sent_four_times_a_second_at_most_and_the_last_state_always() -> None:
    async def main() -> None:
        told = Told()
        told.feed.show("a")
        for told.value in range(1, 101):
            told.feed.look()
            await asyncio.sleep(0.01)
        await asyncio.sleep(INTERVAL_S)

        assert len(told.sent) <= 1 / INTERVAL_S + 2
        assert told.sent[-1] == 100

    run_virtual(main())


def test_what_time_alone_changes_is_looked_at_now_and_then() -> None:
    async def main() -> None:
        told = Told()
        told.feed.show("a")
        await asyncio.sleep(0.1)
        told.value = 7
        await asyncio.sleep(MEASURE_S)

        assert told.sent == [0, 7]

    run_virtual(main())


def test_it_ends_with_the_last_view() -> None:
    async def main() -> None:
        told = Told()
        for view in ("a", "b"):
            told.feed.show(view)
        await asyncio.sleep(1)
        told.feed.hide("a")
        told.feed.hide("a")
        told.value = 1
        await asyncio.sleep(5)
        assert told.sent == [0, 1], "another one is there"
        told.feed.hide("b")
        told.value = 2
        told.feed.look()
        await asyncio.sleep(60)
        assert told.sent == [0, 1]
        told.feed.show("c")
        await asyncio.sleep(1)
        assert told.sent == [0, 1, 2]
        told.feed.close()
        told.feed.close()
        told.value = 3
        told.feed.look()
        await asyncio.sleep(60)
        assert told.sent == [0, 1, 2]

    run_virtual(main())
