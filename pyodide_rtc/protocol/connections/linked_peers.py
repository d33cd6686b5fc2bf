"""Whom we are linked with, as we tell it to our own kind: so nobody passes on what all hear anyway.

In a full mesh an edit is then one message to each peer. Whoever is not linked with the source of a
change gets it passed on, by everybody who is between the two.
"""

from __future__ import annotations

from dataclasses import dataclass

TELL_DELAY_S = 1.0
"""Peers come in bursts: they are told of once in so long. Until then more is passed on than needed.
That one is gone is told at once: who is not linked with it any more is to get what others hear."""


@dataclass(slots=True)
class LinkedPeersNews:
    """When our own kind is to be told whom we are linked with."""

    due_s: float | None = None

    def grow(self, count: int, now_s: float) -> None:
        """Take that somebody is linked with us; if nobody else is there is nothing to pass on.

        Args:
            count: with how many we are linked now.
            now_s: the time.
        """
        if self.due_s is None and count > 1:
            self.due_s = now_s + TELL_DELAY_S

    def shrink(self, count: int, now_s: float) -> None:
        """Take that somebody is not linked with us any more.

        Args:
            count: with how many we are linked now.
            now_s: the time.
        """
        self.due_s = now_s if count else None

    def is_due(self, now_s: float) -> bool:
        """Tell whether they are to be told now; if so, not again before it changes."""
        if self.due_s is None or now_s < self.due_s:
            return False
        self.due_s = None
        return True
