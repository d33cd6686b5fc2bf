"""How far clients go, as each link says: bounded, and dropped with the link.

A document tells nothing of what it has behind a gap unless it is asked for it (`session.reading`),
so where something may be is learnt from others. What a link says is its own: nobody else's words
are lost by it, and it costs nothing any more once the link is gone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from pyodide_rtc.protocol.events import LinkId

MAX_CLIENTS = 1_000
"""Of so many clients a link is believed. A document that has lost something has a handful of them
with gaps; when those are there, others come into their place."""


@dataclass(slots=True)
class Claims:
    """What links say.

    Args:
        grace_s: for how long what a link has said counts after its end.
    """

    grace_s: float = 0.0
    _ends: dict[LinkId, dict[int, int]] = field(default_factory=dict)
    _gone_s: dict[LinkId, float] = field(default_factory=dict)

    @property
    def ends(self) -> dict[int, int]:
        """How far clients go, by client id, as any link says."""
        merged: dict[int, int] = {}
        for ends in self._ends.values():
            for client, end in ends.items():
                merged[client] = max(merged.get(client, 0), end)
        return merged

    def replace(self, link: LinkId, ends: Iterable[tuple[int, int]]) -> None:
        """Take how far a link says that clients go, in the place of what it has said before."""
        self._ends.pop(link, None)
        self.take(link, ends)

    def take(self, link: LinkId, ends: Iterable[tuple[int, int]]) -> None:
        """Take how far a link says that clients go."""
        own = self._ends.setdefault(link, {})
        for client, end in ends:
            if client in own or len(own) < MAX_CLIENTS:
                own[client] = max(own.get(client, 0), end)

    def end(self, link: LinkId, now_s: float) -> None:
        """Take that a link is gone."""
        if self.grace_s and link in self._ends:
            self._gone_s[link] = now_s
        else:
            self._ends.pop(link, None)

    def expire(self, now_s: float) -> None:
        """Drop what links have said that are gone for so long."""
        for link, gone_s in tuple(self._gone_s.items()):
            if now_s >= gone_s + self.grace_s:
                del self._gone_s[link], self._ends[link]

    def clear(self) -> None:
        """Forget all: everything of it is there."""
        self._ends.clear()
        self._gone_s.clear()
