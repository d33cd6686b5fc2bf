"""A network in memory: signaling servers (relays), peer connections and tab channels, with faults.

Messages of one pair of ends keep their order. Those of different pairs can overtake each other, by
delays that the seed decides. What is sent on a path that is cut waits until the path is whole
again, as with TCP and SCTP; the time-outs are those of sockets and peer connections. Hosts can die
without notice, and their kernels can be busy.
"""

from __future__ import annotations

import asyncio
import json
import math
import random
from collections import defaultdict, deque
from collections.abc import Callable, Hashable, Iterable, Sequence
from itertools import product
from typing import TYPE_CHECKING

from pyodide_rtc.ports import Abilities, SignalingSocketHandler, TabChannelHandler
from pyodide_rtc.testing.memory_store import MemoryDisk

if TYPE_CHECKING:
    from pyodide_rtc.testing.memory_host import MemoryHost
    from pyodide_rtc.testing.memory_locks import MemoryLock
    from pyodide_rtc.testing.memory_peer import MemoryPeer

_OF_A_BROWSER = Abilities(rollback=True, ice_restart=True)


class Network:
    """The network that connects the hosts of one test.

    Args:
        seed: decides every delay and every random number of the hosts.
        max_delay_s: a message takes between 0 and so many seconds.
        max_message_bytes: the largest message that each peer accepts.
        bytes_per_s: how fast each end of a data channel sends. If it is finite and slow, buffers
            fill as in a browser.
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
        self.peers: dict[str, MemoryPeer] = {}
        self.locks: defaultdict[str, list[MemoryLock]] = defaultdict(list)
        self.disks: defaultdict[str, MemoryDisk] = defaultdict(MemoryDisk)
        self.tabs: dict[tuple[str, str], list[MemoryTabChannel]] = defaultdict(list)
        self._last_s: dict[tuple[Hashable, ...], float] = {}
        self._queues: defaultdict[tuple[Hashable, ...], deque[Callable[[], None]]] = defaultdict(
            deque
        )
        self._stalled: dict[tuple[Hashable, ...], int] = {}
        self._held: list[Callable[[], None]] = []
        self._places: dict[Hashable, MemoryHost | str] = {}
        self._cuts: set[frozenset[MemoryHost | str]] = set()
        self._sessions = 0

    def host(
        self,
        *,
        browser: str | None = None,
        href: str | None = None,
        abilities: Abilities = _OF_A_BROWSER,
    ) -> MemoryHost:
        """Make a host.

        Args:
            browser: hosts of the same one share tab channels, locks and what is kept; by default
                it is alone.
            href: the page's address.
            abilities: what its peer connections can do; by default what those of browsers can.
        """
        from pyodide_rtc.testing.memory_host import MemoryHost

        name = browser or f"browser-{self.random.getrandbits(64):x}"
        href = href or "https://example.org/lab/index.html?room=demo"
        return MemoryHost(self, name, href, abilities)

    def cut(self, ones: Iterable[MemoryHost | str], others: Iterable[MemoryHost | str]) -> None:
        """Cut all paths between two sets of hosts, or of hosts and relays (by their address)."""
        self._cuts.update(frozenset(pair) for pair in product(ones, others))
        self._check_paths()

    def heal(self) -> None:
        """Make all paths whole; what waited arrives."""
        self._cuts.clear()
        self.go_on()
        self._check_paths()

    def go_on(self) -> None:
        """Let arrive what waited and need not wait any more."""
        held, self._held = self._held, []
        for step in held:
            step()
        stalled, self._stalled = self._stalled, {}
        for pair, count in stalled.items():
            for _ in range(count):
                self._schedule(pair)

    def kill(self, host: MemoryHost) -> None:
        """Kill a host without notice: signaling servers see its sockets close, peers see nothing.

        Its browser lives on: other tabs see that its locks are free.
        """
        host.is_dead = True
        for relay in self.relays.values():
            for socket in [s for s in relay.sockets if s.host is host]:
                socket.silence()
                self.deliver(("ends", relay), socket.end)
        host.page.locks.release_all()
        host.machine.store.die()
        for peer in [p for p in self.peers.values() if p.host is host]:
            peer.silence()
        self._check_paths()

    def reaches(self, one: MemoryHost | str, other: MemoryHost | str) -> bool:
        """Whether there is a path between two hosts, or a host and a relay."""
        if any(not isinstance(end, str) and end.is_dead for end in (one, other)):
            return False
        return frozenset((one, other)) not in self._cuts

    def deliver(
        self, pair: tuple[Hashable, ...], callback: Callable[[], None], *, after_s: float = 0.0
    ) -> None:
        """Call back after a random delay, never before an earlier delivery of the same pair.

        If both members of the pair have a place (`place`) and no path is between these, it waits.

        Args:
            pair: who sends to whom.
            callback: makes the delivery.
            after_s: how many seconds pass before the delay begins.
        """
        self._queues[pair].append(callback)
        self._schedule(pair, after_s)

    def hold(self, step: Callable[[], None]) -> None:
        """Try this again when somebody is no longer busy."""
        self._held.append(step)

    def place(self, end: Hashable, host: MemoryHost | str) -> None:
        """Set where one end of a pair is: at a host, or at the relay of an address."""
        self._places[end] = host

    async def probe(self, host: MemoryHost, url: str) -> bool:
        """Ask whether a relay is up; without a path to it no answer comes."""
        answer = asyncio.get_running_loop().create_future()
        relay = self.relays[url]
        for end, place in ((answer, host), (relay, url)):
            self.place(end, place)

        def arrive() -> None:
            if not answer.done():
                answer.set_result(relay.is_up)

        self.deliver((answer, relay), arrive)
        is_up: bool = await answer
        return is_up

    def add_peer(self, peer: MemoryPeer) -> str:
        """Register a new peer connection, and return its session id."""
        self._sessions += 1
        session = str(self._sessions)
        self.peers[session] = peer
        self.place(peer, peer.host)
        return session

    def remove_peer(self, peer: MemoryPeer) -> None:
        """Remove a peer connection that has ended; its other end loses its path."""
        self.peers = {s: p for s, p in self.peers.items() if p is not peer}

    def _check_paths(self) -> None:
        for peer in list(self.peers.values()):
            peer.check_path()

    def _schedule(self, pair: tuple[Hashable, ...], after_s: float = 0.0) -> None:
        loop = asyncio.get_running_loop()
        at_s = loop.time() + after_s + self.random.random() * self.max_delay_s
        at_s = max(at_s, self._last_s.get(pair, 0.0))
        self._last_s[pair] = at_s + 1e-6
        loop.call_at(at_s, self._arrive, pair)

    def _arrive(self, pair: tuple[Hashable, ...]) -> None:
        places = [self._places[end] for end in pair if end in self._places]
        if any(not isinstance(place, str) and place.is_dead for place in places):
            self._queues[pair].popleft()
        elif self._is_stalled(places):
            self._stalled[pair] = self._stalled.get(pair, 0) + 1
        else:
            self._queues[pair].popleft()()

    def _is_stalled(self, places: Sequence[MemoryHost | str]) -> bool:
        """Whether there is no path between these, or one of them is too busy."""
        if any(not isinstance(place, str) and place.is_busy for place in places):
            return True
        return len(places) == 2 and not self.reaches(places[0], places[1])


class MemoryRelay:
    """A signaling server with y-webrtc's rules."""

    def __init__(self, network: Network) -> None:
        self._network = network
        self.is_up = True
        self.lets_sockets_in = True
        """Whether WebSockets pass; if not, it is as behind a proxy that lets only HTTP pass."""
        self.sockets: list[MemorySocket] = []

    def stop(self) -> None:
        """Fail: every socket closes, and none opens."""
        self.is_up = False
        for socket in list(self.sockets):
            socket.drop("the server went away")

    def start(self) -> None:
        """Work again."""
        self.is_up = True

    def receive(self, sender: MemorySocket, text: str) -> None:
        """Handle a frame of a client."""
        frame = json.loads(text)
        match frame["type"]:
            case "subscribe":
                sender.topics.update(frame["topics"])
            case "unsubscribe":
                sender.topics.difference_update(frame["topics"])
            case "publish":
                self.publish(frame["topic"], frame["data"])
            case "ping":
                sender.give('{"type":"pong"}')

    def publish(self, topic: str, data: object) -> None:
        """Send to all subscribers of the topic, the sender included."""
        receivers = [s for s in self.sockets if topic in s.topics]
        frame = {"type": "publish", "topic": topic, "data": data, "clients": len(receivers)}
        for socket in receivers:
            socket.give(json.dumps(frame))


class MemorySocket:
    """One client's socket."""

    def __init__(self, host: MemoryHost, url: str, handler: SignalingSocketHandler) -> None:
        self.topics: set[str] = set()
        self.host = host
        self._network: Network = host.fabric
        self._relay = self._network.relays[url]
        self._handler: SignalingSocketHandler | None = handler
        for end, place in ((self, host), (self._relay, url)):
            self._network.place(end, place)
        self._network.deliver(("in", self, self._relay), self._open)

    def _open(self) -> None:
        if self._handler is None or self.host.is_dead:
            return
        if not (self._relay.is_up and self._relay.lets_sockets_in):
            self.drop("")  # a browser does not say why
            return
        self._relay.sockets.append(self)
        self._handler.on_open()

    def send(self, text: str) -> None:
        """Send one text frame."""
        self._network.deliver(("out", self, self._relay), lambda: self._arrive(text))

    def _arrive(self, text: str) -> None:
        if self in self._relay.sockets:
            self._relay.receive(self, text)

    def give(self, text: str) -> None:
        """Deliver a frame to the client."""

        def arrive() -> None:
            if self._handler is not None:
                self._handler.on_text(text)

        self._network.deliver(("in", self, self._relay), arrive)

    def drop(self, reason: str) -> None:
        """Close from the server's side."""
        handler = self._handler
        self.close()
        if handler is not None:
            handler.on_close(reason)

    def close(self) -> None:
        """Close from the client's side, after what was sent has gone."""
        self.silence()
        self._network.deliver(("out", self, self._relay), self.end)

    def silence(self) -> None:
        """Make no further callback."""
        self._handler = None

    def end(self) -> None:
        """Remove the socket from the server."""
        if self in self._relay.sockets:
            self._relay.sockets.remove(self)


class MemoryTabChannel:
    """A tab channel among the hosts of one browser."""

    def __init__(self, host: MemoryHost, name: str, handler: TabChannelHandler) -> None:
        self._host = host
        self._handler: TabChannelHandler | None = handler
        self._members = host.fabric.tabs[host.browser, name]
        self._members.append(self)

    def send(self, data: bytes) -> None:
        """Send one frame to all others; a host that was killed says nothing more."""
        for member in self._members:
            if member is not self and not self._host.is_dead:
                self._host.fabric.deliver((self, member), lambda m=member: self._pass(m, data))  # type: ignore[misc]

    def _pass(self, member: MemoryTabChannel, data: bytes) -> None:
        if self._host.is_busy or member._host.is_busy:
            self._host.fabric.hold(lambda: self._pass(member, data))
        else:
            member.give(data)

    def give(self, data: bytes) -> None:
        """Deliver a frame."""
        if self._handler is not None and not self._host.is_dead:
            self._handler.on_message(data)

    def close(self) -> None:
        """Leave the channel."""
        self._handler = None
        self._members.remove(self)
