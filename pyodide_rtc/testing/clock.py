"""An event loop with a virtual clock: it jumps to the next timer when nothing is ready to run."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _JumpingSelector(selectors.SelectSelector):
    """A selector that never waits: it adds up how long it would have waited."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        ready = super().select(0)
        if not ready and timeout is None:
            raise RuntimeError("nothing is left to happen: the test waits for ever")
        if not ready and timeout is not None:
            self.waited_s += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop on virtual time: sleeping costs nothing, and every run is the same.

    Time stands still while anything is ready to run; then it jumps to the next timer. So a
    coroutine moves the clock by sleeping: `await asyncio.sleep(30)` lets 30 s pass for all others.
    """

    def __init__(self) -> None:
        self._jumping = _JumpingSelector()
        super().__init__(self._jumping)
        # Virtual time is exact: a timer that is due now counts as due, without a tolerance.
        self._clock_resolution = 1e-9

    def time(self) -> float:
        """Give the virtual time in seconds."""
        return self._jumping.waited_s

    def spend(self, seconds: float) -> None:
        """Let computing take time: the clock goes on, and nothing else runs meanwhile."""
        self._jumping.waited_s += seconds


def run_virtual(main: Coroutine[Any, Any, T]) -> T:
    """Run a coroutine on virtual time, as `asyncio.run` does on real time."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main)
