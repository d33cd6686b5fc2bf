"""Whether the person at a notebook is active: edits and runs of cells are signs of it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from typing import Any

from pyodide_rtc.session.timer import DeadlineTimer

__all__ = ["IDLE_S", "Activity"]

IDLE_S = 120.0
"""Who has given no sign for so long is idle."""

_CELL_EVENTS = ("pre_run_cell", "post_run_cell")


class Activity:
    """Tells when a person becomes idle, and when they are active again.

    Args:
        tell: called with whether they are idle now, whenever that changes.
    """

    def __init__(self, tell: Callable[[bool], None]) -> None:
        self._tell = tell
        self._is_idle = False
        self._is_over = False
        self._timer = DeadlineTimer(self._become_idle)
        self._loop = asyncio.get_running_loop()
        self._cells = _cell_events()
        if self._cells is not None:
            for name in _CELL_EVENTS:
                self._cells.register(name, self._on_cell)
        self.note()

    def note(self) -> None:
        """Note that they have done something."""
        if self._is_over:
            return
        self._timer.set(self._loop.time() + IDLE_S)
        if self._is_idle:
            self._is_idle = False
            self._tell(False)

    def close(self) -> None:
        """Look no longer; twice is no error."""
        if self._is_over:
            return
        self._is_over = True
        self._timer.set(None)
        if self._cells is not None:
            for name in _CELL_EVENTS:
                self._cells.unregister(name, self._on_cell)

    def _on_cell(self, _about: Any) -> None:
        self.note()

    def _become_idle(self) -> None:
        self._tell(True)
        self._is_idle = True  # only now: to show it is no sign of activity
        self._timer.set(None)


def _cell_events() -> Any | None:
    """Return what tells of runs of cells; None if this Python runs none."""
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    return getattr(get_ipython(), "events", None)
