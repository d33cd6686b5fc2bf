"""What peers send each other by way of a signaling server: the `data` of a publish frame.

Owns wire.md section 2. Must not know the frames around it, connections, or when anything is sent.

Source: y-webrtc src/y-webrtc.js (c411f1d); simple-peer 9.11.1 for ``Signal``.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

from pyodide_rtc.wire.fields import get_string, to_fields, unexpected
from pyodide_rtc.wire.lib0 import MAX_SAFE_INTEGER

if TYPE_CHECKING:
    from collections.abc import Mapping

__all__ = [
    "Announce",
    "Candidate",
    "Description",
    "Leave",
    "OtherSignal",
    "Payload",
    "Signal",
    "SignalMessage",
    "decode_payload",
    "encode_payload",
]

_ANNOUNCE_KEYS = frozenset({"type", "from"})
_LEAVE_KEYS = frozenset({"type", "from"})
_SIGNAL_KEYS = frozenset({"to", "from", "type", "token", "signal"})


@dataclass(frozen=True, slots=True)
class Description:
    """An SDP."""

    type: Literal["offer", "answer"]
    sdp: str


@dataclass(frozen=True, slots=True)
class Candidate:
    """An ICE candidate; an empty text says that no more will come."""

    candidate: str
    sdp_m_line_index: int | None
    sdp_mid: str | None


@dataclass(frozen=True, slots=True)
class OtherSignal:
    """A signal that data channels do not need, such as ``renegotiate``: only its type is kept."""

    type: str


@dataclass(frozen=True, slots=True)
class Announce:
    """A peer says that it is here.

    Args:
        sender: its peer id.
        extra: keys beyond y-webrtc's, which a stock peer ignores.
    """

    sender: str
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class SignalMessage:
    """A signal from one peer to another.

    Args:
        sender: the sender's peer id.
        to: the receiver's peer id.
        token: the sender's glare token, a finite number; None if it has none.
        signal: the description or candidate for the peer connection.
        extra: keys beyond y-webrtc's, which a stock peer ignores.
    """

    sender: str
    to: str
    token: float | None
    signal: Signal
    extra: Mapping[str, object] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Leave:
    """A peer says that it leaves. This is not of y-webrtc, which ignores payloads of other types.

    Args:
        sender: its peer id.
        extra: more about it.
    """

    sender: str
    extra: Mapping[str, object] = field(default_factory=dict)


Signal = Description | Candidate | OtherSignal
Payload = Announce | Leave | SignalMessage


def encode_payload(payload: Payload) -> dict[str, object]:
    """Encode a payload: keys in y-webrtc's order, then those of `extra`.

    Layout: ``{type, from}`` or ``{to, from, type, token, signal}``
    """
    encoded: dict[str, object]
    if isinstance(payload, Announce | Leave):
        kind = "announce" if isinstance(payload, Announce) else "leave"
        encoded = {"type": kind, "from": payload.sender}
    else:
        encoded = {"to": payload.to, "from": payload.sender, "type": "signal"}
        if payload.token is not None:
            encoded["token"] = payload.token
        encoded["signal"] = _encode_signal(payload.signal)
    for key, value in payload.extra.items():
        encoded.setdefault(key, value)
    return encoded


def decode_payload(value: object) -> Payload:
    """Decode a payload: the `data` of a publish frame, or what its envelope held.

    Raises:
        DecodeError: not a payload. Anybody in the room can publish such a thing.
    """
    fields = to_fields(value, "a payload")
    sender = get_string(fields, "from")
    match fields.get("type"):
        case "announce":
            return Announce(sender, _without(fields, _ANNOUNCE_KEYS))
        case "leave":
            return Leave(sender, _without(fields, _LEAVE_KEYS))
        case "signal":
            return SignalMessage(
                sender,
                get_string(fields, "to"),
                _token(fields.get("token")),
                _decode_signal(fields.get("signal")),
                _without(fields, _SIGNAL_KEYS),
            )
        case other:
            raise unexpected("a payload of type announce, leave or signal", other)


def _encode_signal(signal: Signal) -> dict[str, object]:
    match signal:
        case Description(kind, sdp):
            return {"type": kind, "sdp": sdp}
        case Candidate(candidate, sdp_m_line_index, sdp_mid):
            inner = {
                "candidate": candidate,
                "sdpMLineIndex": sdp_m_line_index,
                "sdpMid": sdp_mid,
            }
            return {"type": "candidate", "candidate": inner}
        case _:
            return {"type": signal.type}


def _decode_signal(value: object) -> Signal:
    fields = to_fields(value, "a signal")
    kind = get_string(fields, "type")
    match kind:
        case "offer" | "answer":
            return Description(kind, get_string(fields, "sdp"))
        case "candidate":
            return _decode_candidate(fields.get("candidate"))
        case _:
            return OtherSignal(kind)


def _decode_candidate(value: object) -> Candidate:
    fields = {} if value is None else to_fields(value, "a candidate")
    match fields.get("candidate"), fields.get("sdpMLineIndex"), fields.get("sdpMid"):
        case (str() | None as text, int() | None as index, str() | None as mid) if not isinstance(
            index, bool
        ):
            return Candidate(text or "", index, mid)
        case _:
            raise unexpected("candidate: text, sdpMLineIndex: number, sdpMid: text", value)


def _token(value: object) -> float | None:
    if value is None:
        return None
    if type(value) is int and abs(value) <= MAX_SAFE_INTEGER:
        return float(value)
    if type(value) is float and math.isfinite(value):
        return value
    raise unexpected("token to be a finite number", value)


def _without(fields: dict[str, object], known: frozenset[str]) -> dict[str, object]:
    return {key: value for key, value in fields.items() if key not in known}
