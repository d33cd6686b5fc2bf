"""The sending end of one data channel: gives the browser as much as it should hold, and no more."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyodide_rtc.errors import BridgeError
from pyodide_rtc.ports import DataChannel
from pyodide_rtc.protocol.send_queue import SendQueue

FULL_BYTES = 1024 * 1024
"""What the browser may hold before we wait. What it holds cannot be overtaken any more, and some
of it keeps the network busy while we are not called: 1 MiB lasts 80 ms at 100 Mbit/s."""

TOLD_BYTES = 65_536
"""So many bytes of small frames go before it is told that they have gone."""


class Outbox:
    """The frames that go by one data channel: they wait here, and none is ever dropped.

    Args:
        channel: the data channel.
        on_gone: called with the bytes of small and of large frames that the browser has taken
            since it was called last.
    """

    def __init__(self, channel: DataChannel, on_gone: Callable[[int, int], None]) -> None:
        self._channel = channel
        self._on_gone = on_gone
        self._queue = SendQueue()
        self._most_held_bytes = 0
        self._is_closing = False

    @property
    def waiting_bytes(self) -> int:
        """What the browser has not taken yet."""
        return self._queue.waiting_bytes

    def send(self, frame: bytes) -> None:
        """Send a small frame.

        Raises:
            BridgeError: the browser refused.
        """
        self._queue.put(frame)
        self.go_on()

    def send_bulk(self, frames: Sequence[bytes], chunk_bytes: int | None) -> None:
        """Send large frames, cut into chunks of this size or (None) whole.

        Raises:
            BridgeError: the browser refused.
        """
        self._queue.put_bulk(frames, chunk_bytes)
        self.go_on()

    def go_on(self) -> None:
        """Give the browser what it has room for; to be called when it has more.

        Raises:
            BridgeError: the browser refused.
        """
        while self._has_room():
            message = self._queue.take()
            if message is None:
                break
            self._channel.send(message)
            self._most_held_bytes += len(message)
        gone = self._queue.gone(TOLD_BYTES)
        if gone is not None:
            self._on_gone(*gone)
        if self._is_closing and self._queue.waiting_bytes == 0:
            self._is_closing = False
            self._channel.close()

    def _has_room(self) -> bool:
        """Ask the browser only when it may be full: each question costs 10 us."""
        if self._most_held_bytes >= FULL_BYTES:
            self._most_held_bytes = self._channel.buffered_bytes
        return self._most_held_bytes < FULL_BYTES

    def close(self) -> None:
        """Close the channel once it has taken everything; nothing more may be sent."""
        self._is_closing = True
        try:
            self.go_on()
        except BridgeError:
            self._channel.close()  # it is broken: nothing can go, so there is nothing to wait for
