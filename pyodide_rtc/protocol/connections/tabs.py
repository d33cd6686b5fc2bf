"""The peers in the tabs and kernels of the same browser, who all hear the tab channel.

Owns who they are, and what is said to greet them. A frame in the channel names no sender.

Source: y-webrtc 10.3 ``broadcastBcMessage``; wire.md section 6. That of our own kind tells its
client id, and holds a lock as long as it lives: docs/protocol.md.
"""

from __future__ import annotations

from dataclasses import dataclass

from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.connections.mesh import EAGER_STATE_BYTES
from pyodide_rtc.protocol.effects import (
    AskDiff,
    AskState,
    Effect,
    PeersChanged,
    SendTabFrame,
    WatchTabPeer,
)
from pyodide_rtc.protocol.links import Links, TabLink
from pyodide_rtc.wire.messages import (
    Message,
    QueryAwareness,
    SyncStep1,
    SyncStep2,
    TabPeer,
    encode,
)

NO_STATE = b"\0"
"""The state vector of an empty document."""


@dataclass(slots=True)
class Tabs:
    """The tab channel of one room.

    Args:
        links: by which it is told; knows the peers.
    """

    links: Links
    _is_open: bool = False
    _lack_state: bool = False

    def open(self) -> list[Effect]:
        """Take the channel."""
        self._is_open = True
        return [AskState(ev.TAB, EAGER_STATE_BYTES)]

    def greet(self, event: ev.StateVectorRead) -> list[Effect]:
        """Say that we are here, what we have, and ask for what others have."""
        self._lack_state = event.state is None
        state: list[Message] = [] if event.state is None else [SyncStep2(event.state)]
        messages = [SyncStep1(event.state_vector), *state, QueryAwareness()]
        effects: list[Effect] = [self.links.show_tab_peer()]
        effects += [SendTabFrame(encode(m)) for m in messages]
        return effects + self.links.send_awareness(ev.TAB, [self.links.mesh.client_id])

    def take(self, message: TabPeer) -> list[Effect]:
        """Take that a peer is here, or has left."""
        peer_id, client_id = message.peer_id, message.client_id
        peers, mesh = self.links.tab_peers, self.links.mesh
        if peer_id == mesh.peer_id or message.present == (peer_id in peers):
            return []
        if not message.present:
            client_id = peers.pop(peer_id).client_id
            return [PeersChanged(peer_id, "left", "the tab left the room", client_id)]
        effects: list[Effect] = []
        if peer_id in mesh:
            effects += mesh.drop(peer_id, "linked by the tab channel")
        peers[peer_id] = TabLink(client_id)
        if client_id is not None:  # of our own kind: it holds a lock as long as it lives
            effects.append(WatchTabPeer(peer_id))
        effects += [
            self.links.show_tab_peer(),
            PeersChanged(peer_id, "joined", client_id=client_id),
        ]
        if self._lack_state:
            # Too large to be told to nobody, and who was here before us does not ask for it.
            self._lack_state = False
            effects.append(AskDiff(ev.TAB, NO_STATE))
        return effects

    def mark_synced(self) -> list[Effect]:
        """Take an answer, which does not say whose it is: all who were asked have answered."""
        fresh = {i: p for i, p in self.links.tab_peers.items() if not p.is_synced}
        for peer in fresh.values():
            peer.is_synced = True
        return [PeersChanged(i, "synced", client_id=p.client_id) for i, p in fresh.items()]

    def show(self, *, present: bool = True) -> list[Effect]:
        """Say that we are here, or leave."""
        return [self.links.show_tab_peer(present=present)] if self._is_open else []

    def reopen(self) -> list[Effect]:
        """Greet again, after we had left."""
        return self.open() if self._is_open else []

    def leave(self, reason: str) -> list[Effect]:
        """Say that we are gone, and forget all."""
        peers = self.links.tab_peers
        gone = [PeersChanged(i, "left", reason, tab.client_id) for i, tab in peers.items()]
        peers.clear()
        return [*self.show(present=False), *gone]
