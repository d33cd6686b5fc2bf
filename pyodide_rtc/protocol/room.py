"""The room as a machine: peers, frames, presence and the tab channel put together.

Owns who is linked and what each link is told. It knows neither the document (it asks for state
vectors and differences by effects) nor how anything is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import count
from typing import Literal

from pyodide_rtc.errors import (
    IceFailedError,
    MessageTooBigError,
    NegotiationError,
    PeerClosedError,
    PeerError,
    RemoteProtocolError,
    RtcError,
)
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.awareness import AwarenessChange, AwarenessMachine
from pyodide_rtc.protocol.capability import Capability, decode_capability, encode_capability
from pyodide_rtc.protocol.effects import (
    ApplyUpdate,
    AskDiff,
    AskState,
    AwarenessChanged,
    Effect,
    PeersChanged,
    PublishPayload,
    Report,
    SendFrame,
    SendTabFrame,
)
from pyodide_rtc.protocol.negotiation import Negotiation, Phase
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
from pyodide_rtc.wire.signaling import (
    Announce,
    Candidate,
    Description,
    OtherSignal,
    SignalMessage,
)

MAX_FRAME_BYTES = 256 * 1024 * 1024
"""The largest frame that is taken from a peer: the most that a Chromium peer could ever send is
256 KiB, a Firefox one about 1 GiB."""

MAX_AWARENESS_CLIENTS = 10_000
"""The most clients that one awareness message may speak of."""

MIN_ANNOUNCE_INTERVAL_S = 1.0
"""Announces after a lost peer are at least this far apart."""


@dataclass(slots=True)
class _Peer:
    negotiation: Negotiation
    capability: Capability | None = None
    is_joined: bool = False
    is_synced: bool = False


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
        peer_id: the own network identity, a uuid4 as text.
        client_id: the own document's client id.
        max_peers: from how many peers on announces are not answered any more.
        new_token: gives a glare token: milliseconds since 1970 plus a random fraction.
    """

    peer_id: str
    client_id: int
    max_peers: int
    new_token: Callable[[], float]
    awareness: AwarenessMachine = field(init=False)
    _peers: dict[str, _Peer] = field(default_factory=dict)
    _tab_peers: dict[str, bool] = field(default_factory=dict)  # peer id to whether it is synced
    _refused: set[str] = field(default_factory=set)
    _conns: count[int] = field(default_factory=lambda: count(1))
    _announced_s: float | None = None
    _announce_due_s: float | None = None
    _is_left: bool = False
    _has_tab: bool = False

    def __post_init__(self) -> None:
        self.awareness = AwarenessMachine(self.client_id)

    @property
    def deadline_s(self) -> float | None:
        """When `TimePassed` is to be given next; None if nothing is waited for."""
        if self._is_left:
            return None
        times = [p.negotiation.deadline_s for p in self._peers.values()]
        times += [self.awareness.deadline_s, self._announce_due_s]
        return min((t for t in times if t is not None), default=None)

    @property
    def peers(self) -> tuple[PeerState, ...]:
        """All peers, those on their way included."""
        by_webrtc = [
            PeerState(i, "webrtc", p.is_joined, p.is_synced, _client_of(p))
            for i, p in self._peers.items()
        ]
        by_tab = [PeerState(i, "tab", True, ok, None) for i, ok in self._tab_peers.items()]
        return (*by_webrtc, *by_tab)

    def handle(self, event: ev.Event, now_s: float) -> list[Effect]:  # noqa: C901 - one case each
        """Take an event and tell what is to be done, in order.

        Args:
            event: what happened.
            now_s: the time, by any clock that never goes back.
        """
        if self._is_left:
            return []
        match event:
            case ev.FrameReceived(link, data):
                return self._on_frame(link, data, now_s)
            case ev.DocumentChanged(update, source):
                return self._broadcast(encode(SyncUpdate(update)), source)
            case ev.DiffRead(link, update):
                return self._send(link, SyncStep2(update))
            case ev.StateVectorRead():
                return self._greet(event)
            case ev.LocalStateSet(state):
                return self._tell_awareness(self.awareness.set_local(state, now_s), None)
            case ev.PayloadReceived(url, payload):
                return self._on_payload(url, payload, now_s)
            case ev.DescriptionMade() | ev.CandidateFound():
                return self._publish_signal(event)
            case ev.ChannelOpened():
                return self._on_channel_opened(event)
            case ev.ChannelClosed(conn, _, reason):
                return self._lose(conn, reason, PeerClosedError, now_s)
            case ev.TransportFailed(conn, reason, is_ice):
                return self._lose(
                    conn, reason, IceFailedError if is_ice else NegotiationError, now_s
                )
            case ev.UpdateRefused(link, reason):
                return self._refuse(link, RemoteProtocolError(reason), now_s)
            case ev.ServerOpened(url):
                return self._announce(now_s, url)
            case ev.TabOpened():
                self._has_tab = True
                return [AskState(ev.TAB)]
            case ev.TimePassed():
                return self._on_time(now_s)
            case ev.LeaveAsked():
                return self._leave(now_s)

    # Signaling.

    def _extra(self) -> dict[str, object]:
        return encode_capability(Capability(self.client_id))

    def _announce(self, now_s: float, url: str | None = None) -> list[Effect]:
        self._announced_s = now_s
        self._announce_due_s = None
        return [PublishPayload(Announce(self.peer_id, self._extra()), url)]

    def _announce_again(self, now_s: float) -> list[Effect]:
        earliest_s = now_s if self._announced_s is None else self._announced_s + 1.0
        if now_s >= earliest_s:
            return self._announce(now_s)
        self._announce_due_s = earliest_s
        return []

    def _on_payload(
        self, url: str, payload: Announce | SignalMessage, now_s: float
    ) -> list[Effect]:
        sender = payload.sender
        if sender == self.peer_id or sender in self._tab_peers or sender in self._refused:
            return []
        capability = decode_capability(payload.extra)
        if isinstance(payload, Announce):
            if sender in self._peers or len(self._peers) >= self.max_peers:
                return []
            return self._add_peer(sender, url, capability, now_s).negotiation.offer()
        return self._on_signal(url, payload, capability, now_s)

    def _on_signal(
        self, url: str, message: SignalMessage, capability: Capability | None, now_s: float
    ) -> list[Effect]:
        if message.to != self.peer_id:
            return []
        peer = self._peers.get(message.sender)
        if peer is None:
            if not _may_begin(message):
                return []
            peer = self._add_peer(message.sender, url, capability, now_s)
        negotiation = peer.negotiation
        negotiation.url = url
        before = negotiation.conn
        effects = negotiation.accept(message, is_own_kind=capability is not None)
        if negotiation.conn != before:
            peer.capability = capability
            negotiation.started_s = now_s
            effects += self._part(message.sender, peer, "the peer began anew", now_s)
        return effects

    def _add_peer(
        self, peer_id: str, url: str, capability: Capability | None, now_s: float
    ) -> _Peer:
        negotiation = Negotiation(
            peer_id, now_s, lambda: next(self._conns), self.new_token, self.peer_id, url=url
        )
        peer = self._peers[peer_id] = _Peer(negotiation, capability)
        return peer

    def _publish_signal(self, event: ev.DescriptionMade | ev.CandidateFound) -> list[Effect]:
        peer = self._peer_of(event.conn)
        if peer is None:
            return []
        negotiation = peer.negotiation
        signal: Description | Candidate
        if isinstance(event, ev.CandidateFound):
            signal = Candidate(event.candidate, event.sdp_m_line_index, event.sdp_mid)
        elif event.kind == "offer" and negotiation.phase is not Phase.OFFERING:
            return []  # it was taken back while the browser still made it
        else:
            signal = Description(event.kind, event.sdp)
        token = negotiation.token_for_signal()
        message = SignalMessage(self.peer_id, negotiation.peer_id, token, signal, self._extra())
        return [PublishPayload(message, negotiation.url)]

    # Links.

    def _peer_of(self, conn: int) -> _Peer | None:
        return next((p for p in self._peers.values() if p.negotiation.conn == conn), None)

    def _on_channel_opened(self, event: ev.ChannelOpened) -> list[Effect]:
        peer = self._peer_of(event.conn)
        if peer is None:
            return []
        negotiation = peer.negotiation
        before = negotiation.send_side
        negotiation.channels[event.side] = event.max_message_bytes
        if negotiation.send_side == before:
            return []
        effects: list[Effect] = []
        if not peer.is_joined:
            peer.is_joined = True
            effects.append(PeersChanged(negotiation.peer_id, "joined"))
        # Also when the side changes: what went by the other one may have had no listener.
        return [*effects, AskState(event.conn)]

    def _greet(self, event: ev.StateVectorRead) -> list[Effect]:
        step1 = SyncStep1(event.state_vector)
        if event.link != ev.TAB:
            return self._send(event.link, step1) + self._send_awareness(event.link)
        messages: list[Message] = [TabPeer(self.peer_id, True), step1]
        if event.update is not None:
            messages.append(SyncStep2(event.update))
        messages.append(QueryAwareness())
        effects: list[Effect] = [SendTabFrame(encode(m)) for m in messages]
        return effects + self._send_awareness(ev.TAB, [self.client_id])

    def _lose(self, conn: int, reason: str, kind: type[PeerError], now_s: float) -> list[Effect]:
        peer = self._peer_of(conn)
        if peer is None:
            return []
        peer_id = peer.negotiation.peer_id
        was_joined = peer.is_joined
        effects = self._drop(peer_id, reason, now_s)
        if not was_joined:
            effects.append(Report(kind(peer_id, reason)))
        return effects + self._announce_again(now_s)

    def _drop(
        self, peer_id: str, reason: str, now_s: float, *, is_gentle: bool = False
    ) -> list[Effect]:
        peer = self._peers.pop(peer_id)
        return [
            *peer.negotiation.close(is_gentle=is_gentle),
            *self._part(peer_id, peer, reason, now_s),
        ]

    def _part(self, peer_id: str, peer: _Peer, reason: str, now_s: float) -> list[Effect]:
        """Tell that a peer is not linked any more, and take its presence away if it is known."""
        if not peer.is_joined:
            return []
        peer.is_joined = peer.is_synced = False
        effects: list[Effect] = [PeersChanged(peer_id, "left", reason)]
        if peer.capability is not None:
            change = self.awareness.remove([peer.capability.client_id])
            effects += _show(change)
        return effects

    def _refuse(self, link: ev.Link, error: RtcError, now_s: float) -> list[Effect]:
        """Close a peer that broke the protocol, and deal with it no more."""
        peer = self._peer_of(link)
        if peer is None:
            return [Report(error)]
        peer_id = peer.negotiation.peer_id
        self._refused.add(peer_id)
        if isinstance(error, RemoteProtocolError):
            error.peer_id = peer_id
        return [*self._drop(peer_id, str(error), now_s), Report(error)]

    # Frames.

    def _on_frame(self, link: ev.Link, data: bytes, now_s: float) -> list[Effect]:
        if link != ev.TAB and self._peer_of(link) is None:
            return []
        try:
            return self._on_message(link, decode(data, max_bytes=MAX_FRAME_BYTES), now_s)
        except RemoteProtocolError as error:
            return self._refuse(link, error, now_s)

    def _on_message(self, link: ev.Link, message: Message, now_s: float) -> list[Effect]:
        match message:
            case SyncUpdate(update):
                return [ApplyUpdate(link, update)]
            case SyncStep1(state_vector):
                return [AskDiff(link, state_vector)]
            case SyncStep2(update):
                return [ApplyUpdate(link, update), *self._mark_synced(link)]
            case AwarenessMessage(update):
                entries = decode_awareness(
                    update, max_bytes=MAX_FRAME_BYTES, max_clients=MAX_AWARENESS_CLIENTS
                )
                return self._tell_awareness(self.awareness.apply(entries, now_s), link)
            case QueryAwareness():
                return self._send_awareness(link)
            case TabPeer(peer_id, present) if link == ev.TAB:
                return self._on_tab_peer(peer_id, present, now_s)
            case _:  # an extension that we do not know, as a stock peer may not know ours
                return []

    def _mark_synced(self, link: ev.Link) -> list[Effect]:
        if link == ev.TAB:
            # A frame in the tab channel names no sender: all who were asked count as answered.
            fresh = [i for i, is_synced in self._tab_peers.items() if not is_synced]
            self._tab_peers.update(dict.fromkeys(fresh, True))
            return [PeersChanged(i, "synced") for i in fresh]
        peer = self._peer_of(link)
        if peer is None or peer.is_synced:
            return []
        peer.is_synced = True
        return [PeersChanged(peer.negotiation.peer_id, "synced")]

    def _on_tab_peer(self, peer_id: str, present: bool, now_s: float) -> list[Effect]:
        if peer_id == self.peer_id or present == (peer_id in self._tab_peers):
            return []
        if not present:
            del self._tab_peers[peer_id]
            return [PeersChanged(peer_id, "left", "the tab left the room")]
        effects: list[Effect] = []
        if peer_id in self._peers:
            effects += self._drop(peer_id, "linked by the tab channel", now_s)
        self._tab_peers[peer_id] = False
        return [
            *effects,
            SendTabFrame(encode(TabPeer(self.peer_id, True))),
            PeersChanged(peer_id, "joined"),
        ]

    # Sending.

    def _send(self, link: ev.Link, message: Message) -> list[Effect]:
        return self._send_bytes(link, encode(message))

    def _send_bytes(self, link: ev.Link, data: bytes) -> list[Effect]:
        if link == ev.TAB:
            return [SendTabFrame(data)] if self._has_tab else []
        peer = self._peer_of(link)
        side = peer.negotiation.send_side if peer else None
        if peer is None or side is None:
            return []
        limit = peer.negotiation.channels[side]
        if len(data) > limit:
            error = MessageTooBigError(len(data), limit, "out", peer.negotiation.peer_id)
            return [Report(error)]
        return [SendFrame(link, side, data)]

    def _broadcast(self, data: bytes, source: ev.Link | None) -> list[Effect]:
        links = [p.negotiation.conn for p in self._peers.values() if p.is_joined]
        if self._tab_peers:
            links.append(ev.TAB)
        effects: list[Effect] = []
        for link in links:
            if link is not None and link != source:
                effects += self._send_bytes(link, data)
        return effects

    def _send_awareness(self, link: ev.Link, ids: Iterable[int] | None = None) -> list[Effect]:
        states = self.awareness.states
        known = [i for i in (states if ids is None else ids) if i in states]
        if not known:
            return []
        update = encode_awareness(self.awareness.entries(known))
        return self._send(link, AwarenessMessage(update))

    def _tell_awareness(self, change: AwarenessChange, source: ev.Link | None) -> list[Effect]:
        effects = _show(change)
        if change.all:
            update = encode_awareness(self.awareness.entries(change.all))
            # What somebody else said of us is outbid: that has to reach its source, too.
            exclude = None if self.client_id in change.all else source
            effects += self._broadcast(encode(AwarenessMessage(update)), exclude)
        return effects

    # Time, and the end.

    def _on_time(self, now_s: float) -> list[Effect]:
        renewed, outdated = self.awareness.expire(now_s)
        effects = self._tell_awareness(renewed, None) + _show(outdated)
        late = [
            p.negotiation
            for p in self._peers.values()
            if p.negotiation.deadline_s is not None and p.negotiation.deadline_s <= now_s
        ]
        for negotiation in late:
            peer_id = negotiation.peer_id
            reason = f"no connection within the time: {negotiation.phase.value}"
            effects += self._drop(peer_id, reason, now_s)
            effects.append(Report(NegotiationError(peer_id, reason)))
            self._announce_due_s = now_s
        if self._announce_due_s is not None and self._announce_due_s <= now_s:
            effects += self._announce(now_s)
        return effects

    def _leave(self, now_s: float) -> list[Effect]:
        effects = self._tell_awareness(self.awareness.set_local(None, now_s), None)
        if self._has_tab:
            effects.append(SendTabFrame(encode(TabPeer(self.peer_id, False))))
        for peer_id in list(self._peers):
            effects += self._drop(peer_id, "we left", now_s, is_gentle=True)
        effects += [PeersChanged(i, "left", "we left") for i in self._tab_peers]
        self._tab_peers.clear()
        self._is_left = True
        return effects


def _client_of(peer: _Peer) -> int | None:
    return peer.capability.client_id if peer.capability else None


def _may_begin(message: SignalMessage) -> bool:
    """Whether a signal from an unknown peer starts something: an answer belongs to nobody."""
    match message.signal:
        case Description(type=kind):
            return kind == "offer"
        case OtherSignal():
            return False
        case _:
            return True


def _show(change: AwarenessChange) -> list[Effect]:
    if not change.is_visible:
        return []
    return [AwarenessChanged(change.added, change.updated, change.removed)]
