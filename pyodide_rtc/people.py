"""The people in a room: who shows a name there, and what else each shows of themselves.

A peer is an identity of the network; a person is somebody who shows a name. All of it comes from
awareness states, so it costs no message of its own, and a stock page's `user` is enough to be
shown. What our own kind shows beyond that lies in one field of the state:

    "pyodideRtc": {"person": "8c5f...", "idle": true, "lookingAt": "cell 3"}

`person` stays the same over a reload, and tells nobody who it is (identity.py). All three may be
missing, and all are claims: they are shown, bounded, and never trusted.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pyodide_rtc import room_repr
from pyodide_rtc.looks import MAX_NAME_CHARS, NO_COLOR, as_color, as_line, initials_of
from pyodide_rtc.protocol.document.shown_names import shown_names
from pyodide_rtc.protocol.events import JsonObject
from pyodide_rtc.snapshot import Peer, Snapshot

__all__ = [
    "FIELD",
    "LOOKING_AT",
    "MAX_PLACE_CHARS",
    "Attendance",
    "Person",
    "PersonState",
    "people",
    "state_of",
    "with_idle",
    "with_person",
]

if TYPE_CHECKING:
    PersonState = Literal["active", "idle", "busy", "away"]
else:
    PersonState = str
    """What completes code in notebooks (jedi 0.20) fails at a `Literal`, as in room_status.py."""

FIELD = "pyodideRtc"
"""The field of an awareness state that our own kind has for itself."""

PERSON, IDLE, LOOKING_AT = "person", "idle", "lookingAt"

RETURN_S = 15.0
"""Who is back within this time, as after a reload, has never left."""

MAX_PLACE_CHARS = 100
"""So much is shown of what somebody looks at."""

_NUMBER_CHARS = 6
"""A name may have a number: `"Ada (2)"`."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who shows a name in a room, in one notebook or page.

    Two tabs of one person are two: `"Ada"` and `"Ada (2)"`.

    Args:
        name: the name by which everybody sees them, as in `Peer.name`: text from outside, never
            trusted.
        color: their colour, as `"#e12b2b"`.
        initials: one or two letters of the name.
        is_me: whether it is this notebook's own.
        state: `"active"`; `"idle"` after two minutes in which they have neither edited, nor run a
            cell, nor shown anything new; `"busy"` while their kernel computes; `"away"` while
            their browser has put their page to sleep. Stock y-webrtc pages are always active.
        looking_at: what they say that they look at, as `"cell 3"`; empty if they say nothing.
        peer_id: the peer that they sit at, one of `room.peers`, or our own; None for a stock
            page, of which we do not know it.
    """

    name: str
    color: str
    initials: str
    is_me: bool
    state: PersonState
    looking_at: str
    peer_id: str | None

    def __repr__(self) -> str:
        return f"<Person {room_repr.person_words(self)}>"


def people(snapshot: Snapshot, own_client: int) -> dict[int, Person]:
    """Return the people in a room by client id: our own first, the others by name.

    Args:
        snapshot: the room.
        own_client: our own client id.
    """
    peers = {peer.client_id: peer for peer in reversed(snapshot.peers)}
    found: list[tuple[int, Person]] = []
    for client, shown in shown_names(snapshot.states).items():
        is_me = client == own_client
        peer = None if is_me else peers.get(client)
        own_or_none = snapshot.peer_id if is_me else None
        peer_id = own_or_none if peer is None else peer.peer_id
        name = as_line(shown, MAX_NAME_CHARS + _NUMBER_CHARS)
        if name:
            state = snapshot.states[client]
            found.append((client, _person(name, state, peer, peer_id, is_me=is_me)))
    found.sort(key=lambda one: (not one[1].is_me, one[1].name.casefold(), one[0]))
    return dict(found)


def state_of(peer: Peer) -> PersonState:
    """Return the state of who sits at a peer, as far as the network tells it."""
    if peer.is_asleep:
        return "away"
    return "active" if peer.busy_s is None else "busy"


def with_idle(state: JsonObject, *, is_idle: bool) -> JsonObject:
    """Return our own state, with or without that nobody does anything here."""
    ours = {**_object(state.get(FIELD)), IDLE: True}
    if not is_idle:
        del ours[IDLE]
    return {**state, FIELD: ours}


def with_person(state: JsonObject, person: str) -> JsonObject:
    """Return our own state, with what we are known by after a reload."""
    return {**state, FIELD: {**_object(state.get(FIELD)), PERSON: person}}


def _person(
    name: str, state: Mapping[str, object], peer: Peer | None, peer_id: str | None, *, is_me: bool
) -> Person:
    user, ours = _object(state.get("user")), _object(state.get(FIELD))
    color, place = user.get("color"), ours.get(LOOKING_AT)
    return Person(
        name,
        (as_color(color) if isinstance(color, str) else None) or NO_COLOR,
        initials_of(name),
        is_me,
        _state(ours, peer),
        as_line(place, MAX_PLACE_CHARS) if isinstance(place, str) else "",
        peer_id,
    )


def _state(ours: Mapping[str, object], peer: Peer | None) -> PersonState:
    state = "active" if peer is None else state_of(peer)
    return "idle" if state == "active" and ours.get(IDLE) is True else state


def _object(value: object) -> Mapping[str, object]:
    return value if isinstance(value, Mapping) else {}


def _identity(state: Mapping[str, object]) -> tuple[str, str]:
    """Return by what a person is known again: what stays over a reload, else the name."""
    person = _object(state.get(FIELD)).get(PERSON)
    if isinstance(person, str) and person:
        return "person", person[:MAX_NAME_CHARS]
    return "name", str(_object(state.get("user")).get("name"))[:MAX_NAME_CHARS]


Change = tuple[Literal["joined", "left"], Person]
"""Somebody has come or gone."""


@dataclass(slots=True)
class _Gone:
    until_s: float
    identity: tuple[str, str]
    person: Person


class Attendance:
    """Who of the others has come and gone; a reload is neither."""

    def __init__(self) -> None:
        self._here: dict[int, tuple[tuple[str, str], Person]] = {}
        self._gone: list[_Gone] = []

    @property
    def deadline_s(self) -> float | None:
        """When to look next, if nothing happens before."""
        return min((one.until_s for one in self._gone), default=None)

    def look(
        self, here: Mapping[int, Person], states: Mapping[int, JsonObject], now_s: float
    ) -> list[Change]:
        """Look who is here now.

        Args:
            here: the people by client id.
            states: what they show.
            now_s: the time.

        Returns:
            who has come, and who has left and is not back in time.
        """
        others = {i: (_identity(states[i]), one) for i, one in here.items() if not one.is_me}
        vanished = [client for client in self._here if client not in others]
        self._gone += [_Gone(now_s + RETURN_S, *self._here[client]) for client in vanished]
        appeared = [others[client] for client in others if client not in self._here]
        self._here = others
        left = [one for one in self._gone if now_s >= one.until_s]
        self._gone = [one for one in self._gone if now_s < one.until_s]
        joined = [person for identity, person in appeared if not self._is_back(identity)]
        return [*_told("left", (one.person for one in left)), *_told("joined", joined)]

    def _is_back(self, identity: tuple[str, str]) -> bool:
        """Whether somebody who appears has vanished a moment ago; then they count as never gone."""
        found = next((one for one in self._gone if one.identity == identity), None)
        if found is None:
            return False
        self._gone.remove(found)
        return True


def _told(kind: Literal["joined", "left"], people: Iterable[Person]) -> list[Change]:
    return [(kind, person) for person in people]
