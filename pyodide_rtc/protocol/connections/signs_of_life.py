"""Peers that may be gone: they are asked for a sign of life, and dropped if none comes.

Nobody is asked while all is well. A doubt has a cause: nothing comes by the network path, the
signaling server lost the peer's socket, or we were asleep. The question is `QueryAwareness`, which
a stock peer answers, too.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from pyodide_rtc.protocol.deadlines import earliest

PATIENCE_S = 1.5
"""How long a peer in doubt may take to answer: with the 3 s until its signs of life are missed, at
most, a peer that was killed is seen to be gone within 5 s."""


@dataclass(slots=True)
class SignsOfLife:
    """The connections that are in doubt, by number."""

    _until_s: dict[int, float] = field(default_factory=dict)

    @property
    def deadline_s(self) -> float | None:
        """When `expired` should be asked next; None while nobody is in doubt."""
        return earliest(*self._until_s.values())

    def begin(self, conn: int, now_s: float) -> bool:
        """Doubt a connection; False if it is in doubt already."""
        if conn in self._until_s:
            return False
        self._until_s[conn] = now_s + PATIENCE_S
        return True

    def end(self, conn: int) -> None:
        """Take a sign of life."""
        self._until_s.pop(conn, None)

    def expired(self, now_s: float) -> list[int]:
        """Give those that did not answer in time, and forget them."""
        late = [conn for conn, until_s in self._until_s.items() if now_s >= until_s]
        for conn in late:
            del self._until_s[conn]
        return late
