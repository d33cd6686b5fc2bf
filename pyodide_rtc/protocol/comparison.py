"""When to compare what we have with what the others have, so that whatever was lost is found.

After changes each peer tells the others of its own kind what it has (`StateCheck`); who lacks
something asks for it. A stock peer cannot be told: it is asked for what we lack, now and then.
Owns the times. Knows no document and no link.
"""

from __future__ import annotations

from dataclasses import dataclass

QUIET_S = 2.0
"""Without further changes for so long the others should have everything, and a check tells."""

LATEST_S = 5.0
"""So long after the first change a check is made even if there was no quiet time."""

STOCK_INTERVAL_S = 10.0
"""Stock peers are asked at most so often: each answer tells all deletions that there ever were."""


@dataclass(slots=True)
class CheckTimes:
    """The times of one room's checks; all idle while nothing changes."""

    _first_s: float | None = None
    _last_s: float = 0.0
    _stock_s: float | None = None

    @property
    def deadline_s(self) -> float | None:
        """When `is_due` should be asked next; None while nothing has changed."""
        if self._first_s is None:
            return None
        return min(self._last_s + QUIET_S, self._first_s + LATEST_S)

    def on_change(self, now_s: float) -> None:
        """Take note of a change, of whomever it was."""
        if self._first_s is None:
            self._first_s = now_s
        self._last_s = now_s

    def is_due(self, now_s: float) -> bool:
        """Tell whether a check is due now; if so, the next one is only after a further change."""
        deadline_s = self.deadline_s
        if deadline_s is None or now_s < deadline_s:
            return False
        self._first_s = None
        return True

    def may_ask_stock(self, now_s: float) -> bool:
        """Tell whether stock peers may be asked now; if so, not again for a while."""
        if self._stock_s is not None and now_s < self._stock_s + STOCK_INTERVAL_S:
            return False
        self._stock_s = now_s
        return True
