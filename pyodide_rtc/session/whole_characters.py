"""Keeps the characters of a document whole, whatever a stock page does to their halves.

Which characters an update would cut, ``wire.pairs`` says. Here they are deleted before it comes:
what Yrs has deleted it can part anywhere.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from typing import Any

from pycrdt import Doc, get_update

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.wire.pairs import Pairs
from pyodide_rtc.wire.state import Units, decode_state_vector, decode_units
from pyodide_rtc.wire.update_extent import extent_of
from pyodide_rtc.yrs import attempt

__all__ = ["WholeCharacters"]


class WholeCharacters:
    """The characters of a document that have two UTF-16 units.

    Args:
        doc: the document.
        read: reads all of it; called once, before the first update.
    """

    def __init__(self, doc: Doc[Any], read: Callable[[], bytes]) -> None:
        self._doc = doc
        self._read = read
        self._pairs: Pairs | None = None

    def learn(self, change: bytes) -> None:
        """Note a change of the document that did not come by `keep`."""
        if self._pairs is not None:
            self._pairs.learn(change)

    def forget(self) -> None:
        """Read the document anew before the next update: `learn` has not had all changes."""
        self._pairs = None

    def keep(self, update: bytes, delete: Callable[[bytes], object]) -> bytes | None:
        """Delete from the document the characters that an update would cut.

        Whoever has made the update keeps the other half, as U+FFFD, until the deletion gets there.

        Args:
            update: what is about to be applied.
            delete: applies an update to the document, as a transaction of its own.

        Returns:
            what to apply in its place, mostly the same; None if it cuts a character that waits for
            other changes. It may come again once these are here.
        """
        if self._pairs is None:
            self._pairs = Pairs()
            self._pairs.learn(attempt(self._read) or b"")
        mended = self._pairs.mend(update)
        if not mended.cut:
            return mended.update
        delete(mended.deletions)
        gone = self._deleted()
        waiting = [pair for pair in _pairs(mended.cut) if not _has(gone, *pair)]
        if not waiting:
            self._pairs.forget(mended.cut)
            return mended.update
        brought = extent_of(mended.update).spans
        return mended.update if all(_has(brought, *pair) for pair in waiting) else None

    def expect(self, update: bytes) -> None:
        """Note an update that was applied, of which something waits in the document."""
        state_vector = self._doc.get_state()
        rest = attempt(lambda: get_update(update, state_vector))
        if self._pairs is not None and rest is not None:
            self._pairs.expect(rest, decode_state_vector(state_vector))

    def _deleted(self) -> Units:
        """Return what is deleted in the document; nothing if that cannot be read."""
        rest = attempt(lambda: self._doc.get_update(self._doc.get_state()))
        try:
            return decode_units(extent_of(rest or b"").deletions)
        except DecodeError:
            return {}


def _pairs(units: Units) -> list[tuple[int, int]]:
    """Return pairs by client and first clock."""
    return [(client, clock) for client, ranges in units.items() for clock, _ in ranges]


def _has(units: Units, client: int, clock: int) -> bool:
    """Return whether a pair is among these units."""
    ranges = units.get(client, [])
    before = bisect_right(ranges, clock, key=lambda r: r[0])
    return before > 0 and clock + 2 <= ranges[before - 1][1]
