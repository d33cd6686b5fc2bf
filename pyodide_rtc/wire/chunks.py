"""Chunks: how a frame that is larger than one message may be goes to a peer of our own kind.

Owns the layout of a chunk, the cutting, and the assembly. Must not know what is in a frame, or when
a chunk is sent. A stock y-webrtc peer does not know the message type, so it gets no chunks.

The chunks of a frame make a *transfer*. On one data channel a transfer is complete before the next
begins; frames that need no chunks may go between its chunks, and so overtake it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO
from typing import Final

from pyodide_rtc.errors import DecodeError, LocalProtocolError, MessageTooBigError
from pyodide_rtc.wire.lib0 import Reader, encode_var_uint

__all__ = [
    "CHUNK_TYPE",
    "MIN_CHUNK_BYTES",
    "Assembler",
    "Chunk",
    "cut",
    "decode_chunk",
    "encode_chunk",
]

CHUNK_TYPE: Final = 101
"""The message type: beyond those of y-webrtc (0, 1, 3, 4) and of y-websocket (2)."""

MIN_CHUNK_BYTES: Final = 64
"""The smallest limit that a frame can be cut to: the head of a chunk can take 25 bytes."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of a frame.

    Layout: varUint(101) • varUint(transfer) • varUint(total_bytes) • varUint(offset) • data, which
    goes to the message's end

    Args:
        transfer: number of the transfer, counted by the sender.
        total_bytes: size of the whole frame; the same in each of its chunks.
        offset: where in the frame the data stands; chunks come in order and without gaps.
        data: at least one byte.
    """

    transfer: int
    total_bytes: int
    offset: int
    data: bytes


def encode_chunk(chunk: Chunk) -> bytes:
    """Encode a chunk as a message."""
    numbers = (CHUNK_TYPE, chunk.transfer, chunk.total_bytes, chunk.offset)
    return b"".join([*map(encode_var_uint, numbers), chunk.data])


def cut(transfer: int, frame: bytes, *, max_bytes: int) -> Iterator[Chunk]:
    """Cut a frame into chunks. Each is made only when it is needed.

    Args:
        transfer: number of the transfer.
        frame: what to cut.
        max_bytes: the largest that an encoded chunk may be.

    Raises:
        LocalProtocolError: `max_bytes` is below `MIN_CHUNK_BYTES`.
    """
    if max_bytes < MIN_CHUNK_BYTES:
        raise LocalProtocolError(f"a message holds {max_bytes} bytes", "cutting into chunks")
    offset = 0
    while offset < len(frame):
        head = encode_chunk(Chunk(transfer, len(frame), offset, b""))
        end = offset + max_bytes - len(head)
        yield Chunk(transfer, len(frame), offset, frame[offset:end])
        offset = end


def decode_chunk(body: bytes) -> Chunk:
    """Decode what follows the message type.

    Raises:
        DecodeError: it ends too early.
    """
    reader = Reader(body, max_bytes=None)
    transfer, total, offset = reader.var_uint(), reader.var_uint(), reader.var_uint()
    return Chunk(transfer, total, offset, body[reader.offset :])


class Assembler:
    """Puts the chunks of one data channel together, one transfer after the other.

    Args:
        max_bytes: the largest frame that may come. No more is ever held: the total that a chunk
            claims reserves no memory.
    """

    def __init__(self, max_bytes: int) -> None:
        self._max_bytes = max_bytes
        self._transfer: int | None = None
        self._frame = BytesIO()  # not a list: chunks of two bytes would take 22 times as much
        self.done_bytes = 0
        """How many bytes of the transfer under way have come."""
        self.total_bytes = 0
        """Its whole size; 0 if there is no transfer."""

    def add(self, chunk: Chunk) -> bytes | None:
        """Add the next chunk.

        Returns:
            the frame, once it is complete; else None.

        Raises:
            MessageTooBigError: the frame is too large.
            DecodeError: the chunk is not the next one: another transfer is not complete, a part is
                missing or comes twice, the total has changed or is exceeded, or there is no data.
        """
        if self._transfer is None:
            self._begin(chunk)
        elif chunk.transfer != self._transfer:
            raise _unexpected(f"a chunk of transfer {self._transfer}", chunk)
        if chunk.total_bytes != self.total_bytes:
            raise _unexpected(f"the total to be {self.total_bytes} bytes still", chunk)
        if chunk.offset != self.done_bytes:
            raise _unexpected(f"the chunk at {self.done_bytes}", chunk)
        if not 0 < len(chunk.data) <= self.total_bytes - self.done_bytes:
            raise _unexpected(f"1 to {self.total_bytes - self.done_bytes} bytes", chunk)
        self._frame.write(chunk.data)
        self.done_bytes += len(chunk.data)
        return self._finish() if self.done_bytes == self.total_bytes else None

    def _begin(self, chunk: Chunk) -> None:
        if chunk.total_bytes > self._max_bytes:
            raise MessageTooBigError(chunk.total_bytes, self._max_bytes, "in")
        self._transfer = chunk.transfer
        self.total_bytes = chunk.total_bytes

    def _finish(self) -> bytes:
        frame = self._frame.getvalue()
        self._frame = BytesIO()
        self._transfer = None
        self.done_bytes = self.total_bytes = 0
        return frame


def _unexpected(expected: str, chunk: Chunk) -> DecodeError:
    came = f"transfer {chunk.transfer}, {len(chunk.data)} of {chunk.total_bytes}"
    return DecodeError(expected, chunk.offset, came.encode())
