"""One peer of the mesh: its negotiation, what it says of itself, and the link to it.

Knows nothing of the other peers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyodide_rtc.protocol.connections.capability import Capability
from pyodide_rtc.protocol.connections.negotiation import Negotiation
from pyodide_rtc.protocol.connections.news import LinkReady, Outcome
from pyodide_rtc.protocol.effects import AcceptDescription, PeersChanged
from pyodide_rtc.protocol.link import PeerLink
from pyodide_rtc.wire.payload import SignalMessage


@dataclass(slots=True)
class MeshPeer:
    """A peer that is linked by a peer connection, or on its way to be."""

    negotiation: Negotiation
    capability: Capability | None = None
    heard_by: set[str] = field(default_factory=set)  # servers that brought an announce of it
    is_guess: bool = False  # it was lost, and is called in case that it is there still
    may_be_gone: bool = False  # until it speaks: it is not shown
    link: PeerLink | None = None  # of its present connection, once a channel was open
    is_relayed: bool | None = None  # by a TURN server; None while the browser has not told

    @property
    def peer_id(self) -> str:
        """Its network identity."""
        return self.negotiation.peer_id

    @property
    def client_id(self) -> int | None:
        """Its document's client id, if it told."""
        return self.capability.client_id if self.capability else None

    @property
    def is_joined(self) -> bool:
        """Whether what is sent to it now arrives."""
        return self.link is not None and self.link.is_open

    def change(self, reason: str = "") -> PeersChanged:
        """Tell that something about it has changed."""
        return PeersChanged(self.peer_id, "changed", reason, self.client_id)

    def join(self, link: PeerLink) -> list[Outcome]:
        """Take that it is linked, or linked by another channel."""
        is_back = self.link is link and not link.is_open
        outcomes: list[Outcome] = []
        if not self.is_joined:
            self.may_be_gone = False
            outcomes.append(PeersChanged(self.peer_id, "joined", client_id=self.client_id))
        self.link, link.is_open = link, True
        return [*outcomes, LinkReady(link, is_back)]

    def unlink(self, reason: str) -> list[Outcome]:
        """Take that it is not linked any more."""
        if self.link is None or not self.link.is_open:
            return []
        self.link.is_open = False
        return [PeersChanged(self.peer_id, "left", reason, self.client_id)]

    def doubt(self, now_s: float) -> list[Outcome]:
        """Take its announce in the midst of a negotiation: it may have lost its end."""
        self.negotiation.doubt(now_s)
        if is_due(self.negotiation.deadline_s, now_s):
            return [*self.negotiation.settle_doubt(now_s)]
        return []

    def accept(
        self, url: str, message: SignalMessage, capability: Capability | None, now_s: float
    ) -> list[Outcome]:
        """Take a signal of it.

        Args:
            url: the server that brought it.
            message: the signal.
            capability: what it says of itself with it.
            now_s: the time.
        """
        negotiation = self.negotiation
        negotiation.url = url
        self.is_guess = self.may_be_gone = False
        before, retries = negotiation.conn, negotiation.retries
        outcomes: list[Outcome] = [*negotiation.accept(message, now_s, capability)]
        if negotiation.conn != before:
            reason = "the peer began anew"
            outcomes += self.unlink(reason)
            self.link, self.capability = None, capability
            if negotiation.retries > retries:
                outcomes.append(self.change(reason))
        elif self.is_joined and any(isinstance(e, AcceptDescription) for e in outcomes):
            # It had lost its path, and sent nothing meanwhile; we have not noticed.
            assert self.link is not None, "a joined peer has a link"
            outcomes.append(LinkReady(self.link))
        return outcomes


def is_due(deadline_s: float | None, now_s: float) -> bool:
    """Tell whether there is a deadline, and it has passed."""
    return deadline_s is not None and deadline_s <= now_s
