"""Awareness updates: who is here, as one JSON object per client.

Owns their encoding. Must not know which entry is newer, or when one is outdated.

Layout: varUint(count) • count times (varUint(client id) • varUint(clock) • varString(JSON)), where
the JSON ``null`` says that the client has gone.

Source: y-protocols 1.0.7 awareness.js ``encodeAwarenessUpdate`` and ``applyAwarenessUpdate``.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.wire.json_text import decode_json, encode_json
from pyodide_rtc.wire.lib0 import Reader, encode_var_string, encode_var_uint

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["AwarenessEntry", "TooBigState", "decode_awareness", "encode_awareness"]


@dataclass(frozen=True, slots=True)
class AwarenessEntry:
    """The state of one client.

    Args:
        client_id: the author id of its document, 53 bits.
        clock: counts its changes; 53 bits.
        state: a JSON object, or None when the client has gone.
        size_bytes: the size of the JSON with its length before it; 0 if it came from no message.
    """

    client_id: int
    clock: int
    state: dict[str, object] | None
    size_bytes: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class TooBigState:
    """A state above the limit, which was not read.

    Args:
        client_id: the client whose state it is.
        size_bytes: the size of its JSON.
    """

    client_id: int
    size_bytes: int


def encode_awareness(entries: Collection[AwarenessEntry]) -> bytes:
    """Encode the body of an awareness message.

    Raises:
        LocalProtocolError: a state is not JSON, or a number is not from 0 to 2^53-1.
    """
    parts = [encode_var_uint(len(entries))]
    for entry in entries:
        parts.append(encode_var_uint(entry.client_id))
        parts.append(encode_var_uint(entry.clock))
        parts.append(encode_var_string(encode_json(entry.state)))
    return b"".join(parts)


def decode_awareness(
    data: bytes, *, max_bytes: int, max_clients: int, max_state_bytes: int | None = None
) -> list[AwarenessEntry | TooBigState]:
    """Decode the body of an awareness message; bytes behind the last entry are ignored.

    Entries come in the order sent, and a client may come twice.

    Args:
        data: the body.
        max_bytes: limit of its size.
        max_clients: limit of its entries.
        max_state_bytes: limit of each state's JSON; a larger one is returned as `TooBigState`.

    Raises:
        DecodeError: it ends too early, has more entries than allowed, or a state is neither a JSON
            object nor null.
        MessageTooBigError: larger than `max_bytes`.
    """
    reader = Reader(data, max_bytes=max_bytes)
    count = reader.var_uint()
    if count > max_clients:
        raise DecodeError(f"at most {max_clients} clients", 0, data)
    return [_decode_entry(reader, max_state_bytes) for _ in range(count)]


def _decode_entry(reader: Reader, max_state_bytes: int | None) -> AwarenessEntry | TooBigState:
    client_id = reader.var_uint()
    clock = reader.var_uint()
    start = reader.offset
    text = reader.var_string()
    size_bytes = reader.offset - start
    if max_state_bytes is not None and size_bytes > max_state_bytes:
        return TooBigState(client_id, size_bytes)
    state = decode_json(text)
    if state is not None and not isinstance(state, dict):
        raise DecodeError("a state that is an object or null", start, text[:32].encode())
    return AwarenessEntry(client_id, clock, state, size_bytes)
