"""What a document has, to be compared without sending it: state vectors and deletions.

Owns the reading of state vectors and of an update's delete set. Must not know documents.

Layout: a state vector is varUint(count) • count times (varUint(client) • varUint(clock)), the clock
being how many units of that client the document has. An update without structs is varUint(0) •
delete set; a delete set is varUint(count) • count times (varUint(client) • varUint(ranges) •
ranges times (varUint(clock) • varUint(length))), in any order.

Source: Yjs 13.6 encoding.js ``readStateVector``, DeleteSet.js ``readDeleteSet``.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import TypeAlias

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.wire.lib0 import Reader, encode_var_uint

__all__ = [
    "count_missing",
    "decode_state_vector",
    "digest_deletions",
    "encode_state_vector",
    "lacks_deletions",
]

Ranges: TypeAlias = list[tuple[int, int]]
"""What is deleted of one client, as clocks: from, to (exclusive)."""

_DIGEST_BYTES = 8


def decode_state_vector(data: bytes) -> dict[int, int]:
    """Read a state vector as client id to clock.

    Raises:
        DecodeError: it is none.
    """
    reader = Reader(data, max_bytes=None)
    return {reader.var_uint(): reader.var_uint() for _ in range(reader.var_uint())}


def encode_state_vector(clocks: dict[int, int]) -> bytes:
    """Write a state vector from client id to clock; clocks of 0 are left out, as Yjs does."""
    numbers = [n for entry in clocks.items() if entry[1] for n in entry]
    return b"".join(map(encode_var_uint, (len(numbers) // 2, *numbers)))


def count_missing(mine: bytes, theirs: bytes) -> int:
    """Count the units that are in `theirs` and not in `mine`, both state vectors.

    A unit is a character of a text, an item of an array, a value set: the more, the more is behind.

    Raises:
        DecodeError: one of them is no state vector.
    """
    have = decode_state_vector(mine)
    return sum(max(clock - have.get(i, 0), 0) for i, clock in decode_state_vector(theirs).items())


def digest_deletions(update: bytes) -> bytes:
    """Digest the delete set of an update that has no structs, in a way that no order changes.

    Returns:
        8 bytes, equal for documents that have deleted the same.

    Raises:
        DecodeError: it is no such update.
    """
    if update[:1] != b"\0":
        raise DecodeError("an update without structs", 0, update)
    digest = blake2b(digest_size=_DIGEST_BYTES)
    for client, ranges in sorted(_decode_deletions(update[1:]).items()):
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
    if have == wanted:
        return False
    mine = _decode_deletions(have)
    return any(
        not _cover(mine.get(client, []), ranges)
        for client, ranges in _decode_deletions(wanted).items()
    )


def _decode_deletions(data: bytes) -> dict[int, Ranges]:
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


def _cover(ranges: Ranges, wanted: Ranges) -> bool:
    """Tell whether ranges have all that is wanted; both are sorted, and none of them touch."""
    rest = iter(ranges)
    start = end = 0
    for wanted_start, wanted_end in wanted:
        while end < wanted_end:
            try:
                start, end = next(rest)
            except StopIteration:
                return False
        if start > wanted_start:
            return False
    return True
