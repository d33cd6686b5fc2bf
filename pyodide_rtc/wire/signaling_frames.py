"""The frames between a signaling server and its clients, for both ends of the socket.

Owns wire.md section 1, and re-exports the names of ``payload`` (section 2). Must not know sockets,
rooms, or when anything is sent.

Layout: WebSocket text frames, one JSON object each.

Source: y-webrtc bin/server.js and src/y-webrtc.js ``SignalingConn`` (c411f1d).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyodide_rtc.errors import MessageTooBigError
from pyodide_rtc.wire.fields import get_string, to_fields, unexpected
from pyodide_rtc.wire.json_text import decode_json, encode_json
from pyodide_rtc.wire.payload import (
    Announce,
    Candidate,
    Description,
    OtherSignal,
    Payload,
    Signal,
    SignalMessage,
    decode_payload,
    encode_payload,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = [
    "Announce",
    "Candidate",
    "ClientFrame",
    "Description",
    "OtherSignal",
    "Payload",
    "Ping",
    "Pong",
    "Publish",
    "ServerFrame",
    "Signal",
    "SignalMessage",
    "Subscribe",
    "Unsubscribe",
    "decode_client_frame",
    "decode_payload",
    "decode_server_frame",
    "encode_payload",
    "encode_ping",
    "encode_pong",
    "encode_publish",
    "encode_subscribe",
    "encode_unsubscribe",
]


@dataclass(frozen=True, slots=True)
class Subscribe:
    """A client wants what is published under these topics."""

    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Unsubscribe:
    """A client no longer wants what is published under these topics."""

    topics: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Publish:
    """Data for all subscribers of a topic, the sender included.

    Args:
        topic: the room's name.
        data: any JSON value: an encoded payload, or the text of an envelope.
        clients: how many subscribers the topic has; the server adds it.
    """

    topic: str
    data: object
    clients: int | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """The client's sign of life."""


@dataclass(frozen=True, slots=True)
class Pong:
    """The server's answer to a ping."""


ClientFrame = Subscribe | Unsubscribe | Publish | Ping
ServerFrame = Pong | Publish


def encode_subscribe(topics: Iterable[str]) -> str:
    """Encode a subscription to these topics."""
    return encode_json({"type": "subscribe", "topics": list(topics)})


def encode_unsubscribe(topics: Iterable[str]) -> str:
    """Encode the end of a subscription to these topics."""
    return encode_json({"type": "unsubscribe", "topics": list(topics)})


def encode_publish(
    topic: str,
    data: object,
    *,
    clients: int | None = None,
) -> str:
    """Encode data for all subscribers of a topic.

    Args:
        topic: the room's name.
        data: any JSON value.
        clients: how many subscribers the topic has; only the server says so.

    Raises:
        LocalProtocolError: `data` is not JSON.
    """
    frame: dict[str, object] = {"type": "publish", "topic": topic, "data": data}
    if clients is not None:
        frame["clients"] = clients
    return encode_json(frame)


def encode_ping() -> str:
    """Encode the client's sign of life."""
    return '{"type":"ping"}'


def encode_pong() -> str:
    """Encode the server's answer to a ping."""
    return '{"type":"pong"}'


def decode_client_frame(text: str, *, max_chars: int) -> ClientFrame:
    """Decode a frame that a client sent. Unknown keys are dropped.

    Raises:
        DecodeError: not a frame of a client.
        MessageTooBigError: longer than `max_chars`.
    """
    fields = _decode_frame(text, max_chars)
    match fields.get("type"):
        case "subscribe":
            return Subscribe(_topics(fields))
        case "unsubscribe":
            return Unsubscribe(_topics(fields))
        case "publish":
            return _publish(fields)
        case "ping":
            return Ping()
        case other:
            raise unexpected("type subscribe, unsubscribe, publish or ping", other)


def decode_server_frame(text: str, *, max_chars: int) -> ServerFrame:
    """Decode a frame that the signaling server sent. Unknown keys are dropped.

    Raises:
        DecodeError: not a frame of a server.
        MessageTooBigError: longer than `max_chars`.
    """
    fields = _decode_frame(text, max_chars)
    match fields.get("type"):
        case "publish":
            return _publish(fields)
        case "pong":
            return Pong()
        case other:
            raise unexpected("type publish or pong", other)


def _decode_frame(text: str, max_chars: int) -> dict[str, object]:
    if len(text) > max_chars:
        raise MessageTooBigError(len(text), max_chars, "in")
    return to_fields(decode_json(text), "a frame")


def _publish(fields: dict[str, object]) -> Publish:
    if "data" not in fields:
        raise unexpected("a publish with data", None)
    clients = fields.get("clients")
    if clients is not None and type(clients) is not int:
        raise unexpected("clients to be a whole number", clients)
    return Publish(get_string(fields, "topic"), fields["data"], clients)


def _topics(fields: dict[str, object]) -> tuple[str, ...]:
    topics = fields.get("topics")
    if not isinstance(topics, list):
        raise unexpected("topics to be a list", topics)
    for topic in topics:
        if not isinstance(topic, str):
            raise unexpected("each topic to be a text", topic)
    return tuple(topics)
