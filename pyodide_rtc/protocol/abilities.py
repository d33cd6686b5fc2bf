"""What the peer connections of a home can do, where homes differ."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Abilities:
    """What the `RTCPeerConnection` of a browser can do, and that of another home may not.

    Args:
        rollback: it takes its own pending offer back when it is given an offer of the peer.
        ice_restart: it can look for a new network path while its data channels live on.
    """

    rollback: bool
    ice_restart: bool

    @property
    def can_restart(self) -> bool:
        """Whether we restart ICE. It needs rollback too: if both ends do it, one must give way."""
        return self.ice_restart and self.rollback
