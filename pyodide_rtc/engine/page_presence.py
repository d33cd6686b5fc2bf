"""What a page shows of itself in a document (its person, its cursors), and what other pages show.

The page has a Yjs awareness of its own, with a client id of its own. Its state travels in one field
of the engine's awareness state. The states of others come from outside: they are bounded, and cut
to the fields that are shown.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyodide_rtc.awareness import Awareness
from pyodide_rtc.protocol.events import JsonObject

__all__ = ["PageState", "Presence", "username"]

_FIELD = "page"
_USER_FIELDS = ("username", "name", "display_name", "initials", "color")
"""`avatar_url` is left out: each page would fetch an address that another one names."""

_TEXT_CHARS = 100
_MAX_CLIENT_ID = 2**53

PageState = tuple[int, JsonObject]
"""A page's client id, and what it shows."""


class Presence:
    """The presence of a page among those who have a document open.

    Args:
        awareness: that of the document.
        on_change: called with the states of all other pages, whenever one changes.
    """

    def __init__(self, awareness: Awareness, on_change: Callable[[list[PageState]], None]) -> None:
        self._awareness = awareness
        self._on_change = on_change
        self._last: list[PageState] = []
        self._end_observation = awareness.observe(lambda _change: self._look())

    @property
    def others(self) -> list[PageState]:
        """The states of all other pages."""
        own = self._awareness.client_id
        states = self._awareness.states.items()
        found = (_page_state(state.get(_FIELD)) for client, state in states if client != own)
        return [one for one in found if one is not None]

    @property
    def others_by_client(self) -> list[PageState]:
        """What all other pages show, each with the client id of its engine, not of the page."""
        own = self._awareness.client_id
        states = self._awareness.states.items()
        found = ((client, _page_state(state.get(_FIELD))) for client, state in states)
        return [(client, one[1]) for client, one in found if one is not None and client != own]

    def show(self, client: int, state: JsonObject | None) -> None:
        """Show this state to the others; None says that the page is not there.

        Raises:
            LocalProtocolError: it is larger than others accept (64 KiB).
        """
        value = None if state is None else {"client": client, "state": state}
        self._awareness.set_local_state_field(_FIELD, value)

    def close(self) -> None:
        """Show nothing any more, and tell nothing."""
        self._end_observation()
        self._awareness.set_local_state_field(_FIELD, None)

    def _look(self) -> None:
        others = self.others
        if others != self._last:
            self._last = others
            self._on_change(others)


def _page_state(value: object) -> PageState | None:
    """Read the state of another page; None if the value is none."""
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
    """Return the user name, which identifies the person at a page."""
    user = state["user"]
    return str(user.get("username", "")) if isinstance(user, Mapping) else ""
