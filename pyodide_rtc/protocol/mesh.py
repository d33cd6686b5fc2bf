"""The peers of a room and the peer connections to them: who is called, and who is linked.

Owns the negotiations and the announces. Knows nothing of frames, documents and presence.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from pyodide_rtc.errors import NegotiationError
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.capability import Capability, decode_capability, encode_capability
from pyodide_rtc.protocol.effects import AskState, Effect, PeersChanged, PublishPayload, Report
from pyodide_rtc.protocol.negotiation import CONNECT_TIMEOUT_S, Negotiation, Phase
from pyodide_rtc.wire.payload import (
    Announce,
    Candidate,
    Description,
    Lost,
    OtherSignal,
    SignalMessage,
)

EAGER_STATE_BYTES = 16_384
"""A state below this size goes to a peer of our own kind at once, without waiting to be asked: it
is there half a round trip earlier, and costs next to nothing if most of it was known."""

MIN_ANNOUNCE_INTERVAL_S = 1.0
"""Announces after a lost peer are at least this far apart."""


@dataclass(slots=True)
class MeshPeer:
    """A peer that is linked by a peer connection, or on its way to be."""

    negotiation: Negotiation
    capability: Capability | None = None
    heard_by: set[str] = field(default_factory=set)  # servers that brought an announce of it
    is_joined: bool = False
    is_synced: bool = False
    has_whole_state: bool = False  # sent without being asked for: the question is still to come
    ahead: int | None = None  # units that we lacked when we were last compared
    behind: int | None = None  # units that it lacked
    is_relayed: bool | None = None  # by a TURN server; None while the browser has not told

    @property
    def peer_id(self) -> str:
        """Its network identity."""
        return self.negotiation.peer_id

    @property
    def client_id(self) -> int | None:
        """Its document's client id, if it told."""
        return self.capability.client_id if self.capability else None


@dataclass(slots=True)
class Mesh:
    """All peers that are reached by WebRTC.

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
    _peers: dict[str, MeshPeer] = field(default_factory=dict)
    _refused: set[str] = field(default_factory=set)
    _conns: count[int] = field(default_factory=lambda: count(1))
    _announced_s: float | None = None
    _announce_due_s: float | None = None

    def __iter__(self) -> Iterator[MeshPeer]:
        return iter(self._peers.values())

    def __contains__(self, peer_id: str) -> bool:
        return peer_id in self._peers

    @property
    def deadline_s(self) -> float | None:
        """When `on_time` should be called next."""
        times = [p.negotiation.deadline_s for p in self]
        times.append(self._announce_due_s)
        return min((t for t in times if t is not None), default=None)

    def get(self, peer_id: str) -> MeshPeer | None:
        """Find a peer by its network identity."""
        return self._peers.get(peer_id)

    def peer_of(self, conn: int) -> MeshPeer | None:
        """Find the peer of a connection that is still wanted."""
        return next((p for p in self if p.negotiation.conn == conn), None)

    # Signaling.

    def announce(self, now_s: float, url: str | None = None) -> list[Effect]:
        """Say that we are here."""
        self._announced_s = now_s
        self._announce_due_s = None
        return [PublishPayload(Announce(self.peer_id, self._extra()), url, Lost(self.peer_id))]

    def announce_again(self, now_s: float) -> list[Effect]:
        """Say it again after a lost peer, but not more often than is decent."""
        if self._announced_s is not None:
            earliest_s = self._announced_s + MIN_ANNOUNCE_INTERVAL_S
            if now_s < earliest_s:
                self._announce_due_s = earliest_s
                return []
        return self.announce(now_s)

    def on_payload(self, url: str, payload: Announce | SignalMessage, now_s: float) -> list[Effect]:
        """Take what somebody published; our own echo and refused peers are passed over."""
        sender = payload.sender
        if sender == self.peer_id or sender in self._refused:
            return []
        capability = decode_capability(payload.extra)
        if isinstance(payload, SignalMessage):
            return self._on_signal(url, payload, capability, now_s)
        return self._on_announce(url, sender, capability, now_s)

    def publish_signal(
        self, event: ev.DescriptionMade | ev.CandidateFound, now_s: float
    ) -> list[Effect]:
        """Send the peer what the browser made."""
        peer = self.peer_of(event.conn)
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
        message = SignalMessage(self.peer_id, peer.peer_id, token, signal, self._extra())
        return negotiation.publish(message, now_s)

    # Links.

    def on_channel_opened(self, event: ev.ChannelOpened) -> list[Effect]:
        """Take an open data channel; greet when there is a better one to send on."""
        peer = self.peer_of(event.conn)
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
            effects.append(PeersChanged(peer.peer_id, "joined", client_id=peer.client_id))
        # Also when the side changes: what went by the other one may have had no listener.
        return [*effects, AskState(event.conn, EAGER_STATE_BYTES if peer.capability else 0)]

    def on_path(self, event: ev.PathFound) -> list[Effect]:
        """Take note of the way to a peer."""
        peer = self.peer_of(event.conn)
        if peer is None or peer.is_relayed == event.is_relayed:
            return []
        peer.is_relayed = event.is_relayed
        return [PeersChanged(peer.peer_id, "changed", client_id=peer.client_id)]

    def drop(self, peer_id: str, reason: str, *, is_gentle: bool = False) -> list[Effect]:
        """Close the connection to a peer and forget it."""
        peer = self._peers.pop(peer_id)
        return [*peer.negotiation.close(is_gentle=is_gentle), *_part(peer, reason)]

    def refuse(self, peer_id: str, reason: str) -> list[Effect]:
        """Close the connection to a peer, and deal with it no more."""
        self._refused.add(peer_id)
        return self.drop(peer_id, reason)

    def on_time(self, now_s: float) -> list[Effect]:
        """Give up what takes too long, and announce if that is due."""
        effects: list[Effect] = []
        due = [p.negotiation for p in self if _is_due(p.negotiation.deadline_s, now_s)]
        late = [n for n in due if n.started_s + CONNECT_TIMEOUT_S <= now_s]
        for negotiation in due:
            if negotiation not in late:
                effects += negotiation.settle_doubt(now_s)
        for negotiation in late:
            reason = f"no connection in time: {negotiation.phase.value}"
            effects += self.drop(negotiation.peer_id, reason)
            effects.append(Report(NegotiationError(negotiation.peer_id, reason)))
        if late or _is_due(self._announce_due_s, now_s):
            effects += self.announce(now_s)
        return effects

    def _extra(self) -> dict[str, object]:
        return encode_capability(Capability(self.client_id))

    def _add(self, peer_id: str, url: str, capability: Capability | None, now_s: float) -> MeshPeer:
        negotiation = Negotiation(
            peer_id,
            now_s,
            lambda: next(self._conns),
            self.new_token,
            self.peer_id,
            url=url,
            is_own_kind=capability is not None,
        )
        peer = self._peers[peer_id] = MeshPeer(negotiation, capability)
        return peer

    def _on_announce(
        self, url: str, sender: str, capability: Capability | None, now_s: float
    ) -> list[Effect]:
        peer = self._peers.get(sender)
        if peer is None:
            if len(self._peers) >= self.max_peers:
                return []
            peer = self._add(sender, url, capability, now_s)
            peer.heard_by.add(url)
            return peer.negotiation.offer()
        if url not in peer.heard_by:
            peer.heard_by.add(url)  # what another server has brought already
        elif not peer.is_joined:
            peer.negotiation.doubt(now_s)
            if _is_due(peer.negotiation.deadline_s, now_s):
                return peer.negotiation.settle_doubt(now_s)
        return []

    def _on_signal(
        self, url: str, message: SignalMessage, capability: Capability | None, now_s: float
    ) -> list[Effect]:
        if message.to != self.peer_id:
            return []
        peer = self._peers.get(message.sender)
        if peer is None:
            if not _may_begin(message):
                return []
            peer = self._add(message.sender, url, capability, now_s)
        negotiation = peer.negotiation
        negotiation.url = url
        before = negotiation.conn
        effects = negotiation.accept(message, is_own_kind=capability is not None)
        if negotiation.conn != before:
            negotiation.started_s = now_s
            effects += _part(peer, "the peer began anew")
            peer.capability = capability
        return effects


def _part(peer: MeshPeer, reason: str) -> list[Effect]:
    if not peer.is_joined:
        return []
    peer.is_joined = peer.is_synced = peer.has_whole_state = False
    return [PeersChanged(peer.peer_id, "left", reason, peer.client_id)]


def _is_due(deadline_s: float | None, now_s: float) -> bool:
    return deadline_s is not None and deadline_s <= now_s


def _may_begin(message: SignalMessage) -> bool:
    """Whether a signal from an unknown peer starts something: an answer belongs to nobody."""
    match message.signal:
        case Description(type=kind):
            return kind == "offer"
        case OtherSignal():
            return False
        case _:
            return True
