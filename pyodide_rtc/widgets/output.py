"""A text output that all in a room share."""

from __future__ import annotations

import io
from contextlib import ExitStack, redirect_stdout
from typing import TYPE_CHECKING, Any, Self

import ipywidgets

from pyodide_rtc.shared.plain_values import check_key
from pyodide_rtc.widgets.held import hold
from pyodide_rtc.widgets.kinds import SharesItself

if TYPE_CHECKING:
    from types import TracebackType

    from pyodide_rtc.room import Room
    from pyodide_rtc.shared import SharedText

_MOST_SHOWN_CHARACTERS = 100_000
"""So much of the text is shown, its end; all of it is kept."""


class Output(SharesItself, ipywidgets.VBox):
    """What is printed within it appears in all notebooks of the room. Text only: no pictures.

    Do not await within it: what other tasks print meanwhile would appear there as well.

    Example:
        >>> from pyodide_rtc.widgets import Output
        >>> output = Output(room, "results")
        >>> with output:
        ...     print("measured")
        >>> output

    Args:
        room: the room.
        name: its name in the room. A cell may be run again: the text stays.
        **look: as of an `ipywidgets.VBox`.

    Raises:
        ValueRefusedError: the name is no text.
        NameInUseError: `output:NAME` is the name of another kind of shared value.
        RoomClosedError: the room was left.
    """

    def __init__(self, room: Room, name: str, **look: Any) -> None:
        key = f"output:{check_key(name, 'name')}"
        self._shown = ipywidgets.Output()
        super().__init__([self._shown], **look)
        self._text = room.text(key)
        self._blocks: list[ExitStack] = []
        hold(room, key, self._text.observe(lambda _: self._show()))
        self._show()

    @property
    def text(self) -> str:
        """All that was printed; text from outside."""
        return str(self._text)

    def write(self, text: str) -> None:
        """Add a text at the end; no end of a line is added.

        Args:
            text: what to add.

        Raises:
            ValueRefusedError: it is no text, or not one that can be shared.
            TransactionError: another task has a transaction open.
        """
        self._text.append(text)

    def clear(self) -> None:
        """Remove all text, for everybody.

        Raises:
            TransactionError: another task has a transaction open.
        """
        self._text.clear()

    def __enter__(self) -> Self:
        with ExitStack() as block:
            block.enter_context(redirect_stdout(block.enter_context(_Lines(self._text))))
            self._blocks.append(block.pop_all())
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._blocks.pop().__exit__(kind, error, traceback)

    def _show(self) -> None:
        # A stream, and so plain text for the page whatever is in it.
        text = self.text[-_MOST_SHOWN_CHARACTERS:]
        stream = {"output_type": "stream", "name": "stdout", "text": text}
        self._shown.outputs = (stream,) if text else ()


class _Lines(io.TextIOBase):
    """Takes what is printed, and shares it line by line."""

    def __init__(self, text: SharedText) -> None:
        self._text = text
        self._begun = ""

    def writable(self) -> bool:
        return True

    def write(self, printed: str) -> int:
        whole, end, self._begun = (self._begun + printed).rpartition("\n")
        if end:
            self._text.append(whole + end)
        return len(printed)

    def close(self) -> None:
        if not self.closed and self._begun:
            begun, self._begun = self._begun, ""
            self._text.append(begun)
        super().close()
