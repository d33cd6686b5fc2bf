"""The changes of a document that are not written yet. Memory for them is bounded."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from pyodide_rtc.wire.state import decode_state_vector, encode_state_vector
from pyodide_rtc.yrs import is_readable, merged

__all__ = ["EMPTY_STATE", "Source", "Unwritten", "earliest"]

EMPTY_STATE = b"\0"
"""The state vector of a document that has nothing."""

_MAX_BYTES = 1_000_000
_MAX_UPDATES = 1_000
"""Beyond either, changes are not held: they are read from the document when they are written."""


class Source(Protocol):
    """The document that is kept. A `DocumentBinding` is one."""

    @property
    def state_vector(self) -> bytes:
        """How far the document goes without a gap, by client, encoded."""

    def diff(self, state_vector: bytes) -> bytes:
        """Return what a document with this state vector lacks, and all deletions."""


@dataclass(slots=True)
class Unwritten:
    """Changes that follow one another.

    Args:
        since: the document's state vector before the first of them.
        is_difference: whether they are to be read from the document.
        updates: the changes, if not.
    """

    since: bytes
    is_difference: bool = False
    updates: list[bytes] = field(default_factory=list)
    _size: int = 0

    def add(self, update: bytes | None) -> None:
        """Add the next change; None if it is to be read from the document."""
        if update is not None and not self.is_difference:
            self.updates.append(update)
            self._size += len(update)
        if update is None or self._size > _MAX_BYTES or len(self.updates) > _MAX_UPDATES:
            self.let_go()

    def let_go(self) -> None:
        """Hold the changes no longer."""
        self.is_difference = True
        self.updates.clear()

    def read(self, source: Source) -> bytes:
        """Make one update of the changes. Yrs can read it, if it can read the document."""
        if not self.is_difference:
            update = merged(self.updates, lambda: source.diff(self.since))
            if update is not None and is_readable(update):
                return update
        return source.diff(self.since)


def earliest(one: bytes, other: bytes) -> bytes:
    """Return the state vector of what two of them have in common."""
    clocks, others = decode_state_vector(one), decode_state_vector(other)
    return encode_state_vector({i: min(clock, others.get(i, 0)) for i, clock in clocks.items()})
