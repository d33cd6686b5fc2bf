"""The monitor where no widget can be drawn: the same in words, without the plots."""

from __future__ import annotations

from typing import Protocol

from pyodide_rtc.live_display import LOOK_S
from pyodide_rtc.monitor.model import Monitor
from pyodide_rtc.panel.html import Rows, rows_html, rows_text
from pyodide_rtc.panel.text import LiveText

__all__ = [
    "NO_EXTENSION",
    "NO_PACKAGE",
    "TEXT_PERIOD_S",
    "MonitorText",
    "Monitored",
    "monitor_html",
    "monitor_text",
]

NO_PACKAGE = "For a monitor with plots run %pip install anywidget, and then this cell again."
NO_EXTENSION = (
    "This page cannot draw widgets, so the monitor has no plots: the site's owner runs "
    "pip install 'pyodide-rtc[site]' where the site is built."
)

TEXT_PERIOD_S = LOOK_S
"""So far apart are the samples that the words are about, in seconds."""


class Monitored(Protocol):
    """What a monitor is of."""

    def describe(self) -> Monitor:
        """Describe it as it is now."""

    def sample(self) -> Monitor:
        """Take a sample, and describe it."""

    def measure(self) -> None:
        """Have it measured how long the network takes to each peer."""


class MonitorText(LiveText):
    """The monitor of a room as text and HTML.

    `Room.monitor` makes it where there is no anywidget.

    Args:
        monitored: the room.
        hint: why it has no plots, and what to do.
    """

    def __init__(self, monitored: Monitored, hint: str) -> None:
        def sample() -> Monitor:
            monitored.measure()
            return monitored.sample()

        super().__init__(
            lambda: monitor_text(sample(), hint), lambda: monitor_html(sample(), hint), lambda: True
        )


def monitor_text(monitor: Monitor, hint: str) -> str:
    """Say what a monitor shows as lines of plain text; the hint may be empty."""
    return rows_text(monitor.room, monitor.sentence, _rows(monitor), [hint])


def monitor_html(monitor: Monitor, hint: str) -> str:
    """Say what a monitor shows as HTML; nothing in it is executed or loaded."""
    return rows_html(monitor.room, monitor.sentence, _rows(monitor), [hint])


def _rows(monitor: Monitor) -> Rows:
    rows = [("traffic", monitor.traffic), ("latency", monitor.latency), ("sync", monitor.sync)]
    rows += [("peer", ", ".join(filter(None, (p.name, p.connection)))) for p in monitor.peers]
    return rows + [("news", words) for words in monitor.news]
