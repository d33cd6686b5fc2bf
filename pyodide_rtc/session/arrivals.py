"""Performs an `Intake`: what comes in is handled at once, or later in short slices of time.

Between two slices everything else in this thread can run.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Iterable
from typing import Generic, TypeVar

from pyodide_rtc import background
from pyodide_rtc.protocol.intake import MIN_BREAK_S, SLICE_RUNS, SLICE_S, Intake

T = TypeVar("T")


class Arrivals(Generic[T]):
    """What has come in from several sources, and waits.

    Args:
        on_turn: called with a source and what has waited of it, in the order of arrival.
    """

    def __init__(self, on_turn: Callable[[Hashable, list[T]], None]) -> None:
        self.intake: Intake[T] = Intake()
        self._on_turn = on_turn
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.TimerHandle | None = None
        self._passed_s = 0.0

    def may_pass(self, source: Hashable, cost: float) -> bool:
        """Return whether to handle an item at once; if not, call `wait` with it.

        Args:
            source: where the item came from.
            cost: as how many small frames the item counts.
        """
        self._passed_s = self._loop.time()
        return self.intake.may_pass(source, cost, self._passed_s)

    def worked(self) -> None:
        """Count the time since the last `may_pass` as spent: its item is handled now."""
        now_s = self._loop.time()
        self.intake.worked(now_s - self._passed_s, now_s)

    def wait(self, source: Hashable, items: Iterable[T], sizes: Iterable[int]) -> None:
        """Queue items until it is the turn of their source."""
        self.intake.wait(source, items, sizes)
        if self._handle is None:
            self._handle = background.later(MIN_BREAK_S, self._take_slice)

    def drain(self) -> None:
        """Handle all that waits, at once."""
        while (turn := self.intake.take()) is not None:
            self._on_turn(*turn)

    def close(self) -> None:
        """Drop all that waits."""
        self.intake = Intake()
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _take_slice(self) -> None:
        started_s = self._loop.time()
        took_s = 0.0
        try:
            for _ in range(SLICE_RUNS):
                turn = self.intake.take()
                if turn is None:
                    break
                self._on_turn(*turn)
                took_s = self._loop.time() - started_s
                if took_s >= SLICE_S:
                    break
        finally:
            self._handle = None
            if self.intake.is_waiting:
                self._handle = background.later(max(took_s, MIN_BREAK_S), self._take_slice)
