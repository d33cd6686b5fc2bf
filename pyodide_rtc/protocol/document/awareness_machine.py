"""The awareness states of a document: who is here and what each shows of itself, by client id.

The rules are those of y-protocols' awareness (wire.md section 4): each client owns one JSON state
with a clock; the higher clock wins; a client that is silent for 30 s is gone. But as long as we are
linked with a peer that claims a client, its connection tells whether the client is here: a kernel
that computes is silent, and not gone. Owns the states; knows no link.
"""

from __future__ import annotations

from collections.abc import Container, Iterable
from dataclasses import dataclass, field

from pyodide_rtc.protocol.deadlines import earliest, has_passed
from pyodide_rtc.protocol.document.shown_names import shown_names
from pyodide_rtc.protocol.events import JsonObject
from pyodide_rtc.wire.awareness_update import AwarenessEntry
from pyodide_rtc.wire.lib0 import MAX_SAFE_INTEGER

RENEW_INTERVAL_S = 15.0
"""How often the own state is sent again, unchanged: half of the time-out, as in y-protocols."""

OUTDATED_TIMEOUT_S = 30.0
"""After this silence a client counts as gone."""


MAX_RECORDS = 10_000
"""So many clients' clocks are kept, those of clients that have gone included: without its clock an
old state that took a long way could come back. Beyond this number half of them are kept."""


@dataclass(frozen=True, slots=True)
class AwarenessChange:
    """What one step changed, as client ids.

    `renewed` are those whose clock went up while the state stayed equal. There is nothing to show,
    but they are passed on: else peers further away would take them for gone.
    """

    added: tuple[int, ...] = ()
    updated: tuple[int, ...] = ()
    removed: tuple[int, ...] = ()
    renewed: tuple[int, ...] = ()

    @property
    def is_visible(self) -> bool:
        """Whether a user would see a difference."""
        return bool(self.added or self.updated or self.removed)

    @property
    def all(self) -> tuple[int, ...]:
        """All clients whose states are passed on to other peers."""
        return self.added + self.updated + self.removed + self.renewed


def _next_clock(clock: int) -> int:
    return min(clock + 1, MAX_SAFE_INTEGER)  # a hostile peer may have driven it there


@dataclass(slots=True)
class _Record:
    clock: int
    state: JsonObject | None
    seen_s: float


@dataclass(slots=True)
class AwarenessMachine:
    """The awareness states of one document.

    Args:
        client_id: the own document's client id.
        linked: the clients of peers that we are linked with.
    """

    client_id: int
    linked: Container[int] = field(default=(), kw_only=True)
    _records: dict[int, _Record] = field(default_factory=dict)
    _names: dict[int, str] | None = None  # as they are shown; None after a change
    _due_s: float | None = None  # not later than the first time-out

    @property
    def states(self) -> dict[int, JsonObject]:
        """The states of all who are here, ourselves included."""
        return {i: r.state for i, r in self._records.items() if r.state is not None}

    def name_of(self, client_id: int | None) -> str | None:
        """Return the name by which a client is shown, if it shows one: see `shown_names`."""
        if self._names is None:
            self._names = shown_names(self.states)
        return None if client_id is None else self._names.get(client_id)

    @property
    def deadline_s(self) -> float | None:
        """When `expire` should be called next; None while nobody is here, not even we.

        It may be too early, if all have renewed their states by then. To compute it exactly at each
        event would make a room of thousands slow.
        """
        return self._due_s

    def _time_out_s(self, client_id: int, record: _Record) -> float:
        is_own = client_id == self.client_id
        return record.seen_s + (RENEW_INTERVAL_S if is_own else OUTDATED_TIMEOUT_S)

    def _keep(self, client_id: int, record: _Record) -> None:
        self._records[client_id] = record
        self._names = None
        if record.state is not None:
            self._due_s = earliest(self._due_s, self._time_out_s(client_id, record))

    def entries(self, client_ids: Iterable[int] | None = None) -> list[AwarenessEntry]:
        """Return the entries to send for these clients, or for all that are here."""
        ids = self.states if client_ids is None else client_ids
        # The clock of a client that has gone may be one below the first one (`remove`).
        records = ((i, self._records[i]) for i in ids if i in self._records)
        return [AwarenessEntry(i, max(record.clock, 0), record.state) for i, record in records]

    def set_local(self, state: JsonObject | None, now_s: float) -> AwarenessChange:
        """Set the own state; None says that we are gone."""
        record = self._records.get(self.client_id)
        before = record.state if record else None
        # The first clock is the time: a document that joins again must not fall behind the clock
        # with which it left. With clock 0 a stock peer would ignore an unknown client as outdated.
        clock = _next_clock(record.clock if record else int(now_s * 1000))
        self._keep(self.client_id, _Record(clock, state, now_s))
        return self._change_of(self.client_id, before, state)

    def expire(self, now_s: float) -> tuple[AwarenessChange, AwarenessChange]:
        """Renew our own state, and remove clients that were silent for too long.

        Returns:
            the change to send (our renewal), and the change only to show: each peer notices by
            itself who is silent.
        """
        sent = AwarenessChange()
        if not has_passed(self._due_s, now_s):
            return sent, AwarenessChange()
        gone = []
        for client_id, record in self._records.items():
            if record.state is None:
                continue
            if client_id == self.client_id:
                if now_s >= record.seen_s + RENEW_INTERVAL_S:  # rounded as in `deadline_s`
                    record.clock = _next_clock(record.clock)
                    record.seen_s = now_s
                    sent = AwarenessChange(renewed=(client_id,))
            elif client_id not in self.linked and now_s >= record.seen_s + OUTDATED_TIMEOUT_S:
                record.state = None
                self._names = None
                gone.append(client_id)
        self._due_s = earliest(
            *(
                self._time_out_s(client_id, record)
                for client_id, record in self._records.items()
                if record.state is not None and client_id not in self.linked
            )
        )
        return sent, AwarenessChange(removed=tuple(gone))

    def remove(self, client_ids: Iterable[int]) -> AwarenessChange:
        """Remove clients whose peer is no longer linked; their last state may come again.

        The clock is set back by one: a peer that was only cut off sends the same state with the
        same clock as soon as it is linked again.
        """
        gone = []
        for client_id in client_ids:
            record = self._records.get(client_id)
            if record is not None and record.state is not None and client_id != self.client_id:
                record.state = None
                self._names = None
                record.clock -= 1
                gone.append(client_id)
        return AwarenessChange(removed=tuple(gone))

    def apply(self, entries: Iterable[AwarenessEntry], now_s: float) -> AwarenessChange:
        """Apply entries of a peer, for any clients; the change has each client at most once."""
        if len(self._records) > MAX_RECORDS:
            self._forget_gone()
        before: dict[int, JsonObject | None] = {}
        for entry in entries:
            state = self._state_of(entry.client_id)
            if self._apply_one(entry, now_s):
                before.setdefault(entry.client_id, state)
        changes = [self._change_of(i, state, self._state_of(i)) for i, state in before.items()]
        return AwarenessChange(
            added=tuple(i for c in changes for i in c.added),
            updated=tuple(i for c in changes for i in c.updated),
            removed=tuple(i for c in changes for i in c.removed),
            renewed=tuple(i for c in changes for i in c.renewed),
        )

    def heard_s(self, client_id: int) -> float | None:
        """When a client that shows a state set or renewed it last; None if it shows none."""
        record = self._records.get(client_id)
        return None if record is None or record.state is None else record.seen_s

    def is_here(self, client_id: int) -> bool:
        """Whether a client shows a state."""
        return self._state_of(client_id) is not None

    def _state_of(self, client_id: int) -> JsonObject | None:
        record = self._records.get(client_id)
        return None if record is None else record.state

    def _forget_gone(self) -> None:
        """Forget the clocks of the clients that went first; their old states could come again."""
        gone = [i for i, r in self._records.items() if r.state is None and i != self.client_id]
        for client_id in gone[: len(self._records) - MAX_RECORDS // 2]:
            del self._records[client_id]

    def _apply_one(self, entry: AwarenessEntry, now_s: float) -> bool:
        """Apply one entry; return whether there is something to pass on."""
        record = self._records.get(entry.client_id)
        known_clock = record.clock if record else -1
        before = record.state if record else None
        is_newer = entry.clock > known_clock
        # Who says at an equal clock that a client is gone has not heard of it for a while. We have,
        # if it is linked; its own goodbye has a higher clock.
        is_removal = entry.clock == known_clock and entry.state is None and before is not None
        is_removal = is_removal and entry.client_id not in self.linked
        is_stranger_gone = record is None and entry.state is None
        if is_stranger_gone or not (is_newer or is_removal):
            return False
        if entry.client_id == self.client_id and record is not None:
            # Somebody else sent an entry for our own client. If it says that we are gone, we answer
            # with a higher clock. If it has a state, it comes from a twin, another document with
            # our client id. We do not answer that: the two would outbid each other for ever.
            record.clock = _next_clock(entry.clock)
            return entry.state is None and record.state is not None
        self._keep(entry.client_id, _Record(entry.clock, entry.state, now_s))
        return True

    @staticmethod
    def _change_of(
        client_id: int, before: JsonObject | None, after: JsonObject | None
    ) -> AwarenessChange:
        ids = (client_id,)
        if before is None:
            return AwarenessChange(added=ids) if after is not None else AwarenessChange()
        if after is None:
            return AwarenessChange(removed=ids)
        return AwarenessChange(updated=ids) if before != after else AwarenessChange(renewed=ids)
