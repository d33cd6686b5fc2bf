"""A poll: one vote a person."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import ipywidgets

from pyodide_rtc.errors import ValueRefusedError
from pyodide_rtc.shared.plain_values import check_key
from pyodide_rtc.widgets.held import hold, person
from pyodide_rtc.widgets.kinds import SharesItself

if TYPE_CHECKING:
    from pyodide_rtc.room import Room

_NAMES_SHOWN = 5
"""So many of those who have chosen an option are named beside it."""


class Poll(SharesItself, ipywidgets.VBox):
    """A question with options, of which each person in a room chooses one, and may change it.

    A person is who shows a name: two tabs of one person have one vote, and so have two people who
    show the same name.

    Example:
        >>> from pyodide_rtc.widgets import Poll
        >>> poll = Poll(room, "lunch", "Where do we eat?", ["canteen", "park"])
        >>> poll
        >>> poll.votes
        {'canteen': ('Ada',), 'park': ()}

    Args:
        room: the room.
        name: its name in the room. A cell may be run again: the votes stay.
        question: what is asked.
        options: what can be chosen, texts.
        **look: as of an `ipywidgets.VBox`.

    Raises:
        ValueRefusedError: the name or an option is no text, or there are less than two options.
        NameInUseError: `poll:NAME` is the name of another kind of shared value.
        RoomClosedError: the room was left.
    """

    def __init__(
        self, room: Room, name: str, question: str, options: Iterable[str], **look: Any
    ) -> None:
        key = f"poll:{check_key(name, 'name')}"
        self._options = tuple(dict.fromkeys(check_key(o, f"{key}.options") for o in options))
        if len(self._options) < 2:
            raise ValueRefusedError(key, "a poll has two options or more", "Give more of them.")
        self._room = room
        self._rows = {option: self._row(option) for option in self._options}
        super().__init__([ipywidgets.Label(question), *self._rows.values()], **look)
        self._map = room.map(key)
        buttons = [row.children[0] for row in self._rows.values()]
        hold(room, key, self._map.observe(lambda _: self._show()), *buttons)
        self._show()

    @property
    def votes(self) -> dict[str, tuple[str, ...]]:
        """The names of those who have chosen each option, sorted; text from outside."""
        found: dict[str, list[str]] = {option: [] for option in self._options}
        for name, option in self._map.items():
            if isinstance(option, str) and option in found:  # a peer can write anything
                found[option].append(name)
        return {option: tuple(names) for option, names in found.items()}

    def vote(self, option: str | None) -> None:
        """Choose an option, in place of the one before.

        Args:
            option: one of the options; None takes the vote back.

        Raises:
            ValueRefusedError: it is none of the options.
            TransactionError: another task has a transaction open.
        """
        if option is not None and option not in self._options:
            what = f"{option!r} is none of the options"
            raise ValueRefusedError("vote()", what, f"There are {', '.join(self._options)}.")
        me = person(self._room) or f"client {self._room.awareness.client_id}"
        if option is None:
            self._map.pop(me, None)
        else:
            self._map[me] = option

    def _row(self, option: str) -> Any:
        button = ipywidgets.Button(description=option)
        button.on_click(lambda _: self.vote(option))
        return ipywidgets.HBox([button, ipywidgets.IntProgress(max=1), ipywidgets.Label()])

    def _show(self) -> None:
        votes = self.votes
        total = sum(map(len, votes.values()))
        for option, names in votes.items():
            _, bar, label = self._rows[option].children
            bar.max, bar.value = max(total, 1), len(names)
            more = f" and {len(names) - _NAMES_SHOWN} more" if len(names) > _NAMES_SHOWN else ""
            label.value = f"{len(names)}  {', '.join(names[:_NAMES_SHOWN])}{more}"
