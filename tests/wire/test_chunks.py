from __future__ import annotations

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyodide_rtc.errors import DecodeError, LocalProtocolError, MessageTooBigError
from pyodide_rtc.wire.chunks import (
    CHUNK_TYPE,
    MIN_CHUNK_BYTES,
    Assembler,
    Chunk,
    cut,
    decode_chunk,
    encode_chunk,
)
from pyodide_rtc.wire.messages import UnknownMessage, decode

from .wire_helpers import LIMIT, damaged_bytes, quick, raises_only_wire_errors, safe_integers


def chunks_of(frame: bytes, *, transfer: int = 1, max_bytes: int = 64) -> list[Chunk]:
    return list(cut(transfer, frame, max_bytes=max_bytes))


def opened(data: bytes) -> Chunk:
    """A chunk out of the message that carries it, as the room's machine gets it."""
    message = decode(data, max_bytes=LIMIT)
    assert isinstance(message, UnknownMessage)
    assert message.type == CHUNK_TYPE
    return decode_chunk(message.body)


def test_the_layout() -> None:
    first, second = map(encode_chunk, cut(5, bytes(range(100)), max_bytes=64))

    assert first == b"\x65\x05\x64\x00" + bytes(range(60))
    assert second == b"\x65\x05\x64\x3c" + bytes(range(60, 100))


@quick
@given(st.lists(st.binary(min_size=1, max_size=2000), min_size=1), st.integers(64, 500))
def test_round_trip_of_transfers_one_after_the_other(frames: list[bytes], max_bytes: int) -> None:
    assembler = Assembler(2000)
    came = []
    for number, frame in enumerate(frames):
        for data in map(encode_chunk, cut(number, frame, max_bytes=max_bytes)):
            assert len(data) <= max_bytes
            whole = assembler.add(opened(data))
            if whole is not None:
                came.append(whole)
    assert came == frames


@quick
@given(st.integers(64, 300), safe_integers)
def test_chunks_are_as_large_as_they_may_be(max_bytes: int, transfer: int) -> None:
    *full, _ = cut(transfer, bytes(5000), max_bytes=max_bytes)
    assert {len(encode_chunk(chunk)) for chunk in full} == {max_bytes}


def test_nothing_is_cut_to_nothing() -> None:
    assert list(cut(1, b"", max_bytes=MIN_CHUNK_BYTES)) == []
    with pytest.raises(LocalProtocolError, match="63 bytes"):
        list(cut(1, b"x", max_bytes=MIN_CHUNK_BYTES - 1))


def test_progress_is_told() -> None:
    assembler = Assembler(1000)
    first, *rest = chunks_of(bytes(300))
    assert (assembler.done_bytes, assembler.total_bytes) == (0, 0)
    assembler.add(first)
    assert (assembler.done_bytes, assembler.total_bytes) == (len(first.data), 300)
    for chunk in rest:
        assembler.add(chunk)
    assert (assembler.done_bytes, assembler.total_bytes) == (0, 0)


def test_a_frame_up_to_the_limit_is_taken() -> None:
    assert Assembler(100).add(Chunk(1, 100, 0, bytes(100))) == bytes(100)
    with pytest.raises(MessageTooBigError) as caught:
        Assembler(99).add(Chunk(1, 100, 0, b"x"))
    error = caught.value
    assert (error.size_bytes, error.limit_bytes, error.direction) == (100, 99, "in")


@pytest.mark.parametrize(
    ("chunk", "expected"),
    [
        (Chunk(2, 100, 10, b"x"), "a chunk of transfer 1 at offset 10, got b'transfer 2, 1 of 100"),
        (Chunk(2, 100, 0, b"x"), "a chunk of transfer 1"),
        (Chunk(1, 101, 10, b"x"), "the total to be 100 bytes still"),
        (Chunk(1, 100, 11, b"x"), "the chunk at 10"),
        (Chunk(1, 100, 9, b"x"), "the chunk at 10"),
        (Chunk(1, 100, 0, b"x"), "the chunk at 10"),
        (Chunk(1, 100, 10, b""), "1 to 90 bytes"),
        (Chunk(1, 100, 10, bytes(91)), "1 to 90 bytes"),
    ],
    ids=[
        "another transfer between", "the first one abandoned", "another total",
        "a gap", "an overlap", "begun anew", "no data", "beyond the total",
    ],
)  # fmt: skip
def test_what_is_not_the_next_chunk_is_refused(chunk: Chunk, expected: str) -> None:
    assembler = Assembler(1000)
    assert assembler.add(Chunk(1, 100, 0, bytes(10))) is None
    with pytest.raises(DecodeError, match=expected):
        assembler.add(chunk)


@pytest.mark.parametrize("chunk", [Chunk(1, 0, 0, b""), Chunk(1, 5, 1, b"x"), Chunk(1, 5, 0, b"")])
def test_a_bad_beginning_is_refused(chunk: Chunk) -> None:
    with pytest.raises(DecodeError):
        Assembler(1000).add(chunk)


@pytest.mark.parametrize("body", [b"", b"\x01", b"\x01\x80", b"\x01\x05"])
def test_half_a_head_is_refused(body: bytes) -> None:
    with pytest.raises(DecodeError):
        decode_chunk(body)


honest = st.binary(min_size=100, max_size=300).map(lambda f: encode_chunk(chunks_of(f)[0])[1:])


@quick
@given(st.lists(st.binary(max_size=30) | damaged_bytes(honest), max_size=5))
def test_any_input_raises_only_wire_errors_and_holds_no_more_than_the_limit(
    bodies: list[bytes],
) -> None:
    assembler = Assembler(200)

    def add_all() -> None:
        for body in bodies:
            assembler.add(decode_chunk(body))

    raises_only_wire_errors(add_all)
    assert assembler.done_bytes <= 200


def test_small_chunks_take_no_more_room_than_large_ones() -> None:
    """Reproduces: chunks of two bytes were held 22-fold."""
    size = 50_000
    assembler = Assembler(size)
    tracemalloc.start()
    try:
        for offset in range(0, size - 2, 2):
            assembler.add(Chunk(1, size, offset, bytes(2)))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held < 2 * size
    assert assembler.add(Chunk(1, size, size - 2, bytes(2))) == bytes(size)
