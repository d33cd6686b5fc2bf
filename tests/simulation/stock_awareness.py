"""Awareness as y-protocols 1.0.7 has it, written down anew so that nothing of ours is in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyodide_rtc.wire.awareness_update import AwarenessEntry, decode_awareness, encode_awareness

OUTDATED_S = 30.0
State = dict[str, Any]


class StockAwareness:
    """The states of all, with clocks.

    Args:
        client_id: the own document's client id.
        now_s: the clock.
        on_update: called with the clients that others should hear of.
    """

    def __init__(
        self,
        client_id: int,
        now_s: Callable[[], float],
        on_update: Callable[[list[int]], None],
    ) -> None:
        self.client_id = client_id
        self.states: dict[int, State] = {}
        self._meta: dict[int, tuple[int, float]] = {}
        self._now_s = now_s
        self._on_update = on_update
        self.set_local({})

    def set_local(self, state: State | None) -> None:
        before = self._meta.get(self.client_id)
        clock = 0 if before is None else before[0] + 1
        if state is None:
            self.states.pop(self.client_id, None)
        else:
            self.states[self.client_id] = state
        self._meta[self.client_id] = (clock, self._now_s())
        self._on_update([self.client_id])

    def check(self) -> None:
        """Renew the own state and drop the silent: called every 3 s."""
        own = self.states.get(self.client_id)
        if own is not None and self._now_s() - self._meta[self.client_id][1] >= OUTDATED_S / 2:
            self.set_local(own)
        gone = [
            i
            for i, (_, seen_s) in self._meta.items()
            if i != self.client_id and i in self.states and self._now_s() - seen_s >= OUTDATED_S
        ]
        for client_id in gone:
            del self.states[client_id]
        if gone:
            self._on_update(gone)

    def encode(self, client_ids: list[int]) -> bytes:
        return encode_awareness(
            [AwarenessEntry(i, self._meta[i][0], self.states.get(i)) for i in client_ids]
        )

    def apply(self, update: bytes) -> None:
        changed = [
            entry.client_id
            for entry in decode_awareness(update, max_bytes=1 << 20, max_clients=1000)
            if isinstance(entry, AwarenessEntry) and self._apply_one(entry)
        ]
        if changed:
            self._on_update(changed)

    def _apply_one(self, entry: AwarenessEntry) -> bool:
        client_id, clock, state = entry.client_id, entry.clock, entry.state
        known_clock = self._meta[client_id][0] if client_id in self._meta else 0
        is_removal = known_clock == clock and state is None and client_id in self.states
        if known_clock >= clock and not is_removal:
            return False
        was_known = client_id in self._meta
        if state is not None:
            self.states[client_id] = state
        elif client_id == self.client_id and client_id in self.states:
            clock += 1  # nobody else says that we are gone
        else:
            self.states.pop(client_id, None)
        self._meta[client_id] = (clock, self._now_s())
        return was_known or state is not None
