"""One peer's way from the first signal to a data channel: roles, candidates, glare, second tries.

Source: y-webrtc's handling of `signal` payloads (wire.md sections 2 and 5). The initiator offers,
the other side answers, candidates trickle both ways. When both offer at once the larger glare token
keeps its offer; the loser rolls its own back inside the same connection, and answers. Between peers
of our own kind this is all: they talk by a channel that both made beforehand. Facing a stock peer
it leaves two channels: a stock initiator hears only the one that it created itself, so we send on
the peer's channel as soon as there is one, and hear both.

A lost network path is looked for once more under the same connection (an ICE restart), then by a
new connection, then given up. A stock peer knows no restart: simple-peer gives itself up as soon as
its path is lost, so that an offer of the old connection would meet a new one.
"""

from __future__ import annotations

import enum
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Literal

from pyodide_rtc.protocol.connections.sdp import (
    candidates_of,
    new_candidates,
    same_but_candidates,
    session_of,
)
from pyodide_rtc.protocol.deadlines import earliest
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
from pyodide_rtc.wire.signaling import Candidate, Description, SignalMessage

CONNECT_TIMEOUT_S = 20.0
"""A connection that has no open channel after this time has no network path."""

ANSWER_TIMEOUT_S = 10.0
"""A peer that has not answered an offer after this time has gone."""

RESTART_TIMEOUT_S = 5.0
"""How long a new network path under the same connection is waited for."""

MAX_QUEUED_CANDIDATES = 64
"""Candidates kept while their description is on its way. A browser makes about ten."""

MAX_CANDIDATES = 256
"""Candidates taken for one description of the peer. Anybody in a room can send them in its name."""

REPEAT_INTERVAL_S = 0.1
"""An offer is not sent again sooner than this: a stock peer that gets a second one while it still
makes the answer to the first gives itself up. It tells each loss twice, too."""

DOUBT_S = 3.0
"""A peer that announces itself while we connect may have lost somebody else: what is under way gets
so long to come about."""


class Phase(enum.Enum):
    """Where the exchange of descriptions stands."""

    WAITING = "waiting for the offer"
    OFFERING = "waiting for the answer"
    ANSWERED_OPEN = "waiting for the taker of our answer to an open offer"
    DESCRIBED = "the peer's description is set"


class Try(enum.Enum):
    """How often a network path was looked for since there was one."""

    FIRST = "first"
    RESTART = "once more under the same connection"
    ANEW = "by a new connection"


@dataclass(slots=True)
class Negotiation:
    """The dealings with one peer.

    Args:
        peer_id: the peer.
        started_s: when the present try began; the time-outs count from here.
        next_conn: gives the next free connection number, for one that offers or not, and the
            session id of our end of it, where that is known: of the connection in reserve it is.
        new_token: gives a glare token: milliseconds since 1970 plus a random fraction.
        my_id: the own peer id; decides when two tokens are equal.
        remember_closed: told of the session id of each end of the peer that we have closed, and
            whether that has answered us.
    """

    peer_id: str
    started_s: float
    next_conn: Callable[[bool], tuple[int, str | None]]
    new_token: Callable[[], float]
    my_id: str
    remember_closed: Callable[[str, bool], None] = lambda _, __: None
    conn: int | None = None
    url: str | None = None
    is_own_kind: bool = False
    phase: Phase = Phase.WAITING
    attempt: Try = Try.FIRST
    retries: int = 0  # how often a network path was looked for again, since there was one
    token: float | None = None
    channels: dict[ChannelSide, int] = field(default_factory=dict)
    has_path: bool = False
    has_spoken: bool = False
    own_session: str | None = None
    remote_session: str | None = None
    doubt_due_s: float | None = None
    answers: str | None = None  # the session id of the open offer that our answer is for
    _sent: list[SignalMessage] = field(default_factory=list)
    _sent_s: float = 0.0
    _is_rolled_back: bool = False
    _has_stray_answer: bool = False
    _has_answer: bool = False
    _rejected_token: float | None = None
    _accepted_sdp: str | None = None
    _queued: list[Candidate] = field(default_factory=list)
    _candidates: int = 0  # since the peer's last description

    @property
    def send_side(self) -> ChannelSide | None:
        """The channel to send on: of those in band the peer's own; None before any is open."""
        sides: tuple[ChannelSide, ...] = ("agreed", "remote", "local")
        return next((side for side in sides if side in self.channels), None)

    @property
    def give_up_s(self) -> float | None:
        """When the present try has taken too long; None while there is a path."""
        if self.has_path:
            return None
        if self.attempt is Try.RESTART:
            return self.started_s + RESTART_TIMEOUT_S
        is_answered = self.phase is Phase.DESCRIBED
        return self.started_s + (CONNECT_TIMEOUT_S if is_answered else ANSWER_TIMEOUT_S)

    @property
    def _is_unheard(self) -> bool:
        """Whether we have said something to which nothing has come yet, so that it may be lost."""
        return self.phase in (Phase.OFFERING, Phase.ANSWERED_OPEN)

    @property
    def deadline_s(self) -> float | None:
        """When to give the present try up, or to act on a doubt; None while there is a path."""
        give_up_s = self.give_up_s
        return None if give_up_s is None else earliest(give_up_s, self.doubt_due_s)

    def offer(self) -> list[ConnectionEffect]:
        """Open a connection as initiator."""
        return self._open(is_initiator=True)

    def answer_open_offer(self, sdp: str, now_s: float) -> list[ConnectionEffect]:
        """Answer an offer that the peer has made to all: another may have been faster."""
        effects = self._accept_offer(sdp, None, now_s)
        self.phase, self.answers = Phase.ANSWERED_OPEN, self.remote_session
        return effects

    def open_channel(self, side: ChannelSide, max_message_bytes: int) -> None:
        """Take an open data channel: all is well."""
        self.channels[side] = max_message_bytes
        self.find_path()

    def find_path(self) -> None:
        """Take that there is a network path."""
        self.has_path = True
        self._find_taker()
        self.attempt, self.retries = Try.FIRST, 0
        self.doubt_due_s = None

    def try_again(self, now_s: float) -> list[ConnectionEffect] | None:
        """Look for a network path in the next way; None if there is no further one."""
        is_first, self.started_s = self.attempt is Try.FIRST, now_s
        self.has_path = self.has_spoken = False
        # One that never had a path is not restarted: the peer may have given its end up unseen, and
        # would answer with a new one.
        has_had_path = self.phase is Phase.DESCRIBED and bool(self.channels)
        if self.attempt is Try.ANEW:
            return None
        self.retries += 1
        if is_first and self.is_own_kind and has_had_path:
            self.attempt = Try.RESTART
            return self._restart()
        self.attempt = Try.ANEW
        return self._begin_anew(now_s)

    def doubt(self, now_s: float) -> None:
        """Take the peer's announce in the midst of it: it may have lost its end of this.

        A stock peer that gets our offer while it still makes its own gives itself up, and announces
        itself. So does one that gets an answer to an offer that it has taken back meanwhile.
        """
        if self._is_unheard:
            due_s = max(now_s, self._sent_s + REPEAT_INTERVAL_S)
        else:
            due_s = now_s if self._has_stray_answer else now_s + DOUBT_S
        if self.doubt_due_s is None or due_s < self.doubt_due_s:
            self.doubt_due_s = due_s

    def settle_doubt(self, now_s: float) -> list[ConnectionEffect]:
        """Make sure that the peer has an end of this: say it again, or begin anew.

        Should the peer have it still, it passes over the same offer with the same token, and over
        an answer to an open offer that it has taken.
        """
        self.doubt_due_s = None
        if self._is_unheard and self.attempt is not Try.RESTART:
            self._sent_s = now_s
            return self._send_again()
        if self.attempt is Try.RESTART:
            self.attempt = Try.ANEW
        return self._begin_anew(now_s)

    def publish(self, message: SignalMessage, now_s: float) -> list[ConnectionEffect]:
        """Send an own signal."""
        self._sent.append(message)
        self._sent_s = now_s
        return [PublishPayload(message, self.url)]

    def token_for_signal(self) -> float:
        """Give the token that goes with an own signal; made at the first one."""
        if self.token is None:
            self.token = self.new_token()
        return self.token

    def accept(
        self, message: SignalMessage, now_s: float, *, is_own_kind: bool
    ) -> list[ConnectionEffect]:
        """Take a signal of the peer."""
        self.is_own_kind = is_own_kind
        self.has_spoken = True
        match message.signal:
            case Description(type="offer", sdp=sdp):
                return self._accept_offer(sdp, message.token, now_s)
            case Description(sdp=sdp):
                return self._accept_answer(sdp)
            case Candidate() as candidate:
                return self._accept_candidate(candidate, message.token)
            case _:  # renegotiation and media are not for data rooms
                return []

    def turn_down(self, token: float | None) -> None:
        """Take no candidates that come with this token: they belong to what we do not deal with."""
        self._rejected_token = token

    def spare_offer(self) -> None:
        """Take that our end died: an offer that we have not answered is as good as new."""
        if not (self._has_answer or self._sent or self.channels):
            self.remote_session = None

    def close(self, *, is_gentle: bool = False) -> list[ConnectionEffect]:
        """Close the connection, if there is one."""
        if self.conn is None:
            return []
        conn, self.conn = self.conn, None
        self.channels.clear()
        self.has_path = False
        if self.remote_session is not None:
            self.remember_closed(self.remote_session, self._has_answer)
            self.remote_session = None
        return [CloseTransport(conn, is_gentle)]

    def _open(self, *, is_initiator: bool) -> list[ConnectionEffect]:
        self.conn, self.own_session = self.next_conn(is_initiator)
        self._expect_answer(is_initiator=is_initiator)
        self._is_rolled_back = self._has_stray_answer = self._has_answer = False
        return [OpenTransport(self.conn, is_initiator, self.is_own_kind)]

    def _expect_answer(self, *, is_initiator: bool = True) -> None:
        self.phase = Phase.OFFERING if is_initiator else Phase.WAITING
        self.token = self.doubt_due_s = None
        self._sent.clear()

    def _restart(self) -> list[ConnectionEffect]:
        assert self.conn is not None, "a described negotiation has a connection"
        self._expect_answer()
        return [RestartIce(self.conn)]

    def _begin_anew(self, now_s: float) -> list[ConnectionEffect]:
        self.started_s = now_s
        self._queued.clear()
        return [*self.close(), *self.offer()]

    def _send_again(self) -> list[ConnectionEffect]:
        return [PublishPayload(message, self.url) for message in self._sent]

    def _accept_offer(self, sdp: str, token: float | None, now_s: float) -> list[ConnectionEffect]:
        if self._accepted_sdp is not None and same_but_candidates(sdp, self._accepted_sdp):
            return self._add_new(sdp) + self._answer_again(now_s)
        session = session_of(sdp)
        is_glare = self.phase is Phase.OFFERING
        is_same = session is not None and session == self.remote_session
        if is_glare and self.attempt is Try.RESTART and not is_same:
            is_glare = False  # the peer's end of what we restart is no more
        if is_glare and self._keeps_own_offer(token):
            self._rejected_token = token
            return []
        effects: list[ConnectionEffect] = []
        if is_glare:
            self._is_rolled_back = True
        elif not is_same:  # the first offer, or the peer has begun anew
            is_late = now_s >= self.started_s + RESTART_TIMEOUT_S
            if self.phase is Phase.DESCRIBED and not self.has_path and is_late:
                self.retries += 1  # the peer has been the first to see that there is no path
            self.started_s = now_s
            if self.attempt is Try.RESTART:
                self.attempt = Try.ANEW
            effects += self.close()
            effects += self._open(is_initiator=False)
        self.token = None
        self._accepted_sdp = sdp
        self._sent.clear()
        return effects + self._describe("offer", sdp)

    def _add_new(self, sdp: str) -> list[ConnectionEffect]:
        """Add what the offer that we have answered knows of by now."""
        assert self._accepted_sdp is not None, "it was accepted"
        if self.conn is None or self.phase is Phase.OFFERING:
            return []
        found, self._accepted_sdp = new_candidates(sdp, self._accepted_sdp), sdp
        free = max(MAX_CANDIDATES - self._candidates, 0)
        self._candidates += len(found)
        return [self._add(Candidate(text, 0, None)) for text in found[:free]]

    def _answer_again(self, now_s: float) -> list[ConnectionEffect]:
        """Our answer may be lost; or the offer was only heard by a second signaling server.

        A stock peer sends no offer twice, and gives itself up at a second answer.
        """
        is_due = now_s >= self._sent_s + REPEAT_INTERVAL_S
        if not self.is_own_kind or self.has_path or self.phase is Phase.OFFERING or not is_due:
            return []
        self._sent_s = now_s
        return self._send_again()

    def _keeps_own_offer(self, token: float | None) -> bool:
        if self.token is None or token is None:
            # Our offer has not gone out yet, or the peer takes no part in the tie-break.
            return False
        if self.token == token:
            # A stock peer gives way at a tie.
            return not self.is_own_kind or self.my_id > self.peer_id
        return self.token > token

    def _accept_answer(self, sdp: str) -> list[ConnectionEffect]:
        if self.phase is not Phase.OFFERING:
            # Late or doubled; or for an offer that we took back: then the peer has done so, too.
            self._has_stray_answer = self._is_rolled_back
            return []
        session = session_of(sdp)
        if self.attempt is Try.RESTART and session != self.remote_session:
            return []  # from another end than the one that we look for
        self.token = None
        return self._describe("answer", sdp)

    def _describe(self, kind: Literal["offer", "answer"], sdp: str) -> list[ConnectionEffect]:
        assert self.conn is not None, "a phase with a description has a connection"
        self.phase = Phase.DESCRIBED
        self.remote_session = session_of(sdp)
        self._has_answer = self._has_answer or kind == "answer"
        self.answers = None
        self.doubt_due_s = None
        queued, self._queued = self._queued, []
        self._candidates = len(queued)
        return [AcceptDescription(self.conn, kind, sdp), *map(self._add, queued)]

    def _find_taker(self) -> None:
        """Take that the peer deals with us: it has taken our answer to its open offer."""
        if self.phase is Phase.ANSWERED_OPEN:
            self.phase, self.doubt_due_s = Phase.DESCRIBED, None

    def _add(self, candidate: Candidate) -> ConnectionEffect:
        assert self.conn is not None, "a described negotiation has a connection"
        return AddCandidate(
            self.conn, candidate.candidate, candidate.sdp_m_line_index, candidate.sdp_mid
        )

    def _accept_candidate(
        self, candidate: Candidate, token: float | None
    ) -> list[ConnectionEffect]:
        if token is not None and token == self._rejected_token:
            return []  # it belongs to the offer that we turned down
        self._find_taker()
        if candidate.candidate in candidates_of(self._accepted_sdp or ""):
            return []
        if self.phase is not Phase.DESCRIBED:
            if len(self._queued) < MAX_QUEUED_CANDIDATES:
                self._queued.append(candidate)
            return []
        self._candidates += 1
        return [self._add(candidate)] if self._candidates <= MAX_CANDIDATES else []
