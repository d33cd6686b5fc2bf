from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyodide_rtc.errors import DecodeError, LocalProtocolError, MessageTooBigError
from pyodide_rtc.wire.call_messages import (
    MAX_BATONS,
    MAX_EXPOSED,
    MAX_HEARD,
    MAX_LABEL_BYTES,
    MAX_VALUE_BYTES,
    NOTHING,
    Answer,
    AnswerKind,
    Batons,
    BatonWish,
    Call,
    CallMessage,
    CancelCall,
    Exposed,
    decode_arguments,
    decode_value,
    encode_arguments,
    encode_value,
)
from pyodide_rtc.wire.lib0 import UNDEFINED, BigInt, encode_any
from pyodide_rtc.wire.messages import decode, encode

from .wire_helpers import LIMIT, damaged_bytes, quick, raises_only_wire_errors

BIG = 2 * MAX_VALUE_BYTES
MESSAGES: list[tuple[CallMessage, str]] = [
    (Exposed("p", ("f", "g")), "69 0170 02 0166 0167"),
    (Call("p", "q", 3, "f", b"\x75\x00"), "6a 0170 0171 03 0166 02 7500"),
    (Answer("p", "q", 3, AnswerKind.REFUSED, b"\x7e"), "6b 0170 0171 03 02 01 7e"),
    (CancelCall("p", "q", 3), "6c 0170 0171 03"),
    (
        Batons("p", 9, (BatonWish("b", 7, True), BatonWish("c", 9)), (("q", 5),)),
        "6d 0170 09 02 0162 07 01 0163 09 00 01 0171 05",
    ),
]


@pytest.mark.parametrize(("message", "hexadecimal"), MESSAGES, ids=lambda v: type(v).__name__)
def test_the_bytes_are_these(message: CallMessage, hexadecimal: str) -> None:
    data = bytes.fromhex(hexadecimal)
    assert encode(message) == data
    assert decode(data, max_bytes=LIMIT) == message
    for end in range(1, len(data)):
        with pytest.raises(DecodeError):
            decode(data[:end], max_bytes=LIMIT)


LONG = "x" * MAX_LABEL_BYTES


@pytest.mark.parametrize(
    ("most", "more"),
    [
        (Exposed(LONG, (LONG,) * MAX_EXPOSED), Exposed("p", ("f",) * (MAX_EXPOSED + 1))),
        (CancelCall(LONG, "q", 1), CancelCall("p", LONG + "x", 1)),
        (CancelCall("p", "q", 1), CancelCall("", "q", 1)),
        (Call("p", "q", 1, "ü" * 100, b""), Call("p", "q", 1, "ü" * 101, b"")),
        (
            Batons("p", 1, tuple(BatonWish(f"{i}", 1) for i in range(MAX_BATONS))),
            Batons("p", 1, tuple(BatonWish(f"{i}", 1) for i in range(MAX_BATONS + 1))),
        ),
        (Batons("p", 1, (), (("q", 1),) * MAX_HEARD), Batons("p", 1, (), (("q", 1),) * 1_001)),
        (Batons("p", 7, (BatonWish("b", 7),)), Batons("p", 7, (BatonWish("b", 8),))),
        (Batons("p", 7, (BatonWish("b", 7),)), Batons("p", 7, (BatonWish("b", 7),) * 2)),
    ],
    ids=repr,
)
def test_nobody_says_more_than_this(most: CallMessage, more: CallMessage) -> None:
    assert decode(encode(most), max_bytes=LIMIT) == most
    with pytest.raises(DecodeError):
        decode(encode(more), max_bytes=LIMIT)


def test_a_value_is_bounded() -> None:
    for message in (
        Call("p", "q", 1, "f", bytes(MAX_VALUE_BYTES)),
        Answer("p", "q", 1, AnswerKind.RESULT, bytes(MAX_VALUE_BYTES)),
    ):
        assert decode(encode(message), max_bytes=BIG) == message
    for message in (
        Call("p", "q", 1, "f", bytes(MAX_VALUE_BYTES + 1)),
        Answer("p", "q", 1, AnswerKind.RESULT, bytes(MAX_VALUE_BYTES + 1)),
    ):
        with pytest.raises(MessageTooBigError):
            decode(encode(message), max_bytes=BIG)


def test_an_unknown_kind_of_answer_is_refused() -> None:
    with pytest.raises(DecodeError, match="a kind of answer at offset 6, got b'\\\\x05'"):
        decode(bytes.fromhex("6b 0170 0171 03 05 01 7e"), max_bytes=LIMIT)


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        (3, 3),
        (3.5, 3.5),
        (3.0, 3),
        (2**53 - 1, 2**53 - 1),
        (-(2**40), -(2**40)),
        (1e300, 1e300),
        (True, True),
        (None, None),
        (b"x", b"x"),
        ("ü🌍", "ü🌍"),
        ((1, [2, {"a": (3.0,)}]), [1, [2, {"a": [3]}]]),
        (UNDEFINED, None),
        (BigInt(7), 7),
    ],
    ids=repr,
)
def test_values_arrive_as_pythons_own(sent: object, arrives: object) -> None:
    value = decode_value(encode_value(sent))
    assert value == arrives
    assert type(value) is type(arrives)


def test_arguments_are_a_list_and_an_object() -> None:
    assert decode_arguments(encode_arguments([1, "a"], {"k": [2]})) == ([1, "a"], {"k": [2]})
    for wrong in ([], [[]], [{}, []], [[], {}, 1], {"a": 1}, 3):
        with pytest.raises(DecodeError, match="positional and named"):
            decode_arguments(encode_value(wrong))


def test_what_nests_too_deep_is_refused_on_both_sides() -> None:
    value: Any = 1
    for _ in range(70):
        value = [value]
    with pytest.raises(LocalProtocolError):
        encode_value(value)
    with pytest.raises(DecodeError):
        decode_value(b"\x75\x01" * 70 + b"\x7e")


def test_bytes_behind_a_value_are_refused() -> None:
    assert decode_value(NOTHING) is None
    with pytest.raises(DecodeError, match="the end of the value"):
        decode_value(NOTHING + b"x")


@quick
@given(
    st.binary(max_size=60)
    | damaged_bytes(st.sampled_from([encode(message) for message, _ in MESSAGES]))
)
def test_any_bytes_raise_only_wire_errors(data: bytes) -> None:
    raises_only_wire_errors(lambda: decode(data, max_bytes=200))


@quick
@given(st.binary(max_size=60) | damaged_bytes(st.just(encode_any([[1, "a"], {"b": None}]))))
def test_any_value_raises_only_wire_errors(data: bytes) -> None:
    raises_only_wire_errors(lambda: decode_arguments(data))
