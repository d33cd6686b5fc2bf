"""Tells how far an update goes: what a document has that sent it.

Owns the walk through an update's clients. The layout is in ``update``.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyodide_rtc.wire.update_scan import SKIP, Scanner

__all__ = ["Extent", "extent_of"]


@dataclass(frozen=True, slots=True)
class Extent:
    """What an update says, without its contents.

    Args:
        runs: by client id the first and the last clock (exclusive) of what comes without a gap.
        deletions: the delete set, encoded; not looked into.
    """

    runs: dict[int, tuple[int, int]]
    deletions: bytes


def extent_of(update: bytes) -> Extent:
    """Measure an update.

    What comes after a gap is left out: Yjs marks it by a Skip when it merges what a document has
    with updates that wait there for others (encoding.js ``encodeStateAsUpdateV2``).

    Args:
        update: in format v1.

    Raises:
        DecodeError: it is no update, or has something in it that Yjs 13.6 does not know.
    """
    scanner = Scanner(update)
    runs: dict[int, tuple[int, int]] = {}
    for _ in range(scanner.uint()):
        count, client, start = scanner.uint(), scanner.uint(), scanner.uint()
        clock, is_gap = start, False
        for _ in range(count):
            struct = scanner.struct()
            is_gap = is_gap or struct.kind == SKIP
            if not is_gap:
                clock += struct.clocks
        if clock > start:
            runs[client] = start, clock
    return Extent(runs, update[scanner.at :])
