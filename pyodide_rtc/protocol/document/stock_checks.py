"""Stock peers: we ask them for what we lack, and send them once more what they asked for.

A stock peer sends its state vector when it connects, and never says again what it has. So we ask it
(step 1) some seconds after changes, whoever made them. Its answer has all that we lack, and all
deletions. The question and the answer of the greeting are repeated some seconds later: y-webrtc may
have missed the first ones, as it did not listen to the data channel yet.

Knows no document, and no clock.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from math import inf

from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.deadlines import earliest
from pyodide_rtc.protocol.document.replica import Effects, Replica
from pyodide_rtc.protocol.effects import AskDiff
from pyodide_rtc.protocol.link import PeerLink
from pyodide_rtc.wire.messages import SyncStep1

INTERVAL_S = 8.0
"""The shortest time between two questions to a peer: each answer holds all deletions that there
ever were."""

AGAIN_S = 5.0
"""How long after its question a peer is answered again, and asked again."""

MAX_AGAIN_BYTES = 256 * 1024
"""A larger answer is not repeated. It went in many messages: so the data channel works."""

BUSY_RETRY_S = 1.0
"""How long a question or answer is put off while it would overtake something."""


@dataclass(slots=True)
class StockChecks:
    """The questions to the stock peers of one document, and the answers that are repeated.

    Args:
        document: the document's name.
        replicas: the replicas, by link.
    """

    document: str
    replicas: dict[ev.LinkId, Replica]
    _asked_s: dict[ev.LinkId, float] = field(default_factory=dict)  # by link: the last question
    _due_s: dict[ev.LinkId, float] = field(default_factory=dict)  # the next question
    _again_s: dict[ev.LinkId, float] = field(default_factory=dict)  # the repeated answer
    _told: dict[ev.LinkId, bytes] = field(default_factory=dict)  # the state vector it answers

    @property
    def deadline_s(self) -> float | None:
        """When `on_time` should be called next."""
        return earliest(*self._due_s.values(), *self._again_s.values())

    def forget(self, link: ev.LinkId) -> None:
        """Forget a peer whose link is closed."""
        for known in (self._asked_s, self._due_s, self._again_s, self._told):
            known.pop(link, None)

    def hurry(self, now_s: float) -> None:
        """The document has changed: ask all stock peers, each as soon as its interval allows."""
        for link_id, replica in self.replicas.items():
            if replica.link.is_open and is_stock(replica):
                self._due_s[link_id] = max(now_s, self._asked_s.get(link_id, -inf) + INTERVAL_S)

    def on_question(self, link: ev.LinkId, state_vector: bytes, now_s: float) -> None:
        """A peer has asked, as a stock peer does when it connects: answer and ask again later."""
        if is_stock(self.replicas[link]):
            self._told[link] = state_vector
            self._again_s[link] = self._due_s[link] = now_s + AGAIN_S

    def on_answer(self, event: ev.DiffRead) -> None:
        """A peer gets an answer: if it is large, it is not repeated."""
        if event.is_answer and len(event.update) > MAX_AGAIN_BYTES:
            self._again_s.pop(event.link, None)

    def on_time(self, now_s: float) -> Effects:
        """Repeat the answers that are due."""
        # As a step 2: if the first one was lost, this one makes the peer synced.
        due = self._take_due(self._again_s, now_s)
        return [AskDiff(self.document, link, self._told[link]) for link in due]

    def is_question_due(self, now_s: float) -> bool:
        """Return whether a peer is to be asked now: then call `ask`."""
        return any(due_s <= now_s for due_s in self._due_s.values())

    def ask(self, state_vector: bytes, now_s: float) -> Effects:
        """Ask the peers whose question is due."""
        effects: Effects = []
        for link in self._take_due(self._due_s, now_s):
            self._asked_s[link] = now_s
            effects += self.replicas[link].send(SyncStep1(state_vector))
        return effects

    def _take_due(self, times: dict[ev.LinkId, float], now_s: float) -> list[ev.LinkId]:
        """Remove and return the links that are due; those by which something waits are put off."""
        due = [link for link, due_s in times.items() if due_s <= now_s]
        level = [link for link in due if self._is_level(self.replicas[link])]
        times |= dict.fromkeys(due, now_s + BUSY_RETRY_S)
        for link in level:
            del times[link]
        return level

    def _is_level(self, replica: Replica) -> bool:
        """Whether the next frame overtakes nothing that still has to go there."""
        return replica.link.is_open and replica.is_level


def is_stock(replica: Replica) -> bool:
    """Return whether a stock peer is at the other end."""
    return isinstance(replica.link, PeerLink) and not replica.link.is_own_kind
