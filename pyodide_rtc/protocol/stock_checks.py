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
from pyodide_rtc.protocol.effects import AskDiff, Effect
from pyodide_rtc.protocol.links import Links
from pyodide_rtc.wire.messages import SyncStep1, encode

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
    """The questions to the stock peers of one room, and the answers that they get again.

    Args:
        links: by which they go.
    """

    links: Links
    _asked_s: dict[int, float] = field(default_factory=dict)  # by connection: the last question
    _due_s: dict[int, float] = field(default_factory=dict)  # the next question
    _again_s: dict[int, float] = field(default_factory=dict)  # the answer that is given again
    _told: dict[int, bytes] = field(default_factory=dict)  # the state vector that it is for

    @property
    def deadline_s(self) -> float | None:
        """When `on_time` should be called next."""
        return earliest(*self._due_s.values(), *self._again_s.values())

    def forget(self, conn: int) -> None:
        """Drop what is known of a peer whose connection is closed."""
        for known in (self._asked_s, self._due_s, self._again_s, self._told):
            known.pop(conn, None)

    def hurry(self, now_s: float) -> None:
        """Ask all as soon as is decent: the document has changed."""
        for peer in self.links.mesh:
            conn = peer.negotiation.conn
            if conn is not None and peer.is_joined and peer.capability is None:
                self._due_s[conn] = max(now_s, self._asked_s.get(conn, -inf) + INTERVAL_S)

    def on_question(self, link: ev.Link, state_vector: bytes, now_s: float) -> None:
        """Take that a peer has asked, which a stock peer does when it connects."""
        peer = self.links.mesh.peer_of(link)
        if peer is not None and peer.capability is None:
            self._told[link] = state_vector
            self._again_s[link] = self._due_s[link] = now_s + AGAIN_S

    def on_answer(self, event: ev.DiffRead) -> None:
        """Take the answer that a peer gets."""
        if event.is_answer and len(event.update) > MAX_AGAIN_BYTES:
            self._again_s.pop(event.link, None)

    def on_time(self, now_s: float) -> list[Effect]:
        """Answer again those whose time it is."""
        # As an answer: if the first one was lost, the peer is synced by this one.
        return [AskDiff(conn, self._told[conn]) for conn in self._take_due(self._again_s, now_s)]

    def is_question_due(self, now_s: float) -> bool:
        """Tell whether somebody is to be asked now: then `ask` is to be called."""
        return any(due_s <= now_s for due_s in self._due_s.values())

    def ask(self, state_vector: bytes, now_s: float) -> list[Effect]:
        """Ask those whose time it is."""
        effects: list[Effect] = []
        for conn in self._take_due(self._due_s, now_s):
            self._asked_s[conn] = now_s
            effects += self.links.send(conn, encode(SyncStep1(state_vector)))
        return effects

    def _take_due(self, times: dict[int, float], now_s: float) -> list[int]:
        """Take the connections whose time has come; those on which something waits stay."""
        due = [conn for conn, due_s in times.items() if due_s <= now_s]
        level = [conn for conn in due if self._is_level(conn)]
        times |= dict.fromkeys(due, now_s + BUSY_RETRY_S)
        for conn in level:
            del times[conn]
        return level

    def _is_level(self, conn: int) -> bool:
        """Whether all that there is to tell goes before the next frame."""
        traffic = self.links.traffic_of(conn)
        return traffic is not None and traffic.peer.is_joined and traffic.is_level
