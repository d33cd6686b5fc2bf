"""A document of our own, to try out what was kept, and to merge it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

from pycrdt import Doc, get_update, merge_updates

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.wire.pairs import Pairs
from pyodide_rtc.wire.state import Units, decode_state_vector, decode_units
from pyodide_rtc.wire.update_extent import extent_of, nests_too_deep
from pyodide_rtc.yrs import attempt, is_panic, is_readable

__all__ = ["NOTHING", "Scratch"]

NOTHING = b"\0\0"
"""The update that changes nothing."""

_TOGETHER = 30
"""`waiting` merges so many updates and looks at them together. To look at each takes six times as
long, and is done only if one of them waits."""

_LARGE_BYTES = 100_000
"""An update from this size on is not merged: that would take more memory, and save nothing."""


class Scratch:
    """A document that nobody sees. It forgets the contents of what is deleted, as Yjs does."""

    def __init__(self) -> None:
        self._doc: Doc[Any] = Doc()
        self._pairs = Pairs()

    @property
    def state_vector(self) -> bytes:
        """How far it goes without a gap, by client, encoded."""
        return self._doc.get_state()

    @classmethod
    def of(cls, updates: Iterable[bytes]) -> Scratch | None:
        """Make one that has all these updates; None if Yrs cannot apply one of them."""
        scratch = cls()
        try:
            with scratch._doc.transaction():  # one for all of them takes half the time
                return scratch if all(map(scratch.add, updates)) else None
        except BaseException as error:
            if not is_panic(error):
                raise
            return None

    def add(self, update: bytes) -> bool:
        """Apply an update; return whether Yrs could."""
        if nests_too_deep(update):
            return False
        mended = self._pairs.mend(update)
        try:
            if mended.cut:
                self._doc.apply_update(mended.deletions)
            self._doc.apply_update(mended.update)
        except (ValueError, RuntimeError):
            return False
        except BaseException as error:
            if not is_panic(error):
                raise
            return False
        return True

    def state(self) -> bytes | None:
        """Return all that it has as one update; None if Yrs cannot read what it writes.

        What waits for missing updates is not in it: see `waiting`.
        """
        state = attempt(self._doc.get_update)
        return state if state is not None and is_readable(state) else None

    def waiting(self, updates: Mapping[int, bytes]) -> dict[int, bytes]:
        """Return those of the updates that were added which `state` does not have as a whole.

        Yrs keeps units and deletions back as long as what they build upon is missing.
        """
        state_vector = self.state_vector
        has = partial(_has, state_vector, decode_state_vector(state_vector))
        in_doubt: set[bytes] = set()
        for some in _in_parts(updates.values()):
            merged = _merged(some)
            if merged is None or not has(merged):
                in_doubt.update(some)
        return {
            n: update for n, update in updates.items() if update in in_doubt and not has(update)
        }

    def gains_by(self, update: bytes) -> bool:
        """Apply an update, and return whether that has changed anything."""
        before = self._facts()
        return self.add(update) and self._facts() != before

    def _facts(self) -> tuple[bytes, bytes | None]:
        state_vector = self.state_vector
        return state_vector, attempt(lambda: self._doc.get_update(state_vector))


def _in_parts(updates: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Divide updates, in their order, into the parts that are merged."""
    part: list[bytes] = []
    for update in updates:
        if part and (len(update) >= _LARGE_BYTES or len(part) == _TOGETHER):
            yield part
            part = []
        part.append(update)
        if len(update) >= _LARGE_BYTES:
            yield part
            part = []
    if part:
        yield part


def _merged(updates: list[bytes]) -> bytes | None:
    if len(updates) == 1:
        return updates[0]
    merged: bytes | None = attempt(lambda: merge_updates(*updates))
    return merged


def _has(state_vector: bytes, clocks: dict[int, int], update: bytes) -> bool:
    rest = attempt(lambda: get_update(update, state_vector))
    if rest == NOTHING:  # so it is with most; what follows takes longer
        return True
    if rest is None:
        return False
    try:
        extent = extent_of(rest)
        deletions = decode_units(extent.deletions)
    except DecodeError:
        return False
    return _lies_within(extent.spans, clocks) and _lies_within(deletions, clocks)


def _lies_within(units: Units, clocks: dict[int, int]) -> bool:
    return all(ranges[-1][1] <= clocks.get(client, 0) for client, ranges in units.items() if ranges)
