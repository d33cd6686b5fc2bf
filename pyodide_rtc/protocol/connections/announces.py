"""Our own announces: when to repeat them, and which peers have received them."""

from __future__ import annotations

from dataclasses import dataclass, field

from pyodide_rtc.protocol.deadlines import earliest

MIN_ANNOUNCE_INTERVAL_S = 1.0
"""Announces after a lost peer are at least this far apart."""

MAX_PAUSE_S = 30.0
"""So long at most we wait with the next announce after a peer could not be reached: 1 s at first,
and twice as long each time. Where there is no path, attempts would come without a pause for ever.
As each takes 20 s at most, that somebody is missed (`MAX_UNREACHED_S`) does not run out between."""

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
    _failures: int = 0  # peers that could not be reached, since one was

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

    def after_failure(self, now_s: float) -> None:
        """A peer could not be reached: announce again after a while, which grows each time."""
        delay_s = min(MIN_ANNOUNCE_INTERVAL_S * 2 ** min(self._failures, 10), MAX_PAUSE_S)
        self._failures += 1
        self.due_s = earliest(self.due_s, now_s + delay_s)

    def after_success(self) -> None:
        """A peer was reached."""
        self._failures = 0

    def is_crossing(self, url: str, now_s: float) -> bool:
        """Whether the sender of an announce that comes now receives ours, too."""
        sent_s = self._sent_s.get(url)
        return sent_s is not None and url not in self._echoed and now_s < sent_s + MAX_ECHO_S
