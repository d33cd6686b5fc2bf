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

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.wire.lib0 import Reader, encode_var_uint

__all__ = ["count_missing", "decode_state_vector", "digest_deletions"]

_DIGEST_BYTES = 8


def decode_state_vector(data: bytes) -> dict[int, int]:
    """Read a state vector as client id to clock.

    Raises:
        DecodeError: it is none.
    """
    reader = Reader(data, max_bytes=None)
    return {reader.var_uint(): reader.var_uint() for _ in range(reader.var_uint())}


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
    reader = Reader(update, max_bytes=None)
    if reader.var_uint() != 0:
        raise DecodeError("an update without structs", 0, update)
    digest = blake2b(digest_size=_DIGEST_BYTES)
    clients = {reader.var_uint(): _read_ranges(reader) for _ in range(reader.var_uint())}
    for client, ranges in sorted(clients.items()):
        digest.update(encode_var_uint(client))
        for start, end in _joined(ranges):
            digest.update(encode_var_uint(start) + encode_var_uint(end))
    return digest.digest()


def _read_ranges(reader: Reader) -> list[tuple[int, int]]:
    return [(reader.var_uint(), reader.var_uint()) for _ in range(reader.var_uint())]


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Sort ranges of (clock, length), join those that touch, and give them as (start, end)."""
    joined: list[tuple[int, int]] = []
    for clock, length in sorted(ranges):
        if joined and clock <= joined[-1][1]:
            joined[-1] = joined[-1][0], max(joined[-1][1], clock + length)
        elif length:
            joined.append((clock, clock + length))
    return joined
