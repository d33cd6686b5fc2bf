"""The monitor as a widget in a notebook."""

from __future__ import annotations

import traitlets

from pyodide_rtc.monitor.history import PERIOD_S
from pyodide_rtc.monitor.model import Monitor
from pyodide_rtc.monitor.text import Monitored, monitor_text
from pyodide_rtc.panel.feed import Feed
from pyodide_rtc.panel.live_widget import LiveWidget

__all__ = ["MonitorWidget"]

# uPlot is the script that defines `uPlot`, and ours are behind it: together they are one module.
_SCRIPTS = ("vendored/uplot/uPlot.iife.min.js", "monitor/monitor.js", "monitor/widget.js")
_STYLES = ("vendored/uplot/uPlot.min.css", "panel/panel.css", "monitor/monitor.css")


class MonitorWidget(LiveWidget):
    """The monitor of a room: it takes a sample a second while it is on the screen.

    `Room.monitor` makes it.

    Args:
        monitored: the room.
    """

    monitor = traitlets.Dict().tag(sync=True)

    def __init__(self, monitored: Monitored) -> None:
        self._monitored = monitored
        feed: Feed[Monitor] = Feed(
            monitored.sample,
            self._send_monitor,
            monitored.measure,
            interval_s=PERIOD_S,
            period_s=PERIOD_S,
        )
        super().__init__(feed, _SCRIPTS, _STYLES, monitor=monitored.describe().as_json())

    def _send_monitor(self, monitor: Monitor) -> None:
        self.monitor = monitor.as_json()

    def __repr__(self) -> str:
        return monitor_text(self._monitored.describe(), "")
