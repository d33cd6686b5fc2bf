"""The links of a room: what goes by which, to peers by WebRTC and to the tabs of this browser.

Owns what is sent and what waits. Decides nothing about who is linked, and knows no document.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from pyodide_rtc.peer import Peer
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.connections.mesh import Mesh
from pyodide_rtc.protocol.connections.mesh_peer import MeshPeer
from pyodide_rtc.protocol.document.awareness import AwarenessChange, AwarenessMachine
from pyodide_rtc.protocol.effects import (
    AskDiff,
    AwarenessChanged,
    Effect,
    SendTabFrame,
)
from pyodide_rtc.protocol.link import Traffic
from pyodide_rtc.wire.awareness import encode_awareness
from pyodide_rtc.wire.messages import (
    AwarenessMessage,
    SyncStep2,
    SyncUpdate,
    TabPeer,
    encode,
)


@dataclass(slots=True)
class TabLink:
    """A peer in another tab or kernel of this browser.

    Args:
        client_id: its document's client id; None for a stock page, which does not tell.
        is_synced: whether step 2 came since it was linked.
    """

    client_id: int | None
    is_synced: bool = False


@dataclass(slots=True)
class Links:
    """The links of one room.

    Args:
        mesh: the peers by WebRTC.
        awareness: what is told of clients.
        max_received_bytes: the largest message that is taken from a peer.
        tab_peers: the peers in this browser, by peer id.
    """

    mesh: Mesh
    awareness: AwarenessMachine
    max_received_bytes: int
    tab_peers: dict[str, TabLink] = field(default_factory=dict)
    _traffic: dict[int, Traffic] = field(default_factory=dict)  # by connection
    _owners: dict[int, str] = field(default_factory=dict)  # client to the peer that was first
    _unknown: Counter[ev.Link] = field(default_factory=Counter)

    @property
    def peers(self) -> tuple[Peer, ...]:
        """All peers, those on their way included."""
        by_tab = [
            Peer(
                peer_id,
                self._name(peer_id, tab.client_id),
                "tab",
                is_connected=True,
                is_synced=tab.is_synced and not self.is_twin(tab.client_id),
                unknown_messages=self._unknown[ev.TAB],
            )
            for peer_id, tab in self.tab_peers.items()
        ]
        by_webrtc = [self._show(peer) for peer in self.mesh if not peer.may_be_gone]
        return (*by_webrtc, *by_tab)

    def _name(self, peer_id: str, client_id: int | None) -> str | None:
        """Give the name that a peer's client shows, if it was the first to say that it is its."""
        if client_id is None or self.is_twin(client_id):
            return None
        is_its = self._owners.get(client_id, peer_id) == peer_id
        return self.awareness.name_of(client_id) if is_its else None

    def claim(self, client_id: int, peer_id: str) -> None:
        """Take that a peer is linked, and says that this client is its."""
        self._owners.setdefault(client_id, peer_id)

    def release(self, client_id: int, peer_id: str) -> bool:
        """Take that a peer is gone, and tell whether its client is gone as well."""
        if self._owners.get(client_id) != peer_id:
            return False
        del self._owners[client_id]
        heir = self._claimant(client_id)
        if heir is not None:
            self._owners[client_id] = heir
        return heir is None

    def is_twin(self, client_id: int | None) -> bool:
        """Tell whether a document has the client id of ours: then nobody knows who wrote what."""
        return client_id == self.mesh.client_id

    def _claimant(self, client_id: int) -> str | None:
        """Find somebody who is linked and says that this client is theirs."""
        linked = ((peer.peer_id, peer.client_id) for peer in self.mesh if peer.is_joined)
        tabs = ((peer_id, tab.client_id) for peer_id, tab in self.tab_peers.items())
        return next((i for i, client in (*linked, *tabs) if client == client_id), None)

    def _show(self, peer: MeshPeer) -> Peer:
        conn = peer.negotiation.conn
        traffic = None if conn is None else self._traffic.get(conn)
        return Peer(
            peer.peer_id,
            self._name(peer.peer_id, peer.client_id),
            "webrtc",
            is_connected=peer.is_joined,
            is_synced=peer.is_synced and not self.is_twin(peer.client_id),
            ahead=peer.ahead,
            behind=peer.behind,
            is_relayed=peer.is_relayed,
            transfers=() if traffic is None else traffic.transfers,
            unknown_messages=0 if conn is None else self._unknown[conn],
            retries=peer.negotiation.retries,
        )

    def send(self, link: ev.Link, data: bytes) -> list[Effect]:
        """Send a frame by a link; by one that is gone meanwhile nothing goes."""
        if link == ev.TAB:
            return [SendTabFrame(data)]
        traffic = self.traffic_of(link)
        return [] if traffic is None else traffic.send(data)

    def traffic_of(self, link: ev.Link) -> Traffic | None:
        """Give what goes by a link, other than that to the tabs, which take everything at once."""
        peer = self.mesh.peer_of(link)
        if peer is None:
            return None
        if link not in self._traffic:
            self._traffic[link] = Traffic(link, peer, self.max_received_bytes)
        return self._traffic[link]

    def takes_chunks(self, link: ev.Link) -> bool:
        """Whether a link is to a peer of our own kind, by WebRTC."""
        peer = self.mesh.peer_of(link)
        return peer is not None and peer.capability is not None

    def all_but(self, source: ev.Link | None) -> list[ev.Link]:
        """Give the links to all but the source of what is to be told."""
        conns = [p.negotiation.conn for p in self.mesh if p.is_joined]
        tabs = [ev.TAB] if self.tab_peers else []
        return [link for link in (*conns, *tabs) if link is not None and link != source]

    def tell_change(self, event: ev.DocumentChanged) -> list[Effect]:
        """Tell all but its source of a change of the document."""
        effects: list[Effect] = []
        for link in self.all_but(event.source):
            traffic = self.traffic_of(link)
            if traffic is not None:
                effects += traffic.tell_change(event.update, event.before_state)
            elif event.update is not None:
                effects.append(SendTabFrame(encode(SyncUpdate(event.update))))
            else:
                effects.append(AskDiff(link, event.before_state, is_answer=False))
        return effects

    def send_diff(self, event: ev.DiffRead) -> list[Effect]:
        """Send what a peer lacks."""
        traffic = self.traffic_of(event.link)
        if traffic is None:
            kind = SyncStep2 if event.is_answer else SyncUpdate
            return self.send(event.link, encode(kind(event.update)))
        return traffic.send_update(event.update, is_answer=event.is_answer)

    def on_gone(self, event: ev.FramesGone, now_s: float) -> list[Effect]:
        """Go on with what waits, after frames have gone."""
        traffic = self._traffic.get(event.conn)
        if traffic is None:
            return []
        effects = traffic.on_gone(event, now_s)
        if traffic.stale_clients and not traffic.is_full:
            stale = sorted(traffic.stale_clients)
            traffic.stale_clients.clear()
            effects += self.tell_clients(stale, [event.conn])
        return effects

    def send_awareness(self, link: ev.Link, ids: Iterable[int] | None = None) -> list[Effect]:
        """Send the awareness states of these clients, or of all that are here, if there are any."""
        states = self.awareness.states
        return self.tell_clients(
            [i for i in (states if ids is None else ids) if i in states], [link]
        )

    def _awareness_frame(self, ids: Iterable[int]) -> bytes:
        return encode(AwarenessMessage(encode_awareness(self.awareness.entries(ids))))

    def answer_query(self, link: ev.Link) -> list[Effect]:
        """Answer a question for awareness; without any too: it may be one for a sign of life."""
        return self.send_awareness(link) or self.send(link, self._awareness_frame(()))

    def count_unknown(self, link: ev.Link) -> None:
        """Count a message of a type that we do not know."""
        self._unknown[link] += 1

    def forget(self, conn: int) -> Traffic | None:
        """Drop what waits for a connection that is closed; gives what it was."""
        self._unknown.pop(conn, None)
        return self._traffic.pop(conn, None)

    def show_tab_peer(self, *, present: bool = True) -> Effect:
        """Tell the other tabs that we are here, or no longer."""
        return SendTabFrame(encode(TabPeer(self.mesh.peer_id, present, self.mesh.client_id)))

    def tell_clients(self, ids: Sequence[int], links: Iterable[ev.Link]) -> list[Effect]:
        """Tell the awareness of clients; a link that is full gets it when there is room."""
        if not ids:
            return []
        frame = self._awareness_frame(ids)
        effects: list[Effect] = []
        for link in links:
            traffic = self.traffic_of(link)
            if traffic is not None and traffic.is_full_for(len(frame)):
                traffic.stale_clients.update(ids)
            else:
                effects += self.send(link, frame)
        return effects

    def tell_awareness(self, change: AwarenessChange, source: ev.Link | None) -> list[Effect]:
        """Tell the user, and all but its source, of a change of awareness."""
        effects = show(change)
        if change.all:
            # What somebody else said of us is outbid: that has to reach its source, too.
            exclude = None if self.mesh.client_id in change.all else source
            effects += self.tell_clients(change.all, self.all_but(exclude))
        return effects


def show(change: AwarenessChange) -> list[Effect]:
    """Tell the user of a change of awareness, if there is something to see."""
    if not change.is_visible:
        return []
    return [AwarenessChanged(change.added, change.updated, change.removed)]
