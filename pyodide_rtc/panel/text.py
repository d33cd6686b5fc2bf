"""The panel where no widget can be drawn: an output that says the same, brought up to date."""

from __future__ import annotations

from collections.abc import Callable

from pyodide_rtc.live_display import LiveDisplay, find_publisher
from pyodide_rtc.panel.html import panel_html, panel_text
from pyodide_rtc.panel.model import Panel

__all__ = ["NO_EXTENSION", "NO_PACKAGE", "LiveText", "PanelText"]

NO_PACKAGE = "For a panel with buttons run %pip install anywidget, and then this cell again."
NO_EXTENSION = (
    "This page cannot draw widgets, so the panel has no buttons: the site's owner runs "
    "pip install 'pyodide-rtc[site]' where the site is built."
)


class LiveText:
    """Text and HTML as the output of a cell, brought up to date.

    Args:
        text: gives the text.
        html: gives the HTML.
        can_change_unseen: tells whether it can change now without a call of `look`.
    """

    def __init__(
        self,
        text: Callable[[], str],
        html: Callable[[], str],
        can_change_unseen: Callable[[], bool],
    ) -> None:
        self._text = text
        self._html = html
        self._can_change_unseen = can_change_unseen
        self._display: LiveDisplay | None = None
        self.is_closed = False

    def look(self) -> None:
        """The room may have changed."""
        if self._display is not None:
            self._display.look()

    def close(self) -> None:
        """Leave it as it is."""
        if self._display is not None:
            self._display.end()

    def __repr__(self) -> str:
        return self._text()

    def _repr_html_(self) -> str:
        return self._html()

    def _ipython_display_(self) -> None:
        """Show it as the output of a cell, brought up to date, in the place of an earlier one.

        Raises:
            NotImplementedError: outputs cannot be replaced here. IPython then shows it once.
        """
        publish = find_publisher()
        if publish is None:
            raise NotImplementedError
        self.close()
        self._display = LiveDisplay(self._draw, self._can_change_unseen, publish)

    def _draw(self, _at: str) -> dict[str, str]:
        return {"text/plain": repr(self), "text/html": self._repr_html_()}


class PanelText(LiveText):
    """The panel of a room as text and HTML, without buttons.

    `Room.panel` makes it where there is no anywidget.

    Args:
        compute: describes the room.
        hint: why it has no buttons, and what to do.
    """

    def __init__(self, compute: Callable[[], Panel], hint: str) -> None:
        super().__init__(
            lambda: panel_text(compute(), hint), lambda: panel_html(compute(), hint), lambda: True
        )
