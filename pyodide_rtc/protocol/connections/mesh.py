"""The peers of a room and the peer connections to them: who is called, and who is linked.

Owns the negotiations and the announces. Knows nothing of frames and documents.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import count

from pyodide_rtc.errors import IceFailedError, NegotiationError, PeerClosedError, PeerError
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.abilities import Abilities
from pyodide_rtc.protocol.connections.announces import Announces
from pyodide_rtc.protocol.connections.capability import (
    Capability,
    answered_session_of,
    decode_capability,
    encode_capability,
    may_return,
    open_offer_of,
)
from pyodide_rtc.protocol.connections.lobby import Lobby, Newcomer
from pyodide_rtc.protocol.connections.mesh_peer import MeshPeer
from pyodide_rtc.protocol.connections.negotiation import Negotiation, State
from pyodide_rtc.protocol.connections.news import Outcome
from pyodide_rtc.protocol.connections.open_offer import OpenOffer, Verdict
from pyodide_rtc.protocol.connections.sdp import candidates_of, session_of
from pyodide_rtc.protocol.deadlines import earliest, has_passed
from pyodide_rtc.protocol.effects import ConnectionEffect, PublishPayload, Report
from pyodide_rtc.protocol.events import ChannelSide
from pyodide_rtc.protocol.link import MAX_RECEIVED_BYTES, PeerLink
from pyodide_rtc.snapshot import Obstacle
from pyodide_rtc.wire.payload import (
    Announce,
    Candidate,
    Description,
    Leave,
    Payload,
    SignalMessage,
)

GUESS_DELAYS_S = (1.0, 10.0, 30.0, 60.0)
"""When a stock peer that was lost is called, and again after each call in vain: it may be there
still. Our late candidates may have opened a connection there that only an offer brings to life.
Until then it ignores our announces, and y-webrtc knows no time-out. (With one call 1 of 4,900 plays
of the hard simulation ended without such a peer.)"""

LOOK_S = 3.0
"""So long a peer that was lost before it was linked is looked for: it hears our next announce, and
either of us calls."""

LAST_WORDS_S = 2.0
"""So long we still wait for the data channel of a peer that says that it leaves: for that peer it
may be open already, and what it wrote last is on its way."""

MAX_CALLERS = 65
"""So many peers beyond `max_peers` may call us: their own limits may be higher. In all these are
about 100 peer connections, most of what a browser can do. y-webrtc has no limit here."""

MAX_REFUSED = 1_000
"""So many refused peers are remembered; the oldest are forgotten."""

SAY_AGAIN_S = 30.0
"""So often we say that nobody can be linked with us, as our browser makes no peer connections."""

CROSSING_S = 0.5
"""How long we wait for the offer of a peer that has received our announce, before we offer. If two
peers announce at the same time, the one whose announce the signaling server passes on first offers
at once: the other's comes to it after its own echo. The other one waits. If both offered, a stock
peer would give itself up at an offer that comes while it makes its own. Two peers of our own kind
would make two offers, and take one back."""

_IT_LEFT = "it left"


@dataclass(slots=True)
class Mesh:
    """All peers that are reached by WebRTC.

    Args:
        peer_id: our own network identity, a uuid4 as text.
        client_id: the client id of our own main document.
        max_peers: with so many peers, announces are no longer answered.
        new_token: returns a glare token: milliseconds since 1970 plus a random fraction.
        abilities: what our peer connections can do.
        max_received_bytes: the largest frame that a peer may send.
    """

    peer_id: str
    client_id: int
    max_peers: int
    new_token: Callable[[], float]
    abilities: Abilities
    max_received_bytes: int = MAX_RECEIVED_BYTES
    is_blocked: bool = False
    """Whether our browser makes no peer connections: then we call nobody, and say so."""
    last_obstacle: Obstacle | None = None
    """What kept us from the last peer that we gave up for want of a path."""
    _lost_s: float | None = None  # when a peer was lost last that was not linked yet
    _offer: OpenOffer = field(default_factory=OpenOffer)
    _peers: dict[str, MeshPeer] = field(default_factory=dict)
    _refused: dict[str, None] = field(default_factory=dict)
    _conns: count[int] = field(default_factory=lambda: count(1))
    _announces: Announces = field(default_factory=Announces)
    _lobby: Lobby = field(default_factory=Lobby)

    def __iter__(self) -> Iterator[MeshPeer]:
        return iter(self._peers.values())

    def __contains__(self, peer_id: str) -> bool:
        return peer_id in self._peers or peer_id in self._lobby

    @property
    def _capability(self) -> Capability:
        """What we say of ourselves."""
        return Capability(self.client_id, self.abilities.can_restart)

    @property
    def deadline_s(self) -> float | None:
        """When `on_time` should be called next."""
        due = [p.drop_s or p.negotiation.deadline_s for p in self if not p.negotiation.has_path]
        return earliest(self._announces.due_s, self._lobby.deadline_s, *due)

    def is_looking(self, now_s: float) -> bool:
        """Whether a peer was lost a moment ago before it was linked: it is looked for."""
        return self._lost_s is not None and now_s < self._lost_s + LOOK_S

    def peer_of(self, conn: int) -> MeshPeer | None:
        """Find the peer of a peer connection that is not closed yet."""
        return next((p for p in self if p.negotiation.conn == conn), None)

    # Signaling.

    def on_server_opened(self, url: str, now_s: float) -> list[Outcome]:
        """A signaling server is open (again): announce, and doubt what was sent by it before."""
        outcomes = self.announce(now_s, url)
        for peer in self:
            if peer.negotiation.url == url and not peer.is_joined:
                outcomes += peer.doubt(now_s)
        return outcomes

    def announce(self, now_s: float, url: str | None = None) -> list[Outcome]:
        """Say that we are here; if nobody can be linked with us, say that in its place."""
        self._announces.on_sent(url, now_s)
        if self.is_blocked:
            self._announces.due_s = now_s + SAY_AGAIN_S
            return self._say_leaving(url, may_return=True, has_webrtc=False)
        extra = encode_capability(self._capability, open_offer=self._offer.announce())
        return [PublishPayload(Announce(self.peer_id, extra), url)]

    def take_offer(self, sdp: str | None) -> None:
        """Keep the offer of the connection in reserve, or its next state; None if it is void."""
        self._offer.take(sdp)

    def unblock(self, now_s: float) -> list[Outcome]:
        """Our browser makes peer connections: say that we are here, if it did not before."""
        if not self.is_blocked:
            return []
        self.is_blocked = False
        return self.announce(now_s)

    def block(self, now_s: float) -> list[Outcome]:
        """Our browser makes no peer connections: call nobody any more, and say so."""
        self.is_blocked, self._lobby = True, Lobby()
        self.take_offer(None)
        unlinked = [peer.peer_id for peer in self if not peer.is_joined]
        closed = [e for peer_id in unlinked for e in self.close(peer_id, "WebRTC is blocked")]
        return [*closed, *self.announce_again(now_s)]

    def announce_again(self, now_s: float) -> list[Outcome]:
        """Announce again after a peer was lost, now or (to limit the rate) later."""
        return self.announce(now_s) if self._announces.ask(now_s) else []

    def on_payload(self, url: str, payload: Payload, now_s: float) -> list[Outcome]:
        """Handle a published payload; ignore those of refused and gone peers, and our own."""
        sender = payload.sender
        if sender == self.peer_id and isinstance(payload, Announce):
            self._announces.on_echo(url)
        if sender == self.peer_id or sender in self._refused:
            return []
        if self.is_blocked and sender not in self._peers:
            return [] if isinstance(payload, Leave) else self.announce_again(now_s)
        if isinstance(payload, Leave):
            return self._on_leave(sender, may_return(payload.extra), now_s)
        is_news = sender not in self._peers or isinstance(payload, Announce)
        if is_news and self._lobby.is_gone(sender, now_s):
            return []  # a slower signaling server brings it
        capability = decode_capability(payload.extra)
        if isinstance(payload, SignalMessage):
            return self._on_signal(url, payload, capability, now_s)
        return self._on_announce(url, payload, capability, now_s)

    def publish_signal(
        self, event: ev.DescriptionMade | ev.CandidateFound, now_s: float
    ) -> list[Outcome]:
        """Publish a description or candidate that the browser made, for its peer."""
        peer = self.peer_of(event.conn)
        if peer is None:
            return []
        negotiation = peer.negotiation
        signal: Description | Candidate
        if isinstance(event, ev.CandidateFound):
            signal = Candidate(event.candidate, event.sdp_m_line_index, event.sdp_mid)
        elif event.kind == "offer" and not negotiation.is_offering:
            return []  # it was taken back while the browser still made it
        else:
            signal = Description(event.kind, event.sdp)
        found = signal.candidate if isinstance(signal, Candidate) else candidates_of(signal.sdp)
        negotiation.has_address |= bool(found)
        token = negotiation.token_for_signal()
        answers = negotiation.answers if isinstance(signal, Description) else None
        extra = encode_capability(self._capability, answers=answers)
        message = SignalMessage(self.peer_id, peer.peer_id, token, signal, extra)
        return [*negotiation.publish(message, now_s)]

    # Links.

    def on_channel_opened(self, event: ev.ChannelOpened) -> list[Outcome]:
        """A data channel is open: if it is the best one to send on, the link is ready by it."""
        peer = self.peer_of(event.conn)
        if peer is None:
            return []
        negotiation = peer.negotiation
        before = negotiation.send_side
        negotiation.open_channel(event.side, event.max_message_bytes)
        # Also when the side changes: the peer may not have listened to the other data channel.
        side = negotiation.send_side
        if side is None or side == before:
            return []
        self._announces.after_success()
        return peer.join(self._link_of(peer, event.conn, side))

    def _link_of(self, peer: MeshPeer, conn: int, side: ChannelSide) -> PeerLink:
        """Return the link of this peer connection, set to send by the data channel of that side."""
        limit = peer.negotiation.channels[side]
        link = peer.link
        if link is None or link.id != conn:
            return PeerLink(
                conn, peer.peer_id, peer.client_id, self.max_received_bytes, side, limit
            )
        link.side, link.max_frame_bytes = side, limit
        return link

    def on_path_restored(self, conn: int) -> list[Outcome]:
        """There is a network path. If it was lost before, the peer is back, with its channels."""
        peer = self.peer_of(conn)
        if peer is None or not peer.negotiation.channels or peer.negotiation.has_path:
            return []
        assert peer.link is not None, "a channel was open"
        peer.negotiation.find_path()
        return peer.join(peer.link)

    def lose_path(self, conn: int, reason: str, now_s: float) -> list[Outcome]:
        """The network path is lost: look for another one, or lose the peer."""
        peer = self.peer_of(conn)
        if peer is None:
            return []
        if peer.drop_s is not None:
            return self.close(peer.peer_id, _IT_LEFT)
        effects = peer.negotiation.lose_path(now_s)
        return self._go_on(peer, effects, reason, now_s)

    def on_channel_closed(self, conn: int, reason: str, now_s: float) -> list[Outcome]:
        """A data channel has closed: the peer is lost, or no path to it was found.

        Firefox closes the channels of a connection without a path before it says that it failed.
        """
        peer = self.peer_of(conn)
        if peer is not None and peer.link is None:
            return self.lose_path(conn, reason, now_s)
        return self.lose(conn, reason, PeerClosedError, now_s)

    def lose(self, conn: int, reason: str, kind: type[PeerError], now_s: float) -> list[Outcome]:
        """Lose the peer of a peer connection, for another reason than the network path."""
        peer = self.peer_of(conn)
        if peer is None:
            return []
        if peer.drop_s is not None:
            return self.close(peer.peer_id, _IT_LEFT)
        report = [] if peer.is_joined else [Report(kind(peer.peer_id, reason))]
        return [*self._lose(peer, reason, now_s), *report, *self.announce_again(now_s)]

    def on_path(self, event: ev.PathFound) -> list[Outcome]:
        """Keep whether a TURN server relays everything to a peer."""
        peer = self.peer_of(event.conn)
        if peer is None or peer.is_relayed == event.is_relayed:
            return []
        peer.is_relayed = event.is_relayed
        return [peer.change()]

    def on_path_measured(self, event: ev.PathMeasured) -> None:
        """Keep how long the network takes to a peer; nobody is told, as it always varies."""
        peer = self.peer_of(event.conn)
        if peer is not None:
            peer.round_trip_s = event.round_trip_s

    def close(self, peer_id: str, reason: str, *, is_gentle: bool = False) -> list[Outcome]:
        """Close the connection to a peer and forget it."""
        self._lobby.forget(peer_id)
        peer = self._peers.pop(peer_id, None)
        if peer is None:
            return []
        return [*peer.negotiation.close(is_gentle=is_gentle), *peer.unlink(reason)]

    def leave(self, reason: str) -> list[Outcome]:
        """Say that we leave, and close all connections, after what was sent by them has gone."""
        said = self._say_leaving(may_return=False)
        return said + [e for i in list(self._peers) for e in self.close(i, reason, is_gentle=True)]

    def put_away(self, reason: str, now_s: float) -> list[Outcome]:
        """Lose all peers: the page is put away."""
        self.take_offer(None)
        said = self._say_leaving(may_return=True)
        return said + [e for peer in list(self) for e in self._lose(peer, reason, now_s)]

    def come_back(self, now_s: float) -> None:
        """The page is back: put off all calls, so that peers can answer our announce first."""
        self._lobby.postpone(now_s + GUESS_DELAYS_S[0])

    def refuse(self, peer_id: str, reason: str) -> list[Outcome]:
        """Refuse a peer: close its peer connection, and ignore what it publishes."""
        self._refused[peer_id] = None
        if len(self._refused) > MAX_REFUSED:
            del self._refused[next(iter(self._refused))]
        return self.close(peer_id, reason)

    def on_time(self, now_s: float) -> list[Outcome]:
        """Act on time-outs and doubts, call newcomers, and announce, each when due."""
        outcomes: list[Outcome] = []
        for peer in [p for p in self if has_passed(p.drop_s, now_s)]:
            outcomes += self.close(peer.peer_id, _IT_LEFT)
        due = [p for p in self if has_passed(p.negotiation.deadline_s, now_s)]
        for peer in [p for p in due if p.drop_s is None]:
            if has_passed(peer.negotiation.give_up_s, now_s):
                outcomes += self._time_out(peer, now_s)
            else:
                outcomes += peer.negotiation.settle_doubt(now_s)
        for newcomer in self._lobby.take_due(now_s):
            outcomes += self._call(newcomer, now_s)
        if has_passed(self._announces.due_s, now_s):
            outcomes += self.announce(now_s)
        return outcomes

    def _say_leaving(
        self, url: str | None = None, *, may_return: bool, has_webrtc: bool = True
    ) -> list[Outcome]:
        """Tell those whom no data channel tells it: they may be about to call us."""
        extra = encode_capability(self._capability, may_return=may_return, has_webrtc=has_webrtc)
        return [PublishPayload(Leave(self.peer_id, extra), url)]

    def _on_leave(self, sender: str, may_return: bool, now_s: float) -> list[Outcome]:
        """A peer leaves: forget it, unless a data channel is open, which tells it by itself."""
        self._lobby.forget(sender)
        if not may_return:
            self._lobby.remember_gone(sender, now_s)
        peer = self._peers.get(sender)
        if peer is None or peer.is_joined:
            return []
        peer.drop_s = now_s + LAST_WORDS_S
        return [peer.change(_IT_LEFT)]

    def _next_conn(self, is_initiator: bool) -> tuple[int, str | None]:
        session = self._offer.session if is_initiator else None
        # Also when we answer: `PeerConnections` withdraws the reserve then. A peer that answers its
        # offer later is called instead.
        self._offer.take(None)
        return next(self._conns), session

    def _add(self, peer_id: str, url: str, capability: Capability | None, now_s: float) -> MeshPeer:
        negotiation = Negotiation(
            peer_id,
            now_s,
            self._next_conn,
            self.new_token,
            self.peer_id,
            self.abilities,
            self._lobby.remember_closed,
            url=url,
        )
        negotiation.know(capability)
        peer = self._peers[peer_id] = MeshPeer(negotiation, capability)
        return peer

    def _call(
        self, newcomer: Newcomer, now_s: float, open_offer: str | None = None
    ) -> list[Outcome]:
        """Call a peer with which nothing has begun: send an offer, or answer its open offer.

        We answer an open offer only if we have no peers yet: of several peers in a room, only one
        can have its answer accepted.
        """
        if len(self._peers) >= self.max_peers:
            return []
        is_first = not self._peers
        peer = self._add(newcomer.peer_id, newcomer.url, newcomer.capability, now_s)
        peer.heard_by.add(newcomer.url)
        peer.guess, peer.may_be_gone = newcomer.guess, newcomer.guess > 0
        self._lobby.forget(newcomer.peer_id)  # its earlier candidates belong to an older attempt
        if open_offer is not None and is_first and self._lobby.is_fresh(open_offer):
            return [*peer.negotiation.answer_open_offer(open_offer, now_s)]
        return [*peer.negotiation.offer()]

    def _on_announce(
        self, url: str, announce: Announce, capability: Capability | None, now_s: float
    ) -> list[Outcome]:
        sender = announce.sender
        peer = self._peers.get(sender)
        outcomes: list[Outcome] = []
        if peer is not None and peer.drop_s is not None:
            # Its page was put away, and is back.
            outcomes, peer = self.close(sender, _IT_LEFT), None
        if peer is None:
            newcomer = Newcomer(sender, url, capability, now_s + CROSSING_S)
            if self._announces.is_crossing(url, now_s):
                self._lobby.hold(newcomer)
                return outcomes
            return outcomes + self._call(newcomer, now_s, open_offer_of(announce.extra))
        if url not in peer.heard_by:
            peer.heard_by.add(url)  # the same announce came by another server already
            return []
        return [] if peer.is_joined else peer.doubt(now_s)

    def _on_signal(
        self, url: str, message: SignalMessage, capability: Capability | None, now_s: float
    ) -> list[Outcome]:
        if message.to != self.peer_id:
            return []
        sender = message.sender
        peer = self._peers.get(sender)
        what = message.signal
        is_offer = isinstance(what, Description) and what.type == "offer"
        if isinstance(what, Description) and capability is not None:
            answered = answered_session_of(message.extra)
            if self._lobby.is_late(what):
                # It belongs to a peer connection that we have closed. Either it comes late; or the
                # peer still keeps its end, and looks for a new path or for its answer. Then we call
                # it. (A stock peer keeps its end until that breaks, and answers with it.)
                is_lost = peer is None and (is_offer or answered is not None)
                newcomer = Newcomer(sender, url, capability, now_s)
                return self._call(newcomer, now_s) if is_lost else []
            if answered is not None and not is_offer:
                return self._on_open_answer(url, message, capability, answered, now_s)
        if peer is not None:
            return self._accept(peer, url, message, capability, now_s)
        if isinstance(what, Candidate):
            self._lobby.keep(message, now_s)
        # An answer without a peer belongs to no offer of ours.
        return self._admit(url, message, capability, now_s) if is_offer else []

    def _on_open_answer(
        self, url: str, message: SignalMessage, capability: Capability, session: str, now_s: float
    ) -> list[Outcome]:
        """Handle an answer to our open offer."""
        assert isinstance(message.signal, Description), "what answers is a description"
        sender, theirs = message.sender, session_of(message.signal.sdp)
        peer = self._peers.get(sender)
        negotiation, is_joined = (
            (None, False) if peer is None else (peer.negotiation, peer.is_joined)
        )
        verdict = self._offer.verdict(session, theirs, negotiation, is_joined=is_joined)
        if theirs is not None and verdict in (Verdict.LATE, Verdict.CALL):
            self._lobby.remember_closed(theirs, has_answered=True)
        if peer is not None:
            if verdict is Verdict.ACCEPT:
                return self._accept(peer, url, message, capability, now_s)
            if verdict is Verdict.INSIST:
                peer.negotiation.turn_down(message.token)
                return peer.doubt(now_s)  # it decides by our answer, which may be lost
            if verdict in (Verdict.KNOWN, Verdict.LATE):
                return []
        outcomes = [] if peer is None else self.close(sender, "the peer began anew")
        if verdict is Verdict.ADMIT:
            return outcomes + self._admit(url, message, capability, now_s)
        return outcomes + self._call(Newcomer(sender, url, capability, now_s), now_s)

    def _admit(
        self, url: str, message: SignalMessage, capability: Capability | None, now_s: float
    ) -> list[Outcome]:
        """Add a peer that has called us, or has answered our open offer."""
        early = self._lobby.admit(message.sender, now_s)
        if len(self._peers) >= self.max_peers + MAX_CALLERS:
            return []
        peer = self._add(message.sender, url, capability, now_s)
        peer.heard_by.add(url)  # its announce came before: the next one is a new one
        is_answer = isinstance(message.signal, Description) and message.signal.type == "answer"
        found = self._offer.later_candidates
        outcomes: list[Outcome] = [*peer.negotiation.offer()] if is_answer else []
        for each in (message, *early):
            outcomes += self._accept(peer, url, each, capability, now_s)
        conn = peer.negotiation.conn
        if is_answer and conn is not None:
            for text in found:
                outcomes += self.publish_signal(ev.CandidateFound(conn, text, 0, None), now_s)
        return outcomes

    def _accept(
        self,
        peer: MeshPeer,
        url: str,
        message: SignalMessage,
        capability: Capability | None,
        now_s: float,
    ) -> list[Outcome]:
        outcomes = peer.accept(url, message, capability, now_s)
        self._lobby.reopen(peer.negotiation.remote_session)
        return outcomes

    def _go_on(
        self, peer: MeshPeer, effects: list[ConnectionEffect], reason: str, now_s: float
    ) -> list[Outcome]:
        """Report that another network path is looked for, or lose the peer if there is none."""
        if peer.negotiation.state is not State.FAILED:
            told = peer.unlink(reason) or [peer.change(reason)]
            return [*told, *effects]
        self.last_obstacle = peer.negotiation.obstacle
        report = Report(IceFailedError(peer.peer_id, self.last_obstacle.value))
        self._announces.after_failure(now_s)
        return [*self._lose(peer, reason, now_s), report]

    def _time_out(self, peer: MeshPeer, now_s: float) -> list[Outcome]:
        """End an attempt that takes too long: the peer has gone, or there is no path to it."""
        negotiation = peer.negotiation
        reason = f"no connection in time: {negotiation.state.value}"
        effects = negotiation.time_out(now_s)
        if negotiation.state is not State.GONE:
            return self._go_on(peer, effects, "no network path in time", now_s)
        outcomes = self._lose(peer, reason, now_s)
        if negotiation.has_spoken:
            outcomes.append(Report(NegotiationError(peer.peer_id, reason)))
        return outcomes if peer.guess else outcomes + self.announce_again(now_s)

    def _lose(self, peer: MeshPeer, reason: str, now_s: float) -> list[Outcome]:
        """Lose a peer; a stock peer is called again, as it may still be there."""
        peer.negotiation.spare_offer()
        if peer.is_shown and not peer.is_joined:
            self._lost_s = now_s
        outcomes = self.close(peer.peer_id, reason)
        if peer.capability is None and peer.guess < len(GUESS_DELAYS_S):
            url = peer.negotiation.url
            assert url is not None, "each peer is known by a server"
            due_s = now_s + GUESS_DELAYS_S[peer.guess]
            self._lobby.hold(Newcomer(peer.peer_id, url, None, due_s, peer.guess + 1))
        return outcomes
