"""Our own announces: when to repeat them, and which peers have received them."""

from __future__ import annotations

from dataclasses import dataclass, field

MIN_ANNOUNCE_INTERVAL_S = 1.0
"""Announces after a lost peer are at least this far apart."""

MAX_ECHO_S = 1.0
"""A signaling server that has not sent us our own announce in this time never does."""


@dataclass(slots=True)
class Announces:
    """When we have announced ourselves.

    A signaling server sends what we publish to all subscribers, us included. So a peer whose
    announce comes before the echo of ours was subscribed already, and has received ours.
    """

    due_s: float | None = None
    _last_s: float | None = None
    _sent_s: dict[str, float] = field(default_factory=dict)
    _echoed: set[str] = field(default_factory=set)

    def on_sent(self, url: str | None, now_s: float) -> None:
        """We announce ourselves now: by this signaling server, or by all (None)."""
        self._last_s, self.due_s = now_s, None
        if url is not None:
            self._sent_s[url] = now_s
            self._echoed.discard(url)

    def on_echo(self, url: str) -> None:
        """Our own announce came back."""
        self._echoed.add(url)

    def ask(self, now_s: float) -> bool:
        """Return whether to announce again now; if it is too soon, set `due_s`."""
        if self._last_s is not None and now_s < self._last_s + MIN_ANNOUNCE_INTERVAL_S:
            self.due_s = self._last_s + MIN_ANNOUNCE_INTERVAL_S
            return False
        return True

    def is_crossing(self, url: str, now_s: float) -> bool:
        """Whether the sender of an announce that comes now receives ours, too."""
        sent_s = self._sent_s.get(url)
        return sent_s is not None and url not in self._echoed and now_s < sent_s + MAX_ECHO_S
