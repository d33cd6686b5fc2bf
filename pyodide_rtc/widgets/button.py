"""A button whose clicks count once for everybody."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

import ipywidgets

from pyodide_rtc.observers import check_callback
from pyodide_rtc.shared import ValuesChanged, plain
from pyodide_rtc.shared.plain_values import check_key
from pyodide_rtc.widgets.held import call_back, hold, stamp
from pyodide_rtc.widgets.kinds import SharesItself

if TYPE_CHECKING:
    from pyodide_rtc.room import Room

_OLD = timedelta(minutes=10)
"""A click that was so long before the button was made is history, though it arrives only now. It is
not a moment, as clocks of different machines may differ."""


@dataclass(frozen=True, slots=True)
class Click:
    """A click of somebody on a shared button.

    Args:
        by: the name of who has clicked; text from outside.
        at: when, by the clock of who has clicked.
        is_mine: whether it was made in this kernel, which then does what is to happen once.
    """

    by: str
    at: datetime
    is_mine: bool = field(default=False, compare=False)


class Button(SharesItself, ipywidgets.Button):
    """A button that all in a room share: each click counts once, whoever clicks where.

    Each click is kept, so who makes the button later has those before in `clicks`.

    Example:
        >>> from pyodide_rtc.widgets import Button
        >>> button = Button(room, "start", "Start")
        >>> button.on_click(lambda click: print(click.by))
        >>> button

    Args:
        room: the room.
        name: its name in the room. A cell may be run again: the new button replaces the old one.
        description: what it says; by default its name.
        **options: as of an `ipywidgets.Button`.

    Raises:
        ValueRefusedError: the name is no text.
        NameInUseError: `button:NAME` is the name of another kind of shared value.
        RoomClosedError: the room was left.
    """

    def __init__(self, room: Room, name: str, description: str = "", **options: Any) -> None:
        super().__init__(description=description or check_key(name, "name"), **options)
        self._room = room
        self._made_at = datetime.now(UTC)
        self._callbacks: list[Callable[[Click], object]] = []
        self._list = room.list(f"button:{check_key(name, 'name')}")
        hold(room, f"button:{name}", self._list.observe(self._on_change), self)

    @property
    def clicks(self) -> tuple[Click, ...]:
        """All clicks of everybody, the first one first."""
        return tuple(self._clicks(self._list))

    def click(self) -> None:
        """Click it, as a person does.

        Raises:
            TransactionError: another task has a transaction open.
        """
        self._list.append(plain({**stamp(self._room), "client": self._room.doc.client_id}))

    def on_click(self, callback: Callable[[Click], object], remove: bool = False) -> None:
        """Call back once for each click that is made from now on, in each notebook with the button.

        Who was away for a while hears of what was clicked meanwhile, but not of clicks that are
        more than ten minutes older than the button here.

        Args:
            callback: called with a `Click`. What it raises is shown in `room.faults`.
            remove: whether it is to be called no longer; it is no error if it was not called.

        Raises:
            ConfigError: the callback cannot be called.
        """
        check_callback(callback)
        if not remove:
            self._callbacks.append(callback)
        elif callback in self._callbacks:
            self._callbacks.remove(callback)

    def _on_change(self, event: ValuesChanged) -> None:
        runs = [change.new for change in event.changes if len(change.path) == 1 and change.new]
        for click in self._clicks(item for run in runs for item in run):
            if click.at >= self._made_at - _OLD:
                for callback in tuple(self._callbacks):
                    call_back(self._room, callback, click)

    def _clicks(self, items: Any) -> Iterator[Click]:
        """Give those items that are clicks: a peer can write anything."""
        for item in items:
            match item:
                case {"by": str(by), "at": int(at) | float(at)} if isinstance(item, Mapping):
                    yield Click(by, moment(at), item.get("client") == self._room.doc.client_id)


def moment(at_s: float) -> datetime:
    """Return a time that somebody has sent, in seconds since 1970; of nonsense the year 1970."""
    try:
        return datetime.fromtimestamp(at_s, UTC)
    except (OverflowError, ValueError, OSError):
        return datetime.fromtimestamp(0, UTC)
