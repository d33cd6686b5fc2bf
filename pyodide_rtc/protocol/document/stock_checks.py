"""Stock peers: they are asked for what we lack, and sent once more what they asked for.

A stock peer never tells what it has, but for its state vector when it connects. So it is asked
(step 1) some seconds after changes, of whomever they were: its answer has all that it has and we
lack, and all deletions. Question and answer of the greeting are said again some seconds later:
y-webrtc may have missed them, by a data channel to which it did not listen yet.

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
"""The shortest time between two questions to a peer: each answer tells all deletions that there
ever were."""

AGAIN_S = 5.0
"""So long after its question a peer is answered, and asked, again."""

MAX_AGAIN_BYTES = 256 * 1024
"""A larger answer is not given again. It goes in many messages, over a channel that works."""

BUSY_RETRY_S = 1.0
"""How long a frame waits that must not overtake what is still to go."""


@dataclass(slots=True)
class StockChecks:
    """The questions to the stock peers of one document, and the answers that they get again.

    Args:
        document: its name.
        replicas: what they have, by link.
    """

    document: str
    replicas: dict[ev.LinkId, Replica]
    _asked_s: dict[ev.LinkId, float] = field(default_factory=dict)  # by link: the last question
    _due_s: dict[ev.LinkId, float] = field(default_factory=dict)  # the next question
    _again_s: dict[ev.LinkId, float] = field(default_factory=dict)  # the answer that is given again
    _told: dict[ev.LinkId, bytes] = field(default_factory=dict)  # the state vector that it is for

    @property
    def deadline_s(self) -> float | None:
        """When `on_time` should be called next."""
        return earliest(*self._due_s.values(), *self._again_s.values())

    def forget(self, link: ev.LinkId) -> None:
        """Drop what is known of a peer whose link is gone."""
        for known in (self._asked_s, self._due_s, self._again_s, self._told):
            known.pop(link, None)

    def hurry(self, now_s: float) -> None:
        """Ask all as soon as is decent: the document has changed."""
        for link_id, replica in self.replicas.items():
            if replica.link.is_open and _is_stock(replica):
                self._due_s[link_id] = max(now_s, self._asked_s.get(link_id, -inf) + INTERVAL_S)

    def on_question(self, link: ev.LinkId, state_vector: bytes, now_s: float) -> None:
        """Take that a peer has asked, which a stock peer does when it connects."""
        if _is_stock(self.replicas[link]):
            self._told[link] = state_vector
            self._again_s[link] = self._due_s[link] = now_s + AGAIN_S

    def on_answer(self, event: ev.DiffRead) -> None:
        """Take the answer that a peer gets."""
        if event.is_answer and len(event.update) > MAX_AGAIN_BYTES:
            self._again_s.pop(event.link, None)

    def on_time(self, now_s: float) -> Effects:
        """Answer again those whose time it is."""
        # As an answer: if the first one was lost, the peer is synced by this one.
        due = self._take_due(self._again_s, now_s)
        return [AskDiff(self.document, link, self._told[link]) for link in due]

    def is_question_due(self, now_s: float) -> bool:
        """Tell whether somebody is to be asked now: then `ask` is to be called."""
        return any(due_s <= now_s for due_s in self._due_s.values())

    def ask(self, state_vector: bytes, now_s: float) -> Effects:
        """Ask those whose time it is."""
        effects: Effects = []
        for link in self._take_due(self._due_s, now_s):
            self._asked_s[link] = now_s
            effects += self.replicas[link].send(SyncStep1(state_vector))
        return effects

    def _take_due(self, times: dict[ev.LinkId, float], now_s: float) -> list[ev.LinkId]:
        """Take the links whose time has come; those on which something waits stay."""
        due = [link for link, due_s in times.items() if due_s <= now_s]
        level = [link for link in due if self._is_level(self.replicas[link])]
        times |= dict.fromkeys(due, now_s + BUSY_RETRY_S)
        for link in level:
            del times[link]
        return level

    def _is_level(self, replica: Replica) -> bool:
        """Whether all that there is to tell goes before the next frame."""
        return replica.link.is_open and replica.is_level


def _is_stock(replica: Replica) -> bool:
    return isinstance(replica.link, PeerLink) and not replica.link.is_own_kind
