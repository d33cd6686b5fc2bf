"""lib0's binary encoding: variable length numbers, strings, bytes, and JavaScript values.

Owns how single values are read, and re-exports the encoding half, ``lib0_encoding``. Must not know
what the values are for.

Layout: ``varUint`` has 7 bits a byte, lowest first, and 0x80 set on all but the last byte.
``varInt`` has 6 bits in its first byte, and 0x40 there as sign. ``varUint8Array`` is varUint(length
in bytes) • bytes; ``varString`` the same with utf-8. ``any`` is a ``Tag`` and what that says:
nothing, a varInt, a big-endian number, a varString, a varUint8Array, varUint(count) • any ... or
varUint(count) • varString • any ...

Source: lib0 0.2.120 decoding.js.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyodide_rtc.errors import DecodeError, MessageTooBigError
from pyodide_rtc.wire.lib0_encoding import (
    FLOAT32_FORMAT,
    FLOAT64_FORMAT,
    INT64_FORMAT,
    MAX_DEPTH,
    MAX_SAFE_INTEGER,
    UNDEFINED,
    BigInt,
    Tag,
    Undefined,
    encode_any,
    encode_var_bytes,
    encode_var_string,
    encode_var_uint,
)

if TYPE_CHECKING:
    import struct
    from collections.abc import Callable

__all__ = [
    "MAX_DEPTH",
    "MAX_SAFE_INTEGER",
    "UNDEFINED",
    "BigInt",
    "Reader",
    "Undefined",
    "encode_any",
    "encode_var_bytes",
    "encode_var_string",
    "encode_var_uint",
]

_MAX_SHIFT = 55  # a group that starts above bit 53 can only hold zeros


class Reader:
    """Reads values one after another.

    Args:
        data: what to read.
        max_bytes: limit of its size; None where the caller has checked it.

    Raises:
        MessageTooBigError: `data` is larger than `max_bytes`.
    """

    __slots__ = ("_data", "offset")

    offset: int
    """Where the next value starts, in bytes."""

    def __init__(self, data: bytes, *, max_bytes: int | None) -> None:
        if max_bytes is not None and len(data) > max_bytes:
            raise MessageTooBigError(len(data), max_bytes, "in")
        self._data = data
        self.offset = 0

    @property
    def at_end(self) -> bool:
        """Whether everything was read."""
        return self.offset >= len(self._data)

    # Each read raises DecodeError if the data ends before the value does.

    def byte(self) -> int:
        """Read one byte."""
        offset = self.offset
        if offset >= len(self._data):
            raise self._unexpected("a byte, not the end", offset)
        self.offset = offset + 1
        return self._data[offset]

    def var_uint(self) -> int:
        """Read a number from 0 to 2^53-1.

        Raises:
            DecodeError: it is larger.
        """
        first = self.byte()
        return first if first < 0x80 else self._rest_of_number(first & 0x7F, 7)

    def var_int(self) -> int:
        """Read a number from -(2^53-1) to 2^53-1; -0 is read as 0.

        Raises:
            DecodeError: its size is larger.
        """
        is_negative, size = self._sign_and_size()
        return -size if is_negative else size

    def var_bytes(self) -> bytes:
        """Read bytes with their length before them."""
        length = self.var_uint()
        start, end = self.offset, self.offset + length
        if end > len(self._data):
            raise self._unexpected(f"{length} bytes", start)
        self.offset = end
        return self._data[start:end]

    def var_string(self) -> str:
        """Read a text.

        Raises:
            DecodeError: it is not utf-8.
        """
        encoded = self.var_bytes()
        try:
            return encoded.decode()
        except UnicodeDecodeError as exc:
            raise self._unexpected("utf-8", self.offset - len(encoded) + exc.start) from exc

    def any(self, *, max_depth: int = MAX_DEPTH) -> object:
        """Read a JavaScript value.

        A number is read as int if lib0 wrote it as varInt (whole, up to 2^31-1 in size, not -0),
        else as float.

        Args:
            max_depth: how deep arrays and objects may nest.

        Returns:
            None, bool, int, float, BigInt, str, bytes, list, dict or UNDEFINED.

        Raises:
            DecodeError: there is no such tag, or it nests deeper than `max_depth`.
        """
        start = self.offset
        tag = self.byte()
        if tag in _READERS:
            return _READERS[tag](self)
        if tag not in (Tag.OBJECT, Tag.ARRAY):
            raise self._unexpected("a tag of a value", start)
        if max_depth == 0:
            raise self._unexpected("less nesting", start)
        return self._object(max_depth - 1) if tag == Tag.OBJECT else self._array(max_depth - 1)

    def _object(self, max_depth: int) -> dict[str, object]:
        count = self.var_uint()
        return {self.var_string(): self.any(max_depth=max_depth) for _ in range(count)}

    def _array(self, max_depth: int) -> list[object]:
        count = self.var_uint()
        return [self.any(max_depth=max_depth) for _ in range(count)]

    def _number(self) -> int | float:
        is_negative, size = self._sign_and_size()
        if is_negative and size == 0:
            return -0.0
        return -size if is_negative else size

    def _packed(self, format: struct.Struct) -> int | float:
        start = self.offset
        if start + format.size > len(self._data):
            raise self._unexpected(f"{format.size} bytes", start)
        self.offset = start + format.size
        value: int | float = format.unpack_from(self._data, start)[0]
        return value

    def _sign_and_size(self) -> tuple[bool, int]:
        first = self.byte()
        size = first & 0x3F
        if first >= 0x80:
            size = self._rest_of_number(size, 6)
        return bool(first & 0x40), size

    def _rest_of_number(self, number: int, shift: int) -> int:
        start = self.offset - 1
        while shift <= _MAX_SHIFT:
            group = self.byte()
            number |= (group & 0x7F) << shift
            if group < 0x80:
                break
            shift += 7
        if shift > _MAX_SHIFT or number > MAX_SAFE_INTEGER:
            raise self._unexpected("a number up to 2^53-1", start)
        return number

    def _unexpected(self, expected: str, offset: int) -> DecodeError:
        return DecodeError(expected, offset, self._data[offset : offset + 32])


_READERS: dict[int, Callable[[Reader], object]] = {
    Tag.UNDEFINED: lambda reader: UNDEFINED,
    Tag.NULL: lambda reader: None,
    Tag.INT: Reader._number,
    Tag.FLOAT32: lambda reader: reader._packed(FLOAT32_FORMAT),
    Tag.FLOAT64: lambda reader: reader._packed(FLOAT64_FORMAT),
    Tag.BIGINT64: lambda reader: BigInt(reader._packed(INT64_FORMAT)),
    Tag.FALSE: lambda reader: False,
    Tag.TRUE: lambda reader: True,
    Tag.STRING: Reader.var_string,
    Tag.BYTES: Reader.var_bytes,
}
