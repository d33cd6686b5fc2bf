"""One timer for one machine: it calls back at the machine's deadline, so that nothing polls."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

from pyodide_rtc import background


class DeadlineTimer:
    """Calls back when the deadline that was set last has come.

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

        If the deadline only moves to a later time, the running timer stays, and is set again when
        it rings. Most deadlines move with every message: to wake once too often is cheaper than a
        new timer for each.
        """
        self._deadline_s = deadline_s
        if deadline_s is None:
            self._cancel()
        elif deadline_s < self._rings_s:
            self._cancel()
            # Pyodide's loop refuses times in the past: a deadline that has passed is due now.
            delay_s = max(deadline_s - self._loop.time(), 0.0)
            self._handle = background.later(delay_s, self._ring)
            # Kept here, as the handles of Pyodide's loop do not say when they ring.
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
