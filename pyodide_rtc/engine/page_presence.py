"""What a page shows of itself in a room (its person, its cursors), and what the others show.

The page has a Yjs awareness of its own, with a client id of its own; its state travels in one field
of the engine's state. What others tell is text from outside: bounded, and cut to what is shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyodide_rtc.protocol.events import JsonObject
from pyodide_rtc.room import Room

__all__ = ["PageState", "Presence", "username"]

_FIELD = "page"
_USER_FIELDS = ("username", "name", "display_name", "initials", "color")
"""No `avatar_url`: each page would fetch what another one names."""

_TEXT_CHARS = 100
_MAX_CLIENT_ID = 2**53

PageState = tuple[int, JsonObject]
"""A page's client id, and what it shows."""


class Presence:
    """The presence of a page in a room.

    Args:
        room: carries it.
        on_change: called with what all the others show, whenever that changes.
    """

    def __init__(self, room: Room, on_change: Callable[[list[PageState]], None]) -> None:
        self._room = room
        self._on_change = on_change
        self._last: list[PageState] = []
        room.awareness.observe(lambda _change: self._look())

    @property
    def others(self) -> list[PageState]:
        """What the others show."""
        own = self._room.awareness.client_id
        states = self._room.awareness.states.items()
        found = (_page_state(state.get(_FIELD)) for client, state in states if client != own)
        return [one for one in found if one is not None]

    def show(self, client: int, state: JsonObject | None) -> None:
        """Show this to the others; None: the page is not there.

        Raises:
            LocalProtocolError: it is larger than others take (64 KiB).
        """
        value = None if state is None else {"client": client, "state": state}
        self._room.awareness.set_local_state_field(_FIELD, value)

    def _look(self) -> None:
        others = self.others
        if others != self._last:
            self._last = others
            self._on_change(others)


def _page_state(value: object) -> PageState | None:
    """Read what somebody's page shows; None where it is nothing of the kind."""
    if not isinstance(value, Mapping):
        return None
    client, state = value.get("client"), value.get("state")
    if (
        type(client) is not int
        or not 0 <= client < _MAX_CLIENT_ID
        or not isinstance(state, Mapping)
    ):
        return None
    return client, {**state, "user": _user(state.get("user"))}


def _user(value: object) -> dict[str, str]:
    if not isinstance(value, Mapping):
        return {}
    known = {field: value.get(field) for field in _USER_FIELDS}
    return {field: text[:_TEXT_CHARS] for field, text in known.items() if isinstance(text, str)}


def username(state: JsonObject) -> str:
    """Give what tells the person of a page apart from others."""
    user = state["user"]
    return str(user.get("username", "")) if isinstance(user, Mapping) else ""
