"""The messages of data and tab channels.

Owns wire.md section 4: one message per frame, no length prefix around it. Must not know what is in
an update, or who is at the other end.

Source: y-webrtc src/y-webrtc.js ``readMessage`` (c411f1d); y-protocols 1.0.7 sync.js.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyodide_rtc.errors import DecodeError, MessageTooBigError
from pyodide_rtc.wire import call_messages
from pyodide_rtc.wire.call_messages import CallMessage
from pyodide_rtc.wire.lib0 import Reader, encode_var_bytes, encode_var_string, encode_var_uint
from pyodide_rtc.wire.state import DIGEST_BYTES

__all__ = [
    "MAX_DOCUMENT_NAME_BYTES",
    "MAX_LINKED_PEERS",
    "MAX_PEER_ID_BYTES",
    "AwarenessMessage",
    "DocumentPeer",
    "InDocument",
    "LinkedPeers",
    "Message",
    "QueryAwareness",
    "StateCheck",
    "SyncStep1",
    "SyncStep2",
    "SyncUpdate",
    "TabPeer",
    "UnknownMessage",
    "decode",
    "encode",
    "envelope_bytes",
]

_SYNC, _AWARENESS, _QUERY_AWARENESS, _TAB_PEER = 0, 1, 3, 4
_STATE_CHECK = 80  # ours, far above what y-webrtc may come to use
_IN_DOCUMENT, _DOCUMENT_PEER, _LINKED_PEERS = 102, 103, 104
MAX_DOCUMENT_NAME_BYTES = 1_024
"""The longest name of a document."""

MAX_LINKED_PEERS = 1_000
"""Of so many peers a peer may say that it is linked with them: ten times what a browser can do."""

MAX_PEER_ID_BYTES = 100
"""The longest peer id that may be named there: a uuid4 has 36 bytes."""
_OWN_KIND = bytes([_STATE_CHECK])
_ENVELOPE = bytes([_IN_DOCUMENT])
_STEP_1, _STEP_2, _UPDATE = 0, 1, 2

MAX_CHECKED_BYTES = 4 * 1024 * 1024
"""The largest state vector that is compared: of some 400,000 clients."""


@dataclass(frozen=True, slots=True)
class SyncStep1:
    """Ask for what we lack.

    Layout: varUint(0) • varUint(0) • varUint8Array(state_vector)
    """

    state_vector: bytes


@dataclass(frozen=True, slots=True)
class SyncStep2:
    """Answer step 1 with what the asker lacks.

    Layout: varUint(0) • varUint(1) • varUint8Array(update)
    """

    update: bytes


@dataclass(frozen=True, slots=True)
class SyncUpdate:
    """Send a change that was just made.

    Layout: varUint(0) • varUint(2) • varUint8Array(update)
    """

    update: bytes


@dataclass(frozen=True, slots=True)
class AwarenessMessage:
    """Send awareness states; ``awareness_update`` encodes and decodes the update.

    Layout: varUint(1) • varUint8Array(update)
    """

    update: bytes


@dataclass(frozen=True, slots=True)
class QueryAwareness:
    """Ask for all awareness states.

    Layout: varUint(3)
    """


@dataclass(frozen=True, slots=True)
class TabPeer:
    """Say, in a tab channel, that a peer can be reached there (or no longer).

    Layout: varUint(4) • uint8(1 if present, else 0) • varString(peer_id), and behind it from a peer
    of our own kind varUint(80) • varUint(client_id): a stock peer reads no further than it has to.
    """

    peer_id: str
    present: bool
    client_id: int | None = None


@dataclass(frozen=True, slots=True)
class StateCheck:
    """Say what we have, so that a peer of our own kind can see whether something was lost.

    Layout: varUint(80) • varUint8Array(state_vector) • varUint8Array(digest)

    Args:
        state_vector: as in step 1: for each client, how far we have everything.
        digest: 8 bytes for what no state vector shows: what is deleted, and what we have of clients
            behind gaps, that is behind something that we lack (``state``).
    """

    state_vector: bytes
    digest: bytes


@dataclass(frozen=True, slots=True)
class LinkedPeers:
    """Say whom we are linked with, so that no other peer passes on to us what these send.

    Layout: varUint(104) • varUint(count) • count times varString(peer_id)

    At most `MAX_LINKED_PEERS`, each of at most 100 bytes.
    """

    peer_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DocumentPeer:
    """Say, in a document's envelope, that a peer has that document open (or no longer).

    Layout: varUint(103) • uint8(1 if present, else 0) • varString(peer_id) • varUint(client_id)

    Args:
        peer_id: who has it open: the sender.
        present: whether the document is open there.
        client_id: the client id of that document there.
    """

    peer_id: str
    present: bool
    client_id: int


@dataclass(frozen=True, slots=True)
class InDocument:
    """The envelope of a message of another document than the main one.

    Layout: varUint(102) • varString(name) • message

    The name has 1 to 1,024 bytes. The message is no envelope again.
    """

    document: str
    message: Message


@dataclass(frozen=True, slots=True)
class UnknownMessage:
    """A message of an unknown type; y-webrtc reports such a message, and goes on.

    Layout: varUint(type) • body
    """

    type: int
    body: bytes


Message = (
    SyncStep1
    | SyncStep2
    | SyncUpdate
    | AwarenessMessage
    | QueryAwareness
    | StateCheck
    | LinkedPeers
    | TabPeer
    | DocumentPeer
    | InDocument
    | CallMessage
    | UnknownMessage
)


def encode(message: Message, document: str = "") -> bytes:
    """Encode one message; its class has the layout.

    Args:
        message: the message.
        document: the document that it belongs to; any but the main one puts it into an envelope.

    Raises:
        LocalProtocolError: the type of an unknown message is not from 0 to 2^53-1.
    """
    # An update may be large, so it is copied only once.
    return b"".join((_envelope(document), *_parts(message)))


def envelope_bytes(frame: bytes) -> int:
    """Return how many bytes of a frame are its envelope's head, before the message in it."""
    if frame[:1] != _ENVELOPE or len(frame) < 3:
        return 0
    length, head = (frame[1], 2) if frame[1] < 128 else ((frame[1] & 127) + frame[2] * 128, 3)
    return head + length


def _envelope(document: str) -> bytes:
    return _ENVELOPE + encode_var_string(document) if document else b""


def _parts(message: Message) -> tuple[bytes, ...]:  # noqa: C901 - one case each
    match message:
        case SyncUpdate(update):
            return b"\x00\x02", encode_var_uint(len(update)), update
        case AwarenessMessage(update):
            return b"\x01", encode_var_bytes(update)
        case SyncStep1(state_vector):
            return b"\x00\x00", encode_var_bytes(state_vector)
        case SyncStep2(update):
            return b"\x00\x01", encode_var_uint(len(update)), update
        case QueryAwareness():
            return (b"\x03",)
        case TabPeer(peer_id, present, client_id):
            tail = b"" if client_id is None else _OWN_KIND + encode_var_uint(client_id)
            return b"\x04", _flag(present), encode_var_string(peer_id), tail
        case StateCheck(state_vector, digest):
            return _OWN_KIND, encode_var_bytes(state_vector), encode_var_bytes(digest)
        case LinkedPeers(peer_ids):
            numbers = (_LINKED_PEERS, len(peer_ids))
            return *map(encode_var_uint, numbers), *map(encode_var_string, peer_ids)
        case DocumentPeer(peer_id, present, client_id):
            who = encode_var_string(peer_id) + encode_var_uint(client_id)
            return encode_var_uint(_DOCUMENT_PEER), _flag(present), who
        case InDocument(document, inner):
            return _envelope(document), *_parts(inner)
        case UnknownMessage(kind, body):
            return encode_var_uint(kind), body
        case _:
            return call_messages.parts(message)


def _flag(is_set: bool) -> bytes:
    return b"\x01" if is_set else b"\x00"


def decode(data: bytes, *, max_bytes: int) -> Message:
    """Decode one message.

    Bytes behind a known message are ignored, as y-webrtc does: it reads what it needs and no more.

    Raises:
        DecodeError: it ends too early, is a sync message of an unknown kind, or an envelope with a
            bad name.
        MessageTooBigError: larger than `max_bytes`.
    """
    return _decode(Reader(data, max_bytes=max_bytes), data)


def _decode(reader: Reader, data: bytes, *, is_inner: bool = False) -> Message:
    kind = reader.var_uint()
    if kind == _SYNC:
        return _decode_sync(reader)
    if kind == _AWARENESS:
        return AwarenessMessage(reader.var_bytes())
    if kind == _QUERY_AWARENESS:
        return QueryAwareness()
    if kind == _TAB_PEER:
        present = reader.byte() == 1
        peer_id = reader.var_string()
        return TabPeer(peer_id, present, _decode_tail(reader, data))
    if kind == _STATE_CHECK:
        return _decode_check(reader)
    if kind == _LINKED_PEERS:
        return _decode_linked_peers(reader)
    if kind == _DOCUMENT_PEER:
        present = reader.byte() == 1
        return DocumentPeer(_read_peer_id(reader), present, reader.var_uint())
    if kind == _IN_DOCUMENT and not is_inner:
        return InDocument(_read_name(reader), _decode(reader, data, is_inner=True))
    call_message = call_messages.read(kind, reader)
    return UnknownMessage(kind, data[reader.offset :]) if call_message is None else call_message


def _decode_check(reader: Reader) -> StateCheck:
    state_vector = reader.var_bytes()
    if len(state_vector) > MAX_CHECKED_BYTES:
        raise MessageTooBigError(len(state_vector), MAX_CHECKED_BYTES, "in")
    at, digest = reader.offset, reader.var_bytes()
    if len(digest) != DIGEST_BYTES:
        raise DecodeError(f"a digest of {DIGEST_BYTES} bytes", at, digest[:32])
    return StateCheck(state_vector, digest)


def _decode_tail(reader: Reader, data: bytes) -> int | None:
    """Read the client id behind a `TabPeer`, if there is one."""
    if data[reader.offset : reader.offset + 1] != _OWN_KIND:
        return None
    reader.byte()
    return reader.var_uint()


def _decode_linked_peers(reader: Reader) -> LinkedPeers:
    start = reader.offset
    count = reader.var_uint()
    if count > MAX_LINKED_PEERS:
        raise DecodeError(f"at most {MAX_LINKED_PEERS} peers", start, encode_var_uint(count))
    return LinkedPeers(tuple(_read_peer_id(reader) for _ in range(count)))


def _read_peer_id(reader: Reader) -> str:
    start, peer_id = reader.offset, reader.var_string()
    if len(peer_id.encode()) > MAX_PEER_ID_BYTES:
        raise DecodeError(f"a peer id of at most {MAX_PEER_ID_BYTES} bytes", start, b"")
    return peer_id


def _read_name(reader: Reader) -> str:
    start, name = reader.offset, reader.var_string()
    if not 1 <= len(name.encode()) <= MAX_DOCUMENT_NAME_BYTES:
        problem = f"a document's name of 1 to {MAX_DOCUMENT_NAME_BYTES} bytes"
        raise DecodeError(problem, start, name.encode()[:32])
    return name


def _decode_sync(reader: Reader) -> Message:
    start = reader.offset
    step = reader.var_uint()
    if step == _UPDATE:
        return SyncUpdate(reader.var_bytes())
    if step == _STEP_1:
        return SyncStep1(reader.var_bytes())
    if step == _STEP_2:
        return SyncStep2(reader.var_bytes())
    raise DecodeError("sync step 1, step 2 or update", start, encode_var_uint(step))
