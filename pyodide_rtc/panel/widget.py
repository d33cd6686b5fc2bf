"""The panel as a widget in a notebook. The only module that needs anywidget."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import anywidget
import traitlets

from pyodide_rtc.panel.feed import Feed
from pyodide_rtc.panel.html import panel_text
from pyodide_rtc.panel.model import Panel
from pyodide_rtc.panel.packed import joined

__all__ = ["PanelWidget"]

_SCRIPTS = ("vendored/uqr/index.mjs", "panel/panel.js", "panel/widget.js")
_MAX_NAME_CHARS = 100

Done = Callable[[str], None]


class PanelActions(Protocol):
    """What the buttons of a panel do."""

    def act(self, action: str, done: Done) -> None:
        """Do an action, and call back with what went wrong, in words; empty if nothing did."""


class PanelWidget(anywidget.AnyWidget):
    """The panel of a room, brought up to date while it is on the screen.

    `Room.panel` makes it.

    Args:
        compute: describes the room.
        measure: has the connections measured.
        actions: does what the buttons say.
    """

    panel = traitlets.Dict().tag(sync=True)

    def __init__(
        self, compute: Callable[[], Panel], measure: Callable[[], None], actions: PanelActions
    ) -> None:
        self._esm = joined(*_SCRIPTS)  # three modules without imports make one
        self._css = joined("panel/panel.css")
        self.is_closed = False
        self._compute = compute
        self._actions = actions
        self._feed: Feed[Panel] = Feed(compute, self._send_panel, measure)
        super().__init__(panel=compute().as_json())
        self.on_msg(self._on_message)

    def look(self) -> None:
        """The room may have changed."""
        self._feed.look()

    def close(self) -> None:
        """Remove it from the page."""
        self.is_closed = True
        self._feed.close()
        super().close()

    def _send_panel(self, panel: Panel) -> None:
        self.panel = panel.as_json()

    def _on_message(self, _widget: object, content: object, _buffers: object) -> None:
        match content:
            case {"shown": str(view)} if len(view) <= _MAX_NAME_CHARS:
                self._feed.show(view)
            case {"gone": str(view)}:
                self._feed.hide(view)
            case {"do": str(action), "view": str(view), "id": int(number)}:
                self._act(action, view, number)

    def _act(self, action: str, view: str, number: int) -> None:
        def done(error: str) -> None:
            answer: Mapping[str, Any] = {"view": view, "done": number, "error": error}
            self._feed.look()
            self.send(answer)

        self._actions.act(action, done)

    def __repr__(self) -> str:
        return panel_text(self._compute(), "")
