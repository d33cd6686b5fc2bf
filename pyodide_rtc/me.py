"""What a notebook shows of the person who sits at it: `room.me`."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyodide_rtc import room_repr
from pyodide_rtc.awareness import Awareness
from pyodide_rtc.errors import ConfigError
from pyodide_rtc.looks import MAX_NAME_CHARS, as_color, as_line, as_name
from pyodide_rtc.people import FIELD, LOOKING_AT, MAX_PLACE_CHARS

__all__ = ["Me"]

Keep = Callable[[str | None, str | None], None]
"""Keeps a name and a colour in this browser; None leaves what it keeps."""


class Me:
    """The person at this notebook, as the others in the room see them.

    Example:
        >>> room.me.set(name="Ada", color="#e65100")
        >>> room.me.set(looking_at="cell 3")

    Args:
        awareness: where it is shown.
        keep: keeps name and colour in this browser.
    """

    def __init__(self, awareness: Awareness, keep: Keep) -> None:
        self._awareness = awareness
        self._keep = keep

    @property
    def name(self) -> str | None:
        """The name; None while there is none, as before the page was asked.

        If others have the same one, all see a number behind it: see `room.people`.
        """
        name = self._field("user", "name")
        return as_name(name) or None if isinstance(name, str) else None

    @property
    def color(self) -> str | None:
        """The colour, as `"#e65100"`; None while there is none."""
        color = self._field("user", "color")
        return as_color(color) if isinstance(color, str) else None

    @property
    def looking_at(self) -> str:
        """What we say that we look at; empty if we say nothing."""
        place = self._field(FIELD, LOOKING_AT)
        return as_line(place, MAX_PLACE_CHARS) if isinstance(place, str) else ""

    def set(
        self, *, name: str | None = None, color: str | None = None, looking_at: str | None = None
    ) -> None:
        """Show something else of ourselves to all in the room; what is left out stays.

        This browser keeps name and colour for all rooms, as if they were given in JupyterLab's
        menu. After a reload they are used again, unless the cell that joins names somebody, or the
        site has users of its own.

        Example:
            >>> room.me.set(name="Ada", looking_at="cell 3")

        Args:
            name: a text of 1 to 60 characters, in one line.
            color: six or three hexadecimal digits, as `"#e65100"`.
            looking_at: what we look at, in at most 100 characters; empty to say nothing.

        Raises:
            ConfigError: one of them is no such thing; nothing is changed then.
            LocalProtocolError: our awareness state would be larger than others accept (64 KiB).
        """
        given = {
            **({} if name is None else {"name": _checked_name(name)}),
            **({} if color is None else {"color": _checked_color(color)}),
        }
        state = self._awareness.local_state or {}
        if given:
            state["user"] = {**_fields(state.get("user")), **given}
        if looking_at is not None:
            ours = {**_fields(state.get(FIELD)), LOOKING_AT: _checked_place(looking_at)}
            state[FIELD] = {key: value for key, value in ours.items() if value != ""}
        self._awareness.set_local_state(state)
        if given:
            self._keep(given.get("name"), given.get("color"))

    def _field(self, group: str, name: str) -> object:
        return _fields((self._awareness.local_state or {}).get(group)).get(name)

    def __repr__(self) -> str:
        return f"<Me: {room_repr.me_words(self)}>"


def _checked_name(name: object) -> str:
    shown = as_name(name) if isinstance(name, str) else ""
    if not shown or len(str(name)) > MAX_NAME_CHARS:
        remedy = f"Give a text of 1 to {MAX_NAME_CHARS} characters."
        raise ConfigError(f"{name!r:.80} is no name of a person", remedy)
    return shown


def _checked_color(color: object) -> str:
    read = as_color(color) if isinstance(color, str) else None
    if read is None:
        raise ConfigError(f"{color!r:.80} is no colour", 'Give six digits, as in "#e65100".')
    return read


def _checked_place(place: object) -> str:
    if not isinstance(place, str) or len(place) > MAX_PLACE_CHARS:
        remedy = f"Give a text of at most {MAX_PLACE_CHARS} characters."
        raise ConfigError(f"looking_at is {place!r:.80}", remedy)
    return as_line(place, MAX_PLACE_CHARS)


def _fields(value: object) -> dict[str, object]:
    return dict(value) if isinstance(value, Mapping) else {}
