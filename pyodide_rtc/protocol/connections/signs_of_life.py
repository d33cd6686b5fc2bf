"""Peers that may be gone: we ask them for a sign of life, and lose them if none comes.

No peer is asked without a cause: nothing comes by its network path, or we were asleep. The question
is `QueryAwareness`, which a stock peer answers, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyodide_rtc.protocol.deadlines import earliest

PATIENCE_S = 1.5
"""How long a peer in doubt may take to answer. Its signs of life are missed after at most 3 s: so a
peer that was killed is lost within 5 s."""


@dataclass(slots=True)
class SignsOfLife:
    """The connections that are in doubt, by number."""

    _until_s: dict[int, float] = field(default_factory=dict)

    @property
    def deadline_s(self) -> float | None:
        """When `expired` should be called next; None while no peer is in doubt."""
        return earliest(*self._until_s.values())

    def begin(self, conn: int, now_s: float) -> bool:
        """Doubt a peer connection; return False if it is in doubt already."""
        if conn in self._until_s:
            return False
        self._until_s[conn] = now_s + PATIENCE_S
        return True

    def end(self, conn: int) -> None:
        """A sign of life came: end the doubt."""
        self._until_s.pop(conn, None)

    def expired(self, now_s: float) -> list[int]:
        """Return those that did not answer in time, and forget them."""
        late = [conn for conn, until_s in self._until_s.items() if now_s >= until_s]
        for conn in late:
            del self._until_s[conn]
        return late
