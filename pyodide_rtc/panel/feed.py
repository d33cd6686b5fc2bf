"""Sends what a panel shows to those who look at it: when it has changed, and only then."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Generic, TypeVar

from pyodide_rtc.session.timer import DeadlineTimer

__all__ = ["INTERVAL_S", "MEASURE_S", "Feed"]

T = TypeVar("T")

INTERVAL_S = 0.25
"""So often at most it is sent."""

MEASURE_S = 2.0
"""So often the connections are measured, and what time alone changes is looked at."""

_MAX_VIEWS = 100
"""So many views are known by name."""


class Feed(Generic[T]):
    """Has something computed and sent while at least one view shows it.

    Nothing is computed, measured or sent while none does.

    Args:
        compute: returns what is to be shown.
        send: sends it; called only with what differs from what was sent last.
        measure: has the connections measured.
        interval_s: so often at most it is computed and sent, in seconds.
        period_s: so often at least it is computed, in seconds.
    """

    def __init__(
        self,
        compute: Callable[[], T],
        send: Callable[[T], None],
        measure: Callable[[], None],
        *,
        interval_s: float = INTERVAL_S,
        period_s: float = MEASURE_S,
    ) -> None:
        self._compute = compute
        self._send = send
        self._measure = measure
        self._views: set[str] = set()
        self._sent: T | None = None
        self._interval_s = interval_s
        self._period_s = period_s
        self._computed_s = -interval_s
        self._measured_s = -MEASURE_S
        self._timer = DeadlineTimer(self._refresh)
        self._loop = asyncio.get_running_loop()

    @property
    def is_shown(self) -> bool:
        """Whether anybody looks."""
        return bool(self._views)

    def show(self, view: str) -> None:
        """A view shows it from now on."""
        if len(self._views) < _MAX_VIEWS:
            self._views.add(view)
        self.look()

    def hide(self, view: str) -> None:
        """A view is gone; twice is no error."""
        self._views.discard(view)
        if not self._views:
            self._timer.set(None)

    def look(self) -> None:
        """It may have changed: compute it soon, and send it if it has."""
        if self._views:
            self._timer.set(max(self._computed_s + self._interval_s, self._loop.time()))

    def close(self) -> None:
        """Send nothing any more; twice is no error."""
        self._views.clear()
        self._timer.set(None)

    def _refresh(self) -> None:
        now_s = self._computed_s = self._loop.time()
        if now_s >= self._measured_s + MEASURE_S:
            self._measured_s = now_s
            self._measure()
        computed = self._compute()
        if computed != self._sent:
            self._sent = computed
            self._send(computed)
        if self._views:  # else it was hidden or closed by that
            self._timer.set(min(self._measured_s + MEASURE_S, now_s + self._period_s))
