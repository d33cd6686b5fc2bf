"""One peer of the mesh: its negotiation, what it can, and how far it is with us.

Knows nothing of the other peers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyodide_rtc.protocol.capability import Capability
from pyodide_rtc.protocol.effects import AcceptDescription, AskState, Effect, PeersChanged
from pyodide_rtc.protocol.negotiation import Negotiation
from pyodide_rtc.wire.messages import StateCheck
from pyodide_rtc.wire.payload import SignalMessage


@dataclass(slots=True)
class MeshPeer:
    """A peer that is linked by a peer connection, or on its way to be."""

    negotiation: Negotiation
    capability: Capability | None = None
    heard_by: set[str] = field(default_factory=set)  # servers that brought an announce of it
    guess: int = 0  # how often it was called since it was lost
    may_be_gone: bool = False  # until it speaks: it is not shown
    is_joined: bool = False
    is_synced: bool = False
    has_whole_state: bool = False  # sent without being asked for: the question is still to come
    ahead: int | None = None  # units that we lacked when we were last compared
    behind: int | None = None  # units that it lacked
    asked_for: StateCheck | None = None  # what it has told, and we have asked for
    unlike: tuple[bytes, bytes] | None = None  # our digest and its, when all else was equal
    is_relayed: bool | None = None  # by a TURN server; None while the browser has not told

    @property
    def peer_id(self) -> str:
        """Its network identity."""
        return self.negotiation.peer_id

    @property
    def client_id(self) -> int | None:
        """Its document's client id, if it told."""
        return self.capability.client_id if self.capability else None

    def change(self, reason: str = "") -> PeersChanged:
        """Tell that something about it has changed."""
        return PeersChanged(self.peer_id, "changed", reason, self.client_id)

    def join(self, conn: int, max_state_bytes: int) -> list[Effect]:
        """Take that it is linked, and greet it.

        Args:
            conn: by which connection.
            max_state_bytes: below what size our state goes with the greeting.
        """
        effects: list[Effect] = []
        if not self.is_joined:
            self.is_joined, self.may_be_gone = True, False
            effects.append(PeersChanged(self.peer_id, "joined", client_id=self.client_id))
        return [*effects, AskState(conn, max_state_bytes)]

    def settle(self, ahead: int) -> list[Effect]:
        """Take that it has answered, and that we lack so many units still of what it has told."""
        effects = self._mark_synced(is_synced=not ahead)
        if (self.ahead or 0) != ahead:
            self.ahead = ahead
            if self.change() not in effects:
                effects.insert(0, self.change())
        if not ahead:
            self.asked_for = None
        return effects

    def compare_digests(self, ours: bytes, its: bytes) -> tuple[bool, list[Effect]]:
        """Compare what no state vector tells, where nobody lacks anything else.

        Two documents that stay unlike after each has sent the other what it has are not synced.

        Returns:
            whether to send it what it may lack, and let it do the same: not twice for the same.
        """
        if ours == its:
            self.unlike = None
            return False, self._mark_synced(is_synced=True)
        if (ours, its) == self.unlike:
            return False, self._mark_synced(is_synced=False)
        self.unlike = ours, its
        return True, []

    def _mark_synced(self, *, is_synced: bool) -> list[Effect]:
        if self.is_synced == is_synced:
            return []
        self.is_synced = is_synced
        if is_synced:
            return [PeersChanged(self.peer_id, "synced", client_id=self.client_id)]
        return [self.change()]

    def part(self, reason: str) -> list[Effect]:
        """Take that it is not linked any more."""
        if not self.is_joined:
            return []
        self.is_joined = self.is_synced = self.has_whole_state = False
        self.asked_for = self.unlike = None
        return [PeersChanged(self.peer_id, "left", reason, self.client_id)]

    def doubt(self, now_s: float) -> list[Effect]:
        """Take its announce in the midst of a negotiation: it may have lost its end."""
        self.negotiation.doubt(now_s)
        if is_due(self.negotiation.deadline_s, now_s):
            return self.negotiation.settle_doubt(now_s)
        return []

    def accept(
        self, url: str, message: SignalMessage, capability: Capability | None, now_s: float
    ) -> list[Effect]:
        """Take a signal of it.

        Args:
            url: the server that brought it.
            message: the signal.
            capability: what it says of itself with it.
            now_s: the time.
        """
        negotiation = self.negotiation
        negotiation.url = url
        self.guess, self.may_be_gone = 0, False
        before, retries = negotiation.conn, negotiation.retries
        effects = negotiation.accept(message, now_s, is_own_kind=capability is not None)
        if negotiation.conn != before:
            reason = "the peer began anew"
            effects += self.part(reason)
            self.capability = capability
            if negotiation.retries > retries:
                effects.append(self.change(reason))
        elif self.is_joined and any(isinstance(e, AcceptDescription) for e in effects):
            # It had lost its path, and sent nothing meanwhile; we have not noticed.
            assert before is not None, "a joined peer has a connection"
            effects.append(AskState(before, 0))
        return effects


def is_due(deadline_s: float | None, now_s: float) -> bool:
    """Tell whether there is a deadline, and it has passed."""
    return deadline_s is not None and deadline_s <= now_s
