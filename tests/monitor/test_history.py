"""What is kept of the last minutes of a room: rates, latencies, marks; and no more than that."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from pyodide_rtc.looks import NO_COLOR
from pyodide_rtc.monitor.history import (
    MAX_LINES,
    MAX_MARKS,
    MAX_SAMPLES,
    WINDOW_S,
    History,
    Look,
    Mark,
    Rates,
    Seen,
)
from pyodide_rtc.people import Person
from pyodide_rtc.session.traffic import Traffic
from pyodide_rtc.snapshot import Peer

BOB = Person("Bob", "#1a7cb6", "B", False, "active", "", "p1")
PEER = Peer("p1", "Bob", "webrtc", True, True, round_trip_ms=12.4)


def look(*peers: Peer, **about: Any) -> Look:
    return replace(Look(peers, (BOB,), True, Traffic()), **about)


def peers(count: int, first: int = 0) -> list[Peer]:
    return [replace(PEER, peer_id=f"p{n}", name=None) for n in range(first, first + count)]


def test_a_rate_is_what_was_counted_since_the_last_sample() -> None:
    history, traffic = History(), Traffic(5000, 50, 1000, 10)
    history.add(look(PEER, traffic=traffic), 10.0)
    traffic.sent_bytes, traffic.sent_messages = 8000, 56
    traffic.received_bytes, traffic.received_messages = 1100, 11
    history.add(look(PEER, traffic=traffic), 12.0)

    first, second = history.samples
    assert first.rates is None, "there is nothing to compare it with"
    assert second.rates == Rates(50.0, 1500.0, 0.5, 3.0)
    assert (second.connected, second.synced) == (1, 1)
    assert second.round_trips == {"p1": 12.4}


def test_a_room_that_is_joined_again_counts_anew() -> None:
    history = History()
    history.add(look(traffic=Traffic(5000, 50, 1000, 10)), 10.0)
    history.add(look(traffic=Traffic(7000, 2, 30, 1)), 11.0)

    assert history.samples[1].rates == Rates(30.0, 7000.0, 1.0, 2.0)


@pytest.mark.parametrize("is_left", [False, True])
def test_after_a_gap_it_begins_anew(is_left: bool) -> None:
    """What was sent meanwhile is no rate of now, and who came meanwhile has not come now."""
    history, traffic = History(), Traffic()
    history.add(look(traffic=traffic), 10.0)
    traffic.sent_bytes = 1_000_000
    if is_left:
        history.pause(11.0)
    after_s = 11.5 if is_left else 70.0
    history.add(look(PEER, traffic=traffic, has_server=False), after_s)

    first, second = history.samples
    assert second.rates is None
    assert history.marks == ()
    assert history.is_gap(first, second) is not is_left
    assert history.is_fresh(after_s + 2)
    assert not history.is_fresh(after_s + 4)


def test_two_looks_at_one_moment_are_one_sample() -> None:
    history = History()
    for at_s in (1.0, 1.0, 1.2, 2.0):
        history.add(look(PEER), at_s)
    assert [sample.at_s for sample in history.samples] == [1.0, 2.0]


def test_what_happens_is_marked() -> None:
    history = History()
    history.add(look(), 1.0)
    history.add(look(PEER), 2.0)
    history.add(look(replace(PEER, is_connected=False), has_server=False), 3.0)
    history.add(look(PEER), 4.0)

    assert history.marks == (
        Mark(2.0, "joined", "p1"),
        Mark(3.0, "left", "p1"),
        Mark(3.0, "server-lost"),
        Mark(4.0, "joined", "p1"),
        Mark(4.0, "server-back"),
    )


def test_who_is_gone_keeps_name_and_colour_as_long_as_anything_of_them_is_shown() -> None:
    history = History()
    history.add(look(), 0.0)
    history.add(look(replace(PEER, name=None), people=()), 1.0)
    assert history.seen("p1") == Seen("peer p1", NO_COLOR)
    history.add(look(PEER, people=()), 2.0)
    assert history.seen("p1") == Seen("Bob", NO_COLOR)
    history.add(look(PEER), 3.0)
    history.add(look(replace(PEER, name=None), people=()), 4.0)  # it is leaving
    history.add(look(people=()), 5.0)
    assert history.seen("p1") == Seen("Bob", "#1a7cb6")
    for at_s in range(6, 6 + int(WINDOW_S) + 1):
        history.add(look(people=()), float(at_s))
    assert history.seen("p1") == Seen("peer p1", NO_COLOR)


def test_it_forgets_what_is_not_shown_any_more() -> None:
    history = History()
    for at_s in range(10):
        history.add(look(*[PEER] * (at_s > 5)), float(at_s))
    assert len(history.marks) == 1
    history.pause(WINDOW_S + 5)
    assert [sample.at_s for sample in history.samples] == [5.0, 6.0, 7.0, 8.0, 9.0]
    history.pause(WINDOW_S + 20)
    assert (history.samples, history.marks) == ((), ())


def test_it_is_bounded() -> None:
    """However many come and go."""
    history = History()
    for at_s in range(MAX_SAMPLES + 20):
        there = peers(50, first=at_s * 10)
        history.add(look(*there), float(at_s))

    assert len(history.samples) == MAX_SAMPLES
    assert max(len(sample.round_trips) for sample in history.samples) == MAX_LINES
    assert len(history.marks) == MAX_MARKS
    assert len(history.lines()) == MAX_LINES
    last = history.samples[-1]
    assert (last.connected, last.synced) == (50, 50), "all are counted"


def test_those_who_are_drawn_are_those_who_have_most() -> None:
    history = History()
    few, many = peers(3), peers(MAX_LINES, first=3)
    history.add(look(*few), 0.0)
    for at_s in range(1, 10):
        history.add(look(*many), float(at_s))
    assert set(history.lines()) == {peer.peer_id for peer in many}


def test_others_do_not_take_the_place_of_those_whose_latency_is_drawn() -> None:
    history = History()
    first = peers(MAX_LINES, first=5)
    history.add(look(*first), 0.0)
    history.add(look(*peers(5), *first), 1.0)
    assert history.samples[1].round_trips.keys() == {peer.peer_id for peer in first}


def test_a_latency_that_is_not_known_is_none() -> None:
    history = History()
    history.add(look(replace(PEER, round_trip_ms=None), replace(PEER, is_connected=False)), 0.0)
    assert history.samples[0].round_trips == {}
