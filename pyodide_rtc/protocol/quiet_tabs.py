"""Tabs and kernels of this browser that do not answer: they are late with renewing their presence.

No page speaks for them to us. But the browser tells us if they end, and whoever is there renews its
presence every 15 s.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from pyodide_rtc.protocol.deadlines import earliest
from pyodide_rtc.protocol.document.awareness_machine import RENEW_INTERVAL_S

LATE_S = 5.0
"""Whoever is so late with renewing its presence is busy."""

GRACE_S = 1.0
"""So long after we have noticed that, it may still come: we may have been busy or asleep ourselves,
and it waits here."""


@dataclass(slots=True)
class QuietTabs:
    """Who of the tab channel is late, by peer id."""

    quiet: dict[str, float] = field(default_factory=dict)
    """Those who do not answer: when each was heard last."""
    _noticed_s: dict[str, float] = field(default_factory=dict)

    def deadline_s(self, heard_s: Mapping[str, float]) -> float | None:
        """When to look next.

        Args:
            heard_s: when each who shows its presence was heard last, by peer id.
        """
        noticed = (s + GRACE_S for i, s in self._noticed_s.items() if i not in self.quiet)
        others = (_late_s(s) for i, s in heard_s.items() if i not in self._noticed_s)
        return earliest(*noticed, *others)

    def look(self, heard_s: Mapping[str, float], now_s: float) -> list[str]:
        """Note who does not answer now.

        Returns:
            who does not any more, or does again.
        """
        late = {i: s for i, s in heard_s.items() if now_s >= _late_s(s)}
        self._noticed_s = {i: self._noticed_s.get(i, now_s) for i in late}
        quiet = {i: s for i, s in late.items() if now_s >= self._noticed_s[i] + GRACE_S}
        changed = (quiet.keys() ^ self.quiet.keys()) & heard_s.keys()
        self.quiet = quiet
        return sorted(changed)

    def busy_s(self, peer_id: str, now_s: float) -> float | None:
        """Return for how many seconds a peer has not answered, at least; None if it does."""
        heard_s = self.quiet.get(peer_id)
        return None if heard_s is None else now_s - heard_s - RENEW_INTERVAL_S


def _late_s(heard_s: float) -> float:
    return heard_s + RENEW_INTERVAL_S + LATE_S
