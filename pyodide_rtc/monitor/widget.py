"""The monitor as a widget in a notebook. The only module here that needs anywidget."""

from __future__ import annotations

import anywidget
import traitlets

from pyodide_rtc.monitor.history import PERIOD_S
from pyodide_rtc.monitor.model import Monitor
from pyodide_rtc.monitor.text import Monitored, monitor_text
from pyodide_rtc.panel.feed import Feed
from pyodide_rtc.panel.packed import joined

__all__ = ["MonitorWidget"]

# uPlot is the script that defines `uPlot`, and ours are behind it: together they are one module.
_SCRIPTS = ("vendored/uplot/uPlot.iife.min.js", "monitor/monitor.js", "monitor/widget.js")
_STYLES = ("vendored/uplot/uPlot.min.css", "panel/panel.css", "monitor/monitor.css")
_MAX_NAME_CHARS = 100


class MonitorWidget(anywidget.AnyWidget):
    """The monitor of a room: it takes a sample a second while it is on the screen.

    `Room.monitor` makes it.

    Args:
        monitored: the room.
    """

    monitor = traitlets.Dict().tag(sync=True)

    def __init__(self, monitored: Monitored) -> None:
        self._esm = joined(*_SCRIPTS)
        self._css = joined(*_STYLES)
        self.is_closed = False
        self._monitored = monitored
        self._feed: Feed[Monitor] = Feed(
            monitored.sample,
            self._send_monitor,
            monitored.measure,
            interval_s=PERIOD_S,
            period_s=PERIOD_S,
        )
        super().__init__(monitor=monitored.describe().as_json())
        self.on_msg(self._on_message)

    def look(self) -> None:
        """The room may have changed."""
        self._feed.look()

    def close(self) -> None:
        """Remove it from the page."""
        self.is_closed = True
        self._feed.close()
        super().close()

    def _send_monitor(self, monitor: Monitor) -> None:
        self.monitor = monitor.as_json()

    def _on_message(self, _widget: object, content: object, _buffers: object) -> None:
        match content:
            case {"shown": str(view)} if len(view) <= _MAX_NAME_CHARS:
                self._feed.show(view)
            case {"gone": str(view)}:
                self._feed.hide(view)

    def __repr__(self) -> str:
        return monitor_text(self._monitored.describe(), "")
