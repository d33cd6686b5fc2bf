"""Somebody in a room of the same name whom our password does not let us understand, nor they us."""

from __future__ import annotations

from dataclasses import dataclass

NEWS_INTERVAL_S = 60.0
"""Strangers are told of once in so long, however much they say, and count as here for so long."""

SHOW_INTERVAL_S = 30.0
"""We show ourselves to strangers at most so often: two who both did would never end."""


@dataclass(slots=True)
class Strangers:
    """When strangers were heard, and what was done about it."""

    _heard_s: float | None = None
    _told_s: float | None = None
    _shown_s: float | None = None

    def are_here(self, now_s: float) -> bool:
        """Tell whether one was heard lately."""
        return self._heard_s is not None and now_s < self._heard_s + NEWS_INTERVAL_S

    def is_news(self, now_s: float) -> bool:
        """Take note of a stranger, and tell whether the user should hear of it now."""
        self._heard_s = now_s
        if self._told_s is not None and now_s < self._told_s + NEWS_INTERVAL_S:
            return False
        self._told_s = now_s
        return True

    def may_show_ourselves(self, now_s: float) -> bool:
        """Tell whether we may show ourselves now; if so, not again for a while."""
        if self._shown_s is not None and now_s < self._shown_s + SHOW_INTERVAL_S:
            return False
        self._shown_s = now_s
        return True
