"""Figures of open documents: how soon they are shown and shared, and how fast an edit arrives.

    .venv/bin/python tests/bench/together_bench.py               all, about 3 minutes
    .venv/bin/python tests/bench/together_bench.py --rounds 5    more rounds

What is beside each figure is the same page of the same site without a room, in the same run, in
turn. Times are those of the pages themselves, since their navigation began. Of an edit it is half
of a round trip between two pages, so that no clocks of two processes are compared. Needs the built
demo site.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "browser")]

from harness.browsers import open_browser  # noqa: E402 - harness is not a package that is installed
from harness.served import SignalingServer, serve_site  # noqa: E402
from harness.site import SITE, exposed_copy, run_async  # noqa: E402
from harness.together import Desk  # noqa: E402

PATH = "answer.ipynb"

WAIT = """
    const until = async (find) => {
        for (;;) {
            const panel = window.jupyterapp?.shell.currentWidget;
            if (panel?.context?.isReady && find(panel)) return performance.now();
            await new Promise((resolve) => setTimeout(resolve, 10));
        }
    };
"""
SHOWN = f"{WAIT} return until(() => document.querySelector('.jp-Notebook .jp-Cell .cm-content'));"
SHARED = f"""{WAIT}
    return until((panel) => panel.content.model.sharedModel.awareness.getStates().size === 2);
"""
COMPUTES = """
    const until = async () => {
        const { sessionContext } = window.jupyterapp.shell.currentWidget;
        while (sessionContext.session?.kernel?.status !== "idle")
            await new Promise((resolve) => setTimeout(resolve, 10));
        return performance.now();
    };
    return until();
"""
ECHO = """
    const cell = window.jupyterapp.shell.currentWidget.content.model.sharedModel.getCell(1);
    window.stopEcho?.();
    const echo = (event, { local }) => local || cell.updateSource(0, 0, "e");
    cell.ysource.observe(echo);
    window.stopEcho = () => cell.ysource.unobserve(echo);
"""
PING = """
    const cell = window.jupyterapp.shell.currentWidget.content.model.sharedModel.getCell(1);
    const times = [];
    for (let number = 0; number < arguments[0]; number++) {
        const start = performance.now();
        const answered = new Promise((resolve) => {
            const hear = (event, { local }) => {
                if (local) return;
                cell.ysource.unobserve(hear);
                resolve(performance.now());
            };
            cell.ysource.observe(hear);
        });
        cell.updateSource(0, 0, "p");
        times.push(((await answered) - start) / 2);
        await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return times;
"""


def main() -> None:
    parser = argparse.ArgumentParser(description="Figures of open documents.")
    parser.add_argument("--rounds", type=int, default=3, help="of pages opened cold")
    parser.add_argument("--edits", type=int, default=60, help="one after another")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        site = exposed_copy(SITE, Path(folder, "site"), is_coedited=True)
        server = stack.enter_context(serve_site(site))
        alone = [shown(server, room) for _ in range(options.rounds) for room in (None, "alone")]
        pairs = [pair(server, number, options.edits) for number in range(options.rounds)]
    stock, ours = alone[0::2], alone[1::2]
    print("| what | without a room | ours | ratio | aim |")
    print("| --- | --- | --- | --- | --- |")
    row("document shown, alone and cold, p50, s", stock, ours, "<= 1.2 x")
    both_shown, both_compute, both_shared, both_compute_shared, times = (
        [one for pair in pairs for one in pair[index]] for index in range(5)
    )
    row("shared with the other, both cold at once, p50, s", both_shown, both_shared, "<= 2 x")
    row("a kernel is ready, both cold at once, p50, s", both_compute, both_compute_shared, "")
    edits = sorted(times)
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        aim = "<= 60 ms" if share > 0.9 else ""
        print(f"| an edit at the other, {name}, ms | | {quantile(edits, share):.1f} | | {aim} |")


def row(what: str, stock: list[float], ours: list[float], aim: str) -> None:
    it, us = statistics.median(stock) / 1000, statistics.median(ours) / 1000
    print(f"| {what} | {it:.2f} | {us:.2f} | {us / it:.2f} | {aim} |")


def quantile(times: list[float], share: float) -> float:
    return times[min(int(len(times) * share), len(times) - 1)]


def shown(server: SignalingServer, room: str | None) -> float:
    """Open the notebook in a new browser; gives when it was shown, in ms."""
    with open_browser("chromium") as driver:
        desk = Desk(driver, server, "Ada")
        desk.go(PATH, room)
        time_ms: float = run_async(driver, SHOWN)
        return time_ms


def pair(server: SignalingServer, number: int, edits: int) -> tuple[list[float], ...]:
    """Open it in two new browsers at once, without a room and in one, and edit.

    Returns:
        when it was shown without a room, and its kernel ready; when it was shared in one, and its
        kernel ready; how long edits took. All in ms.
    """
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        drivers = [stack.enter_context(open_browser("chromium")) for _ in range(2)]
        list(pool.map(lambda one: Desk(one, server, "Ada").go(PATH, None), drivers))
        shown = list(pool.map(lambda driver: run_async(driver, SHOWN), drivers))
        computes = list(pool.map(lambda driver: run_async(driver, COMPUTES), drivers))
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        drivers = [stack.enter_context(open_browser("chromium")) for _ in range(2)]
        list(pool.map(lambda one: Desk(one, server, "Ada").go(PATH, f"pair-{number}"), drivers))
        shared = list(pool.map(lambda driver: run_async(driver, SHARED), drivers))
        computes_shared = list(pool.map(lambda driver: run_async(driver, COMPUTES), drivers))
        drivers[1].execute_script(ECHO)
        times: list[float] = run_async(drivers[0], PING, edits)
    return shown, computes, shared, computes_shared, times


if __name__ == "__main__":
    main()
