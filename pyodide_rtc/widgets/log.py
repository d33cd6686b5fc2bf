"""A log in which all in a room write."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

import ipywidgets

from pyodide_rtc.shared import plain
from pyodide_rtc.shared.plain_values import check_key, check_text
from pyodide_rtc.widgets.button import moment
from pyodide_rtc.widgets.held import hold, stamp
from pyodide_rtc.widgets.kinds import SharesItself

if TYPE_CHECKING:
    from pyodide_rtc.room import Room

_MOST_SHOWN = 500
"""So many entries are shown, the latest ones; all are kept."""


@dataclass(frozen=True, slots=True)
class LogEntry:
    """What somebody has written into a shared log.

    Args:
        text: what it says; text from outside.
        by: the name of who wrote it; text from outside.
        at: when, by the clock of who wrote it.
    """

    text: str
    by: str
    at: datetime

    def __str__(self) -> str:
        return f"{self.at.astimezone():%H:%M:%S} {self.by or 'somebody'}: {self.text}"


class Log(SharesItself, ipywidgets.Textarea):
    """A log that all in a room share: who wrote what, and when. Each entry is kept.

    Example:
        >>> from pyodide_rtc.widgets import Log
        >>> log = Log(room, "answers")
        >>> log.write("the answer is 42")
        >>> log

    Args:
        room: the room.
        name: its name in the room. A cell may be run again: the new log replaces the old one.
        **options: as of an `ipywidgets.Textarea`.

    Raises:
        ValueRefusedError: the name is no text.
        NameInUseError: `log:NAME` is the name of another kind of shared value.
        RoomClosedError: the room was left.
    """

    def __init__(self, room: Room, name: str, **options: Any) -> None:
        checked = check_key(name, "name")
        look: dict[str, Any] = {"rows": 10, "layout": {"width": "auto"}}
        super().__init__(**look | options, disabled=True)
        self._room = room
        self._list = room.list(f"log:{checked}")
        hold(room, f"log:{checked}", self._list.observe(lambda _: self._show()))
        self._show()

    @property
    def entries(self) -> tuple[LogEntry, ...]:
        """All entries, the first one first."""
        return tuple(_entries(self._list))

    def write(self, text: str) -> None:
        """Add an entry, in our own name.

        Args:
            text: what it says.

        Raises:
            ValueRefusedError: it is no text, or not one that can be shared.
            TransactionError: another task has a transaction open.
        """
        checked = check_text(text, lambda: "log")
        self._list.append(plain({**stamp(self._room), "text": checked}))

    def _show(self) -> None:
        self.value = "\n".join(map(str, self.entries[-_MOST_SHOWN:]))


def _entries(items: Any) -> Iterator[LogEntry]:
    """Give those items that are entries: a peer can write anything."""
    for item in items:
        match item:
            case {"text": str(text), "by": str(by), "at": int(at) | float(at)}:
                yield LogEntry(text, by, moment(at))
