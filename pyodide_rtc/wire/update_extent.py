"""Measures an update: which units it has, and its deletions, without its contents.

Owns the walk through an update's clients. The layout is in ``update``.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.wire.lib0_encoding import Tag
from pyodide_rtc.wire.state import Ranges, Units
from pyodide_rtc.wire.update_scan import SKIP, Scanner

__all__ = ["MAX_DEPTH", "Extent", "extent_of", "nests_too_deep", "reaches_beyond"]

MAX_DEPTH = 1_000
"""How deep values may nest. Yrs 0.28 reads them by recursion: 30,000 levels, which are 60 kB, end a
process with a stack of 8 MB."""


_NESTING_TAGS = bytes([Tag.ARRAY]), bytes([Tag.OBJECT])


@dataclass(frozen=True, slots=True)
class Extent:
    """What an update has, without its contents.

    Args:
        spans: by client id, the ranges of clocks without a gap: from, to (exclusive).
        deletions: the delete set, encoded; it is not checked.
    """

    spans: Units
    deletions: bytes


def extent_of(update: bytes) -> Extent:
    """Measure an update.

    A gap is encoded as a Skip. Yjs writes one when it merges the content of a document with pending
    updates (encoding.js ``encodeStateAsUpdateV2``). Yrs 0.28 has gaps in its documents, too.

    Args:
        update: in format v1.

    Raises:
        DecodeError: it is no update, or has something in it that Yrs 0.28 does not know.
    """
    scanner = Scanner(update)
    spans: Units = {}
    for client, clock, struct in scanner.structs():
        if struct.kind != SKIP and struct.clocks:
            _add(spans.setdefault(client, []), clock, clock + struct.clocks)
    return Extent(spans, update[scanner.at :])


def reaches_beyond(change: bytes, update: bytes) -> bool:
    """Return whether a change of a document has later units of some client than an update.

    The answer is no if one of them cannot be measured.

    Args:
        change: in format v1.
        update: the update that made the change.
    """
    if change == update:
        return False  # so it is with most edits
    try:
        ends = {client: ranges[-1][1] for client, ranges in extent_of(update).spans.items()}
        spans = extent_of(change).spans
    except DecodeError:
        return False
    return any(ranges[-1][1] > ends.get(client, 0) for client, ranges in spans.items())


def nests_too_deep(update: bytes) -> bool:
    """Return whether reading an update could end the process.

    Args:
        update: in format v1, or anything else.
    """
    if sum(update.count(tag) for tag in _NESTING_TAGS) <= MAX_DEPTH:
        return False  # which is nearly all, and costs next to nothing
    scanner = Scanner(update)
    try:
        for _ in scanner.structs():
            pass
    except DecodeError:
        pass  # Yrs may have read a deep value before it comes to this
    return scanner.deepest > MAX_DEPTH


def _add(ranges: Ranges, start: int, end: int) -> None:
    if ranges and ranges[-1][1] == start:
        ranges[-1] = ranges[-1][0], end
    else:
        ranges.append((start, end))
