"""Our own announces: when to repeat them, and who has heard them."""

from __future__ import annotations

from dataclasses import dataclass, field

MIN_ANNOUNCE_INTERVAL_S = 1.0
"""Announces after a lost peer are at least this far apart."""

MAX_ECHO_S = 1.0
"""A server that has not sent us our own announce in this time never does."""


@dataclass(slots=True)
class Announces:
    """When we have said that we are here.

    A server sends what we publish to all subscribers, us included. So somebody whose announce comes
    before the echo of ours was there when ours went round, and has heard it.
    """

    due_s: float | None = None
    _last_s: float | None = None
    _sent_s: dict[str, float] = field(default_factory=dict)
    _echoed: set[str] = field(default_factory=set)

    def on_sent(self, url: str | None, now_s: float) -> None:
        """Take that we announce now: by this server, or by all."""
        self._last_s, self.due_s = now_s, None
        if url is not None:
            self._sent_s[url] = now_s
            self._echoed.discard(url)

    def on_echo(self, url: str) -> None:
        """Take our own announce."""
        self._echoed.add(url)

    def ask(self, now_s: float) -> bool:
        """Tell whether to announce again now; else it is due later."""
        if self._last_s is not None and now_s < self._last_s + MIN_ANNOUNCE_INTERVAL_S:
            self.due_s = self._last_s + MIN_ANNOUNCE_INTERVAL_S
            return False
        return True

    def is_crossing(self, url: str, now_s: float) -> bool:
        """Whether an announce that comes now comes from somebody who hears ours."""
        sent_s = self._sent_s.get(url)
        return sent_s is not None and url not in self._echoed and now_s < sent_s + MAX_ECHO_S
