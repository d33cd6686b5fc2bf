"""A widget of a notebook that shows a room. This module and its kinds alone need anywidget."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import anywidget

from pyodide_rtc.panel.feed import Feed

__all__ = ["LiveWidget"]

_MAX_NAME_CHARS = 100


@cache
def _joined(names: tuple[str, ...]) -> str:
    folder = files("pyodide_rtc")
    return "\n".join(folder.joinpath(name).read_text(encoding="utf-8") for name in names)


class LiveWidget(anywidget.AnyWidget):
    """Shows something of a room, and is brought up to date while it is on the screen.

    Args:
        feed: brings it up to date.
        scripts: paths below `pyodide_rtc`. They make one module: none imports another, and what one
            defines, those behind it use.
        styles: paths of its styles.
        first: what it shows at first, by the name of its trait.
    """

    def __init__(
        self, feed: Feed[Any], scripts: Sequence[str], styles: Sequence[str], **first: Any
    ) -> None:
        self._esm = _joined(tuple(scripts))
        self._css = _joined(tuple(styles))
        self.is_closed = False
        self._feed = feed
        super().__init__(**first)
        self.on_msg(self._on_message)

    def look(self) -> None:
        """The room may have changed."""
        self._feed.look()

    def close(self) -> None:
        """Remove it from the page."""
        self.is_closed = True
        self._feed.close()
        super().close()

    def _on_message(self, _widget: object, content: object, _buffers: object) -> None:
        match content:
            case {"shown": str(view)} if len(view) <= _MAX_NAME_CHARS:
                self._feed.show(view)
            case {"gone": str(view)}:
                self._feed.hide(view)
