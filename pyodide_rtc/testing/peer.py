"""Peer connections in memory, with the rules of WebRTC that the protocol leans on.

Descriptions are texts that name their connection; an offer that comes while an own one is pending
rolls that back; each connection that ever created a data channel still has it after a rollback.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable
from typing import TYPE_CHECKING

from pyodide_rtc.errors import BridgeError
from pyodide_rtc.ports import (
    LOW_BUFFERED_BYTES,
    ChannelSide,
    DataChannelHandler,
    DescriptionType,
    PeerTransportHandler,
)

if TYPE_CHECKING:
    from pyodide_rtc.testing.network import Network

BUFFER_LIMIT_BYTES = 16 * 1024 * 1024
"""What a channel holds before it refuses more, as Chromium's does."""

_numbers = itertools.count(1)


class MemoryDataChannel:
    """One end of a data channel."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self._handler: DataChannelHandler | None = None
        self._other: MemoryDataChannel | None = None
        self._is_open = False
        self._sent_s = 0.0  # when all that was given to `send` will have gone
        self.buffered_bytes = 0
        """Bytes given to `send` that have not gone yet; none on a network without a rate."""

    def listen(self, handler: DataChannelHandler) -> None:
        """Set the handler."""
        self._handler = handler

    def join(self, other: MemoryDataChannel) -> None:
        """Become the other end's other end, and open."""
        self._other = other
        self._network.deliver((other, self), self._open)

    def send(self, data: bytes) -> None:
        """Send one message."""
        other = self._other
        if not self._is_open or other is None:
            raise BridgeError("the data channel is not open")
        if len(data) > self._network.max_message_bytes:
            raise BridgeError("the message is too big")
        if self.buffered_bytes + len(data) > BUFFER_LIMIT_BYTES:
            raise BridgeError("the buffer is full")
        after_s = self._transmit(len(data))
        self._network.deliver((self, other), lambda: other._receive(data), after_s=after_s)

    def _transmit(self, size: int) -> float:
        """Put a message on the line; gives the seconds until it has gone."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        self._sent_s = max(now_s, self._sent_s) + size / self._network.bytes_per_s
        if self._sent_s > now_s:
            self.buffered_bytes += size
            loop.call_at(self._sent_s, self._transmitted, size)
        return self._sent_s - now_s

    def _transmitted(self, size: int) -> None:
        before, self.buffered_bytes = self.buffered_bytes, self.buffered_bytes - size
        if self.buffered_bytes <= LOW_BUFFERED_BYTES < before and self._handler is not None:
            self._handler.on_drain()

    def close(self) -> None:
        """Close once everything that was sent has gone."""
        other = self._other
        if self._is_open and other is not None:
            after_s = self._transmit(0)
            self._network.deliver((self, other), lambda: self._end(other), after_s=after_s)
        self._is_open = False

    def _end(self, other: MemoryDataChannel) -> None:
        """Hear of the end after the other side has: everything that was sent has gone then."""
        other._closed()
        self._network.deliver((other, self), self._closed)

    def cut(self) -> None:
        """End with its connection: nothing more is heard."""
        self._is_open = False
        self._handler = None

    def _open(self) -> None:
        if self._handler is not None and not self._is_open:
            self._is_open = True
            self._handler.on_open()

    def _receive(self, data: bytes) -> None:
        if self._handler is not None and self._is_open:
            self._handler.on_message(data)

    def _closed(self) -> None:
        self._is_open = False
        if self._handler is not None:
            self._handler.on_close()


class MemoryPeer:
    """One end of a peer connection."""

    def __init__(self, network: Network, handler: PeerTransportHandler) -> None:
        self._network = network
        self._handler: PeerTransportHandler | None = handler
        self._name = f"connection {next(_numbers)}"
        self._pending_offer = ""
        self._other: MemoryPeer | None = None
        self._is_described = False
        self._agreed = MemoryDataChannel(network)
        self._created: MemoryDataChannel | None = None
        self._channels: list[MemoryDataChannel] = []
        network.offers[self._name] = self
        self._later(lambda: self._attach(self._agreed, "agreed"))

    @property
    def is_connected(self) -> bool:
        """Whether it has met its other end; one in reserve has not."""
        return self._other is not None and self._other._other is self

    def offer(self, *, in_band: bool) -> None:
        """Make the offer."""
        self._later(lambda: self._make_offer(in_band))

    def accept_description(self, kind: DescriptionType, sdp: str) -> None:
        """Set the remote description, and answer if it is an offer."""
        self._later(lambda: self._accept(kind, sdp))

    def add_candidate(
        self, candidate: str, sdp_m_line_index: int | None, sdp_mid: str | None
    ) -> None:
        """Add a remote ICE candidate."""
        self._later(lambda: self._add_candidate(candidate))

    def close(self) -> None:
        """Close the connection at once; the other side notices after a while."""
        self._handler = None
        for channel in self._channels:
            channel.cut()
        other = self._other
        if other is not None:
            self._network.deliver((self, other), other._lost)

    def fail(self) -> None:
        """Lose the network path, as ICE tells it."""
        if self._handler is not None:
            self._handler.on_state("failed", None)

    def _later(self, operation: Callable[[], None]) -> None:
        self._network.deliver((self, "operations"), operation)

    def _lost(self) -> None:
        for channel in self._channels:
            channel._closed()
        if self._handler is not None:
            self._handler.on_state("closed", None)

    def _make_offer(self, in_band: bool) -> None:
        if self._handler is None or self._is_described:
            return
        if in_band:
            self._created = MemoryDataChannel(self._network)
            self._attach(self._created, "local")
        self._pending_offer = f"offer of {self._name}"
        self._handler.on_description("offer", self._pending_offer)
        self._handler.on_candidate(f"candidate of {self._name}", 0, "0")

    def _accept(self, kind: DescriptionType, sdp: str) -> None:
        if self._handler is None:
            return
        _, _, name = sdp.partition(" of ")
        other = self._network.offers.get(name)
        if other is None or other._handler is None:
            return  # it was closed meanwhile: no path to it
        if kind == "answer" and not self._pending_offer:
            self._handler.on_error("description", "an answer without an offer")
            return
        self._is_described = True
        self._pending_offer = ""
        self._other = other
        if kind == "offer":
            self._handler.on_description("answer", f"answer of {self._name}")
            self._handler.on_candidate(f"candidate of {self._name}", 0, "0")
        elif other._other is self:
            self._connect(other)

    def _add_candidate(self, candidate: str) -> None:
        if self._handler is not None and not self._is_described:
            self._handler.on_error("candidate", f"no remote description for {candidate}")

    def _connect(self, other: MemoryPeer) -> None:
        for end in (self, other):
            assert end._handler is not None, "both ends are open"
            end._handler.on_state("connected", self._network.max_message_bytes)
        for end, far in ((self, other), (other, self)):
            end._agreed.join(far._agreed)
            if end._created is not None:
                opposite = MemoryDataChannel(self._network)
                far._attach(opposite, "remote")
                end._created.join(opposite)
                opposite.join(end._created)

    def _attach(self, channel: MemoryDataChannel, side: ChannelSide) -> None:
        self._channels.append(channel)
        if self._handler is not None:
            self._handler.on_channel(channel, side)
