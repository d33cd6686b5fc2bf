"""Strangers: peers in a room of the same name with another password, or none.

Neither side can decrypt what the other sends.
"""

from __future__ import annotations

from dataclasses import dataclass

NEWS_INTERVAL_S = 60.0
"""Strangers are reported once in this time, however much they send. They count as here as long."""

SHOW_INTERVAL_S = 30.0
"""We show ourselves to strangers at most this often: else two would answer each other for ever."""


@dataclass(slots=True)
class Strangers:
    """When strangers last sent something, were reported, and were answered."""

    _heard_s: float | None = None
    _told_s: float | None = None
    _shown_s: float | None = None

    def are_here(self, now_s: float) -> bool:
        """Return whether one sent something lately."""
        return self._heard_s is not None and now_s < self._heard_s + NEWS_INTERVAL_S

    def is_news(self, now_s: float) -> bool:
        """Note a stranger, and return whether to report it to the user now."""
        self._heard_s = now_s
        if self._told_s is not None and now_s < self._told_s + NEWS_INTERVAL_S:
            return False
        self._told_s = now_s
        return True

    def may_show_ourselves(self, now_s: float) -> bool:
        """Return whether we may show ourselves now; if so, we may not again for a while."""
        if self._shown_s is not None and now_s < self._shown_s + SHOW_INTERVAL_S:
            return False
        self._shown_s = now_s
        return True
