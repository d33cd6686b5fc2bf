"""One peer of the mesh: its negotiation, its capability, and the link to it.

Knows nothing of the other peers.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyodide_rtc.protocol.connections.capability import Capability
from pyodide_rtc.protocol.connections.negotiation import Negotiation
from pyodide_rtc.protocol.connections.news import LinkReady, Outcome
from pyodide_rtc.protocol.deadlines import has_passed
from pyodide_rtc.protocol.effects import AcceptDescription, PeersChanged
from pyodide_rtc.protocol.link import PeerLink
from pyodide_rtc.wire.payload import SignalMessage


@dataclass(slots=True)
class MeshPeer:
    """A peer that is linked by a peer connection, or about to be."""

    negotiation: Negotiation
    capability: Capability | None = None
    heard_by: set[str] = field(default_factory=set)  # servers that brought an announce of it
    guess: int = 0  # how often it was called since it was lost
    may_be_gone: bool = False  # until it sends something; it is not shown to users
    drop_s: float | None = None  # when it is dropped, as it has said that it leaves
    link: PeerLink | None = None  # of its present peer connection, once a channel was open
    is_relayed: bool | None = None  # by a TURN server; None while that is not known
    round_trip_s: float | None = None  # by the network, as the browser measured it last

    @property
    def peer_id(self) -> str:
        """Its network identity."""
        return self.negotiation.peer_id

    @property
    def client_id(self) -> int | None:
        """The client id of its main document, if it has sent that."""
        return self.capability.client_id if self.capability else None

    @property
    def is_joined(self) -> bool:
        """Whether what is sent to it now arrives."""
        return self.link is not None and self.link.is_open

    @property
    def is_shown(self) -> bool:
        """Whether users see it."""
        return not self.may_be_gone and self.drop_s is None

    def change(self, reason: str = "") -> PeersChanged:
        """Return the effect which says that something about it has changed."""
        return PeersChanged(self.peer_id, "changed", reason, self.client_id)

    def join(self, link: PeerLink) -> list[Outcome]:
        """It is linked, or linked by another data channel than before."""
        is_back = self.link is link and not link.is_open
        outcomes: list[Outcome] = []
        if not self.is_joined:
            self.may_be_gone, self.drop_s = False, None
            outcomes.append(PeersChanged(self.peer_id, "joined", client_id=self.client_id))
        self.link, link.is_open = link, True
        return [*outcomes, LinkReady(link, is_back)]

    def unlink(self, reason: str) -> list[Outcome]:
        """It is no longer linked."""
        if self.link is None or not self.link.is_open:
            return []
        self.link.is_open = False
        return [PeersChanged(self.peer_id, "left", reason, self.client_id)]

    def doubt(self, now_s: float) -> list[Outcome]:
        """It may have lost its end of a negotiation under way, as it announces itself again."""
        self.negotiation.doubt(now_s)
        if has_passed(self.negotiation.deadline_s, now_s):
            return [*self.negotiation.settle_doubt(now_s)]
        return []

    def accept(
        self, url: str, message: SignalMessage, capability: Capability | None, now_s: float
    ) -> list[Outcome]:
        """Handle a signal of this peer.

        Args:
            url: the signaling server that brought it.
            message: the signal.
            capability: the capability that came with it.
            now_s: the time.
        """
        negotiation = self.negotiation
        negotiation.url = url
        self.guess, self.may_be_gone = 0, False
        before, retries = negotiation.conn, negotiation.retries
        outcomes: list[Outcome] = [*negotiation.accept(message, now_s, capability)]
        if negotiation.conn != before:
            reason = "the peer began anew"
            outcomes += self.unlink(reason)
            self.link, self.capability = None, capability
            if negotiation.retries > retries:
                outcomes.append(self.change(reason))
        elif self.is_joined and any(isinstance(e, AcceptDescription) for e in outcomes):
            # The peer has restarted ICE: its path was lost, and ours seemed well. Greet it again.
            assert self.link is not None, "a joined peer has a link"
            outcomes.append(LinkReady(self.link))
        return outcomes
