"""The encoding half of lib0's format, and what both halves share; the layout is in ``lib0``.

Owns how single values are written. Must not know what they are for.

Source: lib0 0.2.120 encoding.js.
"""

from __future__ import annotations

import math
import struct
from enum import Enum, IntEnum
from typing import TYPE_CHECKING, Any, Final

from pyodide_rtc.errors import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

__all__ = [
    "FLOAT32_FORMAT",
    "FLOAT64_FORMAT",
    "INT64_FORMAT",
    "MAX_DEPTH",
    "MAX_SAFE_INTEGER",
    "UNDEFINED",
    "BigInt",
    "Tag",
    "Undefined",
    "encode_any",
    "encode_var_bytes",
    "encode_var_string",
    "encode_var_uint",
]

MAX_SAFE_INTEGER = 2**53 - 1
"""The largest integer up to which JavaScript is exact; the limit of varUint and varInt."""

MAX_DEPTH = 64
"""How deep arrays and objects may nest. Honest messages nest less than ten deep."""

FLOAT32_FORMAT = struct.Struct(">f")
FLOAT64_FORMAT = struct.Struct(">d")
INT64_FORMAT = struct.Struct(">q")

_MAX_ANY_INT = 2**31 - 1


class Tag(IntEnum):
    """The first byte of an ``any``."""

    BYTES = 116
    ARRAY = 117
    OBJECT = 118
    STRING = 119
    TRUE = 120
    FALSE = 121
    BIGINT64 = 122
    FLOAT64 = 123
    FLOAT32 = 124
    INT = 125
    NULL = 126
    UNDEFINED = 127


class Undefined(Enum):
    """The type of JavaScript's ``undefined``, which is not ``null``."""

    UNDEFINED = "undefined"


UNDEFINED: Final = Undefined.UNDEFINED


class BigInt(int):
    """A JavaScript BigInt, of 64 bits with sign; a plain int is a JavaScript number."""


def encode_var_uint(n: int) -> bytes:
    """Encode a number from 0 to 2^53-1.

    Raises:
        LocalProtocolError: it is out of this range.
    """
    if 0 <= n < 0x80:
        return n.to_bytes(1, "big")
    if not 0 <= n <= MAX_SAFE_INTEGER:
        raise _inexpressible(f"{n:#x} is not from 0 to 2^53-1")
    encoded = bytearray()
    _write_groups(encoded, n)
    return bytes(encoded)


def encode_var_bytes(data: bytes) -> bytes:
    """Encode bytes with their length before them."""
    return encode_var_uint(len(data)) + data


def encode_var_string(text: str) -> bytes:
    """Encode a text; a lone surrogate becomes U+FFFD, as JavaScript's TextEncoder has it."""
    return encode_var_bytes(_utf8(text))


def encode_any(value: object) -> bytes:
    """Encode a JavaScript value, as ``Reader.any`` reads it.

    Raises:
        LocalProtocolError: JavaScript has no such value (another type, an int that no float64
            holds, a BigInt beyond 64 bits), or it nests deeper than ``MAX_DEPTH``.
    """
    out = bytearray()
    _write_any(out, value, MAX_DEPTH)
    return bytes(out)


def _write_any(out: bytearray, value: object, max_depth: int) -> None:
    match value:
        case dict() | list() | tuple() if max_depth == 0:
            raise _inexpressible(f"the value nests deeper than {MAX_DEPTH}")
        case dict():
            out.append(Tag.OBJECT)
            out += encode_var_uint(len(value))
            for key, item in value.items():
                if not isinstance(key, str):
                    raise _inexpressible("a key is not a text")
                out += encode_var_string(key)
                _write_any(out, item, max_depth - 1)
        case list() | tuple():
            out.append(Tag.ARRAY)
            out += encode_var_uint(len(value))
            for item in value:
                _write_any(out, item, max_depth - 1)
        case _:
            write = _WRITERS.get(type(value))
            if write is None:
                raise _inexpressible(f"JavaScript has no {type(value).__name__}")
            write(out, value)


def _write_string(out: bytearray, value: str) -> None:
    out.append(Tag.STRING)
    out += encode_var_string(value)


def _write_bytes(out: bytearray, value: bytes) -> None:
    out.append(Tag.BYTES)
    out += encode_var_bytes(value)


def _write_bool(out: bytearray, value: bool) -> None:
    out.append(Tag.TRUE if value else Tag.FALSE)


def _write_bigint(out: bytearray, value: BigInt) -> None:
    if not -(2**63) <= value < 2**63:
        raise _inexpressible("a BigInt has more than 64 bits")
    out.append(Tag.BIGINT64)
    out += INT64_FORMAT.pack(value)


def _write_int(out: bytearray, value: int) -> None:
    if abs(value) <= _MAX_ANY_INT:
        _write_var_int(out, abs(value), is_negative=value < 0)
        return
    try:
        number = float(value)
    except OverflowError as exc:
        raise _inexpressible("an int is too large for a float64") from exc
    if number != value:
        raise _inexpressible("an int is not exact as a float64")
    _write_float(out, number)


def _write_float(out: bytearray, value: float) -> None:
    if value.is_integer() and abs(value) <= _MAX_ANY_INT:
        _write_var_int(out, int(abs(value)), is_negative=math.copysign(1, value) < 0)
    elif _is_float32(value):
        out.append(Tag.FLOAT32)
        out += FLOAT32_FORMAT.pack(value)
    else:
        out.append(Tag.FLOAT64)
        out += FLOAT64_FORMAT.pack(value)


def _is_float32(value: float) -> bool:
    try:
        single: float = FLOAT32_FORMAT.unpack(FLOAT32_FORMAT.pack(value))[0]
    except OverflowError:
        return False
    return single == value


def _write_var_int(out: bytearray, size: int, *, is_negative: bool) -> None:
    out.append(Tag.INT)
    out.append((0x80 if size > 0x3F else 0) | (0x40 if is_negative else 0) | (size & 0x3F))
    if size > 0x3F:
        _write_groups(out, size >> 6)


def _write_groups(out: bytearray, n: int) -> None:
    while n > 0x7F:
        out.append(0x80 | (n & 0x7F))
        n >>= 7
    out.append(n)


def _utf8(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError:
        # By way of utf-16, two halves of a surrogate pair become one character, as in JavaScript.
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _inexpressible(why: str) -> LocalProtocolError:
    return LocalProtocolError(why, "encoding")


_WRITERS: dict[type, Callable[[bytearray, Any], None]] = {
    Undefined: lambda out, value: out.append(Tag.UNDEFINED),
    type(None): lambda out, value: out.append(Tag.NULL),
    int: _write_int,
    float: _write_float,
    BigInt: _write_bigint,
    bool: _write_bool,
    str: _write_string,
    bytes: _write_bytes,
}
