from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from pyodide_rtc.errors import DecodeError, LocalProtocolError, MessageTooBigError
from pyodide_rtc.wire.call_messages import (
    Answer,
    AnswerKind,
    Batons,
    BatonWish,
    Call,
    CancelCall,
    Exposed,
)
from pyodide_rtc.wire.messages import (
    MAX_CHECKED_BYTES,
    MAX_DOCUMENT_NAME_BYTES,
    MAX_LINKED_PEERS,
    AwarenessMessage,
    DocumentPeer,
    InDocument,
    LinkedPeers,
    Message,
    QueryAwareness,
    StateCheck,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    TabPeer,
    UnknownMessage,
    decode,
    encode,
    envelope_bytes,
)

from .wire_helpers import (
    LIMIT,
    SESSIONS,
    damaged_bytes,
    load_vectors,
    quick,
    raises_only_wire_errors,
    safe_integers,
    texts,
)

payloads = st.binary(max_size=300)
known_types = (0, 1, 3, 4, 80, *range(102, 110))
names = st.text(min_size=1, max_size=MAX_DOCUMENT_NAME_BYTES // 4)
labels = st.text(min_size=1, max_size=50)
numbers = st.integers(0, 2**40)
wishes = st.lists(
    st.builds(BatonWish, labels, numbers, st.booleans()), max_size=5, unique_by=lambda w: w.name
).map(tuple)
heard = st.lists(st.tuples(labels, numbers), max_size=3).map(tuple)
bare_messages = st.one_of(
    st.builds(SyncStep1, payloads),
    st.builds(SyncStep2, payloads),
    st.builds(SyncUpdate, payloads),
    st.builds(AwarenessMessage, payloads),
    st.just(QueryAwareness()),
    st.builds(TabPeer, texts, st.booleans(), st.none() | safe_integers),
    st.builds(StateCheck, payloads, st.binary(min_size=8, max_size=8)),
    st.builds(LinkedPeers, st.lists(st.text(max_size=25), max_size=9).map(tuple)),
    st.builds(DocumentPeer, st.text(max_size=25), st.booleans(), safe_integers),
    st.builds(Exposed, labels, st.lists(labels, max_size=9).map(tuple)),
    st.builds(Call, labels, labels, safe_integers, labels, payloads),
    st.builds(Answer, labels, labels, safe_integers, st.sampled_from(AnswerKind), payloads),
    st.builds(CancelCall, labels, labels, safe_integers),
    st.builds(Batons, labels, st.just(2**40), wishes, heard),
    st.builds(UnknownMessage, safe_integers.filter(lambda n: n not in known_types), payloads),
)
messages = bare_messages | st.builds(InDocument, names, bare_messages)


def test_a_check_is_read_strictly() -> None:
    too_large = StateCheck(bytes(MAX_CHECKED_BYTES + 1), bytes(8))
    with pytest.raises(MessageTooBigError):
        decode(encode(too_large), max_bytes=LIMIT * 100)
    for digest in (b"", bytes(7), bytes(9)):
        with pytest.raises(DecodeError):
            decode(encode(StateCheck(b"\0", digest)), max_bytes=LIMIT)


def golden_frames() -> list[Any]:
    sessions = [load_vectors(name) for name in SESSIONS]
    frames = [f for s in sessions for part in ("channel", "broadcastChannel") for f in s[part]]
    # in the tab channel of a password room the message is what the envelope held
    unique = {frame.get("plainHex", frame["hex"]): frame["decoded"] for frame in frames}
    return [pytest.param(bytes.fromhex(data), said, id=data[:24]) for data, said in unique.items()]


def expected_message(data: bytes, said: dict[str, Any]) -> Message:
    match said:
        case {"step": "step1(0)"}:
            return SyncStep1(bytes.fromhex(said["bodyHex"]))
        case {"step": "step2(1)"}:
            return SyncStep2(bytes.fromhex(said["bodyHex"]))
        case {"step": "update(2)"}:
            return SyncUpdate(bytes.fromhex(said["bodyHex"]))
        case {"type": "awareness(1)"}:
            return AwarenessMessage(data[2:])
        case {"type": "queryAwareness(3)"}:
            return QueryAwareness()
        case {"type": "bcPeerId(4)"}:
            return TabPeer(said["peerId"], said["add"] == 1)
    raise ValueError(said)


@pytest.mark.parametrize(("data", "said"), golden_frames())
def test_as_y_webrtc_sent_it(data: bytes, said: dict[str, Any]) -> None:
    message = expected_message(data, said)
    assert decode(data, max_bytes=len(data)) == message
    assert encode(message) == data


def test_the_golden_frames_have_every_kind() -> None:
    kinds = {type(expected_message(*param.values)) for param in golden_frames()}
    assert kinds == {SyncStep1, SyncStep2, SyncUpdate, AwarenessMessage, QueryAwareness, TabPeer}


@quick
@given(messages)
def test_round_trip(message: Message) -> None:
    assert decode(encode(message), max_bytes=LIMIT) == message


@quick
@given(names, bare_messages)
def test_an_envelope_is_put_around_a_message(name: str, message: Message) -> None:
    frame = encode(message, name)

    assert decode(frame, max_bytes=LIMIT) == InDocument(name, message)
    assert encode(InDocument(name, message)) == frame
    assert frame[envelope_bytes(frame) :] == encode(message)


@quick
@given(bare_messages)
def test_a_bare_message_has_no_envelope(message: Message) -> None:
    assert envelope_bytes(encode(message)) == 0


def test_a_name_has_1_to_1024_bytes() -> None:
    assert decode(encode(QueryAwareness(), "x" * 1_024), max_bytes=2_000)
    for data in (b"\x66\0\3", encode(QueryAwareness(), "x" * 1_025)):
        with pytest.raises(DecodeError, match="name of 1 to 1024 bytes"):
            decode(data, max_bytes=2_000)


def test_an_envelope_in_an_envelope_is_unknown() -> None:
    inner = InDocument("b", QueryAwareness())
    assert decode(encode(inner, "a"), max_bytes=LIMIT) == InDocument(
        "a", UnknownMessage(102, b"\1b\3")
    )


def bare(message: Message) -> Message:
    """The message without its envelope."""
    return message.message if isinstance(message, InDocument) else message


@quick
@given(messages.filter(lambda m: not isinstance(bare(m), UnknownMessage)), st.binary(max_size=5))
def test_bytes_behind_a_message_are_ignored(message: Message, rest: bytes) -> None:
    inner = bare(message)
    assume(not (isinstance(inner, TabPeer) and inner.client_id is None and rest[:1] == b"\x50"))
    assert decode(encode(message) + rest, max_bytes=LIMIT) == message


@pytest.mark.parametrize("presence", [0, 2, 255])
def test_a_tab_peer_is_present_only_with_1(presence: int) -> None:
    assert decode(bytes([4, presence, 1]) + b"p", max_bytes=LIMIT) == TabPeer("p", False)


def test_linked_peers_are_bounded() -> None:
    some = LinkedPeers(("x" * 100,) * MAX_LINKED_PEERS)
    assert decode(encode(some), max_bytes=200_000) == some
    for more in (LinkedPeers(("x",) * (MAX_LINKED_PEERS + 1)), LinkedPeers(("x" * 101,))):
        with pytest.raises(DecodeError, match="at most"):
            decode(encode(more), max_bytes=200_000)


def test_an_unknown_message_keeps_its_body() -> None:
    assert decode(b"\x85\x01rest", max_bytes=LIMIT) == UnknownMessage(133, b"rest")
    with pytest.raises(LocalProtocolError):
        encode(UnknownMessage(-1, b""))


def test_an_unknown_kind_of_sync_is_refused() -> None:
    with pytest.raises(DecodeError, match="step 1, step 2 or update at offset 1, got b'\\\\x03'"):
        decode(b"\x00\x03\x00", max_bytes=LIMIT)


@pytest.mark.parametrize(
    "data",
    [b"", b"\x00", b"\x00\x02", b"\x00\x02\x02a", b"\x01", b"\x04\x01", b"\x66\1a", b"\x67\1"],
)
def test_half_a_message_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        decode(data, max_bytes=LIMIT)


def test_limit() -> None:
    data = encode(SyncUpdate(bytes(100)))
    assert decode(data, max_bytes=len(data))
    with pytest.raises(MessageTooBigError):
        decode(data, max_bytes=len(data) - 1)


@quick
@given(st.binary(max_size=60) | damaged_bytes(messages.map(encode)))
def test_any_input_raises_only_wire_errors(data: bytes) -> None:
    raises_only_wire_errors(lambda: decode(data, max_bytes=200))
