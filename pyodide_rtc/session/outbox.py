"""The sending end of one data channel: it gives the browser only as much as it should hold."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from pyodide_rtc.errors import BridgeError
from pyodide_rtc.ports import DataChannel
from pyodide_rtc.protocol.send_queue import SendQueue
from pyodide_rtc.session.traffic import Traffic

FULL_BYTES = 1024 * 1024
"""How much the browser may hold before we wait. Small frames cannot overtake what it holds. But it
has to hold enough to keep the network busy until we are called: 1 MiB lasts 80 ms at 100 Mbit/s."""

TOLD_BYTES = 65_536
"""`on_gone` reports small frames once so many bytes of them have gone."""


class Outbox:
    """The frames that wait for one data channel. None is ever dropped.

    Args:
        channel: the data channel.
        on_gone: called with how many bytes of small and of large frames the browser has accepted
            since the last call.
        traffic: counts what the browser has accepted.
    """

    def __init__(
        self, channel: DataChannel, on_gone: Callable[[int, int], None], traffic: Traffic
    ) -> None:
        self._channel = channel
        self._on_gone = on_gone
        self._traffic = traffic
        self._queue = SendQueue()
        self._most_held_bytes = 0
        self._is_closing = False

    @property
    def waiting_bytes(self) -> int:
        """How many bytes the browser has not accepted yet."""
        return self._queue.waiting_bytes

    def send(self, frame: bytes) -> None:
        """Send a small frame.

        Raises:
            BridgeError: the browser refused.
        """
        self._queue.put(frame)
        self.go_on()

    def send_bulk(self, frames: Sequence[bytes], chunk_bytes: int | None) -> None:
        """Send large frames, cut into chunks of `chunk_bytes` bytes, or whole if that is None.

        Raises:
            BridgeError: the browser refused.
        """
        self._queue.put_bulk(frames, chunk_bytes)
        self.go_on()

    def go_on(self) -> None:
        """Give the browser what it has room for; to be called when it has room again.

        Raises:
            BridgeError: the browser refused.
        """
        while self._has_room():
            message = self._queue.take()
            if message is None:
                break
            self._channel.send(message)
            size_bytes = len(message)
            self._most_held_bytes += size_bytes
            self._traffic.sent_bytes += size_bytes
            self._traffic.sent_messages += 1
        gone = self._queue.gone(TOLD_BYTES)
        if gone is not None:
            self._on_gone(*gone)
        if self._is_closing and self._queue.waiting_bytes == 0:
            self._is_closing = False
            self._channel.close()

    def _has_room(self) -> bool:
        """Return whether the browser has room; it is asked only when it may be full.

        Each question costs 10 us.
        """
        if self._most_held_bytes >= FULL_BYTES:
            self._most_held_bytes = self._channel.buffered_bytes
        return self._most_held_bytes < FULL_BYTES

    def close(self) -> None:
        """Close the channel once the browser has accepted everything; send nothing afterwards."""
        self._is_closing = True
        try:
            self.go_on()
        except BridgeError:
            self._channel.close()  # it is broken: nothing can go, so there is nothing to wait for
