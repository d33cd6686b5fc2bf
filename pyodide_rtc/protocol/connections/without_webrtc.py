"""Whose browser makes no peer connections.

Such a peer says so as long as it is in the room, every half minute at least. It is none of the
peers of the mesh: nobody can be linked with it. Its tabs are, by the tab channel.
"""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_SILENCE_S = 75.0
"""Who has not said it again for so long has gone: it says it every 30 s."""

MAX_PEERS = 64
"""So many are remembered; those who said it longest ago are forgotten."""


@dataclass(slots=True)
class WithoutWebRtc:
    """Who has said so, and when last."""

    _heard_s: dict[str, float] = field(default_factory=dict)

    def hear(self, peer_id: str, now_s: float) -> bool:
        """A peer says that its browser makes no peer connections; return whether that is news."""
        is_news = self._heard_s.pop(peer_id, None) is None
        self._heard_s[peer_id] = now_s
        if len(self._heard_s) > MAX_PEERS:
            del self._heard_s[next(iter(self._heard_s))]
        return is_news

    def forget(self, peer_id: str) -> None:
        """A peer has left, or says something else."""
        self._heard_s.pop(peer_id, None)

    def are_here(self, now_s: float) -> bool:
        """Whether somebody is here who has said so."""
        return any(now_s < heard_s + MAX_SILENCE_S for heard_s in self._heard_s.values())
