from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.wire.lib0 import UNDEFINED, BigInt
from pyodide_rtc.wire.payload import (
    Announce,
    Candidate,
    Description,
    Leave,
    OtherSignal,
    Payload,
    SignalMessage,
    decode_payload,
    encode_payload,
)

from .wire_helpers import (
    SESSIONS,
    anything_in_json,
    load_vectors,
    quick,
    raises_only_wire_errors,
    texts,
)

KNOWN_KEYS = {"type", "from", "to", "token", "signal"}

extras = st.dictionaries(texts.filter(lambda key: key not in KNOWN_KEYS), anything_in_json)
signals = st.one_of(
    st.builds(Description, st.sampled_from(["offer", "answer"]), texts),
    st.builds(Candidate, texts, st.none() | st.integers(0, 65535), st.none() | texts),
    st.builds(OtherSignal, st.sampled_from(["renegotiate", "transceiverRequest", ""])),
)
tokens = st.none() | st.floats(allow_nan=False, allow_infinity=False)
payloads = st.builds(Announce, texts, extras) | st.builds(
    SignalMessage, texts, texts, tokens, signals, extras
)


def golden_payloads() -> list[Any]:
    frames = [frame for name in SESSIONS for frame in load_vectors(name)["signaling"]]
    found = [f.get("payload", json.loads(f["text"]).get("data")) for f in frames]
    return [pytest.param(p, id=p.get("signal", p)["type"]) for p in found if p is not None]


def signal_message(**changes: object) -> dict[str, object]:
    signal = {"type": "offer", "sdp": "v=0"}
    return {"to": "b", "from": "a", "type": "signal", "token": 1.5, "signal": signal, **changes}


def candidate_message(candidate: object) -> dict[str, object]:
    return signal_message(signal={"type": "candidate", "candidate": candidate})


@pytest.mark.parametrize("payload", golden_payloads())
def test_as_y_webrtc_published_it(payload: dict[str, object]) -> None:
    encoded = encode_payload(decode_payload(payload))
    assert json.dumps(encoded) == json.dumps(payload)  # the order of keys too


def test_the_golden_payloads_have_every_kind() -> None:
    kinds = {param.id for param in golden_payloads()}
    assert kinds == {"announce", "offer", "answer", "candidate"}


@quick
@given(payloads)
def test_round_trip(payload: Payload) -> None:
    assert decode_payload(encode_payload(payload)) == payload


def test_the_parts_of_a_signal() -> None:
    decoded = decode_payload(signal_message(pyodideRtc={"v": 1}))
    assert decoded == SignalMessage(
        "a", "b", 1.5, Description("offer", "v=0"), {"pyodideRtc": {"v": 1}}
    )


def test_extra_comes_last_and_replaces_nothing() -> None:
    payload = Announce("a", {"x": 1, "from": "somebody else"})
    assert json.dumps(encode_payload(payload)) == '{"type": "announce", "from": "a", "x": 1}'
    assert decode_payload({"type": "announce", "from": "a", "x": 1}) == Announce("a", {"x": 1})
    assert encode_payload(Leave("a", {"x": 1})) == {"type": "leave", "from": "a", "x": 1}
    assert decode_payload({"type": "leave", "from": "a", "x": 1}) == Leave("a", {"x": 1})


@pytest.mark.parametrize("kind", ["renegotiate", "transceiverRequest", "from the future"])
def test_other_signals_are_known_by_their_type(kind: str) -> None:
    decoded = decode_payload(signal_message(signal={"type": kind, kind: True}))
    assert isinstance(decoded, SignalMessage)
    assert decoded.signal == OtherSignal(kind)
    assert encode_payload(decoded)["signal"] == {"type": kind}


@pytest.mark.parametrize(
    ("candidate", "expected"),
    [
        ({"candidate": "c", "sdpMLineIndex": 0, "sdpMid": "0"}, Candidate("c", 0, "0")),
        ({"candidate": "c", "sdpMid": UNDEFINED}, Candidate("c", None, None)),
        ({"candidate": "", "sdpMLineIndex": 0, "sdpMid": "0"}, Candidate("", 0, "0")),
        ({"candidate": None, "sdpMLineIndex": 1, "sdpMid": None}, Candidate("", 1, None)),
        ({}, Candidate("", None, None)),
        (None, Candidate("", None, None)),
        (UNDEFINED, Candidate("", None, None)),
    ],
)
def test_candidates(candidate: object, expected: Candidate) -> None:
    decoded = decode_payload(candidate_message(candidate))
    assert isinstance(decoded, SignalMessage)
    assert decoded.signal == expected


@pytest.mark.parametrize(
    "candidate",
    [
        "text",
        {"candidate": 1},
        {"candidate": "c", "sdpMLineIndex": "0"},
        {"candidate": "c", "sdpMLineIndex": True},
        {"candidate": "c", "sdpMid": 0},
    ],
)
def test_not_a_candidate(candidate: object) -> None:
    with pytest.raises(DecodeError, match="candidate"):
        decode_payload(candidate_message(candidate))


@pytest.mark.parametrize(
    ("token", "expected"), [(2, 2.0), (1.5, 1.5), (None, None), (UNDEFINED, None)]
)
def test_token(token: object, expected: float | None) -> None:
    decoded = decode_payload(signal_message(token=token))
    assert isinstance(decoded, SignalMessage)
    assert decoded.token == expected
    assert type(decoded.token) is type(expected)
    assert ("token" in encode_payload(decoded)) is (expected is not None)


@pytest.mark.parametrize(
    "token", ["1", True, float("nan"), float("inf"), 2**53, 10**400, BigInt(1), [1]]
)
def test_not_a_token(token: object) -> None:
    with pytest.raises(DecodeError, match="token to be a finite number"):
        decode_payload(signal_message(token=token))


@pytest.mark.parametrize(
    "value",
    [
        None,
        "base64 of an envelope",
        [],
        {},
        {"type": "announce"},
        {"type": "announce", "from": 1},
        {"from": "a"},
        {"from": "a", "type": ["announce"]},
        {"from": "a", "type": "farewell"},
        signal_message(to=None),
        signal_message(signal=None),
        signal_message(signal={"sdp": "v=0"}),
        signal_message(signal={"type": "offer"}),
        signal_message(signal={"type": "answer", "sdp": 1}),
    ],
)
def test_not_a_payload(value: object) -> None:
    with pytest.raises(DecodeError):
        decode_payload(value)


def test_an_unknown_type_is_named() -> None:
    with pytest.raises(DecodeError, match="farewell"):
        decode_payload({"from": "a", "type": "farewell"})


@quick
@given(
    anything_in_json
    | st.dictionaries(st.sampled_from(sorted(KNOWN_KEYS)), anything_in_json)
    | st.builds(signal_message, signal=anything_in_json, token=anything_in_json)
    | st.builds(candidate_message, anything_in_json)
)
def test_any_input_raises_only_wire_errors(value: object) -> None:
    raises_only_wire_errors(lambda: decode_payload(value))
