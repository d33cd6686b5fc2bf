"""The panel as a widget in a notebook."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import traitlets

from pyodide_rtc.panel.feed import Feed
from pyodide_rtc.panel.html import panel_text
from pyodide_rtc.panel.live_widget import LiveWidget
from pyodide_rtc.panel.model import Panel

__all__ = ["PanelWidget"]

_SCRIPTS = ("vendored/uqr/index.mjs", "panel/panel.js", "panel/widget.js")
_STYLES = ("panel/panel.css",)

Done = Callable[[str], None]


class PanelActions(Protocol):
    """What the buttons of a panel do."""

    def act(self, action: str, done: Done) -> None:
        """Do an action, and call back with what went wrong, in words; empty if nothing did."""


class PanelWidget(LiveWidget):
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
        self._compute = compute
        self._actions = actions
        feed: Feed[Panel] = Feed(compute, self._send_panel, measure)
        super().__init__(feed, _SCRIPTS, _STYLES, panel=compute().as_json())

    def _send_panel(self, panel: Panel) -> None:
        self.panel = panel.as_json()

    def _on_message(self, widget: object, content: object, buffers: object) -> None:
        match content:
            case {"do": str(action), "view": str(view), "id": int(number)}:
                self._act(action, view, number)
            case _:
                super()._on_message(widget, content, buffers)

    def _act(self, action: str, view: str, number: int) -> None:
        def done(error: str) -> None:
            answer: Mapping[str, Any] = {"view": view, "done": number, "error": error}
            self._feed.look()
            self.send(answer)

        self._actions.act(action, done)

    def __repr__(self) -> str:
        return panel_text(self._compute(), "")
