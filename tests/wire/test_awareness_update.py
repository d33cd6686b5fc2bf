from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyodide_rtc.errors import DecodeError, LocalProtocolError, MessageTooBigError
from pyodide_rtc.wire.awareness_update import (
    AwarenessEntry,
    TooBigState,
    decode_awareness,
    encode_awareness,
)
from pyodide_rtc.wire.lib0 import encode_var_string

from .wire_helpers import (
    LIMIT,
    SESSIONS,
    anything_in_json,
    damaged_bytes,
    load_vectors,
    quick,
    raises_only_wire_errors,
    safe_integers,
    texts,
)

states = st.none() | st.dictionaries(texts, anything_in_json, max_size=3)
entry_lists = st.lists(st.builds(AwarenessEntry, safe_integers, safe_integers, states), max_size=3)


def golden_updates() -> list[Any]:
    sessions = [load_vectors(name) for name in SESSIONS]
    frames = [f for s in sessions for part in ("channel", "broadcastChannel") for f in s[part]]
    unique = {f.get("plainHex", f["hex"]): f["decoded"].get("states") for f in frames}
    return [
        # behind the message's type and its length, which is below 128
        pytest.param(bytes.fromhex(data)[2:], states, id=states[0]["stateJson"])
        for data, states in unique.items()
        if states
    ]


@pytest.mark.parametrize(("data", "said"), golden_updates())
def test_as_y_protocols_wrote_it(data: bytes, said: list[dict[str, Any]]) -> None:
    entries = [AwarenessEntry(s["clientID"], s["clock"], json.loads(s["stateJson"])) for s in said]
    assert decode_awareness(data, max_bytes=len(data), max_clients=len(said)) == entries
    assert encode_awareness(entries) == data


@quick
@given(entry_lists)
def test_round_trip(entries: list[AwarenessEntry]) -> None:
    decoded = decode_awareness(encode_awareness(entries), max_bytes=LIMIT, max_clients=3)
    assert [(e.client_id, e.clock) for e in decoded] == [(e.client_id, e.clock) for e in entries]
    # json joins surrogates that stand side by side, as JavaScript does
    assert [e.state for e in decoded] == [json.loads(json.dumps(e.state)) for e in entries]


def test_lone_surrogates_travel_as_escapes() -> None:
    entry = AwarenessEntry(1, 2, {"name": "\ud800"})
    data = encode_awareness([entry])
    assert data == b"\x01\x01\x02" + encode_var_string(r'{"name":"\ud800"}')
    assert decode_awareness(data, max_bytes=LIMIT, max_clients=1) == [entry]


def test_order_and_repetition_are_kept() -> None:
    entries = [AwarenessEntry(2, 1, None), AwarenessEntry(1, 1, {}), AwarenessEntry(2, 2, {})]
    data = encode_awareness(entries) + b"bytes behind it"
    assert decode_awareness(data, max_bytes=LIMIT, max_clients=3) == entries


@pytest.mark.parametrize("state", ['"text"', "5", "[]", "true", "NaN", "{", ""])
def test_a_state_is_an_object_or_null(state: str) -> None:
    with pytest.raises(DecodeError):
        decode_awareness(b"\x01\x01\x01" + encode_var_string(state), max_bytes=LIMIT, max_clients=1)


def test_what_is_not_json_is_not_sent() -> None:
    with pytest.raises(LocalProtocolError, match="is not JSON"):
        encode_awareness([AwarenessEntry(1, 1, {"x": float("nan")})])
    with pytest.raises(LocalProtocolError, match="is not from 0"):
        encode_awareness([AwarenessEntry(-1, 1, {})])


def test_limits() -> None:
    data = encode_awareness([AwarenessEntry(1, 1, {}), AwarenessEntry(2, 1, {})])
    assert len(decode_awareness(data, max_bytes=len(data), max_clients=2)) == 2
    with pytest.raises(DecodeError, match="at most 1 clients"):
        decode_awareness(data, max_bytes=len(data), max_clients=1)
    with pytest.raises(MessageTooBigError):
        decode_awareness(data, max_bytes=len(data) - 1, max_clients=2)


def test_a_state_above_its_limit_is_passed_over_unread() -> None:
    big = AwarenessEntry(1, 1, {"x": "é" * 50})
    small = AwarenessEntry(2, 1, {"y": 1})
    data = encode_awareness([big, small])
    size_bytes = 1 + len('{"x":""}') + 100  # with its length before it

    assert decode_awareness(data, max_bytes=LIMIT, max_clients=2, max_state_bytes=50) == [
        TooBigState(1, size_bytes),
        small,
    ]
    entries = decode_awareness(data, max_bytes=LIMIT, max_clients=2, max_state_bytes=size_bytes)
    assert entries == [big, small]
    assert [e.size_bytes for e in entries] == [size_bytes, 8]
    no_json = b"\x01\x01\x01" + encode_var_string("{" * 51)
    decoded = decode_awareness(no_json, max_bytes=LIMIT, max_clients=1, max_state_bytes=50)
    assert decoded == [TooBigState(1, 52)]


@quick
@given(st.binary(max_size=60) | damaged_bytes(entry_lists.map(encode_awareness)))
def test_any_input_raises_only_wire_errors(data: bytes) -> None:
    raises_only_wire_errors(lambda: decode_awareness(data, max_bytes=200, max_clients=3))
