"""What a document has, in a form to compare without sending it: state vectors, and a digest.

A state vector says how far a document goes without a gap, by client. The digest stands for what no
state vector shows: what is deleted, and units behind gaps.
Owns the reading of state vectors and of an update's delete set. Must not know documents.

Layout: a state vector is varUint(count) • count times (varUint(client) • varUint(clock)), the clock
being how many units of that client the document has without a gap. A delete set is
varUint(count) • count times (varUint(client) • varUint(ranges) • ranges times (varUint(clock) •
varUint(length))), in any order.

Source: Yjs 13.6 encoding.js ``readStateVector``, DeleteSet.js ``readDeleteSet``.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TypeAlias

from pyodide_rtc.wire.lib0 import Reader, encode_var_uint

__all__ = [
    "DIGEST_BYTES",
    "Ranges",
    "Units",
    "count_gaps",
    "count_missing",
    "decode_state_vector",
    "decode_units",
    "digest_of",
    "encode_state_vector",
    "encode_units",
]

Ranges: TypeAlias = list[tuple[int, int]]
"""Units of one client, as clocks: from, to (exclusive)."""

Units: TypeAlias = dict[int, Ranges]
"""Units of a document, by client id."""

DIGEST_BYTES = 8


def decode_state_vector(data: bytes) -> dict[int, int]:
    """Read a state vector as client id to clock.

    Raises:
        DecodeError: it is none.
    """
    reader = Reader(data, max_bytes=None)
    return {reader.var_uint(): reader.var_uint() for _ in range(reader.var_uint())}


def encode_state_vector(clocks: dict[int, int]) -> bytes:
    """Write a state vector from client id to clock; only clocks above 0, as Yjs does."""
    numbers = [n for entry in clocks.items() if entry[1] > 0 for n in entry]
    return b"".join(map(encode_var_uint, (len(numbers) // 2, *numbers)))


def count_missing(have: dict[int, int], wanted: dict[int, int]) -> int:
    """Count the units that the state vector `wanted` covers and `have` does not.

    A unit is a character of a text, an item of an array, or a value that was set.

    Args:
        have: client id to clock.
        wanted: client id to clock.
    """
    return sum(max(clock - have.get(client, 0), 0) for client, clock in wanted.items())


def count_gaps(clocks: dict[int, int], behind: Units) -> int:
    """Count the units in the gaps of a document.

    Args:
        clocks: how far the document goes without a gap, by client id.
        behind: the units that it has beyond that, sorted.
    """
    missing = 0
    for client, ranges in behind.items():
        end = clocks.get(client, 0)
        for start, next_end in ranges:
            missing += max(start - end, 0)
            end = next_end
    return missing


def digest_of(deletions: bytes, behind: Units) -> bytes:
    """Digest what no state vector shows; the order of clients and ranges does not matter.

    Layout: BLAKE2b of the deleted units and of those behind gaps, each in the layout of a delete
    set: clients and ranges sorted, ranges that touch joined.

    Args:
        deletions: a delete set.
        behind: the units that the document has behind gaps.

    Raises:
        DecodeError: `deletions` is no delete set.
    """
    sections = decode_units(deletions), {i: _joined(ranges) for i, ranges in behind.items()}
    return blake2b(b"".join(map(encode_units, sections)), digest_size=DIGEST_BYTES).digest()


def decode_units(data: bytes) -> Units:
    """Read a delete set; ranges are sorted, and those that touch are joined.

    Raises:
        DecodeError: it is none.
    """
    reader = Reader(data, max_bytes=None)
    return {reader.var_uint(): _joined(_read_ranges(reader)) for _ in range(reader.var_uint())}


def _read_ranges(reader: Reader) -> Ranges:
    ranges = ((reader.var_uint(), reader.var_uint()) for _ in range(reader.var_uint()))
    return [(clock, clock + length) for clock, length in ranges]


def _joined(ranges: Ranges) -> Ranges:
    """Sort ranges, and join those that touch."""
    joined: Ranges = []
    for start, end in sorted(ranges):
        if joined and start <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        elif start < end:
            joined.append((start, end))
    return joined


def encode_units(units: Units) -> bytes:
    """Write a delete set of these units; each client's ranges as they are given."""
    clients = sorted((client, ranges) for client, ranges in units.items() if ranges)
    numbers = [len(clients)]
    for client, ranges in clients:
        numbers += client, len(ranges)
        numbers += [n for start, end in ranges for n in (start, end - start)]
    return b"".join(map(encode_var_uint, numbers))
