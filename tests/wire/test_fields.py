from __future__ import annotations

import pytest

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.wire.fields import get_string, to_fields, unexpected
from pyodide_rtc.wire.lib0 import UNDEFINED


def test_undefined_is_left_out_and_null_is_not() -> None:
    assert to_fields({"a": UNDEFINED, "b": None, "c": 0}, "x") == {"b": None, "c": 0}


@pytest.mark.parametrize("value", [None, [], "text", 1, UNDEFINED])
def test_not_an_object(value: object) -> None:
    with pytest.raises(DecodeError, match="expected a thing to be an object"):
        to_fields(value, "a thing")


def test_string() -> None:
    assert get_string({"a": "x"}, "a") == "x"
    assert get_string({"a": ""}, "a") == ""


@pytest.mark.parametrize("fields", [{}, {"a": None}, {"a": 1}, {"a": ["x"]}])
def test_not_a_string(fields: dict[str, object]) -> None:
    with pytest.raises(DecodeError, match="expected a to be a text"):
        get_string(fields, "a")


@pytest.mark.parametrize(
    ("value", "excerpt"),
    [("x" * 100, b"x" * 32), ("\ud800", b"?"), (["secret"], b"list"), (None, b"NoneType")],
)
def test_only_texts_are_quoted(value: object, excerpt: bytes) -> None:
    assert unexpected("something", value).excerpt == excerpt
