from __future__ import annotations

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyodide_rtc.errors import DecodeError, LocalProtocolError
from pyodide_rtc.wire.json_text import decode_json, encode_json

from .wire_helpers import anything_in_json, damaged_text, quick, raises_only_wire_errors


def nested(depth: int) -> str:
    return '{"a":[' * (depth // 2) + "]}" * (depth // 2)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": [1, 2.5, None, True], "b": {}}, '{"a":[1,2.5,null,true],"b":{}}'),
        ("Ålice 🌍", '"Ålice 🌍"'),
        ("\u2028\x7f", '"\u2028\x7f"'),
        ('\x00\b\n"\\/', r'"\u0000\b\n\"\\/"'),
        ("\ud800 and \udfff", r'"\ud800 and \udfff"'),
        (1795398968450.4912, "1795398968450.4912"),
    ],
)
def test_as_javascript_writes_it(value: object, text: str) -> None:
    assert encode_json(value) == text
    assert decode_json(text) == value


@quick
@given(anything_in_json)
def test_round_trip(value: object) -> None:
    text = encode_json(value)
    text.encode()
    # two surrogates that stand side by side come back as the one character that they mean
    assert decode_json(text) == json.loads(json.dumps(value))


@pytest.mark.parametrize("value", [math.nan, -math.inf, b"", {1, 2}, {(): 1}])
def test_not_json(value: object) -> None:
    with pytest.raises(LocalProtocolError, match="is not JSON"):
        encode_json([value])


def test_a_value_that_contains_itself() -> None:
    value: list[object] = []
    value.append(value)
    with pytest.raises(LocalProtocolError, match="is not JSON"):
        encode_json(value)


@pytest.mark.parametrize("text", ["", "{", "{'a':1}", "[1,]", "01", '"a', "\ufeff1", '"\n"'])
def test_not_the_text_of_json(text: str) -> None:
    with pytest.raises(DecodeError, match="expected JSON at"):
        decode_json(text)


def test_offset_and_excerpt() -> None:
    with pytest.raises(DecodeError) as caught:
        decode_json('{"å":nul\ud800}')
    assert caught.value.offset == 5
    assert caught.value.excerpt == b"nul?}"


@pytest.mark.parametrize("text", ["NaN", "[Infinity]", "-Infinity", "1e400", "9" * 5000])
def test_numbers_out_of_range(text: str) -> None:
    with pytest.raises(DecodeError, match="finite numbers"):
        decode_json(text)


def test_nesting_is_bounded() -> None:
    assert encode_json(decode_json(nested(64))) == nested(64)
    with pytest.raises(DecodeError, match="at most 64 deep") as caught:
        decode_json("[" + nested(64) + "]")
    assert caught.value.offset == len('[{"a":' * 32)
    with pytest.raises(LocalProtocolError, match="deeper than 64"):
        encode_json([decode_json(nested(64))])
    with pytest.raises(DecodeError, match="at most 64 deep"):
        decode_json("[" * 1_000_000)


@pytest.mark.parametrize("value", ["[" * 100, "\\" * 3 + '"[{' * 100, [{} for _ in range(100)]])
def test_only_nested_brackets_count(value: object) -> None:
    assert decode_json(encode_json(value)) == value


@pytest.mark.timeout(10)
def test_a_string_without_end_costs_no_time() -> None:
    with pytest.raises(DecodeError, match="expected JSON at offset 1,"):
        decode_json('["' + "[" * 65 + '\\"' * 500_000)


@quick
@given(st.text(max_size=40) | damaged_text(anything_in_json.map(encode_json)))
def test_any_input_raises_only_wire_errors(text: str) -> None:
    raises_only_wire_errors(lambda: decode_json(text))
