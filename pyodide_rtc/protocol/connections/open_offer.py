"""Open offers: an announce carries an offer for the first peer that answers. This saves a round.

It is the offer of the peer connection in reserve. If no peer answers, the next peer that we call
gets it. Owns the offer's states. `OpenOffer.verdict` decides whose answer is accepted, and what
happens if two peers answer each other's offer.
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
    """What is done with a peer's answer to an open offer of ours."""

    ACCEPT = "it answers what we have sent it by itself, too"
    INSIST = "both have answered each other's offer: it is to take our answer"
    KNOWN = "we deal with that end of it already"
    LATE = "it deals with us by another connection, and will rather go on with that"
    ADMIT = "the offer is its: nobody was faster"
    CALL = "somebody was faster, so it is called"


@dataclass(slots=True)
class OpenOffer:
    """The offer of the peer connection in reserve, if there is one; candidates are added to it."""

    sdp: str | None = None
    _announced: str | None = None  # its state when it was first announced

    @property
    def session(self) -> str | None:
        """The session id of the offer."""
        return None if self.sdp is None else session_of(self.sdp)

    @property
    def later_candidates(self) -> list[str]:
        """The candidates found since the offer was first announced.

        If there are none, one known candidate: it shows the peer that its answer was accepted.
        """
        sdp = self.sdp or ""
        return new_candidates(sdp, self._announced or "") or candidates_of(sdp)[:1]

    def take(self, sdp: str | None) -> None:
        """Keep an offer, or its next state; None if it has become void."""
        if sdp is None or self.sdp is None or not same_but_candidates(sdp, self.sdp):
            self._announced = None
        self.sdp = sdp

    def announce(self) -> str | None:
        """Return the offer, to be sent with an announce."""
        self._announced = self._announced or self.sdp
        return self.sdp

    def verdict(
        self, session: str, theirs: str | None, negotiation: Negotiation | None, *, is_joined: bool
    ) -> Verdict:
        """Decide what is done with an answer to an open offer of ours.

        If both peers have answered each other's offer, the one with the larger peer id decides: it
        accepts the answer or calls anew. The other one insists on its answer.

        Args:
            session: the session id of the offer that is answered.
            theirs: the session id of the answer.
            negotiation: the negotiation with that peer, if there is one.
            is_joined: whether we are linked with it.
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
