"""Cuts one struct of a Yjs update into parts, as Yjs does.

Owns which contents can be cut, and where. The layout is in ``update``.
"""

from __future__ import annotations

from collections.abc import Iterator

from pyodide_rtc.wire.lib0 import encode_var_uint
from pyodide_rtc.wire.update_scan import ANY, HAS_ORIGIN, JSON, STRING, Scanner, Struct, utf16_units

__all__ = ["cut_struct"]


def cut_struct(
    update: bytes, struct: Struct, client: int, clock: int, max_bytes: int
) -> Iterator[tuple[bytes, int]]:
    """Cut a struct into parts; each further part has the end of the one before as its origin.

    Args:
        update: the update that the struct is in.
        struct: the struct to cut.
        client: the client whose struct it is.
        clock: the clock of its first unit.
        max_bytes: the largest size of a part.

    Yields:
        each part as a struct, and how many clocks it spans. What cannot be cut is yielded whole,
        even if it is larger than `max_bytes`.
    """
    head = update[struct.start : struct.content]
    contents: _StringParts | _ListParts
    if struct.kind == STRING:
        contents = _StringParts(update, struct.content)
    elif struct.kind in (JSON, ANY):
        contents = _ListParts(update, struct.content, struct.kind)
    else:
        yield update[struct.start : struct.end], struct.clocks
        return
    while not contents.at_end:
        data, clocks = contents.take(max_bytes - len(head))
        yield head + data, clocks
        clock += clocks
        # A struct with an origin needs no parent. The bit of the key stays set, as in Yjs.
        origin = encode_var_uint(client) + encode_var_uint(clock - 1)
        info = update[struct.start] | HAS_ORIGIN
        head = bytes([info]) + origin + update[slice(*struct.right_origin)]


class _StringParts:
    """Cuts the content of a string into parts, between characters: half of one would be lost."""

    def __init__(self, update: bytes, at: int) -> None:
        self._string = Scanner(update, at).string()
        self._at = 0

    @property
    def at_end(self) -> bool:
        return self._at == len(self._string)

    def take(self, max_bytes: int) -> tuple[bytes, int]:
        room = max(1, max_bytes - len(encode_var_uint(max(0, max_bytes))))
        end = min(self._at + room, len(self._string))
        while end > self._at and self._is_within_character(end):
            end -= 1
        if end == self._at:  # the first character is larger than the room
            end += 1
            while self._is_within_character(end):
                end += 1
        part = self._string[self._at : end]
        self._at = end
        return encode_var_uint(len(part)) + part, utf16_units(part, 0)

    def _is_within_character(self, at: int) -> bool:
        return at < len(self._string) and self._string[at] & 0xC0 == 0x80


class _ListParts:
    """Cuts the content of a list into parts."""

    def __init__(self, update: bytes, at: int, kind: int) -> None:
        self._scanner = Scanner(update, at)
        self._kind = kind
        self._left = self._scanner.uint()

    @property
    def at_end(self) -> bool:
        return self._left == 0

    def take(self, max_bytes: int) -> tuple[bytes, int]:
        scanner = self._scanner
        room = max_bytes - len(encode_var_uint(self._left))
        start = scanner.at
        count = 0
        while self._left > 0:
            before = scanner.at
            scanner.element(self._kind)
            if count > 0 and scanner.at - start > room:
                scanner.at = before
                break
            count += 1
            self._left -= 1
        return encode_var_uint(count) + scanner.data[start : scanner.at], count
