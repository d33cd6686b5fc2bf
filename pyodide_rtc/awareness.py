"""Who is in the room and what each shows of itself, for users."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from pyodide_rtc.errors import ConfigError, LocalProtocolError
from pyodide_rtc.observers import Observers
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


class Awareness:
    """The awareness states of a room: one JSON object per client, the own one to be set.

    States are kept by the peers as long as they are here, and vanish with them: cursors, names,
    "is typing". What has to last belongs into the document.

    Args:
        client_id: the client id of our own document.
        state: our own state at the start.
        publish: called with our own state whenever it is set.
        read_states: returns the states of all.
    """

    def __init__(
        self,
        client_id: int,
        state: JsonObject,
        publish: Callable[[JsonObject | None], None],
        read_states: Callable[[], dict[int, JsonObject]],
    ) -> None:
        self.client_id = client_id
        self._local: JsonObject | None = state
        self._publish = publish
        self._read_states = read_states
        self._observers: Observers[AwarenessChanged] = Observers()

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

        Raises:
            LocalProtocolError: the state is not JSON, or larger than others accept (64 KiB).
        """
        new = None if state is None else dict(state)
        _check_json(new)
        self._local = new
        self._publish(new)

    def set_local_state_field(self, name: str, value: object) -> None:
        """Set one field of our own state, and keep its other fields.

        Raises:
            LocalProtocolError: the value is not JSON, or too large.
        """
        self.set_local_state({**(self._local or {}), name: value})

    def set_user(self, user: str | Mapping[str, object], completion: JsonObject) -> None:
        """Show another user.

        Args:
            user: a name, or an object with `name` and `color`.
            completion: the fields that are used where `user` has none.

        Raises:
            ConfigError: it is neither a name nor a JSON object.
        """
        own = user_state(user)["user"]
        assert isinstance(own, dict), "user_state makes it so"
        self.set_local_state_field("user", {**completion, **own})

    def complete_user(self, user: JsonObject) -> None:
        """Fill in the fields that our own user leaves out, before it is published."""
        if self._local is None or not user:
            return
        own = self._local.get("user", {})
        if isinstance(own, dict):  # else the caller has put something else there
            self._local = {**self._local, "user": {**user, **own}}

    def change_user(self, before: JsonObject, after: JsonObject) -> None:
        """Change the fields of our own user that were filled in: what users gave themselves stays.

        Args:
            before: what they were filled in with.
            after: what they are filled in with from now on.
        """
        own = None if self._local is None else self._local.get("user")
        if not isinstance(own, dict):
            return
        changed = {name: after[name] for name in after if own.get(name) == before.get(name)}
        if any(own.get(name) != changed[name] for name in changed):
            self.set_local_state_field("user", {**own, **changed})

    def observe(self, callback: Callable[[AwarenessChanged], None]) -> Callable[[], None]:
        """Call back at each change with the client ids added, updated and removed.

        Returns:
            a function that ends the observation; to call it twice is no error.
        """
        return self._observers.add(callback)

    @property
    def callbacks(self) -> tuple[Callable[[AwarenessChanged], None], ...]:
        """The callbacks of all who observe."""
        return tuple(self._observers)
