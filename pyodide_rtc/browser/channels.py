"""Data channels: Python holds them itself, or the page does if it cannot transfer them."""

from __future__ import annotations

from itertools import accumulate, pairwise
from typing import Any, Literal

from pyodide.ffi import to_js

from pyodide_rtc import background
from pyodide_rtc.browser.ffi import ProxyScope, raised_as, thread
from pyodide_rtc.browser.page_bridge import PageBridge
from pyodide_rtc.errors import BridgeError
from pyodide_rtc.ports import LOW_BUFFERED_BYTES, DataChannelHandler

__all__ = ["NativeChannel", "ProxiedChannel"]

_BUFFER_LIMIT_BYTES = 16 * 1024 * 1024
"""How much Chromium buffers before `send` throws; proxied channels refuse from there on, too."""


class NativeChannel:
    """An `RTCDataChannel` in this thread: created here, or transferred into the worker.

    Its events are handled from the start. So using one in reserve later costs nothing.
    """

    def __init__(self, channel: Any) -> None:
        self._channel = channel
        self._scope = ProxyScope()
        self._handler: DataChannelHandler | None = None
        self._state: Literal["new", "open", "closed"] = "new"
        self._early: list[bytes] = []
        self._silence: Any = thread().hearChannel(
            channel, LOW_BUFFERED_BYTES, self._scope.proxy(self._hear)
        )

    @property
    def buffered_bytes(self) -> int:
        """Bytes given to `send` that have not gone yet."""
        return int(self._channel.bufferedAmount)

    def listen(self, handler: DataChannelHandler) -> None:
        """Set the handler."""
        self._handler = handler
        if self._channel.readyState == "open":  # its open event has passed already
            background.soon(self._on_open)

    def send(self, data: bytes) -> None:
        """Send one message.

        Raises:
            BridgeError: the browser refused.
        """
        if self._state != "open":  # Firefox would drop it in silence
            raise BridgeError(f"InvalidStateError: the data channel is {self._state}")
        with raised_as(BridgeError):
            self._channel.send(to_js(data))

    def close(self) -> None:
        """Close once everything that was sent has gone."""
        self._state = "closed"
        self._channel.close()

    def release(self) -> None:
        """Handle no further events; twice is no error."""
        self._handler = None
        self._state = "closed"
        self._silence()
        self._scope.close()

    def _hear(self, event: str, *about: Any) -> None:
        match event:
            case "open":
                self._on_open()
            case "message":
                self._on_bytes(*about)
            case "drain" if self._handler is not None:
                self._handler.on_drain()
            case "close":
                self._on_close()

    def _on_open(self) -> None:
        if self._handler is not None and self._state == "new":
            self._state = "open"
            self._handler.on_open()
            early, self._early = self._early, []
            if early and self._handler is not None:
                self._handler.on_messages(early)

    def _on_bytes(self, bytes_: Any, sizes: Any = None) -> None:
        messages = _split(bytes_, sizes)
        if self._state == "new":
            # In Chromium a transferred channel receives the peer's first messages up to some
            # milliseconds before it is open, and cannot send until then.
            self._early += messages
        elif self._handler is not None:
            self._handler.on_messages(messages)

    def _on_close(self) -> None:
        handler = self._handler
        self.release()
        if handler is not None:
            handler.on_close()


class ProxiedChannel:
    """A data channel that stays on the page; every message goes through host.js."""

    def __init__(self, bridge: PageBridge, key: str) -> None:
        self._bridge = bridge
        self._key = key
        self._handler: DataChannelHandler | None = None
        self._is_open = False
        self._max_message_bytes: int | None = None
        self._sent_bytes = 0
        self._gone_bytes = 0

    @property
    def buffered_bytes(self) -> int:
        """How many bytes given to `send` have not gone yet, as far as the page has reported."""
        return self._sent_bytes - self._gone_bytes

    def listen(self, handler: DataChannelHandler) -> None:
        """Set the handler."""
        self._handler = handler
        self._bridge.add(self._key, self)

    def send(self, data: bytes) -> None:
        """Send one message. If the page cannot send it, it closes the channel: no loss is hidden.

        Raises:
            BridgeError: the channel is not open, its buffer is full, or the message is too big.
        """
        if not self._is_open:
            raise BridgeError("InvalidStateError: the data channel is not open")
        if self._max_message_bytes is not None and len(data) > self._max_message_bytes:
            raise BridgeError(f"TypeError: {len(data)} bytes, over {self._max_message_bytes}")
        if self.buffered_bytes + len(data) > _BUFFER_LIMIT_BYTES:
            raise BridgeError("OperationError: the data channel's buffer is full")
        self._sent_bytes += len(data)
        self._bridge.send("channel-send", self._key, data)

    def close(self) -> None:
        """Close once everything that was sent has gone."""
        self._is_open = False
        self._bridge.send("channel-close", self._key)

    def release(self) -> None:
        """Handle no further events."""
        self._is_open = False
        self._bridge.discard(self._key)

    def receive(self, operation: str, *args: Any) -> None:
        """Handle one message of host.js."""
        assert self._handler is not None  # `listen` has added this channel to the bridge
        match operation:
            case "open":
                self._is_open = True
                self._max_message_bytes = args[0]
                self._handler.on_open()
            case "messages":
                self._handler.on_messages(_split(*args))
            case "gone":  # the total that the page has sent; more may be on its way to the page
                before = self.buffered_bytes
                self._gone_bytes = args[0]
                if self.buffered_bytes <= LOW_BUFFERED_BYTES < before:
                    self._handler.on_drain()
            case "close":
                self.release()
                self._handler.on_close()


def _split(bytes_: Any, sizes: Any = None) -> list[bytes]:
    """Copy one message of gate.js, or several that are laid end to end.

    A text message, which no peer should send, comes as bytes, and the decoders refuse it.
    """
    data = bytes_.to_bytes()
    if sizes is None:
        return [data]
    return [data[a:b] for a, b in pairwise([0, *accumulate(sizes.to_py())])]
