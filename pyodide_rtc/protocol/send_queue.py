"""What waits for one data channel: small frames go first, then large ones, message by message.

Owns the order in which frames go. Must not know the channel, or what is in a frame.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from itertools import count

from pyodide_rtc.wire.chunks import cut, encode_chunk


class SendQueue:
    """The frames of one data channel, in two lanes.

    A small frame goes before the rest of a large one that is under way. Within each lane frames
    keep their order, and a large frame is complete before the next one begins.
    """

    def __init__(self) -> None:
        self._small: deque[bytes] = deque()
        self._bulk: deque[Iterator[tuple[bytes, int]]] = deque()
        self._transfers = count(1)
        self._small_gone = 0
        self._bulk_gone = 0
        self.waiting_bytes = 0
        """How many bytes were put in and not taken out, without what chunks add."""

    def put(self, frame: bytes) -> None:
        """Put in a small frame."""
        self._small.append(frame)
        self.waiting_bytes += len(frame)

    def put_bulk(self, frames: Sequence[bytes], chunk_bytes: int | None) -> None:
        """Put in large frames; cut them into chunks of `chunk_bytes` bytes, if that is not None."""
        self._bulk.append(self._messages(frames, chunk_bytes))
        self.waiting_bytes += sum(map(len, frames))

    def take(self) -> bytes | None:
        """Take out the next message; None if there is none."""
        if self._small:
            frame = self._small.popleft()
            self._small_gone += len(frame)
            self.waiting_bytes -= len(frame)
            return frame
        while self._bulk:
            message, size = next(self._bulk[0], (None, 0))
            if message is not None:
                self._bulk_gone += size
                self.waiting_bytes -= size
                return message
            self._bulk.popleft()
        return None

    def gone(self, min_bytes: int) -> tuple[int, int] | None:
        """Return how many bytes of each lane were taken out since the last such answer.

        Args:
            min_bytes: if only small frames have gone, the answer is None below so many bytes.
        """
        if self._bulk_gone == 0 and self._small_gone < min_bytes:
            return None
        gone = self._small_gone, self._bulk_gone
        self._small_gone = self._bulk_gone = 0
        return gone

    def _messages(
        self, frames: Sequence[bytes], chunk_bytes: int | None
    ) -> Iterator[tuple[bytes, int]]:
        """Yield each message with the number of bytes of the frames that it holds."""
        for frame in frames:
            if chunk_bytes is None:
                yield frame, len(frame)
            else:
                for chunk in cut(next(self._transfers), frame, max_bytes=chunk_bytes):
                    yield encode_chunk(chunk), len(chunk.data)
