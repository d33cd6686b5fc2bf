"""The last five minutes of a room, one sample a second; pure, and bounded."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from pyodide_rtc.looks import NO_COLOR
from pyodide_rtc.people import Person
from pyodide_rtc.room_repr import who
from pyodide_rtc.session.traffic import Traffic
from pyodide_rtc.snapshot import Peer

__all__ = [
    "MAX_LINES",
    "MAX_MARKS",
    "MAX_SAMPLES",
    "PERIOD_S",
    "WINDOW_S",
    "History",
    "Look",
    "Mark",
    "MarkKind",
    "Rates",
    "Sample",
    "Seen",
]

WINDOW_S = 300.0
"""So much of the past is shown."""

PERIOD_S = 1.0
"""So often a sample is taken."""

MAX_SAMPLES = 300
"""So many samples are kept."""

MAX_LINES = 8
"""Of so many peers the latency is kept in each sample, and drawn."""

MAX_MARKS = 20
"""So many of the latest marks are kept."""

_GAP_PERIODS = 3
"""Samples that are further apart have a gap between them: nobody looked, or Python was busy."""

MarkKind = Literal["joined", "left", "server-lost", "server-back"]
"""What happened at some moment."""


@dataclass(frozen=True, slots=True)
class Look:
    """What a sample is made of: an open room at one moment.

    Args:
        peers: the others.
        people: who of them shows a name.
        has_server: whether a signaling server is reached.
        traffic: what the room counts.
    """

    peers: tuple[Peer, ...]
    people: tuple[Person, ...]
    has_server: bool
    traffic: Traffic


@dataclass(frozen=True, slots=True)
class Rates:
    """How much was sent and received a second."""

    received_bytes: float
    sent_bytes: float
    received_messages: float
    sent_messages: float


@dataclass(frozen=True, slots=True)
class Sample:
    """A room at one moment.

    Args:
        at_s: when.
        rates: since the sample before; None after a gap.
        connected: how many peers are connected.
        synced: how many of them are synced.
        round_trips: how long the network takes to them and back, in milliseconds, by peer id.
    """

    at_s: float
    rates: Rates | None
    connected: int
    synced: int
    round_trips: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that happened.

    Args:
        at_s: when the sample was taken that shows it.
        kind: what.
        peer_id: of whom; empty for servers.
    """

    at_s: float
    kind: MarkKind
    peer_id: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """By what a peer is shown: name and colour."""

    name: str
    color: str


@dataclass(frozen=True, slots=True)
class _Before:
    """What the next sample is compared with."""

    at_s: float
    counted: Traffic
    traffic: Traffic
    connected: frozenset[str]
    has_server: bool


class History:
    """Keeps the samples of the last five minutes.

    Args:
        period_s: how far apart samples are meant to be, in seconds.
    """

    def __init__(self, period_s: float = PERIOD_S) -> None:
        self._period_s = period_s
        self._samples: deque[Sample] = deque(maxlen=MAX_SAMPLES)
        self._marks: deque[Mark] = deque(maxlen=MAX_MARKS)
        self._seen: dict[str, Seen] = {}
        self._before: _Before | None = None

    @property
    def samples(self) -> Sequence[Sample]:
        """The samples, the oldest first."""
        return tuple(self._samples)

    @property
    def marks(self) -> Sequence[Mark]:
        """What happened, the oldest first."""
        return tuple(self._marks)

    def is_gap(self, one: Sample, next_one: Sample) -> bool:
        """Whether nothing is known of the time between two samples that follow each other."""
        return next_one.at_s - one.at_s > _GAP_PERIODS * self._period_s

    def is_fresh(self, now_s: float) -> bool:
        """Whether the last sample tells how the room is now."""
        last = self._before
        return last is not None and now_s - last.at_s <= _GAP_PERIODS * self._period_s

    def seen(self, peer_id: str) -> Seen:
        """Return by what a peer is shown, or was shown last."""
        return self._seen.get(peer_id) or Seen(who(None, peer_id), NO_COLOR)

    def lines(self) -> tuple[str, ...]:
        """Return the ids of the peers whose latency is drawn: those who have most of it."""
        counted = Counter(peer_id for sample in self._samples for peer_id in sample.round_trips)
        most = {peer_id for peer_id, _ in counted.most_common(MAX_LINES)}
        return tuple(peer_id for peer_id in counted if peer_id in most)

    def add(self, look: Look, now_s: float) -> None:
        """Take a sample, unless the last one is of this moment."""
        if self._before is not None and now_s - self._before.at_s < self._period_s / 2:
            return
        connected = [peer for peer in look.peers if peer.is_connected]
        before = self._before if self.is_fresh(now_s) else None
        self._mark(before, look, frozenset(peer.peer_id for peer in connected), now_s)
        self._see(look, connected)
        rates = None if before is None else _rates(before, look.traffic, now_s)
        synced = sum(peer.is_synced for peer in connected)
        sample = Sample(now_s, rates, len(connected), synced, self._round_trips(connected))
        self._samples.append(sample)
        self._before = _Before(
            now_s,
            look.traffic,
            replace(look.traffic),
            frozenset(peer.peer_id for peer in connected),
            look.has_server,
        )
        self._forget(now_s)

    def pause(self, now_s: float) -> None:
        """The room is not open: what comes next begins anew."""
        self._before = None
        self._forget(now_s)

    def _round_trips(self, connected: Sequence[Peer]) -> dict[str, float]:
        """Return the latencies that are known, of those first of whom the last sample has them."""
        found = {p.peer_id: p.round_trip_ms for p in connected if p.round_trip_ms is not None}
        last = self._samples[-1].round_trips if self._samples else {}
        ordered = sorted(found, key=lambda peer_id: peer_id not in last)
        return {peer_id: found[peer_id] for peer_id in ordered[:MAX_LINES]}

    def _mark(
        self, before: _Before | None, look: Look, connected: frozenset[str], now_s: float
    ) -> None:
        if before is None:
            return
        for peer_id in sorted(before.connected - connected):
            self._marks.append(Mark(now_s, "left", peer_id))
        for peer_id in sorted(connected - before.connected):
            self._marks.append(Mark(now_s, "joined", peer_id))
        if look.has_server != before.has_server:
            self._marks.append(Mark(now_s, "server-back" if look.has_server else "server-lost"))

    def _see(self, look: Look, connected: Sequence[Peer]) -> None:
        people = {person.peer_id: person for person in look.people}
        for peer in connected:
            person = people.get(peer.peer_id)
            if person is not None:
                self._seen[peer.peer_id] = Seen(person.name, person.color)
            elif peer.name or peer.peer_id not in self._seen:
                self._seen[peer.peer_id] = Seen(who(peer.name, peer.peer_id), NO_COLOR)

    def _forget(self, now_s: float) -> None:
        """Forget what is older than what is shown, and who is neither here nor shown."""
        while self._samples and self._samples[0].at_s < now_s - WINDOW_S:
            self._samples.popleft()
        while self._marks and self._marks[0].at_s < now_s - WINDOW_S:
            self._marks.popleft()
        shown = {mark.peer_id for mark in self._marks}.union(
            *(sample.round_trips for sample in self._samples)
        )
        if self._before is not None:
            shown |= self._before.connected
        self._seen = {peer_id: seen for peer_id, seen in self._seen.items() if peer_id in shown}


def _rates(before: _Before, traffic: Traffic, now_s: float) -> Rates:
    # A room that was left and joined again counts anew.
    was = before.traffic if before.counted is traffic else Traffic()
    passed_s = now_s - before.at_s
    return Rates(
        (traffic.received_bytes - was.received_bytes) / passed_s,
        (traffic.sent_bytes - was.sent_bytes) / passed_s,
        (traffic.received_messages - was.received_messages) / passed_s,
        (traffic.sent_messages - was.sent_messages) / passed_s,
    )
