"""What the peer connections of a home can do, as far as homes differ."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Abilities:
    """What an `RTCPeerConnection` of a browser can do, and one of another home may not.

    Args:
        rollback: take its own pending offer back when it is given one of the peer.
        ice_restart: look for a new network path while its channels live on.
    """

    rollback: bool
    ice_restart: bool

    @property
    def can_restart(self) -> bool:
        """Whether ICE is restarted at all: should both ends do so, one takes its offer back."""
        return self.ice_restart and self.rollback
