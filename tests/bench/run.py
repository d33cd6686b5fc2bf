"""Figures: kernel to kernel beside stock y-webrtc page to page, in the same two browsers.

    make bench

Both sides do the same in their own words: one edits, the other echoes, so that no clock of two
processes has to be compared. A latency is half of such a round trip. Needs the built demo site.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE.parent / "browser")]

from harness.people import Cast, Person, StockPage  # noqa: E402 - its folder is not a package
from harness.served import SignalingServer, serve_site  # noqa: E402
from harness.site import REPOSITORY, exposed_copy, run_async  # noqa: E402
from stock.page import stock_page_folder  # noqa: E402

JOINS = 15
EDITS = 200
LOOP_EDITS = 1000
LOOPS = 7

RUN_CELL = """
    const [source] = arguments;
    const notebook = window.jupyterapp.shell.currentWidget.content;
    notebook.model.sharedModel.addCell({ cell_type: "code", source });
    notebook.activeCellIndex = notebook.model.sharedModel.cells.length - 1;
    const { id } = notebook.activeCell.model;
    await window.jupyterapp.commands.execute("notebook:run-cell");
    return id;
"""

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
        print("stock y-webrtc, page to page ...", flush=True)
        stock = measure_pages(cast, server)
        print("pyodide-rtc, kernel to kernel ...", flush=True)
        ours = measure_kernels(cast)
        report(stock, ours)


def measure_pages(cast: Cast, server: SignalingServer) -> Figures:
    pages = [StockPage(cast.driver(name), server) for name in ("one", "two")]
    for page in pages:
        page.driver.get(f"{server.url}/stock/index.html")
        page.run(PAGE_SCRIPT)
    topic, urls = f"{server.host}/bench-page", [server.signaling_url]

    def call(index: int, name: str, *args: object) -> object:
        script = "return await window[arguments[0]](...arguments[1]);"
        return run_async(pages[index].driver, script, name, [topic, urls, *args])

    return measure(call)


def measure_kernels(cast: Cast) -> Figures:
    people = [cast.person(name) for name in ("one", "two")]
    for person in people:
        person.run(KERNEL_SCRIPT)

    def call(index: int, name: str, *args: object) -> object:
        return _value(people[index], f"await {name}({', '.join(map(repr, args))})")

    return measure(call)


def _value(person: Person, expression: str) -> object:
    """Evaluate without asking the page meanwhile: its thread is part of what is measured."""
    cell = run_async(person.driver, RUN_CELL, f"print(json.dumps({expression}))")
    return json.loads(person.notebook.text(cell))


def measure(call: Callable[..., object]) -> Figures:
    """Take all figures; `call(who, what, ...)` runs what kernel_side.py or page_side.js defines."""
    joins = []
    for number in range(JOINS):
        room = f"room{number}"
        call(0, "host", room)
        joins.append(call(1, "join_and_time", room))
        for index in (1, 0):
            call(index, "leave")
    call(0, "host", "edits")
    call(1, "join_and_time", "edits")
    call(1, "echo")
    call(0, "time_edits", 20)  # warm
    edits = call(0, "time_edits", EDITS)
    call(0, "count_from_now")
    loops = [call(0, "time_loop", LOOP_EDITS) for _ in range(LOOPS)]
    counted = call(0, "counted")
    for index in (1, 0):
        call(index, "leave")
    assert isinstance(edits, list) and isinstance(counted, list)
    return {
        "join to synced, p50, ms": statistics.median(joins),
        "one edit, p50, ms": statistics.median(edits),
        "one edit, p95, ms": statistics.quantiles(edits, n=20)[-1],
        f"{LOOP_EDITS} edits in a loop, p50, ms": statistics.median(loops),
        f"messages for {LOOP_EDITS} edits": counted[0] / LOOPS,
        f"bytes for {LOOP_EDITS} edits": counted[1] / LOOPS,
    }


def report(stock: Figures, ours: Figures) -> None:
    print(f"\n{'':34}{'y-webrtc':>12}{'pyodide-rtc':>14}{'ratio':>8}")
    for name, base in stock.items():
        print(f"{name:34}{base:12.2f}{ours[name]:14.2f}{ours[name] / base:8.2f}")
    print(
        f"\n{JOINS} joins, {EDITS} edits, {LOOPS} loops; "
        "two Chromium processes, signaling by pyodide-rtc serve"
    )


if __name__ == "__main__":
    main()
