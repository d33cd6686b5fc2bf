"""A room of a notebook as its monitor sees it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from pyodide_rtc.monitor.history import PERIOD_S, History, Look
from pyodide_rtc.monitor.model import Monitor, describe
from pyodide_rtc.monitor.text import NO_EXTENSION, NO_PACKAGE, TEXT_PERIOD_S, MonitorText

if TYPE_CHECKING:
    from pyodide_rtc.room import RoomCore

__all__ = ["make_monitor"]


class MonitoredRoom:
    """A room and its last minutes.

    Args:
        core: the room.
        period_s: how far apart samples are meant to be, in seconds.
    """

    def __init__(self, core: RoomCore, period_s: float) -> None:
        self._core = core
        self._history = History(period_s)
        self._loop = asyncio.get_running_loop()

    def describe(self) -> Monitor:
        """Describe it as it is now."""
        core, now_s = self._core, self._loop.time()
        return describe(core.name or "", core.stage, core.why, self._look(), self._history, now_s)

    def sample(self) -> Monitor:
        """Take a sample, and describe it."""
        look, now_s = self._look(), self._loop.time()
        if look is None:
            self._history.pause(now_s)
        else:
            self._history.add(look, now_s)
        return self.describe()

    def measure(self) -> None:
        """Have it measured how long the network takes to each peer."""
        self._core.measure()

    def _look(self) -> Look | None:
        core, backend = self._core, self._core.backend
        if backend is None or core.stage != "open":
            return None
        snapshot = backend.snapshot()
        has_server = any(server.state == "open" for server in snapshot.servers)
        return Look(snapshot.peers, core.people, has_server, backend.traffic)


def make_monitor(core: RoomCore) -> Any:
    """Make the monitor of a room: a widget where one can be drawn, else text and HTML."""
    if not core.draws_widgets:
        return MonitorText(MonitoredRoom(core, TEXT_PERIOD_S), NO_EXTENSION)
    try:
        from pyodide_rtc.monitor.widget import MonitorWidget
    except ModuleNotFoundError:
        return MonitorText(MonitoredRoom(core, TEXT_PERIOD_S), NO_PACKAGE)
    return MonitorWidget(MonitoredRoom(core, PERIOD_S))
