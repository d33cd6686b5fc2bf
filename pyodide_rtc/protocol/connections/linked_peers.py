"""When we send our own kind the list of peers that we are linked with (`LinkedPeers`).

By these lists peers know to whom a change need not be passed on: in a full mesh an edit is one
message to each peer. A peer that is not linked with the source of a change gets it from all who are
linked with both.
"""

from __future__ import annotations

from dataclasses import dataclass

TELL_DELAY_S = 1.0
"""Peers come in bursts: the list is sent at most once in this time after one came. Until then more
is passed on than needed. When one has gone, the list is sent at once: from then on others have to
pass its changes on to us."""


@dataclass(slots=True)
class LinkedPeersNews:
    """When our list of linked peers is to be sent next."""

    due_s: float | None = None

    def grow(self, count: int, now_s: float) -> None:
        """A peer is linked with us; with only one peer there is nothing to pass on.

        Args:
            count: with how many peers we are linked now.
            now_s: the time.
        """
        if self.due_s is None and count > 1:
            self.due_s = now_s + TELL_DELAY_S

    def shrink(self, count: int, now_s: float) -> None:
        """A peer is no longer linked with us.

        Args:
            count: with how many peers we are linked now.
            now_s: the time.
        """
        self.due_s = now_s if count else None

    def is_due(self, now_s: float) -> bool:
        """Return whether to send the list now; if so, it is not due again before it changes."""
        if self.due_s is None or now_s < self.due_s:
            return False
        self.due_s = None
        return True
