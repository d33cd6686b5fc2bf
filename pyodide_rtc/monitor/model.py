"""What a monitor shows of a room: numbers to be drawn, and the same in words.

It is JSON, and bounded. All texts may come from outside; whoever draws them takes them for text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from operator import itemgetter

from pyodide_rtc import room_repr
from pyodide_rtc.looks import NO_COLOR
from pyodide_rtc.monitor.history import History, Look, Mark, MarkKind, Rates, Sample
from pyodide_rtc.panel.model import connection_words, latency_words
from pyodide_rtc.protocol.events import JsonObject
from pyodide_rtc.room_status import RoomStage
from pyodide_rtc.session.traffic import Traffic
from pyodide_rtc.snapshot import Peer

__all__ = ["Line", "Monitor", "PeerRow", "amount_words", "describe"]

MAX_ROWS = 20
"""So many peers have a row; further ones are counted."""

MAX_NEWS = 5
"""So much of what happened is told in words."""

_GAPS = (
    "Nothing is known of the grey times: nobody saw the monitor, Python was computing, or the room "
    "was not open."
)

_NOT_OPEN = "The room is not open."

_HAPPENED: dict[MarkKind, str] = {
    "joined": "{name} is connected",
    "left": "{name} is gone",
    "server-lost": "no signaling server is reached",
    "server-back": "a signaling server is reached again",
}

Values = tuple[float | None, ...]
"""One for each of the times; None where nothing is known, or nothing to be drawn."""


@dataclass(frozen=True, slots=True)
class PeerRow:
    """A peer that is here, and the connection to it.

    Args:
        name: by which it is shown.
        color: as `"#e12b2b"`.
        connection: how it is reached, how far it is and how fast, in words.
        is_synced: whether nothing is on its way between us.
    """

    name: str
    color: str
    connection: str
    is_synced: bool


@dataclass(frozen=True, slots=True)
class Line:
    """The latency of a peer: its name, its colour, and milliseconds."""

    name: str
    color: str
    round_trips: Values


@dataclass(frozen=True, slots=True)
class Monitor:
    """All that a monitor shows. Times are in seconds, and 0 is now.

    Args:
        room: the room's name.
        sentence: how the room is.
        traffic: the rates now and what was sent and received in all, in words.
        latency: the latency of each peer, in words.
        sync: who is connected and synced, in words.
        peers: those who are here.
        news: what happened lately, in words, the latest first.
        note: what to know of what is drawn; empty if there is nothing to say.
        times: when the samples were taken.
        received: bytes received a second.
        sent: bytes sent a second.
        lines: latencies.
        connected: how many peers were connected.
        synced: how many of them were synced.
        marks: when something happened.
        gaps: from when to when nothing is known.
    """

    room: str
    sentence: str
    traffic: str
    latency: str
    sync: str
    peers: tuple[PeerRow, ...] = ()
    news: tuple[str, ...] = ()
    note: str = ""
    times: tuple[float, ...] = ()
    received: Values = ()
    sent: Values = ()
    lines: tuple[Line, ...] = ()
    connected: Values = ()
    synced: Values = ()
    marks: tuple[float, ...] = ()
    gaps: tuple[tuple[float, float], ...] = ()

    def as_json(self) -> JsonObject:
        """Return it as JSON."""
        found: JsonObject = {name: getattr(self, name) for name in self.__slots__}
        found["peers"] = [asdict(one) for one in self.peers]
        found["lines"] = [
            {"name": one.name, "color": one.color, "round_trips": list(one.round_trips)}
            for one in self.lines
        ]
        found["gaps"] = [list(gap) for gap in self.gaps]
        return {k: list(v) if isinstance(v, tuple) else v for k, v in found.items()}


def describe(
    name: str, stage: RoomStage, why: str, look: Look | None, history: History, now_s: float
) -> Monitor:
    """Describe a room and its last minutes.

    Args:
        name: the room's name.
        stage: how far it is.
        why: how it is, as a sentence.
        look: the room at this moment; None if it is not open.
        history: its last minutes.
        now_s: the time.
    """
    rows = _rows(history, now_s)
    gaps = _gaps(history, now_s)
    peers = [] if look is None else [peer for peer in look.peers if peer.is_connected]
    rates = history.samples[-1].rates if history.is_fresh(now_s) else None
    return Monitor(
        room_repr.short_name(name),
        why,
        _NOT_OPEN if look is None else _traffic_words(look.traffic, rates),
        _NOT_OPEN if look is None else _latency_words(peers, history),
        _NOT_OPEN if look is None else _sync_words(peers),
        _peer_rows(peers, history),
        tuple(_news(mark, history, now_s) for mark in reversed(history.marks[-MAX_NEWS:])),
        _GAPS if gaps else "",
        tuple(round(at_s - now_s, 1) for at_s, _ in rows),
        _rates(rows, lambda rates: rates.received_bytes),
        _rates(rows, lambda rates: rates.sent_bytes),
        tuple(_line(peer_id, rows, history) for peer_id in history.lines()),
        _values(rows, lambda sample: sample.connected),
        _values(rows, lambda sample: sample.synced),
        tuple(round(mark.at_s - now_s, 1) for mark in history.marks),
        tuple((round(a - now_s, 1), round(b - now_s, 1)) for a, b in gaps),
    )


# Numbers.

_Row = tuple[float, Sample | None]
"""A time, and the sample of that time; None within a gap."""


def _gaps(history: History, now_s: float) -> list[tuple[float, float]]:
    """Return the times of which nothing is known, the one that lasts until now included."""
    samples = history.samples
    found = [(a.at_s, b.at_s) for a, b in pairwise(samples) if history.is_gap(a, b)]
    if samples and not history.is_fresh(now_s):
        found.append((samples[-1].at_s, now_s))
    return found


def _rows(history: History, now_s: float) -> list[_Row]:
    """Return the samples, with nothing between those that have a gap between them."""
    rows: list[_Row] = [(sample.at_s, sample) for sample in history.samples]
    rows += [((start_s + end_s) / 2, None) for start_s, end_s in _gaps(history, now_s)]
    return sorted(rows, key=itemgetter(0))


def _values(rows: Sequence[_Row], value: Callable[[Sample], float | None]) -> Values:
    return tuple(None if sample is None else value(sample) for _, sample in rows)


def _rates(rows: Sequence[_Row], rate: Callable[[Rates], float]) -> Values:
    return _values(rows, lambda sample: None if sample.rates is None else round(rate(sample.rates)))


def _line(peer_id: str, rows: Sequence[_Row], history: History) -> Line:
    def value(sample: Sample) -> float | None:
        round_trip_ms = sample.round_trips.get(peer_id)
        return None if round_trip_ms is None else round(round_trip_ms, 1)

    seen = history.seen(peer_id)
    return Line(seen.name, seen.color, _values(rows, value))


# Words.


def _traffic_words(traffic: Traffic, rates: Rates | None) -> str:
    received, sent = amount_words(traffic.received_bytes), amount_words(traffic.sent_bytes)
    total = f"Since joining: {received} received, {sent} sent."
    if rates is None:
        return f"The rates are known in a moment. {total}"
    coming = _rate_words(rates.received_bytes, rates.received_messages)
    going = _rate_words(rates.sent_bytes, rates.sent_messages)
    return f"Receiving {coming}, sending {going}. {total}"


def _rate_words(size_bytes: float, messages: float) -> str:
    count = _short(messages) if messages < 10 else f"{messages:.0f}"
    unit = "message" if count == "1" else "messages"
    return f"{amount_words(size_bytes)}/s ({count} {unit}/s)"


def amount_words(size_bytes: float) -> str:
    """Say how many bytes these are."""
    for unit, size in (("MB", 1e6), ("kB", 1e3)):
        if size_bytes >= size:
            return f"{_short(size_bytes / size)} {unit}"
    return f"{size_bytes:.0f} B"


def _short(number: float) -> str:
    return f"{number:.1f}".removesuffix(".0")


def _latency_words(peers: Sequence[Peer], history: History) -> str:
    known = [
        f"{history.seen(peer.peer_id).name} {latency_words(peer.round_trip_ms)}"
        for peer in peers
        if peer.round_trip_ms is not None
    ]
    if known:
        more = len(known) - MAX_ROWS
        shown = [*known[:MAX_ROWS], f"{more} more"] if more > 0 else known
        return f"There and back: {', '.join(shown)}."
    if not peers:
        return "Nobody is connected."
    if all(peer.via == "tab" for peer in peers):
        return "All are in this browser."
    return "It is known in a moment."


def _sync_words(peers: Sequence[Peer]) -> str:
    if not peers:
        return "Nobody is connected."
    synced = sum(peer.is_synced for peer in peers)
    return f"{len(peers)} connected, {synced} synced."


def _peer_rows(peers: Sequence[Peer], history: History) -> tuple[PeerRow, ...]:
    def row(peer: Peer) -> PeerRow:
        seen = history.seen(peer.peer_id)
        return PeerRow(seen.name, seen.color, connection_words(peer), peer.is_synced)

    if len(peers) <= MAX_ROWS:
        return tuple(map(row, peers))
    shown = peers[: MAX_ROWS - 1]
    rest = PeerRow(f"and {len(peers) - len(shown)} more", NO_COLOR, "", True)
    return (*map(row, shown), rest)


def _news(mark: Mark, history: History, now_s: float) -> str:
    ago_s = max(now_s - mark.at_s, 0.0)
    ago = f"{ago_s:.0f} s" if ago_s < 60 else f"{ago_s // 60:.0f} min"
    name = history.seen(mark.peer_id).name if mark.peer_id else ""
    return f"{ago} ago: {_HAPPENED[mark.kind].format(name=name)}"
