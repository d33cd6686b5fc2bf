"""What a document has, to be compared without sending it: state vectors and deletions.

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
    "Units",
    "count_missing",
    "decode_state_vector",
    "decode_units",
    "digest_deletions",
    "encode_question",
    "encode_state_vector",
    "encode_units",
    "lacks_deletions",
    "units_of",
]

Ranges: TypeAlias = list[tuple[int, int]]
"""Units of one client, as clocks: from, to (exclusive)."""

Units: TypeAlias = dict[int, Ranges]
"""Units of a document, by client id: sorted, and such ranges as touch joined."""

_DIGEST_BYTES = 8


def decode_state_vector(data: bytes) -> dict[int, int]:
    """Read a state vector as client id to clock.

    Raises:
        DecodeError: it is none.
    """
    reader = Reader(data, max_bytes=None)
    return {reader.var_uint(): reader.var_uint() for _ in range(reader.var_uint())}


def units_of(state_vector: bytes, beyond: bytes) -> Units:
    """Give what a document has: of each client one range from 0 on, and those behind gaps.

    Args:
        state_vector: how far it goes without a gap.
        beyond: what it has behind gaps, in the layout of a delete set.

    Raises:
        DecodeError: one of them is not what it should be.
    """
    units = {client: [(0, clock)] for client, clock in decode_state_vector(state_vector).items()}
    for client, ranges in decode_units(beyond).items():
        units.setdefault(client, [(0, 0)]).extend(ranges)
    return units


def encode_state_vector(clocks: dict[int, int]) -> bytes:
    """Write a state vector from client id to clock; none that is not above 0, as Yjs does."""
    numbers = [n for entry in clocks.items() if entry[1] > 0 for n in entry]
    return b"".join(map(encode_var_uint, (len(numbers) // 2, *numbers)))


def encode_question(mine: Units, theirs: Units) -> bytes:
    """Write the state vector to ask with, so that what comes behind a gap is in the answer.

    It tells where the first gap is, and no document answers with what it has behind that to who
    goes as far: of clients with a gap, on either side, the last unit before it is asked for again.

    Args:
        mine: what we have, as `units_of` gives it.
        theirs: what the other has.
    """
    clocks = {client: ranges[0][1] for client, ranges in mine.items()}
    gaps = {client for units in (mine, theirs) for client in units if len(units[client]) > 1}
    return encode_state_vector(clocks | {i: clocks.get(i, 0) - 1 for i in gaps})


def count_missing(have: Units, wanted: Units) -> int:
    """Count the units that are wanted and not there.

    A unit is a character of a text, an item of an array, a value set: the more, the more is behind.
    """
    lacking = ((have.get(i, []), ranges) for i, ranges in wanted.items())
    return sum(_count_lacking(*pair) for pair in lacking if pair[0] != pair[1])


def digest_deletions(delete_set: bytes) -> bytes:
    """Digest a delete set in a way that no order changes.

    Returns:
        8 bytes, equal for documents that have deleted the same.

    Raises:
        DecodeError: it is none.
    """
    digest = blake2b(digest_size=_DIGEST_BYTES)
    for client, ranges in sorted(decode_units(delete_set).items()):
        digest.update(encode_var_uint(client))
        for start, end in ranges:
            digest.update(encode_var_uint(start) + encode_var_uint(end))
    return digest.digest()


def lacks_deletions(have: bytes, wanted: bytes) -> bool:
    """Tell whether something is deleted by one delete set that is not by the other.

    Args:
        have: the delete set that should have everything.
        wanted: what it should have.

    Raises:
        DecodeError: one of them is no delete set.
    """
    return have != wanted and count_missing(decode_units(have), decode_units(wanted)) > 0


def encode_units(units: Units) -> bytes:
    """Write units in the layout of a delete set."""
    numbers = [len(units)]
    for client, ranges in units.items():
        numbers += client, len(ranges)
        numbers += [n for start, end in ranges for n in (start, end - start)]
    return b"".join(map(encode_var_uint, numbers))


def decode_units(data: bytes) -> Units:
    """Read units in the layout of a delete set.

    Raises:
        DecodeError: they are none.
    """
    reader = Reader(data, max_bytes=None)
    return {reader.var_uint(): _joined(_read_ranges(reader)) for _ in range(reader.var_uint())}


def _read_ranges(reader: Reader) -> Ranges:
    return [(reader.var_uint(), reader.var_uint()) for _ in range(reader.var_uint())]


def _joined(ranges: Ranges) -> Ranges:
    """Sort ranges of (clock, length), join those that touch, and give them as (start, end)."""
    joined: Ranges = []
    for clock, length in sorted(ranges):
        if joined and clock <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], clock + length)
        elif length:
            joined.append((clock, clock + length))
    return joined


def _count_lacking(have: Ranges, wanted: Ranges) -> int:
    """Count what is wanted and not there."""
    i = j = common = 0
    while i < len(have) and j < len(wanted):
        (start, end), (wanted_start, wanted_end) = have[i], wanted[j]
        common += max(min(end, wanted_end) - max(start, wanted_start), 0)
        if end < wanted_end:
            i += 1
        else:
            j += 1
    return sum(end - start for start, end in wanted) - common
