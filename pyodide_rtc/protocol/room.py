"""The room as a machine: peers, frames, presence and the tab channel put together.

Owns what each link is told. It knows neither the document (it asks for state vectors and
differences by effects) nor how anything is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal, assert_never

from pyodide_rtc.errors import (
    DecryptionError,
    MessageTooBigError,
    NegotiationError,
    PeerClosedError,
    RemoteProtocolError,
)
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.awareness import AwarenessChange, AwarenessMachine
from pyodide_rtc.protocol.comparison import CheckTimes
from pyodide_rtc.protocol.doubts import Doubts
from pyodide_rtc.protocol.effects import (
    ApplyUpdate,
    AskCheck,
    AskComparison,
    AskDiff,
    AskState,
    AwarenessChanged,
    Effect,
    PeersChanged,
    Report,
    SendFrame,
    SendTabFrame,
    WatchTabPeer,
)
from pyodide_rtc.protocol.mesh import Mesh
from pyodide_rtc.protocol.strangers import Strangers
from pyodide_rtc.wire.awareness import decode_awareness, encode_awareness
from pyodide_rtc.wire.messages import (
    AwarenessMessage,
    Message,
    QueryAwareness,
    StateCheck,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    TabPeer,
    decode,
    encode,
)
from pyodide_rtc.wire.payload import Announce, Lost, SignalMessage
from pyodide_rtc.wire.state import count_missing

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
        ahead: how many units of its document we lacked when we were last compared; None for never.
        behind: how many units of ours it lacked then.
        is_relayed: whether a TURN server passes everything on; None while that is not known.
    """

    peer_id: str
    via: Literal["webrtc", "tab"]
    is_connected: bool
    is_synced: bool
    client_id: int | None
    ahead: int | None = None
    behind: int | None = None
    is_relayed: bool | None = None


@dataclass(slots=True)
class _TabPeer:
    """A peer in another tab or kernel of this browser."""

    client_id: int | None
    is_synced: bool = False


@dataclass(slots=True)
class RoomMachine:
    """Everything that a room decides.

    Args:
        mesh: the peers by WebRTC, none yet.
    """

    mesh: Mesh
    awareness: AwarenessMachine = field(init=False)
    strangers: Strangers = field(default_factory=Strangers)
    _tab_peers: dict[str, _TabPeer] = field(default_factory=dict)
    _checks: CheckTimes = field(default_factory=CheckTimes)
    _doubts: Doubts = field(default_factory=Doubts)
    _has_tab: bool = False
    _is_left: bool = False

    def __post_init__(self) -> None:
        self.awareness = AwarenessMachine(self.mesh.client_id)

    @property
    def deadline_s(self) -> float | None:
        """When `TimePassed` is to be given next; None if nothing is waited for."""
        if self._is_left:
            return None
        parts = (self.mesh, self.awareness, self._checks, self._doubts)
        times = [part.deadline_s for part in parts]
        return min((t for t in times if t is not None), default=None)

    @property
    def peers(self) -> tuple[PeerState, ...]:
        """All peers, those on their way included."""
        by_webrtc = [
            PeerState(
                peer.peer_id,
                "webrtc",
                peer.is_joined,
                peer.is_synced,
                peer.client_id,
                peer.ahead,
                peer.behind,
                peer.is_relayed,
            )
            for peer in self.mesh
            if not peer.may_be_gone
        ]
        by_tab = [
            PeerState(i, "tab", True, p.is_synced, p.client_id) for i, p in self._tab_peers.items()
        ]
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
                self._checks.on_change(now_s)
                return self._broadcast(encode(SyncUpdate(update)), source)
            case ev.CheckRead(check):
                return self._tell_check(check, now_s)
            case ev.Compared():
                return self._on_comparison(event)
            case ev.DiffRead(link, update):
                return self._send(link, encode(SyncStep2(update)))
            case ev.StateVectorRead():
                return self._greet(event)
            case ev.LocalStateSet(state):
                return self._tell_awareness(self.awareness.set_local(state, now_s), None)
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
                return self.mesh.on_path_restored(conn)
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
        effects = self._tell_awareness(renewed, None) + _show(outdated)
        for conn in self._doubts.expired(now_s):
            effects += self.mesh.lose(conn, "it does not answer any more", PeerClosedError, now_s)
        if self._checks.is_due(now_s) or renewed.all:
            effects.append(AskCheck())
        return effects + self.mesh.on_time(now_s)

    # Links.

    def _on_payload(
        self, url: str, payload: Announce | Lost | SignalMessage, now_s: float
    ) -> list[Effect]:
        if payload.sender in self._tab_peers:
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
                effects.append(self._show_tab_peer())
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
        return self._send(conn, encode(QueryAwareness()))

    def _settle(self, conn: int) -> list[Effect]:
        self._doubts.end(conn)
        return []

    def _greet(self, event: ev.StateVectorRead) -> list[Effect]:
        step1 = SyncStep1(event.state_vector)
        state: list[Message] = [] if event.state is None else [SyncStep2(event.state)]
        if event.link == ev.TAB:
            messages = [step1, *state, QueryAwareness()]
            effects: list[Effect] = [self._show_tab_peer()]
            effects += [SendTabFrame(encode(m)) for m in messages]
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
        self._doubts.end(link)
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
                # Answered even without anything to tell: it may be a question for a sign of life.
                return self._send(link, self._awareness_frame(self.awareness.states))
            case StateCheck():
                return [AskComparison(link, message)]
            case TabPeer() if link == ev.TAB:
                return self._on_tab_peer(message)
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
            fresh = {i: p for i, p in self._tab_peers.items() if not p.is_synced}
            for tab_peer in fresh.values():
                tab_peer.is_synced = True
            return [PeersChanged(i, "synced", client_id=p.client_id) for i, p in fresh.items()]
        peer = self.mesh.peer_of(link)
        assert peer is not None, "frames of others are passed over"
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
        if peer_id == self.mesh.peer_id or message.present == (peer_id in self._tab_peers):
            return []
        if not message.present:
            client_id = self._tab_peers.pop(peer_id).client_id
            return [PeersChanged(peer_id, "left", "the tab left the room", client_id)]
        effects: list[Effect] = []
        if peer_id in self.mesh:
            effects += self.mesh.drop(peer_id, "linked by the tab channel")
        self._tab_peers[peer_id] = _TabPeer(client_id)
        if client_id is not None:  # of our own kind: it holds a lock as long as it lives
            effects.append(WatchTabPeer(peer_id))
        return [
            *effects,
            self._show_tab_peer(),
            PeersChanged(peer_id, "joined", client_id=client_id),
        ]

    # Comparing.

    def _tell_check(self, check: StateCheck, now_s: float) -> list[Effect]:
        may_ask_stock = self._checks.may_ask_stock(now_s)
        effects: list[Effect] = []
        for peer in self.mesh:
            if peer.is_joined and peer.negotiation.conn is not None:
                is_own_kind = peer.capability is not None
                message = check if is_own_kind else SyncStep1(check.state_vector)
                if is_own_kind or may_ask_stock:
                    effects += self._send(peer.negotiation.conn, encode(message))
        if self._tab_peers and may_ask_stock:  # all hear it, stock pages too
            effects.append(SendTabFrame(encode(SyncStep1(check.state_vector))))
        return effects

    def _on_comparison(self, event: ev.Compared) -> list[Effect]:
        mine, theirs, peer = event.mine, event.theirs, self.mesh.peer_of(event.link)
        if peer is None:
            return []
        try:
            ahead = count_missing(mine.state_vector, theirs.state_vector)
            behind = count_missing(theirs.state_vector, mine.state_vector)
        except RemoteProtocolError as error:
            return self._refuse(event.link, error)
        effects: list[Effect] = []
        if (peer.ahead or 0, peer.behind or 0) != (ahead, behind):
            effects.append(PeersChanged(peer.peer_id, "changed", client_id=peer.client_id))
        peer.ahead, peer.behind = ahead, behind
        if ahead or mine.deletions != theirs.deletions:
            effects += self._send(event.link, encode(SyncStep1(mine.state_vector)))
        if behind:  # it learns so, and asks
            effects += self._send(event.link, encode(mine))
        return effects

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
        return self._send(link, self._awareness_frame(known)) if known else []

    def _awareness_frame(self, ids: Iterable[int]) -> bytes:
        return encode(AwarenessMessage(encode_awareness(self.awareness.entries(ids))))

    def _show_tab_peer(self, *, present: bool = True) -> Effect:
        return SendTabFrame(encode(TabPeer(self.mesh.peer_id, present, self.mesh.client_id)))

    def _tell_awareness(self, change: AwarenessChange, source: ev.Link | None) -> list[Effect]:
        effects = _show(change)
        if change.all:
            # What somebody else said of us is outbid: that has to reach its source, too.
            exclude = None if self.mesh.client_id in change.all else source
            effects += self._broadcast(self._awareness_frame(change.all), exclude)
        return effects

    # The end.

    def _leave(self, now_s: float) -> list[Effect]:
        effects = self._tell_awareness(self.awareness.set_local(None, now_s), None)
        if self._has_tab:
            effects.append(self._show_tab_peer(present=False))
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
