"""Measures an update: which units it has, and its deletions, without its contents.

Owns the walk through an update's clients. The layout is in ``update``.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyodide_rtc.wire.state import Units
from pyodide_rtc.wire.update_scan import SKIP, Scanner

__all__ = ["Extent", "extent_of"]


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
    for _ in range(scanner.uint()):
        count, client, clock = scanner.uint(), scanner.uint(), scanner.uint()
        start = clock
        for _ in range(count):
            struct = scanner.struct()
            if struct.kind == SKIP:
                _add(spans, client, start, clock)
                start = clock + struct.clocks
            clock += struct.clocks
        _add(spans, client, start, clock)
    return Extent(spans, update[scanner.at :])


def _add(spans: Units, client: int, start: int, end: int) -> None:
    if start < end:
        spans.setdefault(client, []).append((start, end))
