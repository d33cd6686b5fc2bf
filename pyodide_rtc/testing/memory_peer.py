"""Peer connections in memory, with the rules of WebRTC that the protocol relies on.

A description is a text that names its peer connection. An offer that comes while our own is pending
rolls ours back. A data channel that was created is still there after a rollback. A peer connection
of a host that lacks rollback or ICE restart refuses what would need it.
If the path of a peer connection is cut, it is "disconnected" after some seconds and "failed" after
some more: then it needs an ICE restart, as in browsers. What its channels hold waits meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from pyodide_rtc.errors import BridgeError
from pyodide_rtc.ports import (
    LOW_BUFFERED_BYTES,
    ChannelSide,
    ConnectionState,
    DataChannelHandler,
    DescriptionType,
    PeerTransportHandler,
)
from pyodide_rtc.protocol.connections.sdp import session_of

if TYPE_CHECKING:
    from pyodide_rtc.testing.memory_host import MemoryHost
    from pyodide_rtc.testing.network import Network

BUFFER_LIMIT_BYTES = 16 * 1024 * 1024
"""How much a channel holds before it refuses more, as in Chromium."""

DISCONNECTED_AFTER_S = 5.0
"""A peer connection is "disconnected" so long after its path was cut; about as in Chromium."""

SILENT_AFTER_S = 2.0
"""The same, at least, if both ends watch for signs of life."""

FAILED_AFTER_S = 15.0
"""A peer connection is "failed" so long after that, or after it began to connect; about as in
Chromium."""


class MemoryDataChannel:
    """One end of a data channel."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.handler: DataChannelHandler | None = None
        """Hears it; None before `listen`, and once its connection has ended."""
        self.other: MemoryDataChannel | None = None
        """The other end; None until there is one."""
        self.is_open = False
        """Whether it can send."""
        self._sent_s = 0.0  # when all that was given to `send` will have gone
        self.buffered_bytes = 0
        """How many bytes given to `send` have not gone yet; 0 on a network without a rate."""

    def listen(self, handler: DataChannelHandler) -> None:
        """Set the handler."""
        self.handler = handler

    def join(self, other: MemoryDataChannel) -> None:
        """Become the other end's other end, and open."""
        self.other = other
        self._network.deliver((other, self), self._open)

    def send(self, data: bytes) -> None:
        """Send one message."""
        other = self.other
        if not self.is_open or other is None:
            raise BridgeError("the data channel is not open")
        if len(data) > self._network.max_message_bytes:
            raise BridgeError("the message is too big")
        if self.buffered_bytes + len(data) > BUFFER_LIMIT_BYTES:
            raise BridgeError("the buffer is full")
        after_s = self._transmit(len(data))
        self._network.deliver((self, other), lambda: other._receive(data), after_s=after_s)

    def _transmit(self, size: int) -> float:
        """Put a message on the line; return the seconds until it has gone."""
        loop = asyncio.get_running_loop()
        now_s = loop.time()
        self._sent_s = max(now_s, self._sent_s) + size / self._network.bytes_per_s
        if self._sent_s > now_s:
            self.buffered_bytes += size
            loop.call_at(self._sent_s, self._transmitted, size)
        return self._sent_s - now_s

    def _transmitted(self, size: int) -> None:
        before, self.buffered_bytes = self.buffered_bytes, self.buffered_bytes - size
        if self.buffered_bytes <= LOW_BUFFERED_BYTES < before and self.handler is not None:
            self.handler.on_drain()

    def close(self) -> None:
        """Close once everything that was sent has gone."""
        other = self.other
        if self.is_open and other is not None:
            after_s = self._transmit(0)
            self._network.deliver((self, other), lambda: self._end(other), after_s=after_s)
        self.is_open = False

    def _end(self, other: MemoryDataChannel) -> None:
        """Close the other end and then this one: by now everything that was sent has gone."""
        other._closed()
        self._network.deliver((other, self), self._closed)

    def cut(self) -> None:
        """End with its connection: nothing more is heard."""
        self.is_open = False
        self.handler = None

    def _open(self) -> None:
        if self.handler is not None and not self.is_open:
            self.is_open = True
            self.handler.on_open()

    def _receive(self, data: bytes) -> None:
        if self.handler is not None and self.is_open:
            self.handler.on_messages([data])

    def _closed(self) -> None:
        self.is_open = False
        if self.handler is not None:
            self.handler.on_close()


class MemoryPeer:
    """One end of a peer connection.

    Args:
        host: the host that it is on.
        handler: called with what happens to it.
        is_offering: whether it makes its offer at once, and looks for candidates.
    """

    def __init__(
        self, host: MemoryHost, handler: PeerTransportHandler, *, is_offering: bool
    ) -> None:
        self.host = host
        self.state: ConnectionState = "new"
        self._network: Network = host.fabric
        self._abilities = host.network.abilities
        self.handler: PeerTransportHandler | None = handler
        """Hears it; None once it is closed."""
        self._session = self._network.add_peer(self)
        self._version = 0
        self._offer = self._describe("offer") if is_offering else None
        self._candidate = "" if host.network.hides_addresses else f"candidate:{self._session}"
        self._is_wanted = self._is_watched = False
        self._has_pending_offer = False
        self._other: MemoryPeer | None = None
        self._is_described = False
        self._accepted: DescriptionType | None = None
        self._has_channels = False
        self._timer: asyncio.TimerHandle | None = None
        self._agreed = MemoryDataChannel(self._network)
        self._created: MemoryDataChannel | None = None
        self.channels: list[MemoryDataChannel] = []
        """Our ends of all its data channels, those that are not open included."""
        self._later(self._refuse if host.network.blocked else self._prepare)

    @property
    def is_connected(self) -> bool:
        """Whether both ends know each other; not in reserve, nor if both have answered."""
        other = self._other
        return other is not None and other._other is self and other._accepted != self._accepted

    @property
    def is_open(self) -> bool:
        """Whether it is not closed."""
        return self.handler is not None

    def offer(self, *, in_band: bool) -> None:
        """Make the offer."""
        self._later(lambda: self._make_offer(in_band))

    def watch(self) -> None:
        """Notice sooner that the path is cut."""
        self._is_watched = True

    def measure(self) -> None:
        """Tell the longest that a message and its answer take."""
        self._later(self._measure)

    def _measure(self) -> None:
        if self.is_connected and self.handler is not None:
            self.handler.on_round_trip(2 * self._network.max_delay_s)

    def tell_quiet(self, quiet_s: float, *, is_asleep: bool) -> None:
        """Tell the other end by signs of life that our kernel does not answer, or does again."""
        other = self._other
        is_watched = other is not None and self._is_watched and other._is_watched
        if not is_watched or other is None or other.handler is None:
            return
        if self._network.reaches(self.host, other.host):
            other.handler.on_quiet(quiet_s, is_asleep)

    def restart_ice(self) -> None:
        """Make an offer that looks for a new path."""
        assert self._abilities.ice_restart, "who lacks this is not asked for it"
        self._later(lambda: self._send_description("offer"))

    def accept_description(self, kind: DescriptionType, sdp: str) -> None:
        """Set the remote description, and answer if it is an offer."""
        self._later(lambda: self._accept(kind, sdp))

    def add_candidate(
        self, candidate: str, sdp_m_line_index: int | None, sdp_mid: str | None
    ) -> None:
        """Add a remote ICE candidate."""
        self._later(lambda: self._add_candidate(candidate))

    def close(self) -> None:
        """Close the connection at once; the other side notices after all that is on its way.

        What a channel still holds is not on its way: it is dropped.
        """
        self.silence()
        other = self._other
        if other is None or not self.is_connected:
            return  # an answer that was not taken: there is nobody at the other end
        if not self._network.reaches(self.host, other.host):
            return
        idle = [c for c in self.channels if not c.buffered_bytes]
        ways: list[tuple[Hashable, ...]] = [(c, c.other) for c in idle if c.other]
        under_way = len(ways := ways or [(self, other)])

        def arrive() -> None:
            nonlocal under_way
            under_way -= 1
            if not under_way:
                other.lose()

        for way in ways:
            self._network.deliver(way, arrive)

    def silence(self) -> None:
        """End without a word, as with a process that is killed."""
        self.handler = None
        self._set_timer(None, 0.0)
        for channel in self.channels:
            channel.cut()
        self._network.remove_peer(self)

    def fail(self) -> None:
        """Lose the network path, as ICE tells it."""
        self._set_timer(None, 0.0)
        self._tell("failed")

    def lose(self) -> None:
        """Lose the other end, as the browser tells it once that is closed."""
        for channel in self.channels:
            channel._closed()
        self._set_timer(None, 0.0)
        self._tell("closed")

    def check_path(self) -> None:
        """The network may have changed: check whether there is a path."""
        other = self._other
        if self.handler is None or other is None or self.state in ("new", "failed"):
            return
        is_path = self.is_connected and other.is_open and (self._candidate or other._candidate)
        if is_path and self._network.reaches(self.host, other.host):
            self._set_timer(None, 0.0)
            self._connect(other)
        elif self._timer is None:
            is_fresh = self.state == "connected"
            told_s = SILENT_AFTER_S if self._is_watched else DISCONNECTED_AFTER_S
            delay_s = told_s if is_fresh else FAILED_AFTER_S
            self._set_timer("disconnected" if is_fresh else "failed", delay_s)

    def _set_timer(self, state: ConnectionState | None, delay_s: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if state is None:
            return

        def worsen() -> None:
            self._timer = None
            if state == "failed" and not self._candidate:  # as Firefox does
                for channel in self.channels:
                    channel._closed()
            self._tell(state)
            self.check_path()

        delay_s *= 1 + self._network.random.random() / 2
        self._timer = asyncio.get_running_loop().call_later(delay_s, worsen)

    def _tell(self, state: ConnectionState) -> None:
        self.state = state
        if self.handler is not None:
            limit = self._network.max_message_bytes if state == "connected" else None
            self.handler.on_state(state, limit)

    def _later(self, operation: Callable[[], None]) -> None:
        self._network.deliver((self, "operations"), operation)

    def _describe(self, kind: str) -> str:
        self._version += 1
        return f"v=0\r\no=- {self._session} {self._version} IN IP4 127.0.0.1\r\ns={kind}\r\n"

    def _refuse(self) -> None:
        """Fail as in a browser that makes no peer connections."""
        if self.handler is not None:
            self.handler.on_blocked(self.host.network.blocked)

    def _prepare(self) -> None:
        self._attach(self._agreed, "agreed")
        if self.handler is not None and self._offer is not None:
            self.handler.on_prepared(self._offer)
            self._later(self._find)

    def _find(self) -> None:
        """Find the candidate before or after the offer is wanted."""
        if self.handler is None or self._offer is None or not self._candidate:
            return
        if self._is_wanted:
            self.handler.on_candidate(self._candidate, 0, "0")
        else:
            self._offer += f"a={self._candidate}\r\n"
            self.handler.on_prepared(self._offer)

    def _make_offer(self, in_band: bool) -> None:
        if self.handler is None or self._is_described:
            return
        self._is_wanted = True
        if in_band:
            self._created = MemoryDataChannel(self._network)
            self._attach(self._created, "local")
        assert self._offer is not None, "one that is for answers is not asked to offer"
        self._has_pending_offer = True
        self.handler.on_description("offer", self._offer)

    def _send_description(self, kind: DescriptionType) -> None:
        if self.handler is not None:
            self._has_pending_offer = kind == "offer"
            self.handler.on_description(kind, self._describe(kind))
            if self._candidate:
                self.handler.on_candidate(self._candidate, 0, "0")

    def _accept(self, kind: DescriptionType, sdp: str) -> None:
        if self.handler is None:
            return
        other = self._network.peers.get(session_of(sdp) or "")
        if kind == "answer" and not self._has_pending_offer:
            self.handler.on_error("description", "an answer without an offer")
            return
        if self._has_channels and other is not self._other:
            self.handler.on_error("description", "another end than before")
            return
        if kind == "offer" and (lacking := self._what_it_lacks()):
            self.handler.on_error("description", lacking)
            return
        self._is_described, self._accepted = True, kind
        self._has_pending_offer = False
        self._other = other
        self.state = "connecting"
        if kind == "offer":
            self._send_description("answer")
        if other is None:  # it was closed meanwhile: no path to it
            self._set_timer("failed", FAILED_AFTER_S)
        self.check_path()

    def _what_it_lacks(self) -> str:
        """Say why an offer of the peer is refused; nothing if it is not."""
        if self._has_pending_offer and not self._abilities.rollback:
            return "an own offer is pending, and there is no rollback"
        if self._is_described and not self._abilities.ice_restart:
            return "an offer of a new path, and there is no ICE restart"
        return ""

    def _add_candidate(self, candidate: str) -> None:
        if self.handler is not None and not self._is_described:
            self.handler.on_error("candidate", f"no remote description for {candidate}")

    def _connect(self, other: MemoryPeer) -> None:
        """Have a path: for the first time, or again."""
        for end in (self, other):
            if end.state in ("connecting", "disconnected"):
                end._set_timer(None, 0.0)
                end._tell("connected")
        if self._has_channels or other.state != self.state:
            return
        self._has_channels = other._has_channels = True
        for end, far in ((self, other), (other, self)):
            end._agreed.join(far._agreed)
            if end._created is not None:
                opposite = MemoryDataChannel(self._network)
                far._attach(opposite, "remote")
                end._created.join(opposite)
                opposite.join(end._created)

    def _attach(self, channel: MemoryDataChannel, side: ChannelSide) -> None:
        self.channels.append(channel)
        self._network.place(channel, self.host)
        if self.handler is not None:
            self.handler.on_channel(channel, side)
