"""Finds the structs of a Yjs update, and cuts one struct in parts.

The layout is in ``update``. A scanner passes over what it need not read: a document of 2 MB can
have 100,000 structs, and the kernel stands still meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.wire.lib0 import MAX_SAFE_INTEGER, encode_var_uint
from pyodide_rtc.wire.lib0_encoding import Tag

__all__ = ["Scanner", "Struct"]

_GC, _SKIP = 0, 10
_DELETED, _JSON, _BINARY, _STRING, _EMBED, _FORMAT, _TYPE, _ANY, _DOCUMENT = range(1, 10)
_KIND, _HAS_ORIGIN, _HAS_RIGHT_ORIGIN, _HAS_KEY = 0x1F, 0x80, 0x40, 0x20
_MAX_TYPE, _NAMED_TYPES = 6, (3, 5)

_FIXED_BYTES: Final[dict[int, int]] = {
    Tag.UNDEFINED: 0,
    Tag.NULL: 0,
    Tag.FLOAT32: 4,
    Tag.FLOAT64: 8,
    Tag.BIGINT64: 8,
    Tag.FALSE: 0,
    Tag.TRUE: 0,
}


@dataclass(slots=True)
class Struct:
    """Where a struct stands in the update.

    Args:
        start: of the whole struct.
        end: of the whole struct.
        clocks: how many clocks it spans.
        content: where its content begins.
        right_origin: where its right origin stands, up to the parent or the content.
    """

    start: int
    end: int
    clocks: int
    content: int
    right_origin: tuple[int, int]

    def cut(
        self, update: bytes, client: int, clock: int, max_bytes: int
    ) -> Iterator[tuple[bytes, int]]:
        """Cut in parts, as Yjs does: a right part has the end of the left one as its origin.

        Yields:
            each part as a struct, and the clocks that it spans. What cannot be cut is given as it
            is, larger than `max_bytes`.
        """
        info = update[self.start]
        head = update[self.start : self.content]
        kind = info & _KIND
        contents: _StringParts | _ListParts
        if kind == _STRING:
            contents = _StringParts(update, self.content)
        elif kind in (_JSON, _ANY):
            contents = _ListParts(update, self.content, kind)
        else:
            yield update[self.start : self.end], self.clocks
            return
        while not contents.at_end:
            data, clocks = contents.take(max_bytes - len(head))
            yield head + data, clocks
            clock += clocks
            # An origin stands for the parent, too; the bit of the key stays, as Yjs has it.
            origin = encode_var_uint(client) + encode_var_uint(clock - 1)
            head = bytes([info | _HAS_ORIGIN]) + origin + update[slice(*self.right_origin)]


class Scanner:
    """Goes through an update.

    Args:
        data: the update.
        at: where to begin.
    """

    __slots__ = ("at", "data")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at

    # Each raises DecodeError if the data ends too early.

    def uint(self) -> int:
        """Read a varUint."""
        try:
            number = self.data[self.at]
            self.at += 1
            if number < 0x80:
                return number
            number &= 0x7F
            shift = 7
            while True:
                group = self.data[self.at]
                self.at += 1
                number |= (group & 0x7F) << shift
                if group < 0x80:
                    break
                shift += 7
                if shift > 63:
                    raise self.unexpected("a number up to 2^53-1")
        except IndexError as exc:
            raise self.unexpected("a number, not the end") from exc
        if number > MAX_SAFE_INTEGER:
            raise self.unexpected("a number up to 2^53-1")
        return number

    def skip(self, count: int) -> None:
        """Pass over bytes."""
        self.at += count
        if self.at > len(self.data):
            raise self.unexpected(f"{count} bytes")

    def expect_end(self) -> None:
        """Be at the end.

        Raises:
            DecodeError: there is more.
        """
        if self.at != len(self.data):
            raise self.unexpected("the end of the update")

    def struct(self) -> Struct:
        """Pass over a struct.

        Raises:
            DecodeError: its kind is unknown.
        """
        start = self.at
        self.skip(1)
        info = self.data[start]
        kind = info & _KIND
        if kind in (_GC, _SKIP):
            clocks = self.uint()
            return Struct(start, self.at, clocks, self.at, (self.at, self.at))
        if info & _HAS_ORIGIN:
            self._id()
        right_origin = self.at
        if info & _HAS_RIGHT_ORIGIN:
            self._id()
        content = self.at
        if not info & (_HAS_ORIGIN | _HAS_RIGHT_ORIGIN):
            self._parent(info)
            content = right_origin = self.at
        clocks = self._content(kind)
        return Struct(start, self.at, clocks, content, (right_origin, content))

    def string(self) -> bytes:
        """Read a varString, undecoded."""
        length = self.uint()
        start = self.at
        self.skip(length)
        return self.data[start : self.at]

    def value(self) -> None:
        """Pass over a value; nested ones are counted, so that no depth is too deep.

        Raises:
            DecodeError: a value has an unknown tag.
        """
        open_lists: list[tuple[int, bool]] = []  # values to come, and whether keys precede them
        left, has_keys = 1, False
        while True:
            while left == 0:
                if not open_lists:
                    return
                left, has_keys = open_lists.pop()
            left -= 1
            if has_keys:
                self.skip(self.uint())
            tag = self.uint()
            if tag in (Tag.OBJECT, Tag.ARRAY):
                open_lists.append((left, has_keys))
                left, has_keys = self.uint(), tag == Tag.OBJECT
            else:
                self._simple_value(tag)

    def unexpected(self, expected: str) -> DecodeError:
        """Make the error for what stands here."""
        return DecodeError(expected, self.at, self.data[self.at : self.at + 32])

    def _id(self) -> None:
        self.uint()
        self.uint()

    def _parent(self, info: int) -> None:
        if self.uint() == 1:
            self.skip(self.uint())
        else:
            self._id()
        if info & _HAS_KEY:
            self.skip(self.uint())

    def _content(self, kind: int) -> int:
        """Pass over a content, and tell how many clocks it spans."""
        if kind == _STRING:
            return _utf16_units(self.string(), self.at)
        if kind == _DELETED:
            return self.uint()
        if kind in (_ANY, _JSON):
            count = self.uint()
            for _ in range(count):
                self.element(kind)
            return count
        if kind == _TYPE:
            self._type()
        elif kind == _DOCUMENT:
            self.skip(self.uint())
            self.value()
        elif kind in (_BINARY, _EMBED, _FORMAT):
            self.skip(self.uint())
            if kind == _FORMAT:
                self.skip(self.uint())
        else:
            raise self.unexpected(f"a known content, not {kind}")
        return 1

    def element(self, kind: int) -> None:
        """Pass over one element of a list content."""
        if kind == _ANY:
            self.value()
        else:
            self.skip(self.uint())

    def _type(self) -> None:
        kind = self.uint()
        if kind > _MAX_TYPE:
            raise self.unexpected(f"a known type, not {kind}")
        if kind in _NAMED_TYPES:
            self.skip(self.uint())

    def _simple_value(self, tag: int) -> None:
        if tag in (Tag.STRING, Tag.BYTES):
            self.skip(self.uint())
        elif tag == Tag.INT:
            while self.data[self.at : self.at + 1] >= b"\x80":
                self.at += 1
            self.skip(1)
        elif tag in _FIXED_BYTES:
            self.skip(_FIXED_BYTES[tag])
        else:
            raise self.unexpected(f"a tag of a value, not {tag}")


class _StringParts:
    """Takes a string content in parts, never within a character: half of one would be lost."""

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
        return encode_var_uint(len(part)) + part, _utf16_units(part, 0)

    def _is_within_character(self, at: int) -> bool:
        return at < len(self._string) and self._string[at] & 0xC0 == 0x80


class _ListParts:
    """Takes a list content in parts."""

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


def _utf16_units(encoded: bytes, offset: int) -> int:
    """Count what JavaScript calls the length of a string.

    Raises:
        DecodeError: it is not utf-8.
    """
    if encoded.isascii():
        return len(encoded)
    try:
        return len(encoded.decode().encode("utf-16-le")) // 2
    except UnicodeDecodeError as exc:
        raise DecodeError("utf-8", offset, encoded[exc.start : exc.start + 32]) from exc
