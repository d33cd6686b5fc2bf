"""The room as a machine: peers, frames, presence and the tab channel put together.

Owns what each link is told. It knows neither the document (it asks for state vectors and
differences by effects) nor how anything is sent.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import assert_never

from pyodide_rtc.errors import (
    DecryptionError,
    NegotiationError,
    PeerClosedError,
    RemoteProtocolError,
)
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.awareness import AwarenessMachine
from pyodide_rtc.protocol.comparison import Comparison
from pyodide_rtc.protocol.doubts import Doubts
from pyodide_rtc.protocol.effects import (
    ApplyUpdate,
    AskCheck,
    AskComparison,
    AskDiff,
    AskState,
    CheckServers,
    CloseTransport,
    Effect,
    PeersChanged,
    Report,
    SendTabFrame,
    WatchTabPeer,
)
from pyodide_rtc.protocol.links import Links, PeerState, TabLink, show
from pyodide_rtc.protocol.mesh import Mesh
from pyodide_rtc.protocol.strangers import Strangers
from pyodide_rtc.protocol.transfers import MAX_RECEIVED_BYTES
from pyodide_rtc.wire.awareness import decode_awareness
from pyodide_rtc.wire.chunks import CHUNK_TYPE
from pyodide_rtc.wire.messages import (
    AwarenessMessage,
    Message,
    QueryAwareness,
    StateCheck,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    TabPeer,
    UnknownMessage,
    decode,
    encode,
)
from pyodide_rtc.wire.payload import Announce, Lost, SignalMessage

MAX_AWARENESS_CLIENTS = 10_000
"""The most clients that one awareness message may speak of."""


@dataclass(slots=True)
class RoomMachine:
    """Everything that a room decides.

    Args:
        mesh: the peers by WebRTC, none yet.
        max_received_bytes: the largest message that is taken from a peer.
    """

    mesh: Mesh
    max_received_bytes: int = MAX_RECEIVED_BYTES
    awareness: AwarenessMachine = field(init=False)
    strangers: Strangers = field(default_factory=Strangers)
    links: Links = field(init=False)
    _comparison: Comparison = field(init=False)
    _doubts: Doubts = field(default_factory=Doubts)
    _has_tab: bool = False
    _is_left: bool = False

    def __post_init__(self) -> None:
        self.awareness = AwarenessMachine(self.mesh.client_id)
        self.links = Links(self.mesh, self.awareness, self.max_received_bytes)
        self._comparison = Comparison(self.links)

    @property
    def deadline_s(self) -> float | None:
        """When `TimePassed` is to be given next; None if nothing is waited for."""
        if self._is_left:
            return None
        parts = (self.mesh, self.awareness, self._comparison.times, self._doubts)
        times = [part.deadline_s for part in parts]
        return min((t for t in times if t is not None), default=None)

    @property
    def peers(self) -> tuple[PeerState, ...]:
        """All peers, those on their way included."""
        return self.links.peers

    def handle(self, event: ev.Event, now_s: float) -> list[Effect]:
        """Take an event and tell what is to be done, in order.

        Args:
            event: what happened.
            now_s: the time, by any clock that never goes back.
        """
        if self._is_left:
            return []
        effects = self._dispatch(event, now_s)
        for effect in effects:
            if isinstance(effect, CloseTransport):
                self.links.forget(effect.conn)
        gone = [
            e.client_id
            for e in effects
            if isinstance(e, PeersChanged) and e.change == "left" and e.client_id is not None
        ]
        return effects + show(self.awareness.remove(gone))

    def _dispatch(self, event: ev.Event, now_s: float) -> list[Effect]:  # noqa: C901 - one case each
        match event:
            case ev.FrameReceived(link, data):
                return self._on_frame(link, data, now_s)
            case ev.DocumentChanged():
                self._comparison.times.on_change(now_s)
                return self.links.tell_change(event)
            case ev.CheckRead(check):
                return self._comparison.tell(check, now_s)
            case ev.Compared():
                try:
                    return self._comparison.compare(event)
                except RemoteProtocolError as error:
                    return self._refuse(event.link, error)
            case ev.DiffRead():
                return self.links.send_diff(event)
            case ev.FramesGone():
                return self.links.on_gone(event, now_s)
            case ev.AnswerApplied(link):
                return self._mark_synced(link)
            case ev.StateVectorRead():
                return self._greet(event)
            case ev.LocalStateSet(state):
                return self.links.tell_awareness(self.awareness.set_local(state, now_s), None)
            case ev.PayloadReceived(url, payload):
                return self._on_payload(url, payload, now_s)
            case ev.StrangerHeard(reason):
                return self._on_stranger(reason, now_s)
            case ev.DescriptionMade() | ev.CandidateFound():
                return self.mesh.publish_signal(event, now_s)
            case ev.ChannelOpened():
                return self.mesh.on_channel_opened(event)
            case ev.ChannelClosed(conn, _, reason):
                return self.mesh.lose(conn, reason, PeerClosedError, now_s)
            case ev.PathRestored(conn):
                restored = self.mesh.on_path_restored(conn)
                # The other end may have noticed nothing: it learns what it has missed, and asks.
                return [*restored, AskCheck()] if restored else []
            case ev.TransportFailed(conn, reason, is_ice):
                if is_ice:
                    return self.mesh.lose_path(conn, reason, now_s)
                return self.mesh.lose(conn, reason, NegotiationError, now_s)
            case ev.TransportUnsure(conn, is_sure):
                return self._settle(conn) if is_sure else self._doubt(conn, now_s)
            case ev.PathFound():
                return self.mesh.on_path(event)
            case ev.Woken():
                asked = [e for p in list(self.mesh) for e in self._doubt(p.negotiation.conn, now_s)]
                return asked + self.mesh.announce_again(now_s)
            case ev.UpdateRefused(link, reason):
                return self._refuse(link, RemoteProtocolError(reason))
            case ev.ServerOpened(url):
                return self.mesh.on_server_opened(url, now_s)
            case ev.TabOpened():
                self._has_tab = True
                return [AskState(ev.TAB, None)]
            case ev.TabPeerGone(peer_id):
                return self._on_tab_peer(TabPeer(peer_id, False))
            case ev.TimePassed():
                return self._on_time(now_s)
            case ev.LeaveAsked():
                return self._leave(now_s)
            case _:
                assert_never(event)

    def _on_time(self, now_s: float) -> list[Effect]:
        renewed, outdated = self.awareness.expire(now_s)
        effects = self.links.tell_awareness(renewed, None) + show(outdated)
        lost = self._doubts.expired(now_s)
        for conn in lost:
            effects += self.mesh.lose(conn, "it does not answer any more", PeerClosedError, now_s)
        if lost:
            effects.append(CheckServers())
        if self._comparison.times.is_due(now_s) or renewed.all:
            effects.append(AskCheck())
        return effects + self.mesh.on_time(now_s)

    # Links.

    def _on_payload(
        self, url: str, payload: Announce | Lost | SignalMessage, now_s: float
    ) -> list[Effect]:
        if payload.sender in self.links.tab_peers:
            return []  # the tab channel links us already
        if isinstance(payload, Lost):
            return self._on_lost(payload.sender, now_s)
        return self.mesh.on_payload(url, payload, now_s)

    def _on_lost(self, peer_id: str, now_s: float) -> list[Effect]:
        peer = self.mesh.get(peer_id)
        if peer is None:
            return []
        if peer.is_joined:
            return self._doubt(peer.negotiation.conn, now_s)
        # Not dropped: a server may find a socket dead long after its peer has opened a new one.
        peer.may_be_gone = True
        return []

    def _on_stranger(self, reason: str, now_s: float) -> list[Effect]:
        effects: list[Effect] = []
        if self.strangers.is_news(now_s):
            effects.append(Report(DecryptionError(reason)))
        if self.strangers.may_show_ourselves(now_s):
            # So that they find out, too, that somebody is here whom they do not understand.
            effects += self.mesh.announce(now_s)
            if self._has_tab:
                effects.append(self.links.show_tab_peer())
        return effects

    def _doubt(self, conn: int | None, now_s: float) -> list[Effect]:
        peer = None if conn is None else self.mesh.peer_of(conn)
        if (
            conn is None
            or peer is None
            or not peer.is_joined
            or not self._doubts.begin(conn, now_s)
        ):
            return []
        return self.links.send(conn, encode(QueryAwareness()))

    def _settle(self, conn: int) -> list[Effect]:
        self._doubts.end(conn)
        return []

    def _greet(self, event: ev.StateVectorRead) -> list[Effect]:
        step1 = SyncStep1(event.state_vector)
        state: list[Message] = [] if event.state is None else [SyncStep2(event.state)]
        if event.link == ev.TAB:
            messages = [step1, *state, QueryAwareness()]
            effects: list[Effect] = [self.links.show_tab_peer()]
            effects += [SendTabFrame(encode(m)) for m in messages]
            return effects + self.links.send_awareness(ev.TAB, [self.mesh.client_id])
        peer = self.mesh.peer_of(event.link)
        if peer is not None:
            peer.has_whole_state = event.state is not None
        effects = [e for m in (step1, *state) for e in self.links.send(event.link, encode(m))]
        return effects + self.links.send_awareness(event.link)

    def _answer(self, link: ev.Link, state_vector: bytes) -> list[Effect]:
        peer = self.mesh.peer_of(link)
        if peer is not None and peer.has_whole_state:
            peer.has_whole_state = False  # it asked before it had it; what it asks later is news
            return []
        traffic = self.links.traffic_of(link)
        return [AskDiff(link, state_vector)] if traffic is None else traffic.ask(state_vector)

    def _refuse(self, link: ev.Link, error: RemoteProtocolError) -> list[Effect]:
        """Deal no more with a peer that broke the protocol; of a tab's frame only tell."""
        peer = self.mesh.peer_of(link)
        if peer is None:
            return [Report(error)]
        error.peer_id = peer.peer_id
        return [*self.mesh.refuse(peer.peer_id, error.hint), Report(error)]

    # Frames.

    def _on_frame(self, link: ev.Link, data: bytes, now_s: float) -> list[Effect]:
        if link != ev.TAB and self.mesh.peer_of(link) is None:
            return []
        self._doubts.end(link)
        try:
            return self._on_message(link, decode(data, max_bytes=self.max_received_bytes), now_s)
        except RemoteProtocolError as error:
            return self._refuse(link, error)

    def _on_message(self, link: ev.Link, message: Message, now_s: float) -> list[Effect]:
        match message:
            case SyncUpdate(update):
                return [ApplyUpdate(link, update)]
            case SyncStep1(state_vector):
                return self._answer(link, state_vector)
            case SyncStep2(update):
                return [ApplyUpdate(link, update, is_answer=True)]
            case AwarenessMessage(update):
                return self._on_awareness(link, update, now_s)
            case QueryAwareness():
                return self.links.answer_query(link)
            case StateCheck():
                return [AskComparison(link, message)]
            case TabPeer() if link == ev.TAB:
                return self._on_tab_peer(message)
            case UnknownMessage(kind, body) if kind == CHUNK_TYPE:
                return self._on_chunk(link, body, now_s)
            case _:  # an extension that we do not know, as a stock peer may not know ours
                return []

    def _on_chunk(self, link: ev.Link, body: bytes, now_s: float) -> list[Effect]:
        traffic = self.links.traffic_of(link)
        if traffic is None or traffic.peer.capability is None:
            return []
        message, effects = traffic.on_chunk(body, now_s)
        return effects if message is None else effects + self._on_message(link, message, now_s)

    def _on_awareness(self, link: ev.Link, update: bytes, now_s: float) -> list[Effect]:
        try:
            entries = decode_awareness(
                update, max_bytes=self.max_received_bytes, max_clients=MAX_AWARENESS_CLIENTS
            )
        except RemoteProtocolError as error:
            # Told, not punished: a stock peer passes on what others say, whatever it is.
            return [Report(error)]
        return self.links.tell_awareness(self.awareness.apply(entries, now_s), link)

    def _mark_synced(self, link: ev.Link) -> list[Effect]:
        if link == ev.TAB:
            # A frame in the tab channel names no sender: all who were asked count as answered.
            fresh = {i: p for i, p in self.links.tab_peers.items() if not p.is_synced}
            for tab_peer in fresh.values():
                tab_peer.is_synced = True
            return [PeersChanged(i, "synced", client_id=p.client_id) for i, p in fresh.items()]
        peer = self.mesh.peer_of(link)
        if peer is None:  # it went while its answer was applied
            return []
        effects: list[Effect] = []
        if peer.ahead:
            peer.ahead = 0  # what it had it has told now
            effects.append(PeersChanged(peer.peer_id, "changed", client_id=peer.client_id))
        if not peer.is_synced:
            peer.is_synced = True
            effects.append(PeersChanged(peer.peer_id, "synced", client_id=peer.client_id))
        return effects

    def _on_tab_peer(self, message: TabPeer) -> list[Effect]:
        peer_id, client_id = message.peer_id, message.client_id
        if peer_id == self.mesh.peer_id or message.present == (peer_id in self.links.tab_peers):
            return []
        if not message.present:
            client_id = self.links.tab_peers.pop(peer_id).client_id
            return [PeersChanged(peer_id, "left", "the tab left the room", client_id)]
        effects: list[Effect] = []
        if peer_id in self.mesh:
            effects += self.mesh.drop(peer_id, "linked by the tab channel")
        self.links.tab_peers[peer_id] = TabLink(client_id)
        if client_id is not None:  # of our own kind: it holds a lock as long as it lives
            effects.append(WatchTabPeer(peer_id))
        return [
            *effects,
            self.links.show_tab_peer(),
            PeersChanged(peer_id, "joined", client_id=client_id),
        ]

    # The end.

    def _leave(self, now_s: float) -> list[Effect]:
        effects = self.links.tell_awareness(self.awareness.set_local(None, now_s), None)
        if self._has_tab:
            effects.append(self.links.show_tab_peer(present=False))
        for peer_id in [p.peer_id for p in self.mesh]:
            effects += self.mesh.drop(peer_id, "we left", is_gentle=True)
        effects += [PeersChanged(i, "left", "we left") for i in self.links.tab_peers]
        self.links.tab_peers.clear()
        self._is_left = True
        return effects
