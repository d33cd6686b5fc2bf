"""The peers in other tabs and kernels of this browser, which all receive the tab channel.

Owns who they are, and how they learn of us. A frame in the channel names no sender.

Source: y-webrtc 10.3 ``broadcastBcMessage``; wire.md section 6. A peer of our own kind also sends
its client id, and holds a lock as long as it lives: docs/protocol.md.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyodide_rtc.protocol.connections.news import LinkReady, Outcome
from pyodide_rtc.protocol.effects import PeersChanged, WatchTabPeer
from pyodide_rtc.protocol.link import TabsLink
from pyodide_rtc.wire.messages import TabPeer, encode


@dataclass(slots=True)
class Tabs:
    """The tab channel of one room.

    Args:
        peer_id: our own network identity.
        client_id: the client id of our own main document.
        max_received_bytes: the largest frame that may come in.
    """

    peer_id: str
    client_id: int
    max_received_bytes: int
    link: TabsLink = field(init=False)
    _is_open: bool = False

    def __post_init__(self) -> None:
        self.link = TabsLink(self.max_received_bytes)

    def knows(self, peer_id: str) -> bool:
        """Whether the tab channel links us with a peer."""
        return peer_id in self.link.peers

    def open(self) -> list[Outcome]:
        """The channel is joined: say that we are here, and greet all who receive it."""
        self._is_open = True
        return [*self._say(present=True), LinkReady(self.link)]

    def take(self, message: TabPeer) -> list[Outcome]:
        """A peer says that it is here, or that it leaves."""
        peer_id, client_id, peers = message.peer_id, message.client_id, self.link.peers
        if peer_id == self.peer_id or message.present == (peer_id in peers):
            return []
        if not message.present:
            client_id = peers.pop(peer_id)
            return [PeersChanged(peer_id, "left", "the tab left the room", client_id)]
        peers[peer_id] = client_id
        # A peer of our own kind holds a lock as long as it lives.
        watch = [] if client_id is None else [WatchTabPeer(peer_id)]
        joined = PeersChanged(peer_id, "joined", client_id=client_id)
        return [*watch, *self._say(present=True), joined]

    def show(self) -> list[Outcome]:
        """Say that we are here, if the channel is open."""
        return self._say(present=True) if self._is_open else []

    def reopen(self) -> list[Outcome]:
        """Greet again, after we had left."""
        return self.open() if self._is_open else []

    def leave(self, reason: str) -> list[Outcome]:
        """Say that we leave, and forget all peers."""
        peers = self.link.peers
        gone = [PeersChanged(i, "left", reason, client_id) for i, client_id in peers.items()]
        peers.clear()
        return [*(self._say(present=False) if self._is_open else []), *gone]

    def _say(self, *, present: bool) -> list[Outcome]:
        return [*self.link.send(encode(TabPeer(self.peer_id, present, self.client_id)))]
