from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from seeds import some

from pyodide_rtc.protocol.send_queue import SendQueue
from pyodide_rtc.wire.chunks import Assembler, decode_chunk


def drain(queue: SendQueue) -> list[bytes]:
    return list(iter(queue.take, None))


def test_an_empty_one_gives_nothing() -> None:
    queue = SendQueue()
    assert queue.take() is None
    assert queue.gone(0) == (0, 0)
    assert queue.gone(1) is None


def test_small_frames_keep_their_order() -> None:
    queue = SendQueue()
    for frame in (b"a", b"b", b"c"):
        queue.put(frame)
    assert drain(queue) == [b"a", b"b", b"c"]


def test_a_small_frame_goes_between_the_chunks_of_a_large_one() -> None:
    queue = SendQueue()
    queue.put_bulk([bytes(200)], 100)
    first = queue.take()
    queue.put(b"small")
    assert queue.take() == b"small"
    assembler = Assembler(200)
    assert first is not None
    frames = [assembler.add(decode_chunk(m[1:])) for m in (first, *drain(queue))]
    assert frames[-1] == bytes(200)


def test_a_large_frame_is_complete_before_the_next_begins() -> None:
    queue = SendQueue()
    queue.put_bulk([b"a" * 200, b"b" * 200], 100)
    queue.put_bulk([b"c" * 200], 100)
    transfers = [decode_chunk(m[1:]).transfer for m in drain(queue)]
    assert transfers == [1, 1, 1, 2, 2, 2, 3, 3, 3]


def test_frames_that_go_whole_do_so() -> None:
    queue = SendQueue()
    queue.put_bulk([b"a" * 200, b"b" * 300], None)
    queue.put(b"small")
    assert drain(queue) == [b"small", b"a" * 200, b"b" * 300]


def test_what_has_gone_is_told_from_some_size_on_and_bulk_at_once() -> None:
    queue = SendQueue()
    queue.put(bytes(60))
    queue.put(bytes(60))
    queue.put_bulk([bytes(150)], 100)
    queue.take()
    assert queue.gone(100) is None
    queue.take()
    assert queue.gone(100) == (120, 0)
    queue.put(b"x")
    queue.take()
    drain(queue)
    assert queue.gone(100) == (1, 150)
    assert queue.waiting_bytes == 0


@settings(max_examples=some(60), deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(1, 300)), max_size=20), st.integers(64, 200))
def test_all_that_is_put_in_is_counted_once(puts: list[tuple[bool, int]], chunk: int) -> None:
    queue = SendQueue()
    total = small = bulk = 0
    for is_small, size in puts:
        total += size
        if is_small:
            queue.put(bytes(size))
        else:
            queue.put_bulk([bytes(size)], chunk)
        assert queue.waiting_bytes == total - small - bulk
        queue.take()
        gone = queue.gone(0)
        assert gone is not None
        small, bulk = small + gone[0], bulk + gone[1]
    drain(queue)
    gone = queue.gone(0)
    assert gone is not None
    assert small + bulk + sum(gone) == total
