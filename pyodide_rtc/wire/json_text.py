"""JSON as JavaScript's ``JSON.stringify`` and ``JSON.parse`` write and read it.

Owns the differences to Python's ``json``: compact separators, text that is not ASCII kept, lone
surrogates escaped, no NaN and no infinity in either direction, bounded nesting. Numbers may be
spelled otherwise than in JavaScript (``1.0``, ``1e-07``); they mean the same. Must not know what
the JSON says.
"""

from __future__ import annotations

import json
import math
import re

from pyodide_rtc.errors import DecodeError, LocalProtocolError
from pyodide_rtc.wire.lib0_encoding import MAX_DEPTH

__all__ = ["decode_json", "encode_json"]

_SURROGATE = re.compile("[\ud800-\udfff]")
# Possessive quantifiers keep the scan linear for every text. A string that does not end matches up
# to the end of the text, as the parser gets no further either.
_STRING_OR_BRACKET = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[\]{}]', re.DOTALL)
_EXCERPT_CHARS = 32


def encode_json(value: object) -> str:
    """Encode a value as compact JSON.

    Raises:
        LocalProtocolError: it is not JSON (another type, NaN, infinity), contains itself or nests
            too deep.
    """
    try:
        text = _encoder.encode(value)
    except (TypeError, ValueError, RecursionError) as exc:
        raise LocalProtocolError(f"the value is not JSON ({exc})", "encoding") from exc
    if _too_deep_at(text) is not None:
        raise LocalProtocolError(f"the value nests deeper than {MAX_DEPTH}", "encoding")
    if not text.isascii():
        text = _SURROGATE.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    return text


def decode_json(text: str) -> object:
    """Decode JSON; the caller has checked its size.

    Raises:
        DecodeError: it is not JSON, nests too deep, or holds a number that is out of range.
    """
    offset = _too_deep_at(text)
    if offset is not None:
        raise DecodeError(f"JSON at most {MAX_DEPTH} deep", offset, _excerpt(text, offset))
    try:
        value: object = _decoder.decode(text)
    except json.JSONDecodeError as exc:
        raise DecodeError("JSON", exc.pos, _excerpt(text, exc.pos)) from exc
    except ValueError as exc:
        raise DecodeError("JSON with finite numbers", 0, _excerpt(text, 0)) from exc
    return value


def _finite(literal: str) -> float:
    value = float(literal)
    if not math.isfinite(value):  # also called for the words NaN and Infinity, which are not JSON
        raise ValueError(literal)
    return value


def _too_deep_at(text: str) -> int | None:
    """Return where the nesting exceeds the limit; None if it does not.

    This is checked before parsing: the parser recurses, and the stack of a browser is small.
    """
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return None
    depth = 0
    for token in _STRING_OR_BRACKET.finditer(text):
        if token[0] in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                return token.start()
        elif token[0] in "]}":
            depth -= 1
    return None


def _excerpt(text: str, offset: int) -> bytes:
    return text[offset : offset + _EXCERPT_CHARS].encode(errors="replace")


_encoder = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))
_decoder = json.JSONDecoder(parse_float=_finite, parse_constant=_finite)
