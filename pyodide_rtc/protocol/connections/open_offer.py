"""Open offers: an announce brings along an offer for whoever answers it first, which saves a round.

It is the offer of the connection in reserve, which the next peer that we call gets otherwise.
Owns the offer's states. Who may answer, and what becomes of two who answer each other's, is decided
by `OpenOffer.verdict`.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass

from pyodide_rtc.protocol.connections.negotiation import Negotiation, State
from pyodide_rtc.protocol.connections.sdp import (
    candidates_of,
    new_candidates,
    same_but_candidates,
    session_of,
)


class Verdict(enum.Enum):
    """What is done with somebody's answer to an open offer of ours."""

    ACCEPT = "it answers what we have sent it by itself, too"
    INSIST = "both have answered each other's offer: it is to take our answer"
    KNOWN = "we deal with that end of it already"
    LATE = "it deals with us by another connection, and will rather go on with that"
    ADMIT = "the offer is its: nobody was faster"
    CALL = "somebody was faster, so it is called"


@dataclass(slots=True)
class OpenOffer:
    """The offer in hand, if there is one. It may come to know of more candidates."""

    sdp: str | None = None
    _announced: str | None = None  # as it went round first

    @property
    def session(self) -> str | None:
        """The session id of its connection."""
        return None if self.sdp is None else session_of(self.sdp)

    @property
    def later_candidates(self) -> list[str]:
        """Those that who has heard it first does not know; if none, one that says: it is taken."""
        sdp = self.sdp or ""
        return new_candidates(sdp, self._announced or "") or candidates_of(sdp)[:1]

    def take(self, sdp: str | None) -> None:
        """Take the offer, its next state, or (None) that it is void."""
        if sdp is None or self.sdp is None or not same_but_candidates(sdp, self.sdp):
            self._announced = None
        self.sdp = sdp

    def announce(self) -> str | None:
        """Give it to go round."""
        self._announced = self._announced or self.sdp
        return self.sdp

    def verdict(
        self, session: str, theirs: str | None, negotiation: Negotiation | None, *, is_joined: bool
    ) -> Verdict:
        """Decide what is done with an answer to an open offer of ours.

        Should both have answered each other's offer, the larger peer id decides: it takes the
        answer or calls anew. The other keeps to its answer.

        Args:
            session: the session id of the offer that it answers.
            theirs: the session id of the answer.
            negotiation: what we have with that peer, if anything.
            is_joined: whether we are linked.
        """
        is_open = self.session == session
        if negotiation is not None:
            is_calling = negotiation.is_offering
            is_crossing = negotiation.state is State.ANSWERED_OPEN
            if is_calling and negotiation.own_session == session:
                return Verdict.ACCEPT
            if is_crossing and negotiation.my_id < negotiation.peer_id:
                return Verdict.INSIST
            if theirs == negotiation.remote_session and not is_crossing:
                return Verdict.KNOWN
            if is_calling or (is_joined and not is_open):
                return Verdict.LATE
        return Verdict.ADMIT if is_open else Verdict.CALL
