"""Peers that we know of, but with which no negotiation has begun yet.

Candidates may overtake their offer: they are kept for a while. A newcomer may be about to call us:
we wait a moment before we call it. An offer may belong to a peer connection that we have closed: so
its session id is remembered. A peer that has left may still be heard by a slower signaling server.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from pyodide_rtc.protocol.connections.capability import Capability
from pyodide_rtc.protocol.connections.sdp import session_of
from pyodide_rtc.protocol.deadlines import earliest
from pyodide_rtc.wire.payload import Description, SignalMessage

EARLY_S = 10.0
"""How long candidates wait for their offer."""

MAX_EARLY_PEERS = 64
"""For how many peers candidates are kept; the oldest give way."""

MAX_EARLY_CANDIDATES = 64
"""Candidates kept of one peer. A browser makes about ten."""

MAX_NEWCOMERS = 64
"""So many peers wait to be called; those that may have gone give way first."""

MAX_CLOSED_SESSIONS = 256
"""How many closed connections are remembered; the oldest are forgotten."""


MAX_GONE = 1_000
"""So many peers that have left are remembered; the oldest are forgotten."""

GONE_S = 30.0
"""So long what they published before may still come in."""


@dataclass(frozen=True, slots=True)
class Newcomer:
    """A peer that is called later: its announce came, or it was lost and may still be there.

    Args:
        peer_id: its network identity.
        url: the signaling server to call it by.
        capability: what it says of itself; None for a stock peer.
        due_s: when to call it.
        guess: how often it was called since it was lost, this time included; 0 if it is known to
            be there.
    """

    peer_id: str
    url: str
    capability: Capability | None
    due_s: float
    guess: int = 0


@dataclass(slots=True)
class Lobby:
    """Who waits, and for how long."""

    _early: dict[str, tuple[float, list[SignalMessage]]] = field(default_factory=dict)
    _newcomers: dict[str, Newcomer] = field(default_factory=dict)
    _closed_sessions: dict[str, bool] = field(default_factory=dict)
    _gone: dict[str, float] = field(default_factory=dict)  # since when

    def __contains__(self, peer_id: str) -> bool:
        return peer_id in self._newcomers

    @property
    def deadline_s(self) -> float | None:
        """When the next newcomer is to be called."""
        return earliest(*[n.due_s for n in self._newcomers.values()])

    def keep(self, message: SignalMessage, now_s: float) -> None:
        """Keep a candidate that came before its offer."""
        since_s, messages = self._early.pop(message.sender, (now_s, []))
        if now_s - since_s >= EARLY_S:
            since_s, messages = now_s, []
        if len(messages) < MAX_EARLY_CANDIDATES:
            messages.append(message)
        self._early[message.sender] = since_s, messages
        if len(self._early) > MAX_EARLY_PEERS:
            del self._early[next(iter(self._early))]

    def hold(self, newcomer: Newcomer) -> None:
        """Call a newcomer later, unless it calls first."""
        self._newcomers.setdefault(newcomer.peer_id, newcomer)
        if len(self._newcomers) > MAX_NEWCOMERS:
            del self._newcomers[max(self._newcomers.values(), key=lambda n: n.guess).peer_id]

    def postpone(self, due_s: float) -> None:
        """Call nobody before this time."""
        for newcomer in self._newcomers.values():
            later = replace(newcomer, due_s=max(newcomer.due_s, due_s))
            self._newcomers[newcomer.peer_id] = later

    def take_due(self, now_s: float) -> list[Newcomer]:
        """Remove and return the newcomers that are to be called now."""
        due = [n for n in self._newcomers.values() if n.due_s <= now_s]
        for newcomer in due:
            del self._newcomers[newcomer.peer_id]
        return due

    def admit(self, peer_id: str, now_s: float) -> list[SignalMessage]:
        """Remove a peer with which a negotiation begins; return its early candidates."""
        self._newcomers.pop(peer_id, None)
        since_s, messages = self._early.pop(peer_id, (now_s, []))
        return messages if now_s - since_s < EARLY_S else []

    def forget(self, peer_id: str) -> None:
        """Forget a peer: do not call it, and drop its candidates."""
        self._newcomers.pop(peer_id, None)
        self._early.pop(peer_id, None)

    def remember_gone(self, peer_id: str, now_s: float) -> None:
        """A peer has left, and does not come back under this id."""
        self._gone[peer_id] = now_s
        if len(self._gone) > MAX_GONE:
            del self._gone[next(iter(self._gone))]

    def is_gone(self, peer_id: str, now_s: float) -> bool:
        """Whether a peer has left lately."""
        return now_s < self._gone.get(peer_id, -GONE_S) + GONE_S

    def remember_closed(self, session: str, has_answered: bool) -> None:
        """Remember the peer's end of a peer connection that we have closed.

        Args:
            session: the session id of that end.
            has_answered: whether it has answered an offer of ours.
        """
        self._closed_sessions[session] = has_answered
        if len(self._closed_sessions) > MAX_CLOSED_SESSIONS:
            del self._closed_sessions[next(iter(self._closed_sessions))]

    def reopen(self, session: str | None) -> None:
        """The peer goes on with this end: it no longer counts as closed."""
        if session is not None:
            self._closed_sessions.pop(session, None)

    def is_fresh(self, sdp: str) -> bool:
        """Whether an open offer has a session id, and it is none of a connection that we closed."""
        session = session_of(sdp)
        return session is not None and session not in self._closed_sessions

    def is_late(self, description: Description) -> bool:
        """Whether a description comes from the peer's end of a peer connection that we have closed.

        The first answer of an end that had only made an offer is not late: the peer has received
        our offer, and rolled its own back.
        """
        has_answered = self._closed_sessions.get(session_of(description.sdp) or "")
        return has_answered is not None and (description.type == "offer" or has_answered)
