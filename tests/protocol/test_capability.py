from __future__ import annotations

import pytest

from pyodide_rtc.protocol.connections.capability import (
    Capability,
    answered_session_of,
    decode_capability,
    encode_capability,
    open_offer_of,
)


def test_what_is_encoded_is_read_again() -> None:
    extra = encode_capability(Capability(2**53 - 1))

    assert extra == {"pyodideRtc": {"version": 1, "client": 2**53 - 1}}
    assert decode_capability(extra) == Capability(2**53 - 1)


def test_a_whole_number_that_came_as_float_counts() -> None:
    # lib0 writes integers above 2^31 - 1 as float64.
    assert decode_capability({"pyodideRtc": {"client": 4294967296.0}}) == Capability(4294967296)


def test_only_a_home_without_ice_restart_says_so() -> None:
    lacking = Capability(7, can_restart=False)
    extra = encode_capability(lacking)

    assert extra == {"pyodideRtc": {"version": 1, "client": 7, "iceRestart": False}}
    assert decode_capability(extra) == lacking


@pytest.mark.parametrize("said", [True, None, 0, "no"])
def test_what_makes_no_sense_of_ice_restarts_is_as_if_it_was_not_said(said: object) -> None:
    assert decode_capability({"pyodideRtc": {"client": 7, "iceRestart": said}}) == Capability(7)


@pytest.mark.parametrize(
    "extra",
    [
        {},
        {"other": {"client": 1}},
        {"pyodideRtc": None},
        {"pyodideRtc": [1]},
        {"pyodideRtc": {}},
        {"pyodideRtc": {"client": "1"}},
        {"pyodideRtc": {"client": True}},
        {"pyodideRtc": {"client": 1.5}},
        {"pyodideRtc": {"client": float("nan")}},
        {"pyodideRtc": {"client": float("inf")}},
    ],
    ids=str,
)
def test_anything_else_is_a_stock_peer(extra: dict[str, object]) -> None:
    assert decode_capability(extra) is None


def test_an_open_offer_and_what_answers_it_are_read_again() -> None:
    extra = encode_capability(Capability(7), open_offer="v=0", answers="200")

    assert extra == {"pyodideRtc": {"version": 1, "client": 7, "offer": "v=0", "answers": "200"}}
    assert decode_capability(extra) == Capability(7)
    assert (open_offer_of(extra), answered_session_of(extra)) == ("v=0", "200")


@pytest.mark.parametrize("extra", [{}, {"pyodideRtc": 1}, {"pyodideRtc": {"offer": 1}}], ids=str)
def test_without_them_there_are_none(extra: dict[str, object]) -> None:
    assert (open_offer_of(extra), answered_session_of(extra)) == (None, None)
