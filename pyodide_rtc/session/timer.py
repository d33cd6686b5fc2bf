"""One timer for one machine: it rings at the machine's deadline, and there is none to poll."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable


class DeadlineTimer:
    """Calls back once the deadline that was set last has come.

    Args:
        callback: called without arguments; it should set the next deadline.
    """

    def __init__(self, callback: Callable[[], None]) -> None:
        self._callback = callback
        self._loop = asyncio.get_running_loop()
        self._handle: asyncio.Handle | None = None
        self._rings_s = math.inf
        self._deadline_s: float | None = None

    def set(self, deadline_s: float | None) -> None:
        """Set the deadline on the loop's clock; None stops the timer.

        A timer that runs is left alone if the deadline only moves away: most deadlines move with
        every message, and waking once too often is cheaper than a new timer for each.
        """
        self._deadline_s = deadline_s
        if deadline_s is None:
            self._cancel()
        elif deadline_s < self._rings_s:
            self._cancel()
            # A deadline that has passed meanwhile is due now: Pyodide's loop refuses the past.
            delay_s = max(deadline_s - self._loop.time(), 0.0)
            self._handle = self._loop.call_later(delay_s, self._ring)
            # Kept here: the handles of Pyodide's loop do not tell when they ring.
            self._rings_s = deadline_s

    def _cancel(self) -> None:
        self._rings_s = math.inf
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _ring(self) -> None:
        self._handle = None
        self._rings_s = math.inf
        deadline_s = self._deadline_s
        if deadline_s is not None and self._loop.time() < deadline_s:
            self.set(deadline_s)
        else:
            self._callback()
