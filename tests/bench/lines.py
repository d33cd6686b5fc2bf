"""The lines of the bench: each measures y-webrtc and us in turn, and gives rows of the table."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count, islice, product
from typing import Any

from distance import at_a_distance
from harness.browsers import crash_tab
from harness.calls import Call, join_together
from selenium.webdriver.remote.webdriver import WebDriver
from slow_relay import sudden_relay
from stage import Side, Stage, new_room

MB = 1_000_000
KIB = 1024


@dataclass(frozen=True, slots=True)
class Sizes:
    """How much is measured; the defaults end in some minutes.

    Args:
        joins: of each kind.
        edits: one by one.
        loops: of 1,000 edits.
        leavings: of each cause.
        outages: of 3 s.
        transfers: of each size.
        memories: of a room alone and of a room of ten.
    """

    joins: int = 20
    edits: int = 200
    loops: int = 7
    leavings: int = 3
    outages: int = 8
    transfers: int = 3
    memories: int = 3


@dataclass(frozen=True, slots=True)
class Row:
    """A row of the table.

    Args:
        what: what was measured, with its unit.
        base: the figure of what is beside us, or what happened instead.
        ours: ours.
        beside: what that is.
        aim: what the issues ask of the ratio, or of our figure.
    """

    what: str
    base: float | str
    ours: float | str
    aim: str = ""
    beside: str = "y-webrtc"


def joins(stage: Stage, sizes: Sizes) -> list[Row]:
    """Measure from joining to having the data of one who is there."""

    def once(side: Side) -> float:
        where = side.where(new_room(), None)
        side.ends[0]("host", *where)
        taken: float = side.ends[1]("join_and_time", *where)
        side.leave()
        return taken

    stock, ours = stage.in_turn(sizes.joins, once)
    p50s = statistics.median(stock), statistics.median(ours)
    return [Row("join one who is there, p50, ms", *p50s, "<= 1.5 x")]


def edits(stage: Stage, sizes: Sizes) -> list[Row]:
    """Measure half of the way there and back of one edit, and 1,000 edits in a loop."""
    at_once, in_loop = 50, 1000
    for side in stage.sides:
        where = side.where(new_room(), None)
        side.ends[0]("host", *where)
        side.ends[1]("join_and_time", *where)
        side.ends[1]("echo")
        side.ends[0]("time_edits", 20)  # warm
    times = stage.in_turn(sizes.edits // at_once, lambda side: side.ends[0]("time_edits", at_once))
    for side in stage.sides:
        side.ends[0]("count_from_now")
    loops = stage.in_turn(sizes.loops, lambda side: side.ends[0]("time_loop", in_loop))
    counts = [side.ends[0]("counted") for side in stage.sides]
    for side in stage.sides:
        side.leave()
    stock, ours = ([ms for some in taken for ms in some] for taken in times)
    medians = [statistics.median(taken) for taken in loops]
    messages, volume, _ = zip(*counts, strict=True)
    return [
        Row("one edit, p50, ms", statistics.median(stock), statistics.median(ours), "<= 2 x"),
        Row("one edit, p95, ms", p95(stock), p95(ours), "<= 2 x"),
        Row("1,000 edits in a loop, p50, ms", *medians, "<= 0.5 x"),
        Row("messages for them", *(n / sizes.loops for n in messages), "<= 0.2 x"),
        Row("bytes for them", *(n / sizes.loops for n in volume)),
    ]


def joins_at_once(stage: Stage, sizes: Sizes) -> list[Row]:
    """Measure two who join at the same instant, half of the times with a password.

    The same with the signaling server 20 ms away from both, as servers are.
    """
    patience_s, away_s = 5.0, 0.02

    def once(side: Side, url: str | None, password: str | None) -> list[Any]:
        room = side.where(new_room(), url)
        one, other = ((end, room) for end in side.ends)
        return join_together(one, other, password=password, patience_s=patience_s)

    rows, failed = [], [0, 0]
    with at_a_distance(stage.port, away_s) as distant_url:
        urls = ((None, ""), (distant_url, f", server {away_s * 1000:g} ms away"))
        kinds = list(product(urls, ((None, ""), ("secret", " with a password"))))
        each = sizes.joins // len(kinds)
        for (url, where), (password, how) in kinds:
            both = stage.in_turn(each, lambda side, at=url, pw=password: once(side, at, pw))
            slower = [[max(p) for p in taken if not is_failed(p)] for taken in both]
            failed = [n + len(t) - len(s) for n, t, s in zip(failed, both, slower, strict=True)]
            what = f"both join at once{how}{where}"
            rows.append(Row(f"{what}, p50, ms", *map(statistics.median, slower), "<= 1.3 x"))
            rows.append(Row(f"{what}, p95, ms", *map(p95, slower)))
    told = [f"{n} of {each * len(kinds)}" for n in failed]
    return [*rows, Row(f"of all these not together after {patience_s:g} s", *told, aim="0")]


def is_failed(pair: Sequence[object]) -> bool:
    """Tell whether one of two did not get the other's data: it says what it saw instead."""
    return any(isinstance(taken, str) for taken in pair)


def leaving(stage: Stage, sizes: Sizes) -> list[Row]:
    """Measure until one who is there sees that another has gone, who says nothing."""

    def seen_after_s(side: Side, leave: Callable[[WebDriver], object]) -> float:
        where = side.where(new_room(), None)
        side.ends[0]("host", *where)
        driver = side.drivers[1]
        first = driver.current_window_handle
        guest = side.open_guest()
        guest("join_and_time", *where)
        start_s = time.time()
        leave(driver)
        driver.switch_to.window(first)
        seen_ms: float = side.ends[0]("until_alone")
        side.ends[0]("leave")
        return seen_ms / 1000 - start_s

    causes = {"closed window": WebDriver.close, "crashed tab": crash_tab}
    rows = []
    for cause, leave in causes.items():
        taken = stage.in_turn(sizes.leavings, lambda side, leave=leave: seen_after_s(side, leave))
        medians = map(statistics.median, taken)
        rows.append(Row(f"{cause}: seen after, p50, s", *medians, "<= 5 s"))
    return rows


def outages(stage: Stage, sizes: Sizes) -> list[Row]:
    """Measure from the return of a signaling server until a newcomer of the outage is synced.

    Both sides live through the same outages. They look for the server now and then, so what is
    measured is mostly chance: when their next look comes.
    """
    outage_s = 3.0
    taken: list[list[float]] = [[], []]
    for side in stage.sides:
        side.forget()
    with sudden_relay() as relay:
        for _ in range(sizes.outages):
            # A room each: in one they would help each other.
            wheres = [side.where(new_room(), relay.url) for side in stage.sides]
            for side, where in zip(stage.sides, wheres, strict=True):
                side.ends[0]("host", *where)
            relay.stop()
            end_s = time.monotonic() + outage_s
            for side, where in zip(stage.sides, wheres, strict=True):
                side.ends[1]("begin_to_join", *where)
            time.sleep(end_s - time.monotonic())
            relay.start()
            start_s = time.time()
            for side, results in zip(stage.sides, taken, strict=True):
                results.append(side.ends[1]("joined_at") / 1000 - start_s)
            for side in stage.sides:
                side.leave()
    name = "signaling back after 3 s: together after"
    return [
        Row(f"{name}, p50, s", *map(statistics.median, taken), "<= 1.5 x"),
        Row(f"{name}, at most, s", *map(max, taken)),
    ]


def transfers(stage: Stage, sizes: Sizes) -> list[Row]:
    """Measure the speed of a first sync, from being connected on."""
    rows = []
    for megabytes in (1, 10, 50):
        times = 1 if megabytes == 50 else sizes.transfers
        bare: dict[int, list[float]] = {64: [], 256: []}
        ours: list[float] = []
        for side in stage.sides:
            side.ends[0]("fill", megabytes)
        for _ in range(times):
            for kib, speeds in bare.items():
                speeds.append(bare_speed(stage.bare, megabytes, kib * KIB))
            speed = sync_speed(stage.sides[1], megabytes, 60.0)
            assert speed is not None, "our own documents come at any size"
            ours.append(speed)
        stock = sync_speed(stage.sides[0], megabytes, 10.0)
        for side in stage.sides:
            side.ends[0]("forget")
        what, our_p50 = f"first sync of {megabytes} MB, MB/s", statistics.median(ours)
        for kib, speeds in bare.items():
            beside, aim = f"a bare channel, messages of {kib} KiB", ">= 0.5 x" if kib == 64 else ""
            rows.append(Row(what, statistics.median(speeds), our_p50, aim, beside))
        rows.append(Row(what, "nothing in 10 s" if stock is None else stock, our_p50))
    return rows


def sync_speed(side: Side, megabytes: int, patience_s: float) -> float | None:
    """Give the MB/s of one first sync, from the newcomer's being connected; None if it fails."""
    where = side.where(new_room(), None)
    side.ends[0]("host_filled", *where)
    taken_ms = side.ends[1]("receive", *where, megabytes, patience_s)
    assert taken_ms is None or side.ends[1]("has_all", megabytes)
    side.leave()
    return None if taken_ms is None else megabytes / (taken_ms / 1000)


def bare_speed(ends: tuple[Call, Call], megabytes: int, message_bytes: int) -> float:
    """Give the MB/s of a data channel with nothing above it, between the notebooks' pages."""
    one, two = ends
    one("bare_accept", two("bare_answer", one("bare_offer")))
    taken_ms: float = one("bare_send", megabytes * MB, message_bytes)
    for end in ends:
        end("bare_close")
    return megabytes / (taken_ms / 1000)


def groups(stage: Stage, sizes: Sizes) -> list[Row]:
    """Measure from an edit of one until all others have it, and what is sent for it."""
    at_once, pause_s = 50, 0.1
    rows = []
    for size in (3, 10):
        keys = (f"edit {number}" for number in count())

        def once(side: Side, size: int = size, keys: Iterator[str] = keys) -> Spread:
            return spread(side.group(size), list(islice(keys, at_once)), pause_s)

        for side in stage.sides:
            assemble(side, size)
            for end in side.group(size):
                end("watch")
        stage.in_turn(1, once)  # warm
        taken = stage.in_turn(max(1, sizes.edits // at_once), once)
        for side in stage.sides:
            for end in side.group(size):
                end("leave")
        times = [[ms for edits in both for ms in edits.times_ms] for both in taken]
        messages = [statistics.mean(edits.messages for edits in both) for both in taken]
        what = f"room of {size}: one edit at all others"
        rows += [
            Row(f"{what}, p50, ms", *map(statistics.median, times)),
            Row(f"{what}, p95, ms", *map(p95, times)),
            Row(f"room of {size}: messages for it", *messages),
        ]
    return rows


@dataclass(frozen=True, slots=True)
class Spread:
    """How edits of one reached a group.

    Args:
        times_ms: of each edit, until the last had it.
        messages: updates that went over data channels, for one edit.
    """

    times_ms: list[float]
    messages: float


def spread(ends: Sequence[Call], keys: list[str], pause_s: float) -> Spread:
    """Let the first of a group edit, once per key."""
    one, *others = ends
    for end in ends:
        end("count_from_now")
    made = one("edit_now_and_then", keys, pause_s)
    seen = [end("seen_at", keys) for end in others]
    times_ms = [max(at) - start for start, *at in zip(made, *seen, strict=True)]
    return Spread(times_ms, sum(end("counted")[2] for end in ends) / len(keys))


def assemble(side: Side, size: int) -> None:
    """Let so many join a new room, one after the other, until each is linked with each."""
    where = side.where(new_room(), None)
    one, *others = side.group(size)
    one("host", *where)
    for end in others:
        end("join_and_time", *where)
    for end in side.group(size):
        end("until_linked", size - 1)


def memory(stage: Stage, sizes: Sizes) -> list[Row]:
    """Measure what one more room adds to the heap of one who is in it: alone, and with others.

    The rooms stay: what one that is left gives back late would count against the next.
    """
    settled_s = 2.0  # what came with joining is over by then

    def once(side: Side, size: int) -> float:
        before = side.heap_bytes()
        assemble(side, size)
        time.sleep(settled_s)
        return (side.heap_bytes() - before) / 1000

    rows = []
    for size, what in ((1, "an idle room"), (10, "a room of 10")):
        taken = stage.in_turn(1 + sizes.memories, lambda side, size=size: once(side, size))
        medians = (statistics.median(kilobytes[1:]) for kilobytes in taken)  # the first is warm-up
        rows.append(Row(f"heap of {what}, p50, kB", *medians))
    stage.sides[1].ends[0]("end_tracing")
    return rows


def p95(times: Sequence[float]) -> float:
    """Give the 95th percentile of at least two times."""
    return statistics.quantiles(times, n=20, method="inclusive")[-1]


LINES: dict[str, Callable[[Stage, Sizes], list[Row]]] = {
    "join": joins,
    "edit": edits,
    "together": joins_at_once,
    "leaving": leaving,
    "outage": outages,
    "bulk": transfers,
    # Last: what these open stays open.
    "group": groups,
    "memory": memory,
}
