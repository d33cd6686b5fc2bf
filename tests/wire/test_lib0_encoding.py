"""What cannot be encoded, and how numbers are told apart; ``test_lib0`` has the round trips."""

from __future__ import annotations

import math

import pytest

from pyodide_rtc.errors import LocalProtocolError
from pyodide_rtc.wire.lib0_encoding import (
    MAX_DEPTH,
    UNDEFINED,
    BigInt,
    Tag,
    encode_any,
    encode_var_bytes,
    encode_var_string,
    encode_var_uint,
)


@pytest.mark.parametrize(
    ("number", "encoded"),
    [
        (0, "00"),
        (127, "7f"),
        (128, "8001"),
        (16383, "ff7f"),
        (305419896, "f8acd19101"),
        (2**53 - 1, "ffffffffffffff0f"),
    ],
)
def test_var_uint(number: int, encoded: str) -> None:
    assert encode_var_uint(number).hex() == encoded


@pytest.mark.parametrize("number", [-1, 2**53])
def test_var_uint_out_of_range(number: int) -> None:
    with pytest.raises(LocalProtocolError, match="is not from 0 to 2"):
        encode_var_uint(number)


def test_var_bytes() -> None:
    assert encode_var_bytes(bytes(200)) == b"\xc8\x01" + bytes(200)


@pytest.mark.parametrize(
    ("text", "encoded"),
    [
        ("é🌍", "c3a9f09f8c8d"),
        ("a\ud800b", "61efbfbd62"),
        ("\udc00\ud800", "efbfbdefbfbd"),
        ("\ud83c\udf0d", "f09f8c8d"),  # 🌍 in two halves
    ],
)
def test_text_as_text_encoder_does(text: str, encoded: str) -> None:
    assert encode_var_string(text) == bytes([len(encoded) // 2]) + bytes.fromhex(encoded)


@pytest.mark.parametrize(
    ("value", "tag"),
    [
        (2**31 - 1, Tag.INT),
        (-(2**31) + 1, Tag.INT),
        (3.0, Tag.INT),
        (-0.0, Tag.INT),
        (2**31, Tag.FLOAT32),
        (math.inf, Tag.FLOAT32),
        (2**53 - 1, Tag.FLOAT64),
        (0.1, Tag.FLOAT64),
        (1e39, Tag.FLOAT64),
        (math.nan, Tag.FLOAT64),
        (BigInt(1), Tag.BIGINT64),
        (True, Tag.TRUE),
        (False, Tag.FALSE),
        (None, Tag.NULL),
        (UNDEFINED, Tag.UNDEFINED),
        ("", Tag.STRING),
        (b"", Tag.BYTES),
        ({"a": ()}, Tag.OBJECT),
    ],
)
def test_tag(value: object, tag: Tag) -> None:
    assert encode_any(value)[0] == tag


def test_a_tuple_is_an_array() -> None:
    assert encode_any((1, "a")) == encode_any([1, "a"])


def test_minus_zero() -> None:
    assert encode_any(-0.0).hex() == "7d40"


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (2**53 + 1, "not exact"),
        (10**400, "too large"),
        (BigInt(2**63), "64 bits"),
        (BigInt(-(2**63) - 1), "64 bits"),
        ({1: 2}, "a key"),
        ([{1, 2}], "no set"),
    ],
)
def test_not_javascript(value: object, why: str) -> None:
    with pytest.raises(LocalProtocolError, match=why):
        encode_any(value)


def test_nesting_is_bounded() -> None:
    value: list[object] = []
    for _ in range(MAX_DEPTH - 1):
        value = [value]
    assert encode_any(value)
    with pytest.raises(LocalProtocolError, match="deeper than 64"):
        encode_any([value])
