"""Cuts a Yjs update into smaller ones, for peers that cannot take it whole.

Owns the layout of updates as far as cutting needs it: where structs begin and end, and how many
clocks each spans. Must not know what structs mean: only the document does.

Layout of an update (format v1)::

    update    = varUint(clients) • client ... • deletions
    client    = varUint(structs) • varUint(client id) • varUint(clock) • struct ...
    struct    = uint8(info) • varUint(length), of kind 0 (GC) and 10 (Skip); else
                uint8(info) • [id: origin] • [id: right origin] • [parent] • content
    id        = varUint(client id) • varUint(clock)
    parent    = varUint(1) • varString(name), or varUint(0) • id; then [varString(key)]
    deletions = varUint(clients) • (varUint(client id) • varUint(ranges) • range ...) ...
    range     = varUint(clock) • varUint(length)

The low 4 bits of `info` are the kind, and GC and Skip have no others; 0x80 says that there is an
origin, 0x40 a right origin, 0x20 a key. The parent is there if there is neither origin, and the key
with it. Contents by kind: 1 deleted varUint(length); 2 JSON varUint(n) • n varString; 3 binary
varUint8Array; 4 string varString, which spans one clock per UTF-16 unit; 5 embed varString; 6
format 2 varString; 7 type varUint(type), and a varString for type 3; 8 any varUint(n) • n any; 9
document varString • any.

Source: yjs 13.6 src/utils/encoding.js, src/structs/*.js, src/utils/UpdateDecoder.js; where they
differ, yrs 0.28 src/update.rs ``decode_block``, src/types/mod.rs ``TypeRef``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from pyodide_rtc.wire.lib0 import encode_var_uint
from pyodide_rtc.wire.update_parts import cut_struct
from pyodide_rtc.wire.update_scan import Scanner, Struct

__all__ = ["MIN_PIECE_BYTES", "cut_update"]

MIN_PIECE_BYTES: Final = 64
"""The smallest limit that an update can be cut to: half of it can go around one struct."""

_NOTHING: Final = b"\0\0"
"""The update that changes nothing."""

_MAX_COUNT_BYTES: Final = 5
"""The bytes reserved for a count, which is known only when a piece is complete."""


def cut_update(update: bytes, max_bytes: int) -> list[bytes]:
    """Cut an update into smaller ones that together have the same effect.

    Each is a valid update. The receiver keeps what refers to a later one until that comes. The
    structs come first, in the order of the update, then the deletions. Structs that are larger than
    a piece are cut themselves: strings between characters, and lists between values.

    Args:
        update: in format v1.
        max_bytes: the largest size of a piece; at least `MIN_PIECE_BYTES`.

    Returns:
        at least one update. One that is larger than `max_bytes` holds a single thing that cannot be
        cut: a binary, an embedded object, or one value of a list.

    Raises:
        DecodeError: it is no update, or has something in it that Yrs 0.28 does not know.
    """
    scanner = Scanner(update)
    pieces = _Pieces(update, max_bytes)
    for client, clock, struct in scanner.structs():
        pieces.add(client, clock, struct)
    pieces.end()
    pieces.done += _cut_deletions(scanner, max_bytes)
    scanner.expect_end()
    return pieces.done or [_NOTHING]


@dataclass(slots=True)
class _Run:
    """Structs of one client that follow one another."""

    client: int
    clock: int
    parts: list[bytes]
    count: int = 0
    start: int = 0  # the structs from here to `end` are taken as they stand in the update
    end: int = 0

    def close(self, update: bytes) -> None:
        if self.start < self.end:
            self.parts.append(update[self.start : self.end])
        self.start = self.end


class _Pieces:
    """Collects structs into pieces."""

    def __init__(self, update: bytes, max_bytes: int) -> None:
        self.done: list[bytes] = []
        self._update = update
        self._max_bytes = max_bytes
        self._runs: list[_Run] = []
        self._size = 0

    def add(self, client: int, clock: int, struct: Struct) -> None:
        """Add the next struct; one that is too large for any piece is cut."""
        size = struct.end - struct.start
        if self._size + self._head_bytes(client, clock) + size > self._max_bytes:
            self.end()
            if self._head_bytes(client, clock) + size > self._max_bytes:
                self._add_parts(client, clock, struct)
                return
        run = self._run(client, clock)
        if run.end != struct.start:
            run.close(self._update)
            run.start = struct.start
        run.end = struct.end
        run.count += 1
        self._size += size

    def end(self) -> None:
        """Complete the piece under way."""
        if not self._runs:
            return
        parts = [encode_var_uint(len(self._runs))]
        for run in self._runs:
            run.close(self._update)
            parts += map(encode_var_uint, (run.count, run.client, run.clock))
            parts += run.parts
        self.done.append(b"".join([*parts, b"\0"]))
        self._runs = []
        self._size = 0

    def _add_parts(self, client: int, clock: int, struct: Struct) -> None:
        room = self._max_bytes - self._head_bytes(client, clock + struct.clocks)
        for data, clocks in cut_struct(self._update, struct, client, clock, room):
            self.end()
            run = self._run(client, clock)
            run.parts.append(data)
            run.count = 1
            self._size += len(data)
            clock += clocks

    def _run(self, client: int, clock: int) -> _Run:
        if not self._runs or self._runs[-1].client != client:
            self._size += self._head_bytes(client, clock)
            self._runs.append(_Run(client, clock, []))
        return self._runs[-1]

    def _head_bytes(self, client: int, clock: int) -> int:
        """Return how many bytes a struct needs at most, in addition to its own."""
        if self._runs and self._runs[-1].client == client:
            return 0
        ids = len(encode_var_uint(client)) + len(encode_var_uint(clock))
        around = 0 if self._runs else _MAX_COUNT_BYTES + 1  # of the piece: clients, no deletions
        return around + _MAX_COUNT_BYTES + ids


def _cut_deletions(scanner: Scanner, max_bytes: int) -> Iterator[bytes]:
    """Cut the deletions into updates without structs."""
    ranges: dict[int, list[bytes]] = {}
    size = 0
    for client, data in _deletions(scanner):
        cost = len(data)
        if client not in ranges:
            cost += len(encode_var_uint(client)) + _MAX_COUNT_BYTES
        if ranges and 1 + _MAX_COUNT_BYTES + size + cost > max_bytes:
            yield _deleting(ranges)
            ranges = {}
            size = 0
            cost = len(data) + len(encode_var_uint(client)) + _MAX_COUNT_BYTES
        ranges.setdefault(client, []).append(data)
        size += cost
    if ranges:
        yield _deleting(ranges)


def _deletions(scanner: Scanner) -> Iterable[tuple[int, bytes]]:
    for _ in range(scanner.uint()):
        client = scanner.uint()
        for _ in range(scanner.uint()):
            start = scanner.at
            scanner.uint()
            scanner.uint()
            yield client, scanner.data[start : scanner.at]


def _deleting(ranges: dict[int, list[bytes]]) -> bytes:
    parts = [b"\0", encode_var_uint(len(ranges))]
    for client, data in ranges.items():
        parts += [encode_var_uint(client), encode_var_uint(len(data)), *data]
    return b"".join(parts)
