"""What a monitor says of a room: facts in, numbers and words out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pyodide_rtc.monitor.history import MAX_LINES, MAX_SAMPLES, History, Look
from pyodide_rtc.monitor.model import MAX_NEWS, MAX_ROWS, Monitor, amount_words, describe
from pyodide_rtc.monitor.text import monitor_html, monitor_text
from pyodide_rtc.people import Person
from pyodide_rtc.session.traffic import Traffic
from pyodide_rtc.snapshot import Peer

BOB = Person("Bob", "#1a7cb6", "B", False, "active", "", "p1")
PEER = Peer("p1", "Bob", "webrtc", True, True, is_relayed=False, round_trip_ms=12.4)
EVIL = "</td><img src=x onerror=alert(1)>\"' <script>alert(1)</script>"


class Room:
    """A room whose time and traffic are in the test's hands."""

    def __init__(self) -> None:
        self.history = History()
        self.now_s = 100.0
        self.look: Look | None = Look((PEER,), (BOB,), True, Traffic())

    def passes(self, seconds: float = 1.0, sent: int = 0, received: int = 0, **about: Any) -> None:
        """So much is sent and received, and then a sample is taken."""
        self.now_s += seconds
        assert self.look is not None
        self.look = replace(self.look, **about)
        traffic = self.look.traffic
        traffic.sent_bytes += sent
        traffic.sent_messages += sent > 0
        traffic.received_bytes += received
        traffic.received_messages += received > 0
        self.history.add(self.look, self.now_s)

    def shown(self, name: str = "demo", why: str = "All is well.") -> Monitor:
        stage = "left" if self.look is None else "open"
        return describe(name, stage, why, self.look, self.history, self.now_s)


def test_it_is_json() -> None:
    room = Room()
    room.passes(1, peers=())
    room.passes(1, sent=340, received=1200, peers=(PEER,))
    room.passes(2, sent=20, received=0)

    panel = room.shown().as_json()
    assert json.loads(json.dumps(panel)) == panel
    assert panel == {
        "room": "demo",
        "sentence": "All is well.",
        "traffic": (
            "Receiving 0 B/s (0 messages/s), sending 10 B/s (0.5 messages/s). "
            "Since joining: 1.2 kB received, 360 B sent."
        ),
        "latency": "There and back: Bob 12 ms.",
        "sync": "1 connected, 1 synced.",
        "peers": [
            {
                "name": "Bob",
                "color": "#1a7cb6",
                "connection": "synced · direct · 12 ms",
                "is_synced": True,
            }
        ],
        "news": ["2 s ago: Bob is connected"],
        "note": "",
        "times": [-3.0, -2.0, 0.0],
        "received": [None, 1200, 0],
        "sent": [None, 340, 10],
        "lines": [{"name": "Bob", "color": "#1a7cb6", "round_trips": [None, 12.4, 12.4]}],
        "connected": [0, 1, 1],
        "synced": [0, 1, 1],
        "marks": [-2.0],
        "gaps": [],
    }


def test_nothing_is_drawn_over_a_gap() -> None:
    room = Room()
    room.passes(1, sent=10)
    room.passes(1, sent=10)
    room.passes(60, sent=9000)
    room.passes(1, sent=10)
    shown = room.shown()

    assert shown.times == (-62.0, -61.0, -31.0, -1.0, 0.0)
    assert shown.sent == (None, 10, None, None, 10)
    assert shown.connected == (1, 1, None, 1, 1)
    assert shown.lines[0].round_trips == (12.4, 12.4, None, 12.4, 12.4)
    assert shown.gaps == ((-61.0, -1.0),)
    assert shown.note.startswith("Nothing is known of the grey times: nobody saw the monitor")


def test_a_gap_may_last_until_now() -> None:
    room = Room()
    room.passes()
    room.now_s += 20
    shown = room.shown()

    assert shown.gaps == ((-20.0, 0.0),)
    assert shown.traffic.startswith("The rates are known in a moment."), "not those of long ago"


def test_before_the_second_sample_no_rate_is_known() -> None:
    room = Room()
    assert room.shown().times == ()
    room.passes(sent=2_500_000)
    assert room.shown().traffic == (
        "The rates are known in a moment. Since joining: 0 B received, 2.5 MB sent."
    )


@pytest.mark.parametrize(
    ("peers", "latency", "sync"),
    [
        ((), "Nobody is connected.", "Nobody is connected."),
        ((replace(PEER, is_connected=False),), "Nobody is connected.", "Nobody is connected."),
        (
            (replace(PEER, round_trip_ms=None), replace(PEER, peer_id="p2", round_trip_ms=None)),
            "It is known in a moment.",
            "2 connected, 2 synced.",
        ),
        (
            (replace(PEER, via="tab", round_trip_ms=None, is_synced=False),),
            "All are in this browser.",
            "1 connected, 0 synced.",
        ),
        (
            (PEER, replace(PEER, peer_id="p2", name=None, round_trip_ms=0.2)),
            "There and back: Bob 12 ms, peer p2 < 1 ms.",
            "2 connected, 2 synced.",
        ),
    ],
)
def test_words_for_latency_and_sync(peers: tuple[Peer, ...], latency: str, sync: str) -> None:
    room = Room()
    room.passes(peers=peers)
    assert (room.shown().latency, room.shown().sync) == (latency, sync)


def test_a_room_that_is_not_open_keeps_its_last_minutes() -> None:
    room = Room()
    room.passes()
    room.passes()
    room.look = None
    room.history.pause(room.now_s)
    shown = room.shown(why="The room was left.")

    assert (shown.traffic, shown.latency, shown.sync) == ("The room is not open.",) * 3
    assert (shown.sentence, shown.peers) == ("The room was left.", ())
    assert shown.connected == (1, 1, None), "and it is drawn no further"


def test_news_are_the_latest_first() -> None:
    room = Room()
    room.passes(peers=())
    room.passes(peers=(PEER,))
    room.passes(peers=(), has_server=False)
    for _ in range(90):
        room.passes()
    room.passes(has_server=True)

    assert room.shown().news == (
        "0 s ago: a signaling server is reached again",
        "1 min ago: no signaling server is reached",
        "1 min ago: Bob is gone",
        "1 min ago: Bob is connected",
    )


@pytest.mark.parametrize(
    ("size", "words"), [(0, "0 B"), (999, "999 B"), (1000, "1 kB"), (2_345_678, "2.3 MB")]
)
def test_amounts_in_words(size: int, words: str) -> None:
    assert amount_words(size) == words


def test_it_is_bounded() -> None:
    """Whatever peers claim, and however long it is watched."""
    room = Room()
    for n in range(MAX_SAMPLES + 20):
        peers = tuple(replace(PEER, peer_id=f"p{n * 10 + i}", name="x" * 9000) for i in range(50))
        room.passes(sent=10**9, received=10**9, peers=peers)
    shown = room.shown(name="y" * 9000)

    assert (len(shown.times), len(shown.lines)) == (MAX_SAMPLES, MAX_LINES)
    assert (len(shown.peers), len(shown.news)) == (MAX_ROWS, MAX_NEWS)
    assert shown.peers[-1].name == f"and {50 + 1 - MAX_ROWS} more"
    assert f", {50 - MAX_ROWS} more." in shown.latency
    assert len(json.dumps(shown.as_json())) < 50_000


def test_the_words_say_the_same_and_take_nothing_for_html() -> None:
    room = Room()
    room.passes(peers=())
    evil = replace(BOB, name=EVIL)
    room.passes(sent=340, received=1200, peers=(replace(PEER, name=EVIL),), people=(evil,))
    html = monitor_html(room.shown(EVIL, EVIL), "Install it.")

    assert "<script" not in html
    assert "<img" not in html
    assert html.count("Install it.") == 1
    for words in ("Receiving 1.2 kB/s (1 message/s)", "1 connected", "direct · 12 ms"):
        assert words in html


def test_the_text_has_a_line_for_each() -> None:
    room = Room()
    room.passes(peers=())
    room.passes(sent=340, received=1200, peers=(PEER,))

    assert monitor_text(room.shown(), "A hint.").splitlines() == [
        "Room demo: All is well.",
        "  traffic    Receiving 1.2 kB/s (1 message/s), sending 340 B/s (1 message/s). "
        "Since joining: 1.2 kB received, 340 B sent.",
        "  latency    There and back: Bob 12 ms.",
        "  sync       1 connected, 1 synced.",
        "  peer       Bob, synced · direct · 12 ms",
        "  news       0 s ago: Bob is connected",
        "A hint.",
    ]
