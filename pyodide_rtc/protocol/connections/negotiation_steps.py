"""The conditions and actions of a negotiation's table, and the state that they share.

The table itself is in `negotiation`. Nothing here knows the `State`.
The first line of each docstring goes into docs/negotiation.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from pyodide_rtc.protocol.abilities import Abilities
from pyodide_rtc.protocol.connections.sdp import (
    candidates_of,
    new_candidates,
    same_but_candidates,
    session_of,
)
from pyodide_rtc.protocol.effects import (
    AcceptDescription,
    AddCandidate,
    CloseTransport,
    ConnectionEffect,
    OpenTransport,
    PublishPayload,
    RestartIce,
)
from pyodide_rtc.protocol.events import ChannelSide
from pyodide_rtc.wire.signaling_frames import Candidate, SignalMessage

RESTART_TIMEOUT_S = 5.0
"""How long an ICE restart may take to find a new network path."""

MAX_QUEUED_CANDIDATES = 64
"""Candidates kept while their description is on its way. A browser makes about ten."""

MAX_CANDIDATES = 256
"""So many candidates are accepted for one description of the peer: anybody in the room can send
candidates in the peer's name."""

REPEAT_INTERVAL_S = 0.1
"""The shortest time before an offer is sent again. A stock peer that gets a second one while it
still makes the answer to the first gives itself up. It also announces each loss twice."""

DOUBT_S = 3.0
"""A peer that announces itself while we connect may have lost another peer. So the connection gets
so long to succeed before we begin anew."""


@dataclass(frozen=True, slots=True)
class Details:
    """What comes with an event.

    Args:
        now_s: the time; left out where nothing depends on it.
        sdp: the SDP of the offer or answer.
        token: the glare token of the signal; None if it has none.
        candidate: the candidate.
    """

    now_s: float = 0.0
    sdp: str = ""
    token: float | None = None
    candidate: Candidate | None = None


@dataclass(slots=True)
class Steps:
    """The state of the negotiation with one peer, the conditions on it, and the actions.

    Only the table uses the conditions and actions; everybody else uses `Negotiation`.

    Args:
        peer_id: the peer.
        started_s: when the attempt began; the time-outs count from here.
        next_conn: called with whether we make an offer; returns the next free connection number,
            and the session id of our end if it is known, as it is for the one in reserve.
        new_token: returns a glare token: milliseconds since 1970 plus a random fraction.
        my_id: our own peer id; decides when two tokens are equal.
        abilities: what our peer connections can do.
        remember_closed: called with the session id of the peer's end of a connection that we close,
            and with whether that end has answered us.
    """

    peer_id: str
    started_s: float
    next_conn: Callable[[bool], tuple[int, str | None]]
    new_token: Callable[[], float]
    my_id: str
    abilities: Abilities
    remember_closed: Callable[[str, bool], None] = lambda _, __: None
    conn: int | None = None
    url: str | None = None
    is_own_kind: bool = False
    peer_can_restart: bool = False
    retries: int = 0  # how often a network path was looked for again, since there was one
    token: float | None = None  # of our description and its candidates, once one was sent
    channels: dict[ChannelSide, int] = field(default_factory=dict)
    has_spoken: bool = False
    has_address: bool = False  # whether we have sent the peer a candidate
    peer_has_address: bool = False  # whether it has sent us one
    own_session: str | None = None
    remote_session: str | None = None
    doubt_due_s: float | None = None
    answers: str | None = None  # the session id of the open offer that our answer is for
    _is_retry: bool = False  # since there was a path, another connection or a restart was tried
    _sent: list[SignalMessage] = field(default_factory=list)
    _sent_s: float = 0.0
    _took_offer_back: bool = False
    _has_stray_answer: bool = False
    _has_answer: bool = False
    _rejected_token: float | None = None
    _accepted_sdp: str | None = None  # the last offer of the peer that we have answered
    _queued: list[Candidate] = field(default_factory=list)
    _candidates: int = 0  # since the peer's last description

    # Conditions.

    def is_known_offer(self, details: Details) -> bool:
        """Tell whether we have answered this offer already; it may have more candidates by now."""
        known = self._accepted_sdp
        return known is not None and same_but_candidates(details.sdp, known)

    def is_same_end(self, details: Details) -> bool:
        """Tell whether it comes from the peer's end that we are connecting with."""
        session = session_of(details.sdp)
        return session is not None and session == self.remote_session

    def is_another_end(self, details: Details) -> bool:
        """Tell whether it comes from another end than the one that we are connecting with."""
        return not self.is_same_end(details)

    def keeps_own_offer(self, details: Details) -> bool:
        """Tell whether our offer was sent, with a glare token that is larger than theirs."""
        if self.token is None or details.token is None:
            # Our offer was not sent yet, or the peer takes no part in the tie-break.
            return False
        if self.token == details.token:
            # A stock peer gives way at a tie.
            return not self.is_own_kind or self.my_id > self.peer_id
        return self.token > details.token

    def lacks_rollback(self, _details: Details) -> bool:
        """Tell whether our connections cannot take an offer back."""
        return not self.abilities.rollback

    def took_offer_back(self, _details: Details) -> bool:
        """Tell whether this connection began with an offer of ours that gave way."""
        return self._took_offer_back

    def both_took_back(self, _details: Details) -> bool:
        """Tell whether the peer answered an offer that we took back: so its own is void, too."""
        return self._has_stray_answer

    def is_turned_down(self, details: Details) -> bool:
        """Tell whether its token is that of a description that we have turned down."""
        return details.token is not None and details.token == self._rejected_token

    def is_in_offer(self, details: Details) -> bool:
        """Tell whether the offer that we have answered had this candidate already."""
        assert details.candidate is not None, "a candidate came"
        return details.candidate.candidate in candidates_of(self._accepted_sdp or "")

    def can_restart(self, _details: Details) -> bool:
        """Tell whether both ends can restart ICE: a stock peer cannot, nor can some homes."""
        return self.abilities.can_restart and self.peer_can_restart

    def is_last_try(self, _details: Details) -> bool:
        """Tell whether this connection is itself the second try, or the third after a restart."""
        return self._is_retry

    # Actions: descriptions.

    def pass_over(self, _details: Details) -> list[ConnectionEffect]:
        """Do nothing."""
        return []

    def call(self, _details: Details) -> list[ConnectionEffect]:
        """Open a connection as initiator: the browser makes our offer."""
        return self._open(is_initiator=True)

    def answer_anew(self, details: Details) -> list[ConnectionEffect]:
        """Close the connection, if there is one, and answer with a new one."""
        self.started_s = details.now_s
        return [
            *self._close_connection(),
            *self._open(is_initiator=False),
            *self.answer_here(details),
        ]

    def answer_retry(self, details: Details) -> list[ConnectionEffect]:
        """Answer with a new connection; count it as a retry if we have looked for a while."""
        if details.now_s >= self.started_s + RESTART_TIMEOUT_S:
            self.retries += 1  # the peer noticed before us that there is no path
        return self.answer_anew(details)

    def answer_open(self, details: Details) -> list[ConnectionEffect]:
        """Open a connection as answerer, and say with the answer which open offer it is for."""
        effects = self.answer_anew(details)
        self.answers = self.remote_session
        return effects

    def answer_here(self, details: Details) -> list[ConnectionEffect]:
        """Answer the offer in the same connection."""
        self.token = None
        self._accepted_sdp = details.sdp
        self._sent.clear()
        return self._describe("offer", details.sdp)

    def give_way(self, details: Details) -> list[ConnectionEffect]:
        """Take our offer back (the browser does so by itself), and answer theirs."""
        self._took_offer_back = True
        return self.answer_here(details)

    def give_way_anew(self, details: Details) -> list[ConnectionEffect]:
        """Close the connection, as it cannot take our offer back, and answer with a new one.

        The peer does not notice: it has made an offer, and gets an answer.
        """
        effects = self.answer_anew(details)
        self._took_offer_back = True
        return effects

    def turn_down_offer(self, details: Details) -> list[ConnectionEffect]:
        """Remember its token: candidates that come with it are ignored."""
        self._rejected_token = details.token
        return []

    def take_answer(self, details: Details) -> list[ConnectionEffect]:
        """Accept the answer, and the candidates that came before it."""
        self.token = None
        return self._describe("answer", details.sdp)

    def note_answer(self, _details: Details) -> list[ConnectionEffect]:
        """Remember that the peer has answered the offer that we took back."""
        self._has_stray_answer = True
        return []

    # Actions: candidates.

    def add_candidate(self, details: Details) -> list[ConnectionEffect]:
        """Add the candidate, up to the limit for one description."""
        assert details.candidate is not None, "a candidate came"
        self._candidates += 1
        return [self._add(details.candidate)] if self._candidates <= MAX_CANDIDATES else []

    def keep_candidate(self, details: Details) -> list[ConnectionEffect]:
        """Keep the candidate until its description comes, up to a limit."""
        assert details.candidate is not None, "a candidate came"
        if len(self._queued) < MAX_QUEUED_CANDIDATES:
            self._queued.append(details.candidate)
        return []

    def add_sign(self, details: Details) -> list[ConnectionEffect]:
        """Know by it that the peer has our answer; add it, if the offer did not have it."""
        self.doubt_due_s = None
        return [] if self.is_in_offer(details) else self.add_candidate(details)

    def add_what_is_new(self, details: Details) -> list[ConnectionEffect]:
        """Add the candidates that the offer did not have when we answered it."""
        assert self._accepted_sdp is not None, "it was accepted"
        found = new_candidates(details.sdp, self._accepted_sdp)
        self._accepted_sdp = details.sdp
        free = max(MAX_CANDIDATES - self._candidates, 0)
        self._candidates += len(found)
        return [self._add(Candidate(text, 0, None)) for text in found[:free]]

    def answer_again(self, details: Details) -> list[ConnectionEffect]:
        """Add its new candidates; to our own kind, send our answer again: it may be lost.

        Not if we have just answered: then the same offer came by a second signaling server. Nor to
        a stock peer: it sends no offer twice, and gives itself up at a second answer.
        """
        effects = self.add_what_is_new(details)
        is_due = details.now_s >= self._sent_s + REPEAT_INTERVAL_S
        return effects + self._send_again(details.now_s) if self.is_own_kind and is_due else effects

    # Actions: the network path.

    def reset_tries(self, _details: Details) -> list[ConnectionEffect]:
        """Count tries and retries from here, as there is a path."""
        self._is_retry, self.retries = False, 0
        self.doubt_due_s = None
        return []

    def restart_ice(self, details: Details) -> list[ConnectionEffect]:
        """Look for a path once more under the same connection."""
        assert self.conn is not None, "what had a path has a connection"
        self._count_retry(details)
        self._expect_answer()
        return [RestartIce(self.conn)]

    def try_anew(self, details: Details) -> list[ConnectionEffect]:
        """Look for a path with a new connection."""
        self._count_retry(details)
        return self.begin_anew(details)

    def begin_anew(self, details: Details) -> list[ConnectionEffect]:
        """Close the connection, and call the peer with a new one."""
        self.started_s = details.now_s
        self._queued.clear()
        return [*self._close_connection(), *self.call(details)]

    # Actions: doubts.

    def doubt_soon(self, details: Details) -> list[ConnectionEffect]:
        """Act on the doubt as soon as our last signal may be sent again."""
        return self._doubt_until(max(details.now_s, self._sent_s + REPEAT_INTERVAL_S))

    def doubt_now(self, details: Details) -> list[ConnectionEffect]:
        """Act on the doubt at once."""
        return self._doubt_until(details.now_s)

    def doubt_later(self, details: Details) -> list[ConnectionEffect]:
        """Act on the doubt if there is no connection within some seconds."""
        return self._doubt_until(details.now_s + DOUBT_S)

    def say_again(self, details: Details) -> list[ConnectionEffect]:
        """Send our description again, and its candidates: a peer that has them ignores them."""
        self.doubt_due_s = None
        return self._send_again(details.now_s)

    # What these are made of.

    def _open(self, *, is_initiator: bool) -> list[ConnectionEffect]:
        self.conn, self.own_session = self.next_conn(is_initiator)
        self._expect_answer()
        self._took_offer_back = self._has_stray_answer = self._has_answer = False
        return [OpenTransport(self.conn, is_initiator, self.is_own_kind)]

    def _expect_answer(self) -> None:
        """Forget our earlier signals and their token: they belong to an older attempt."""
        self.token = self.doubt_due_s = None
        self._sent.clear()

    def _describe(self, kind: Literal["offer", "answer"], sdp: str) -> list[ConnectionEffect]:
        assert self.conn is not None, "what is described is a connection"
        self.remote_session = session_of(sdp)
        self.peer_has_address |= bool(candidates_of(sdp))
        self._has_answer = self._has_answer or kind == "answer"
        self.answers = None
        self.doubt_due_s = None
        queued, self._queued = self._queued, []
        self._candidates = len(queued)
        return [AcceptDescription(self.conn, kind, sdp), *map(self._add, queued)]

    def _add(self, candidate: Candidate) -> ConnectionEffect:
        assert self.conn is not None, "candidates are added to a connection"
        self.peer_has_address |= bool(candidate.candidate)
        return AddCandidate(
            self.conn, candidate.candidate, candidate.sdp_m_line_index, candidate.sdp_mid
        )

    def _count_retry(self, details: Details) -> None:
        self.started_s = details.now_s
        self.has_spoken = False
        self._is_retry = True
        self.retries += 1

    def _send_again(self, now_s: float) -> list[ConnectionEffect]:
        self._sent_s = now_s
        return [PublishPayload(message, self.url) for message in self._sent]

    def _doubt_until(self, due_s: float) -> list[ConnectionEffect]:
        if self.doubt_due_s is None or due_s < self.doubt_due_s:
            self.doubt_due_s = due_s
        return []

    def _close_connection(self, *, is_gentle: bool = False) -> list[ConnectionEffect]:
        if self.conn is None:
            return []
        conn, self.conn = self.conn, None
        self.channels.clear()
        if self.remote_session is not None:
            self.remember_closed(self.remote_session, self._has_answer)
            self.remote_session = None
        return [CloseTransport(conn, is_gentle)]
