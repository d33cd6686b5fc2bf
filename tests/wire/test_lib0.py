from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyodide_rtc.errors import DecodeError, MessageTooBigError
from pyodide_rtc.wire.lib0 import (
    MAX_DEPTH,
    MAX_SAFE_INTEGER,
    UNDEFINED,
    BigInt,
    Reader,
    encode_any,
    encode_var_bytes,
    encode_var_string,
    encode_var_uint,
)

from .wire_helpers import (
    damaged_bytes,
    load_vectors,
    quick,
    raises_only_wire_errors,
    safe_integers,
)

SPECIAL = {
    "undefined": UNDEFINED,
    "bigint 5n": BigInt(5),
    "bigint -5n": BigInt(-5),
    "uint8": b"\x00\x01\xff",
}
ANY_VECTORS = [
    pytest.param(SPECIAL.get(v["value"], v["json"]), bytes.fromhex(v["hex"]), id=v["value"])
    for v in load_vectors("lib0-any")
]

values = st.recursive(
    st.none()
    | st.just(UNDEFINED)
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.integers(-(2**63), 2**63 - 1).map(BigInt)
    | st.floats(allow_nan=False)
    | st.text(max_size=10)
    | st.binary(max_size=10),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=10,
)


def reader(data: bytes) -> Reader:
    return Reader(data, max_bytes=None)


def nested_arrays(depth: int) -> bytes:
    return b"\x75\x01" * depth + b"\x7e"


@pytest.mark.parametrize(("value", "encoded"), ANY_VECTORS)
def test_any_as_lib0_wrote_it(value: object, encoded: bytes) -> None:
    read = reader(encoded)
    decoded = read.any()
    assert decoded == value
    assert type(decoded) is type(value) or isinstance(decoded, float)
    assert read.at_end
    assert encode_any(value) == encoded


@quick
@given(values)
def test_any_round_trip(value: object) -> None:
    read = reader(encode_any(value))
    assert read.any() == value
    assert read.at_end


@quick
@given(st.floats(allow_nan=False) | st.just(-0.0))
def test_any_keeps_the_sign_of_zero(value: float) -> None:
    decoded = reader(encode_any(value)).any()
    assert isinstance(decoded, (int, float))
    assert math.copysign(1, decoded) == math.copysign(1, value)


def test_any_reads_a_negative_zero_among_integers() -> None:
    decoded = reader(b"\x7d\x40").any()
    assert decoded == 0
    assert isinstance(decoded, float)
    assert math.copysign(1, decoded) == -1


def test_any_reads_nan() -> None:
    decoded = reader(encode_any(math.nan)).any()
    assert isinstance(decoded, float)
    assert math.isnan(decoded)


def test_any_bounds_nesting() -> None:
    read = reader(nested_arrays(MAX_DEPTH))
    read.any()
    assert read.at_end
    with pytest.raises(DecodeError, match="less nesting") as caught:
        reader(nested_arrays(MAX_DEPTH + 1)).any()
    assert caught.value.offset == 2 * MAX_DEPTH
    with pytest.raises(DecodeError, match="less nesting"):
        reader(b"\x76\x00").any(max_depth=0)


@pytest.mark.parametrize("tag", [0, 115, 128, 255])
def test_any_refuses_other_tags(tag: int) -> None:
    with pytest.raises(DecodeError, match="a tag of a value"):
        reader(bytes([tag])).any()


def test_any_does_not_trust_a_count() -> None:
    with pytest.raises(DecodeError, match="not the end"):
        reader(b"\x75" + encode_var_uint(MAX_SAFE_INTEGER)).any()


@pytest.mark.parametrize("encoded", [b"\x7c\x00\x00\x00", b"\x7b" + bytes(7), b"\x7a" + bytes(7)])
def test_any_refuses_half_a_number(encoded: bytes) -> None:
    with pytest.raises(DecodeError, match="bytes at offset 1"):
        reader(encoded).any()


@quick
@given(safe_integers)
def test_var_uint_round_trip(n: int) -> None:
    read = reader(encode_var_uint(n))
    assert read.var_uint() == n
    assert read.at_end


def test_var_uint_may_be_longer_than_needed() -> None:
    assert reader(b"\x85\x80\x00").var_uint() == 5


@pytest.mark.parametrize(
    "encoded",
    [
        pytest.param(b"\x80" * 7 + b"\x10", id="2^53"),
        pytest.param(b"\xff" * 8 + b"\x00", id="nine bytes"),
        pytest.param(b"\x80" * 100, id="without end"),
    ],
)
def test_numbers_end_at_2_to_the_53(encoded: bytes) -> None:
    with pytest.raises(DecodeError, match=r"2\^53-1 at offset 0") as caught:
        reader(encoded).var_uint()
    assert caught.value.excerpt == encoded[:32]


@pytest.mark.parametrize(
    ("encoded", "number"),
    [
        (b"\x00", 0),
        (b"\x40", 0),
        (b"\x3f", 63),
        (b"\x41", -1),
        (b"\xc0\x01", -64),
        (b"\xbf" + b"\xff" * 6 + b"\x1f", 2**53 - 1),
    ],
)
def test_var_int(encoded: bytes, number: int) -> None:
    assert reader(encoded).var_int() == number


@pytest.mark.parametrize("encoded", [b"", b"\x80", b"\xc0\xff"])
def test_var_int_refuses_half_a_number(encoded: bytes) -> None:
    """Such input lib0 reads as if zeros followed."""
    with pytest.raises(DecodeError, match="not the end"):
        reader(encoded).var_int()


def test_values_one_after_another() -> None:
    read = reader(encode_var_string("é🌍") + encode_var_bytes(b"ab") + b"\x07")
    assert read.var_string() == "é🌍"
    assert read.offset == 7
    assert read.var_bytes() == b"ab"
    assert not read.at_end
    assert read.byte() == 7
    assert read.at_end


def test_bytes_must_all_be_there() -> None:
    with pytest.raises(DecodeError, match="expected 3 bytes at offset 1, got b'ab'"):
        reader(b"\x03ab").var_bytes()


def test_text_must_be_utf8() -> None:
    with pytest.raises(DecodeError, match=r"expected utf-8 at offset 2, got b'\\xff'"):
        reader(b"\x02a\xff").var_string()


def test_limit() -> None:
    assert Reader(b"abc", max_bytes=3).byte() == ord("a")
    with pytest.raises(MessageTooBigError) as caught:
        Reader(b"abc", max_bytes=2)
    assert (caught.value.size_bytes, caught.value.limit_bytes) == (3, 2)
    assert caught.value.direction == "in"


@quick
@given(st.binary(max_size=60) | damaged_bytes(values.map(encode_any)))
def test_any_input_raises_only_wire_errors(data: bytes) -> None:
    for read in (Reader.any, Reader.var_int, Reader.var_uint, Reader.var_string, Reader.byte):
        raises_only_wire_errors(lambda read=read: read(reader(data)))
