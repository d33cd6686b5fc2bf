"""Reads the log of a document, whatever is in it: nothing here writes."""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass, field

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.ports import LogContents
from pyodide_rtc.storage.records import (
    NewerRecord,
    PlainRecord,
    RecordSealer,
    SealedRecord,
    decode,
)
from pyodide_rtc.storage.scratch import NOTHING, Scratch

__all__ = ["ReadLog", "read_records"]

_MAX_POISONS = 4
"""Yrs takes some updates that make it fail whenever it reads the document. So many are looked for:
each costs ten times as much as to read the log."""


@dataclass(slots=True)
class ReadLog:
    """What the records of a log say.

    Args:
        life: the log's life.
        whole: the numbers of the records that `scratch` has.
        waiting: records that wait for others, which are not in the log: number to update.
        damaged: the numbers of records that cannot be read, with the right key, by any version.
        newer: how many records a later version of the package has written.
        strangers: how many records belong to a room of this name with another password, or none.
        left_bytes: the bytes of all records but those in `whole`.
        scratch: a document with all that could be read.
        state: what `scratch` has as one update; None if Yrs cannot read it.
    """

    life: str
    whole: list[int] = field(default_factory=list)
    waiting: dict[int, bytes] = field(default_factory=dict)
    damaged: list[int] = field(default_factory=list)
    newer: int = 0
    strangers: int = 0
    left_bytes: int = 0
    scratch: Scratch = field(default_factory=Scratch)
    state: bytes | None = NOTHING
    _updates: dict[int, bytes] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """How many records a compaction leaves as they are."""
        return len(self.waiting) + len(self.damaged) + self.newer + self.strangers

    def updates(self) -> list[bytes]:
        """Return what a document needs to have all that could be read: mostly one update."""
        if self.state is None:
            return [*self._updates.values()]
        return [update for update in (self.state, *self.waiting.values()) if update != NOTHING]

    def apply(self, updates: dict[int, bytes]) -> None:
        """Apply the updates of records, by number, and sort the records by what came of it."""
        self._try(updates)
        for _ in range(_MAX_POISONS):
            if self.state is not None:
                break
            self._set_aside(_poison(updates), updates)
            self._try(updates)
        self._updates = updates
        self.waiting = self.scratch.waiting(updates)
        self.whole = [number for number in updates if number not in self.waiting]

    def _try(self, updates: dict[int, bytes]) -> None:
        """Apply updates to a new document; those that Yrs cannot apply are damaged."""
        self.scratch = Scratch.of(updates.values()) or self._one_by_one(updates)
        self.state = self.scratch.state()

    def _one_by_one(self, updates: dict[int, bytes]) -> Scratch:
        scratch = Scratch()
        # Yrs fails on some updates that come out of order: a second time they may do no harm.
        failed = [number for number, update in updates.items() if not scratch.add(update)]
        for number in failed:
            if not scratch.add(updates[number]):
                self._set_aside(number, updates)
        return scratch

    def _set_aside(self, number: int, updates: dict[int, bytes]) -> None:
        self.damaged.append(number)
        del updates[number]


def _poison(updates: dict[int, bytes]) -> int:
    """Find a record that makes a document unreadable: the first, or one of those before it."""

    def is_readable_after(count: int) -> bool:
        scratch = Scratch()
        for number in numbers[:count]:
            scratch.add(updates[number])
        return scratch.state() is not None

    numbers = [*updates]
    return numbers[
        bisect_left(range(1, len(numbers)), True, key=lambda n: not is_readable_after(n))
    ]


async def read_records(contents: LogContents, sealer: RecordSealer) -> ReadLog:
    """Read the records of a log. One that cannot be read keeps none of the others from being read.

    Raises:
        BrowserUnsupportedError: there is no key, as the browser has no cryptography.
    """
    found = ReadLog(contents.life)
    records: dict[int, PlainRecord | SealedRecord] = {}
    for number, data in contents.records:
        try:
            record = decode(data)
        except DecodeError:
            found.damaged.append(number)
            continue
        if isinstance(record, NewerRecord):
            found.newer += 1
        else:
            records[number] = record
    opened = await sealer.unseal([*records.values()])
    updates = {n: update for n, update in zip(records, opened, strict=True) if update is not None}
    found.strangers = len(records) - len(updates)
    found.apply(updates)
    taken = set(found.whole)
    found.left_bytes = sum(len(data) for number, data in contents.records if number not in taken)
    return found
