"""Who is in the room and what each shows of itself, for users."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from pyodide_rtc import room_repr
from pyodide_rtc.errors import ConfigError, LocalProtocolError
from pyodide_rtc.observers import Observation, Observers
from pyodide_rtc.people import with_person
from pyodide_rtc.protocol.document.awareness_limits import MAX_STATE_BYTES
from pyodide_rtc.protocol.document.shown_names import shown_names
from pyodide_rtc.protocol.effects import AwarenessChanged
from pyodide_rtc.protocol.events import JsonObject
from pyodide_rtc.wire.awareness_update import AwarenessEntry, encode_awareness


def user_state(user: str | Mapping[str, object] | None) -> JsonObject:
    """Return the awareness state of a user as other Yjs editors read it: `{"user": {"name": ...}}`.

    Raises:
        ConfigError: it is neither a name nor a JSON object.
    """
    if user is None:
        return {}
    refusal = ConfigError(
        f"{user!r} is no user", 'Give a name, or {"name": "Ada", "color": "#e91e63"}.'
    )
    if not isinstance(user, str | Mapping):
        raise refusal
    state: JsonObject = {"user": {"name": user} if isinstance(user, str) else dict(user)}
    try:
        _check_json(state)
    except LocalProtocolError as error:
        raise refusal from error
    return state


def _check_json(state: JsonObject | None) -> None:
    size_bytes = len(encode_awareness([AwarenessEntry(0, 0, state)]))
    if size_bytes > MAX_STATE_BYTES:
        problem = f"an awareness state of {size_bytes} bytes"
        raise LocalProtocolError(f"peers take {MAX_STATE_BYTES} bytes", problem)


@dataclass(frozen=True, slots=True)
class AwarenessEvent:
    """Somebody has come, shows something else, or has gone.

    Args:
        document: the document that they have open; empty for the room's own.
        added: the client ids of those who have come.
        updated: the client ids of those who show something else.
        removed: the client ids of those who have gone.
        names: the names by which they are or were shown, by client id, as in `Awareness.names`;
            text from outside.
    """

    document: str
    added: tuple[int, ...]
    updated: tuple[int, ...]
    removed: tuple[int, ...]
    names: Mapping[int, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        told = {"came": self.added, "changed": self.updated, "went": self.removed}
        words = [f"{self._listed(ids)} {verb}" for verb, ids in told.items() if ids]
        where = room_repr.document_words(self.document)
        return f"<{'; '.join(words)}{where}>"

    def _listed(self, ids: tuple[int, ...]) -> str:
        return room_repr.listed([self.names.get(i) or f"client {i}" for i in ids])


class Company:
    """Tells users who is in a document, by name: a name outlasts the state that it was in.

    Args:
        read_states: returns the states of all.
    """

    def __init__(self, read_states: Callable[[], dict[int, JsonObject]]) -> None:
        self.observers: Observers[AwarenessEvent] = Observers()
        self._read_states = read_states
        self._names: dict[int, str] = {}

    def event(self, change: AwarenessChanged) -> AwarenessEvent:
        """Return what users are told of a change."""
        added, updated, removed = change.added, change.updated, change.removed
        self._names |= dict.fromkeys((*added, *updated), "")
        shown = shown_names(self._read_states())
        self._names |= {i: room_repr.short_name(name) for i, name in shown.items()}
        names = {i: self._names.get(i, "") for i in (*added, *updated, *removed)}
        for client_id in removed:
            self._names.pop(client_id, None)
        return AwarenessEvent(change.document, added, updated, removed, names)


class Awareness:
    """The awareness states of a room: one JSON object per client, the own one to be set.

    States are kept by the peers as long as they are here, and vanish with them: cursors, names,
    "is typing". What has to last belongs into the document.

    Example:
        >>> room.awareness.set_local_state_field("cursor", 7)
        >>> [state.get("cursor") for state in room.awareness.states.values()]

    Args:
        client_id: the client id of our own document.
        state: our own state at the start.
        publish: called with our own state whenever it is set.
        read_states: returns the states of all.
        observers: those who are told of changes.
        where: names what it is the awareness of.
    """

    def __init__(
        self,
        client_id: int,
        state: JsonObject,
        publish: Callable[[JsonObject | None], None],
        read_states: Callable[[], dict[int, JsonObject]],
        observers: Observers[AwarenessEvent],
        where: Callable[[], str],
    ) -> None:
        self._client_id = client_id
        self._local: JsonObject | None = state
        self._publish = publish
        self._read_states = read_states
        self._observers = observers
        self._where = where

    @property
    def client_id(self) -> int:
        """The client id of our own document: the key of our own state in `states`."""
        return self._client_id

    @property
    def local_state(self) -> JsonObject | None:
        """Our own state, as a copy; None once it was removed."""
        return None if self._local is None else dict(self._local)

    @property
    def states(self) -> dict[int, JsonObject]:
        """All states by client id, our own included, as a copy."""
        return self._read_states()

    @property
    def names(self) -> dict[int, str]:
        """The names by which all are shown, by client id, our own included.

        Of several who have one name, all but one get a number: `"Ada"`, `"Ada (2)"`. Everybody sees
        the same names; what each has in `states` is not changed.
        """
        return shown_names(self.states)

    def set_local_state(self, state: Mapping[str, object] | None) -> None:
        """Set our own state; None tells the others that we are not here.

        Example:
            >>> room.awareness.set_local_state({"user": {"name": "Ada"}, "cursor": 7})

        Args:
            state: a JSON object, which the others have within some milliseconds.

        Raises:
            LocalProtocolError: the state is not JSON, or larger than others accept (64 KiB).
        """
        new = None if state is None else dict(state)
        _check_json(new)
        self._local = new
        self._publish(new)

    def set_local_state_field(self, name: str, value: object) -> None:
        """Set one field of our own state, and keep its other fields.

        Example:
            >>> room.awareness.set_local_state_field("cursor", 7)

        Args:
            name: the field.
            value: what JSON can hold.

        Raises:
            LocalProtocolError: the value is not JSON, or too large.
        """
        self.set_local_state({**(self._local or {}), name: value})

    def observe(self, callback: Callable[[AwarenessEvent], object]) -> Observation:
        """Call back each time when somebody comes, shows something else, or goes.

        What the callback prints or draws appears below the cell that calls this.

        Example:
            >>> observation = room.awareness.observe(print)  # <Bob is here>
            >>> observation.cancel()

        Args:
            callback: called with an `AwarenessEvent`.

        Returns:
            the observation: `cancel()` ends it, and so does the end of a `with` block.
        """
        return self._observers.add(f"who is in {self._where()}", callback)

    def __repr__(self) -> str:
        here = len(self.states)
        return f"<Awareness of {self._where()}: {here} {'state' if here == 1 else 'states'}>"


def set_user(
    awareness: Awareness, user: str | Mapping[str, object], completion: JsonObject
) -> None:
    """Show another user.

    Args:
        awareness: where it is shown.
        user: a name, or an object with `name` and `color`.
        completion: the fields that are used where `user` has none.

    Raises:
        ConfigError: it is neither a name nor a JSON object.
    """
    own = user_state(user)["user"]
    assert isinstance(own, dict), "user_state makes it so"
    awareness.set_local_state_field("user", {**completion, **own})


def complete_user(awareness: Awareness, user: JsonObject) -> None:
    """Fill in the fields that our own user leaves out."""
    state = awareness.local_state
    if state is None or not user:
        return
    own = state.get("user", {})
    if isinstance(own, dict):  # else the caller has put something else there
        awareness.set_local_state_field("user", {**user, **own})


def show_person(awareness: Awareness, person: str) -> None:
    """Show by what we are known again after a reload, beside our user."""
    state = awareness.local_state
    if person and state is not None and isinstance(state.get("user"), dict):
        awareness.set_local_state(with_person(state, person))


def change_user(awareness: Awareness, before: JsonObject, after: JsonObject) -> None:
    """Change the fields of our own user that were filled in: what users gave themselves stays.

    Args:
        awareness: where it is shown.
        before: what they were filled in with.
        after: what they are filled in with from now on.
    """
    own = (awareness.local_state or {}).get("user")
    if not isinstance(own, dict):
        return
    changed = {name: after[name] for name in after if own.get(name) == before.get(name)}
    if any(own.get(name) != changed[name] for name in changed):
        awareness.set_local_state_field("user", {**own, **changed})
