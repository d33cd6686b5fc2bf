"""The room as a machine: peers, frames, presence and the tab channel put together.

Owns what each link is told. It knows neither the document (it asks for state vectors and
differences by effects) nor how anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, assert_never

from pyodide_rtc.errors import (
    MessageTooBigError,
    NegotiationError,
    PeerClosedError,
    RemoteProtocolError,
)
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.awareness import AwarenessChange, AwarenessMachine
from pyodide_rtc.protocol.effects import (
    ApplyUpdate,
    AskDiff,
    AskState,
    AwarenessChanged,
    Effect,
    PeersChanged,
    Report,
    SendFrame,
    SendTabFrame,
)
from pyodide_rtc.protocol.mesh import Mesh
from pyodide_rtc.wire.awareness import decode_awareness, encode_awareness
from pyodide_rtc.wire.messages import (
    AwarenessMessage,
    Message,
    QueryAwareness,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    TabPeer,
    decode,
    encode,
)
from pyodide_rtc.wire.payload import Announce, SignalMessage

MAX_FRAME_BYTES = 256 * 1024 * 1024
"""The largest frame that is taken from a peer. A Chromium peer cannot send more than 256 KiB at
once, a Firefox one about 1 GiB."""

MAX_AWARENESS_CLIENTS = 10_000
"""The most clients that one awareness message may speak of."""


@dataclass(frozen=True, slots=True)
class PeerState:
    """What is known of a peer.

    Args:
        peer_id: its network identity.
        via: how it is reached.
        is_connected: whether frames can go.
        is_synced: whether it has answered our state vector.
        client_id: its document's client id, if it told.
    """

    peer_id: str
    via: Literal["webrtc", "tab"]
    is_connected: bool
    is_synced: bool
    client_id: int | None


@dataclass(slots=True)
class RoomMachine:
    """Everything that a room decides.

    Args:
        mesh: the peers by WebRTC, none yet.
    """

    mesh: Mesh
    awareness: AwarenessMachine = field(init=False)
    _tab_peers: dict[str, bool] = field(default_factory=dict)  # peer id to whether it is synced
    _has_tab: bool = False
    _is_left: bool = False

    def __post_init__(self) -> None:
        self.awareness = AwarenessMachine(self.mesh.client_id)

    @property
    def deadline_s(self) -> float | None:
        """When `TimePassed` is to be given next; None if nothing is waited for."""
        if self._is_left:
            return None
        times = (self.mesh.deadline_s, self.awareness.deadline_s)
        return min((t for t in times if t is not None), default=None)

    @property
    def peers(self) -> tuple[PeerState, ...]:
        """All peers, those on their way included."""
        by_webrtc = [
            PeerState(p.peer_id, "webrtc", p.is_joined, p.is_synced, p.client_id) for p in self.mesh
        ]
        by_tab = [PeerState(i, "tab", True, ok, None) for i, ok in self._tab_peers.items()]
        return (*by_webrtc, *by_tab)

    def handle(self, event: ev.Event, now_s: float) -> list[Effect]:
        """Take an event and tell what is to be done, in order.

        Args:
            event: what happened.
            now_s: the time, by any clock that never goes back.
        """
        if self._is_left:
            return []
        effects = self._dispatch(event, now_s)
        gone = [
            e.client_id
            for e in effects
            if isinstance(e, PeersChanged) and e.change == "left" and e.client_id is not None
        ]
        return effects + _show(self.awareness.remove(gone))

    def _dispatch(self, event: ev.Event, now_s: float) -> list[Effect]:  # noqa: C901 - one case each
        match event:
            case ev.FrameReceived(link, data):
                return self._on_frame(link, data, now_s)
            case ev.DocumentChanged(update, source):
                return self._broadcast(encode(SyncUpdate(update)), source)
            case ev.DiffRead(link, update):
                return self._send(link, encode(SyncStep2(update)))
            case ev.StateVectorRead():
                return self._greet(event)
            case ev.LocalStateSet(state):
                return self._tell_awareness(self.awareness.set_local(state, now_s), None)
            case ev.PayloadReceived(url, payload):
                return self._on_payload(url, payload, now_s)
            case ev.DescriptionMade() | ev.CandidateFound():
                return self.mesh.publish_signal(event, now_s)
            case ev.ChannelOpened():
                return self.mesh.on_channel_opened(event)
            case ev.ChannelClosed(conn, _, reason):
                return self.mesh.lose(conn, reason, PeerClosedError, now_s)
            case ev.PathFound(conn):
                return self.mesh.on_path_found(conn)
            case ev.TransportFailed(conn, reason, is_ice):
                if is_ice:
                    return self.mesh.lose_path(conn, reason, now_s)
                return self.mesh.lose(conn, reason, NegotiationError, now_s)
            case ev.UpdateRefused(link, reason):
                return self._refuse(link, RemoteProtocolError(reason))
            case ev.ServerOpened(url):
                return self.mesh.on_server_opened(url, now_s)
            case ev.TabOpened():
                self._has_tab = True
                return [AskState(ev.TAB, None)]
            case ev.TimePassed():
                renewed, outdated = self.awareness.expire(now_s)
                effects = self._tell_awareness(renewed, None) + _show(outdated)
                return effects + self.mesh.on_time(now_s)
            case ev.LeaveAsked():
                return self._leave(now_s)
            case _:
                assert_never(event)

    # Links.

    def _on_payload(
        self, url: str, payload: Announce | SignalMessage, now_s: float
    ) -> list[Effect]:
        if payload.sender in self._tab_peers:
            return []  # the tab channel links us already
        return self.mesh.on_payload(url, payload, now_s)

    def _greet(self, event: ev.StateVectorRead) -> list[Effect]:
        step1 = SyncStep1(event.state_vector)
        state: list[Message] = [] if event.state is None else [SyncStep2(event.state)]
        if event.link == ev.TAB:
            messages = [TabPeer(self.mesh.peer_id, True), step1, *state, QueryAwareness()]
            effects: list[Effect] = [SendTabFrame(encode(m)) for m in messages]
            return effects + self._send_awareness(ev.TAB, [self.mesh.client_id])
        peer = self.mesh.peer_of(event.link)
        if peer is not None:
            peer.has_whole_state = event.state is not None
        effects = [e for m in (step1, *state) for e in self._send(event.link, encode(m))]
        return effects + self._send_awareness(event.link)

    def _answer(self, link: ev.Link, state_vector: bytes) -> list[Effect]:
        peer = self.mesh.peer_of(link)
        if peer is not None and peer.has_whole_state:
            peer.has_whole_state = False  # it asked before it had it; what it asks later is news
            return []
        return [AskDiff(link, state_vector)]

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
        try:
            return self._on_message(link, decode(data, max_bytes=MAX_FRAME_BYTES), now_s)
        except RemoteProtocolError as error:
            return self._refuse(link, error)

    def _on_message(self, link: ev.Link, message: Message, now_s: float) -> list[Effect]:
        match message:
            case SyncUpdate(update):
                return [ApplyUpdate(link, update)]
            case SyncStep1(state_vector):
                return self._answer(link, state_vector)
            case SyncStep2(update):
                return [ApplyUpdate(link, update), *self._mark_synced(link)]
            case AwarenessMessage(update):
                return self._on_awareness(link, update, now_s)
            case QueryAwareness():
                return self._send_awareness(link)
            case TabPeer(peer_id, present) if link == ev.TAB:
                return self._on_tab_peer(peer_id, present)
            case _:  # an extension that we do not know, as a stock peer may not know ours
                return []

    def _on_awareness(self, link: ev.Link, update: bytes, now_s: float) -> list[Effect]:
        try:
            entries = decode_awareness(
                update, max_bytes=MAX_FRAME_BYTES, max_clients=MAX_AWARENESS_CLIENTS
            )
        except RemoteProtocolError as error:
            # Told, not punished: a stock peer passes on what others say, whatever it is.
            return [Report(error)]
        return self._tell_awareness(self.awareness.apply(entries, now_s), link)

    def _mark_synced(self, link: ev.Link) -> list[Effect]:
        if link == ev.TAB:
            # A frame in the tab channel names no sender: all who were asked count as answered.
            fresh = [i for i, is_synced in self._tab_peers.items() if not is_synced]
            self._tab_peers.update(dict.fromkeys(fresh, True))
            return [PeersChanged(i, "synced") for i in fresh]
        peer = self.mesh.peer_of(link)
        if peer is None or peer.is_synced:
            return []
        peer.is_synced = True
        return [PeersChanged(peer.peer_id, "synced", client_id=peer.client_id)]

    def _on_tab_peer(self, peer_id: str, present: bool) -> list[Effect]:
        if peer_id == self.mesh.peer_id or present == (peer_id in self._tab_peers):
            return []
        if not present:
            del self._tab_peers[peer_id]
            return [PeersChanged(peer_id, "left", "the tab left the room")]
        effects: list[Effect] = []
        if peer_id in self.mesh:
            effects += self.mesh.drop(peer_id, "linked by the tab channel")
        self._tab_peers[peer_id] = False
        return [
            *effects,
            SendTabFrame(encode(TabPeer(self.mesh.peer_id, True))),
            PeersChanged(peer_id, "joined"),
        ]

    # Sending.

    def _send(self, link: ev.Link, data: bytes) -> list[Effect]:
        if link == ev.TAB:
            return [SendTabFrame(data)]
        peer = self.mesh.peer_of(link)
        side = peer.negotiation.send_side if peer else None
        if peer is None or side is None:
            return []
        limit = peer.negotiation.channels[side]
        if len(data) > limit:
            return [Report(MessageTooBigError(len(data), limit, "out", peer.peer_id))]
        return [SendFrame(link, side, data)]

    def _broadcast(self, data: bytes, source: ev.Link | None) -> list[Effect]:
        links = [p.negotiation.conn for p in self.mesh if p.is_joined]
        if self._tab_peers:
            links.append(ev.TAB)
        effects: list[Effect] = []
        for link in links:
            if link is not None and link != source:
                effects += self._send(link, data)
        return effects

    def _send_awareness(self, link: ev.Link, ids: Iterable[int] | None = None) -> list[Effect]:
        states = self.awareness.states
        known = [i for i in (states if ids is None else ids) if i in states]
        if not known:
            return []
        update = encode_awareness(self.awareness.entries(known))
        return self._send(link, encode(AwarenessMessage(update)))

    def _tell_awareness(self, change: AwarenessChange, source: ev.Link | None) -> list[Effect]:
        effects = _show(change)
        if change.all:
            update = encode_awareness(self.awareness.entries(change.all))
            # What somebody else said of us is outbid: that has to reach its source, too.
            exclude = None if self.mesh.client_id in change.all else source
            effects += self._broadcast(encode(AwarenessMessage(update)), exclude)
        return effects

    # The end.

    def _leave(self, now_s: float) -> list[Effect]:
        effects = self._tell_awareness(self.awareness.set_local(None, now_s), None)
        if self._has_tab:
            effects.append(SendTabFrame(encode(TabPeer(self.mesh.peer_id, False))))
        for peer_id in [p.peer_id for p in self.mesh]:
            effects += self.mesh.drop(peer_id, "we left", is_gentle=True)
        effects += [PeersChanged(i, "left", "we left") for i in self._tab_peers]
        self._tab_peers.clear()
        self._is_left = True
        return effects


def _show(change: AwarenessChange) -> list[Effect]:
    if not change.is_visible:
        return []
    return [AwarenessChanged(change.added, change.updated, change.removed)]
