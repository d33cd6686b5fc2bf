"""Figures: kernel to kernel beside stock y-webrtc page to page, in the same two browsers.

    make bench

Both sides do the same in their own words: one edits, the other echoes, so that no clock of two
processes has to be compared. A latency is half of such a round trip. Needs the built demo site.
"""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "browser")]

from harness.people import Cast, StockPage  # noqa: E402 - its folder is not a package
from harness.served import SignalingServer, serve_site  # noqa: E402
from harness.site import REPOSITORY, exposed_copy, run_async  # noqa: E402
from stock.page import stock_page_folder  # noqa: E402

JOINS = 15
EDITS = 200
EDITS_AT_ONCE = 50
LOOP_EDITS = 1000
LOOPS = 7

CALL_KERNEL = """
    const [name, args] = arguments;
    const channel = new BroadcastChannel("bench");
    const answer = new Promise((resolve) => {
        channel.onmessage = ({ data: [kind, value] }) => kind === "answer" && resolve(value);
    });
    channel.postMessage(["call", JSON.stringify([name, args])]);
    return answer.then(JSON.parse).finally(() => channel.close());
"""
CALL_PAGE = "return await window[arguments[0]](...arguments[1]);"

Call = Callable[..., Any]
"""`call(who, what, ...)` runs what kernel_side.py or page_side.js defines, at one of two ends."""
Figures = dict[str, float]
KERNEL_SCRIPT = (HERE / "kernel_side.py").read_text()
PAGE_SCRIPT = (HERE / "page_side.js").read_text()


def main() -> None:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(dir=REPOSITORY / "demo-site"))
        site = exposed_copy(REPOSITORY / "demo-site/_output", Path(folder) / "site")
        shutil.copytree(stock_page_folder(), site / "stock")
        server = stack.enter_context(serve_site(site))
        cast = Cast(stack, server)
        print("opening two stock pages and two notebooks ...", flush=True)
        report(*measure(open_pages(cast, server), open_kernels(cast)))


def open_pages(cast: Cast, server: SignalingServer) -> Call:
    pages = [StockPage(cast.driver(name), server) for name in ("page one", "page two")]
    for page in pages:
        page.driver.get(f"{server.url}/stock/index.html")
        page.run(PAGE_SCRIPT)
    topic, urls = f"{server.host}/bench-page", [server.signaling_url]

    def call(index: int, name: str, *args: object) -> object:
        return run_async(pages[index].driver, CALL_PAGE, name, [topic, urls, *args])

    return call


def open_kernels(cast: Cast) -> Call:
    people = [cast.person(name) for name in ("one", "two")]
    for person in people:
        person.run(KERNEL_SCRIPT)
        # One cell that goes on: drawing cells is JupyterLab's work, and takes it longer than
        # anything that is measured here.
        person.notebook.start("await serve()")

    def call(index: int, name: str, *args: object) -> object:
        return run_async(people[index].driver, CALL_KERNEL, name, args)

    return call


def measure(*calls: Call) -> list[Figures]:
    """Take all figures, of all in turn: what the machine does meanwhile meets all alike."""
    joins = in_turn(calls, JOINS, time_join)
    for call in calls:
        call(0, "host", "edits")
        call(1, "join_and_time", "edits")
        call(1, "echo")
        call(0, "time_edits", 20)  # warm
    edits = in_turn(calls, EDITS // EDITS_AT_ONCE, lambda c, _: c(0, "time_edits", EDITS_AT_ONCE))
    for call in calls:
        call(0, "count_from_now")
    loops = in_turn(calls, LOOPS, lambda c, _: c(0, "time_loop", LOOP_EDITS))
    counts = [call(0, "counted") for call in calls]
    for call in calls:
        for index in (1, 0):
            call(index, "leave")
    return [figures(*taken) for taken in zip(joins, edits, loops, counts, strict=True)]


def in_turn(calls: Sequence[Call], times: int, once: Callable[[Call, int], Any]) -> list[list[Any]]:
    taken: list[list[Any]] = [[] for _ in calls]
    for number in range(times):
        for call, results in zip(calls, taken, strict=True):
            results.append(once(call, number))
    return taken


def time_join(call: Call, number: int) -> float:
    call(0, "host", f"room{number}")
    taken: float = call(1, "join_and_time", f"room{number}")
    for index in (1, 0):
        call(index, "leave")
    return taken


def figures(
    joins: list[float], edits: list[list[float]], loops: list[float], counts: list[float]
) -> Figures:
    edits_ms = [taken for some in edits for taken in some]
    return {
        "join to synced, p50, ms": statistics.median(joins),
        "one edit, p50, ms": statistics.median(edits_ms),
        "one edit, p95, ms": statistics.quantiles(edits_ms, n=20)[-1],
        f"{LOOP_EDITS} edits in a loop, p50, ms": statistics.median(loops),
        f"messages for {LOOP_EDITS} edits": counts[0] / LOOPS,
        f"bytes for {LOOP_EDITS} edits": counts[1] / LOOPS,
    }


def report(stock: Figures, ours: Figures) -> None:
    print(f"\n{'':34}{'y-webrtc':>12}{'pyodide-rtc':>14}{'ratio':>8}")
    for name, base in stock.items():
        print(f"{name:34}{base:12.2f}{ours[name]:14.2f}{ours[name] / base:8.2f}")
    print(
        f"\n{JOINS} joins, {EDITS} edits, {LOOPS} loops; "
        "in turn, two Chromium processes each, signaling by pyodide-rtc serve"
    )


if __name__ == "__main__":
    main()
