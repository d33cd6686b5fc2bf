"""Finds the structs of a Yjs update.

The layout is in ``update``. It is that of Yrs 0.28, which keeps our documents. It differs from Yjs
13.6 only in what nobody writes: an XML hook has no name, and there are two more kinds of types (9,
a document; 15, of which only the name is known). The scanner skips all that it need not read: a
document of 2 MB can have 100,000 structs, and the kernel stands still meanwhile.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.wire.lib0 import MAX_SAFE_INTEGER
from pyodide_rtc.wire.lib0_encoding import Tag

__all__ = ["ANY", "HAS_ORIGIN", "JSON", "SKIP", "STRING", "Scanner", "Struct", "utf16_units"]

# Kinds of structs. (Plain numbers: members of an enum make scanning slower by a third.)
GC, SKIP = 0, 10
DELETED, JSON, BINARY, STRING, EMBED, FORMAT, TYPE, ANY, DOCUMENT = range(1, 10)

HAS_ORIGIN = 0x80
_KIND, _HAS_RIGHT_ORIGIN, _HAS_KEY = 0x0F, 0x40, 0x20
_XML_ELEMENT = 3
_TYPES = frozenset((0, 1, 2, _XML_ELEMENT, 4, 5, 6, 9, 15))

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
        kind: the kind of struct or content.
        start: where the struct begins.
        end: where the struct ends.
        clocks: how many clocks it spans.
        content: where its content begins.
        right_origin: where its right origin begins and ends.
    """

    kind: int
    start: int
    end: int
    clocks: int
    content: int
    right_origin: tuple[int, int]


class Scanner:
    """Reads an update from one position on.

    Args:
        data: the update.
        at: where to begin, in bytes.

    Attributes:
        deepest: how deep the values nest that were read so far.
    """

    __slots__ = ("at", "data", "deepest")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data = data
        self.at = at
        self.deepest = 0

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
        """Skip bytes."""
        self.at += count
        if self.at > len(self.data):
            raise self.unexpected(f"{count} bytes")

    def expect_end(self) -> None:
        """Check that the position is the end.

        Raises:
            DecodeError: there is more.
        """
        if self.at != len(self.data):
            raise self.unexpected("the end of the update")

    def structs(self) -> Iterator[tuple[int, int, Struct]]:
        """Read all structs of an update, each with its client id and clock. Then deletions follow.

        Raises:
            DecodeError: as `struct`.
        """
        for _ in range(self.uint()):
            count, client, clock = self.uint(), self.uint(), self.uint()
            for _ in range(count):
                struct = self.struct()
                yield client, clock, struct
                clock += struct.clocks

    def struct(self) -> Struct:
        """Skip a struct, and return where it was.

        Raises:
            DecodeError: its kind is unknown.
        """
        start = self.at
        self.skip(1)
        info = self.data[start]
        if info in (GC, SKIP):
            clocks = self.uint()
            return Struct(info, start, self.at, clocks, self.at, (self.at, self.at))
        kind = info & _KIND
        if info & HAS_ORIGIN:
            self._id()
        right_origin = self.at
        if info & _HAS_RIGHT_ORIGIN:
            self._id()
        content = self.at
        if not info & (HAS_ORIGIN | _HAS_RIGHT_ORIGIN):
            self._parent(info)
            content = right_origin = self.at
        clocks = self._content(kind)
        return Struct(kind, start, self.at, clocks, content, (right_origin, content))

    def string(self) -> bytes:
        """Read a varString, undecoded."""
        length = self.uint()
        start = self.at
        self.skip(length)
        return self.data[start : self.at]

    def value(self) -> None:
        """Skip a value of any depth: nested values are counted, without recursion.

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
                self.deepest = max(self.deepest, len(open_lists))
                left, has_keys = self.uint(), tag == Tag.OBJECT
            else:
                self._simple_value(tag)

    def unexpected(self, expected: str) -> DecodeError:
        """Return the error for what is at the current position."""
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
        """Skip a content, and return how many clocks it spans."""
        if kind == STRING:
            return utf16_units(self.string(), self.at)
        if kind == DELETED:
            return self.uint()
        if kind in (ANY, JSON):
            count = self.uint()
            for _ in range(count):
                self.element(kind)
            return count
        if kind == TYPE:
            self._type()
        elif kind == DOCUMENT:
            self.skip(self.uint())
            self.value()
        elif kind in (BINARY, EMBED, FORMAT):
            self.skip(self.uint())
            if kind == FORMAT:
                self.skip(self.uint())
        else:
            raise self.unexpected(f"a known content, not {kind}")
        return 1

    def element(self, kind: int) -> None:
        """Skip one element of the content of a list."""
        if kind == ANY:
            self.value()
        else:
            self.skip(self.uint())

    def _type(self) -> None:
        kind = self.uint()
        if kind not in _TYPES:
            raise self.unexpected(f"a known type, not {kind}")
        if kind == _XML_ELEMENT:
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


def utf16_units(encoded: bytes, offset: int) -> int:
    """Count the UTF-16 units of an encoded string: its length in JavaScript.

    Raises:
        DecodeError: it is not utf-8.
    """
    if encoded.isascii():
        return len(encoded)
    try:
        return len(encoded.decode().encode("utf-16-le")) // 2
    except UnicodeDecodeError as exc:
        raise DecodeError("utf-8", offset, encoded[exc.start : exc.start + 32]) from exc
