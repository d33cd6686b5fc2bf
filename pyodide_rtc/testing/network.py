"""A network in memory: relays, peer connections and tab channels, lossless, with delays.

Messages of one pair keep their order; those of different pairs overtake each other, by delays that
the seed decides.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
from collections import defaultdict
from collections.abc import Callable, Hashable
from typing import TYPE_CHECKING

from pyodide_rtc.ports import SignalingSocketHandler, TabChannelHandler

if TYPE_CHECKING:
    from pyodide_rtc.testing.host import MemoryHost
    from pyodide_rtc.testing.locks import MemoryLock
    from pyodide_rtc.testing.peer import MemoryPeer


class Network:
    """What connects the hosts of one test.

    Args:
        seed: decides every delay and every random number of the hosts.
        max_delay_s: messages take between none and so many seconds.
        max_message_bytes: what every peer accepts at most.
        bytes_per_s: what each end of a data channel can send; infinite, or slow enough that its
            buffer fills, as a browser's does.
    """

    def __init__(
        self,
        seed: int = 0,
        *,
        max_delay_s: float = 0.05,
        max_message_bytes: int = 262_144,
        bytes_per_s: float = math.inf,
    ) -> None:
        self.random = random.Random(seed)
        self.max_delay_s = max_delay_s
        self.max_message_bytes = max_message_bytes
        self.bytes_per_s = bytes_per_s
        self.relays: defaultdict[str, MemoryRelay] = defaultdict(lambda: MemoryRelay(self))
        self.offers: dict[str, MemoryPeer] = {}
        self.locks: defaultdict[str, list[MemoryLock]] = defaultdict(list)
        self.tabs: dict[tuple[str, str], list[MemoryTabChannel]] = defaultdict(list)
        self._last_s: dict[Hashable, float] = {}

    def host(self, *, browser: str | None = None, href: str | None = None) -> MemoryHost:
        """Make a host; those with the same `browser` share tab channels and storage."""
        from pyodide_rtc.testing.host import MemoryHost

        name = browser or f"browser-{self.random.getrandbits(64):x}"
        return MemoryHost(self, name, href or "https://example.org/lab/index.html?room=demo")

    def deliver(
        self, pair: Hashable, callback: Callable[[], None], *, after_s: float = 0.0
    ) -> None:
        """Call back after a random delay, never before an earlier delivery of the same pair.

        Args:
            pair: who sends to whom.
            callback: the delivery.
            after_s: what passes before the delay begins, in seconds.
        """
        loop = asyncio.get_running_loop()
        at_s = loop.time() + after_s + self.random.random() * self.max_delay_s
        at_s = max(at_s, self._last_s.get(pair, 0.0))
        self._last_s[pair] = at_s + 1e-6
        loop.call_at(at_s, callback)


class MemoryRelay:
    """A signaling server with y-webrtc's rules, and the wills of our own."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.is_up = True
        self.sockets: list[MemorySocket] = []

    def stop(self) -> None:
        """Fall over: every socket closes, none opens."""
        self.is_up = False
        for socket in list(self.sockets):
            socket.drop("the server went away")

    def start(self) -> None:
        """Be there again."""
        self.is_up = True

    def receive(self, sender: MemorySocket, text: str) -> None:
        """Take a frame of a client."""
        frame = json.loads(text)
        match frame["type"]:
            case "subscribe":
                sender.topics.update(frame["topics"])
            case "unsubscribe":
                sender.topics.difference_update(frame["topics"])
                for topic in frame["topics"]:
                    sender.wills.pop(topic, None)
            case "publish":
                if "will" in frame:
                    sender.wills[frame["topic"]] = frame["will"]
                self.publish(frame["topic"], frame["data"])
            case "ping":
                sender.give('{"type":"pong"}')

    def publish(self, topic: str, data: object) -> None:
        """Send to all subscribers of the topic."""
        receivers = [s for s in self.sockets if topic in s.topics]
        frame = {"type": "publish", "topic": topic, "data": data, "clients": len(receivers)}
        for socket in receivers:
            socket.give(json.dumps(frame))


class MemorySocket:
    """One client's socket."""

    def __init__(self, network: Network, url: str, handler: SignalingSocketHandler) -> None:
        self.topics: set[str] = set()
        self.wills: dict[str, object] = {}
        self._network = network
        self._relay = network.relays[url]
        self._handler: SignalingSocketHandler | None = handler
        network.deliver((self, "in"), self._open)

    def _open(self) -> None:
        if self._handler is None:
            return
        if not self._relay.is_up:
            self.drop("connection refused")
            return
        self._relay.sockets.append(self)
        self._handler.on_open()

    def send(self, text: str) -> None:
        """Send one text frame."""
        self._network.deliver((self, "out"), lambda: self._arrive(text))

    def _arrive(self, text: str) -> None:
        if self in self._relay.sockets:
            self._relay.receive(self, text)

    def give(self, text: str) -> None:
        """Bring the client a frame."""

        def arrive() -> None:
            if self._handler is not None:
                self._handler.on_text(text)

        self._network.deliver((self, "in"), arrive)

    def drop(self, reason: str) -> None:
        """Close from the server's side, which then has nobody to tell a will to."""
        handler = self._handler
        self.wills.clear()
        self.close()
        if handler is not None:
            handler.on_close(reason)

    def close(self) -> None:
        """Close from the client's side, after what was sent has gone."""
        self._handler = None
        self._network.deliver((self, "out"), self._end)

    def _end(self) -> None:
        if self in self._relay.sockets:
            self._relay.sockets.remove(self)
            for topic, will in self.wills.items():
                self._relay.publish(topic, will)


class MemoryTabChannel:
    """A tab channel among the hosts of one browser."""

    def __init__(
        self, network: Network, browser: str, name: str, handler: TabChannelHandler
    ) -> None:
        self._network = network
        self._handler: TabChannelHandler | None = handler
        self._members = network.tabs[browser, name]
        self._members.append(self)

    def send(self, data: bytes) -> None:
        """Send one frame to all others."""
        for member in self._members:
            if member is not self:
                self._network.deliver((self, member), lambda m=member: m.give(data))  # type: ignore[misc]

    def give(self, data: bytes) -> None:
        """Bring a frame."""
        if self._handler is not None:
            self._handler.on_message(data)

    def close(self) -> None:
        """Leave the channel."""
        self._handler = None
        self._members.remove(self)
