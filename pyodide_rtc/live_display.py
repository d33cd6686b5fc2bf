"""An output of a cell that is brought up to date as long as it is there.

IPython's display handles do that: an output has an id, and a later message replaces its content,
wherever it is by then. Nothing runs while nothing changes.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Protocol
from uuid import uuid4

from pyodide_rtc.session.timer import DeadlineTimer

__all__ = ["LiveDisplay", "Publish", "find_publisher", "time_of_day"]

INTERVAL_S = 1.0
"""So often at most it is drawn."""

LOOK_S = 5.0
"""So often it is drawn while it can change without anything being told."""


class Publish(Protocol):
    """Shows an output, or replaces the one with that id."""

    def __call__(self, content: Mapping[str, str], display_id: str, *, is_update: bool) -> None:
        """Show this content: text by MIME type."""


def find_publisher() -> Publish | None:
    """Return what shows outputs that can be replaced later; None if this Python has no such thing.

    A plain Python has none, and IPython in a terminal prints a second one instead.
    """
    if "IPython" not in sys.modules:
        return None
    from IPython.core.displaypub import DisplayPublisher
    from IPython.core.getipython import get_ipython

    shell = get_ipython()
    publisher = getattr(shell, "display_pub", None)
    if publisher is None or type(publisher) is DisplayPublisher:
        return None

    def publish(content: Mapping[str, str], display_id: str, *, is_update: bool) -> None:
        transient = {"display_id": display_id}
        publisher.publish(dict(content), {}, transient=transient, update=is_update)

    return publish


def time_of_day() -> str:
    """Return the local time, such as `14:05:09`."""
    return datetime.now().strftime("%H:%M:%S")


class LiveDisplay:
    """An output that shows something that changes.

    Args:
        draw: gives what is to be shown, as text by MIME type; called with the words that say when
            it was drawn.
        can_change_unseen: tells whether it can change now without a call of `look`.
        publish: shows it.
    """

    def __init__(
        self,
        draw: Callable[[str], Mapping[str, str]],
        can_change_unseen: Callable[[], bool],
        publish: Publish,
    ) -> None:
        self._draw = draw
        self._can_change_unseen = can_change_unseen
        self._publish = publish
        self._display_id = uuid4().hex
        self._timer = DeadlineTimer(self._refresh)
        self._loop = asyncio.get_running_loop()
        self._shown: Mapping[str, str] | None = None
        self._drawn_s = 0.0
        self._is_over = False
        self._refresh()

    def look(self) -> None:
        """It may have changed: draw it soon, and show it if it has."""
        if not self._is_over:
            self._timer.set(self._drawn_s + INTERVAL_S)

    def finish(self) -> None:
        """Show it for the last time, if it has changed, and end."""
        if not self._is_over:
            self._refresh()
        self.end()

    def go_on(self) -> None:
        """Bring it up to date again."""
        self._is_over = False
        self._refresh()

    def end(self) -> None:
        """Leave the output as it is; twice is no error."""
        self._is_over = True
        self._timer.set(None)

    def _refresh(self) -> None:
        self._drawn_s = self._loop.time()
        drawn, before = self._draw(""), self._shown
        if drawn != before:
            self._shown = drawn
            content = self._draw(time_of_day())
            self._publish(content, self._display_id, is_update=before is not None)
        self._timer.set(self._drawn_s + LOOK_S if self._can_change_unseen() else None)
