"""Figures of what is kept: kernels of ours beside a stock page with y-indexeddb, in one browser.

    .venv/bin/python tests/bench/storage_bench.py                 all, about 4 minutes
    .venv/bin/python tests/bench/storage_bench.py --rounds 5      more rounds

Both sides do the same in turn, in the same run. Needs the built demo site.
"""

from __future__ import annotations

import argparse
import shutil
import statistics
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "browser")]

from harness.calls import Call, call_kernel, call_page  # noqa: E402 - harness is not installed
from harness.people import Cast, StockPage  # noqa: E402
from harness.site import SITE, exposed_copy  # noqa: E402
from stock.page import stock_page_folder  # noqa: E402

from pyodide_rtc.testing.browsers import serve_site  # noqa: E402

UPDATES = 10_000
EDITS = 500
MANY_EDITS = 100_000


def report(what: str, beside: str, it: float, ours: float, unit: str, aim: str) -> None:
    ratio = f"{ours / it:5.2f} x"
    print(
        f"{what:46} {beside} {it:9.2f} {unit}  ours {ours:9.2f} {unit}  {ratio}  {aim}", flush=True
    )


def loads(page: Call, kernel: Call, rounds: int) -> None:
    for side in (page, kernel):
        side("prepare", "loads", UPDATES)
    taken: list[tuple[float, float]] = [
        (page("time_load", "loads"), kernel("time_load", "loads")) for _ in range(rounds)
    ]
    stock, ours = map(statistics.median, zip(*taken, strict=True))
    aim = "<= 1.5 x, <= 1,000 ms"
    report(f"{UPDATES:,} stored updates read back, p50", "y-indexeddb", stock, ours, "ms", aim)


def edits(page: Call, kernel: Call, rounds: int) -> None:
    for name, side in (("y-indexeddb", page), ("ours", kernel)):
        taken: dict[bool, list[float]] = {False: [], True: []}
        for number in range(rounds):
            for is_kept in (False, True):
                taken[is_kept] += side("time_edits", f"edits {number} {is_kept}", EDITS, is_kept)
        for what, quantile in (("p50", 0.5), ("p95", 0.95)):
            without, kept = (sorted(taken[k])[int(quantile * len(taken[k]))] for k in (False, True))
            what = f"{name}: one edit, kept, {what}"
            report(what, "not kept", without, kept, "ms", "<= 1.2 x (p50)")


def texts(kernel: Call, rounds: int) -> None:
    raw, ours = (statistics.median(times) for times in kernel("time_text", rounds))
    what = "1,000 edits of a text of 100,000 characters"
    report(what, "pycrdt", raw, ours, "ms", "<= 3 x")


def sizes(kernel: Call) -> None:
    for _ in range(MANY_EDITS // 5_000):
        kernel("edit_on", "sizes", 5_000)
    kept, whole = kernel("sizes", "sizes")
    what = f"kept after {MANY_EDITS:,} edits"
    report(what, "its state", whole / 1000, kept / 1000, "kB", "<= 1.5 x")


def documents(one: Call, two: Call, signaling: str, rounds: int) -> None:
    taken: list[Any] = []
    for number in range(rounds):
        room = f"documents {number} {time.time()}"
        one("host", room, [signaling])
        taken.append(two("join_and_open", room, [signaling]))
        for end in (two, one):
            end("leave")
    first, second = map(statistics.median, zip(*taken, strict=True))
    report("another document: open to synced, p50", "first join", first, second, "ms", "<= 0.5 x")


def main() -> None:
    parser = argparse.ArgumentParser(description="Figures of what is kept.")
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    with ExitStack() as stack:
        # Beside the site, for its hard links, and under a name that git ignores.
        beside = tempfile.TemporaryDirectory(prefix="_output-bench-", dir=SITE.parent)
        site = exposed_copy(SITE, Path(stack.enter_context(beside)) / "site")
        shutil.copytree(stock_page_folder(), site / "stock")
        server = stack.enter_context(serve_site(site))
        cast = Cast(stack, server)
        script = (HERE / "storage_kernel.py").read_text()
        one, two = (call_kernel(cast.person(name), script) for name in ("one", "two"))
        StockPage(cast.driver("page"), server).open()
        page = call_page(cast.driver("page"), (HERE / "storage_page.js").read_text())
        loads(page, one, rounds)
        edits(page, one, rounds)
        texts(one, rounds)
        documents(one, two, server.signaling_url, 2 * rounds)
        sizes(one)


if __name__ == "__main__":
    main()
