"""One edit, seen at the other side: by us, and by jupyter-collaboration with its server.

Two browsers of each have the same notebook open, all four in the same run, and edit in turn. From
model to model: what CodeMirror and the screen take is the same at both.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from far_lan import open_far_lan, round_trip_s, why_no_far_lan
from harness.browsers import open_browser
from harness.netns import Lan
from harness.site import SITE, exposed_copy, run_async
from harness.together import Desk
from jupyter_collaboration import serve_collaboration
from lines import Row
from open_pages import COMPUTES, ECHO, PING, SHARED, SHOWN
from selenium.webdriver.remote.webdriver import WebDriver

from pyodide_rtc.testing.browsers import serve_site

PATH = "answer.ipynb"
BESIDE = "jupyter-collaboration"
DELAY_S = 0.02
NAMES = ("ada", "bob")

Pair = list[WebDriver]


def near_edits(rounds: int, edits: int) -> list[Row]:
    """Measure with all on one machine."""
    with open_pairs(None) as pairs:
        return _rows("an edit at the other, one machine", pairs, rounds, edits, "<= 4 x")


def far_edits(rounds: int, edits: int) -> list[Row]:
    """Measure with each browser and the servers on machines of their own, far from each other."""
    if why := why_no_far_lan():
        return [Row("an edit at the other, 20 ms away", why, why, beside=BESIDE)]
    with ExitStack() as stack:
        # Each pair has two machines of its own: one namespace has one chromedriver's door.
        lan = stack.enter_context(open_far_lan("a1", "b1", "a2", "b2", delay_s=DELAY_S))
        there_and_back_ms = round_trip_s(lan.machines["a1"]) * 1000
        pairs = stack.enter_context(open_pairs(lan))
        way = f"a network of {there_and_back_ms:.0f} ms there and back"
        return _rows(f"an edit at the other, {way}", pairs, rounds, edits, "<= 1 x")


@contextmanager
def open_pairs(lan: Lan | None) -> Iterator[tuple[Pair, Pair]]:
    """Open the notebook in two browsers of theirs, and in two in a room of ours."""
    address = "localhost" if lan is None else lan.address
    machines = [None] * 4 if lan is None else list(lan.machines.values())
    with ExitStack() as stack, ThreadPoolExecutor() as pool:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        site = exposed_copy(SITE, Path(folder, "site"), is_coedited=True)
        ours = stack.enter_context(serve_site(site, address))
        theirs = stack.enter_context(serve_collaboration(address))
        _put_notebook(site / "files" / PATH, theirs.folder / PATH)
        # A page by http: from another machine is no secure context; it is taken for one here.
        secure = f"--unsafely-treat-insecure-origin-as-secure={ours.url},{theirs.url}"
        drivers = [
            stack.enter_context(open_browser("chromium", secure, machine=machine))
            for machine in machines
        ]
        stock_pair, our_pair = drivers[:2], drivers[2:]
        list(pool.map(lambda one: one.get(theirs.address_of(PATH)), stock_pair))
        desks = [Desk(*each) for each in zip(our_pair, [ours] * 2, NAMES, strict=True)]
        list(pool.map(lambda desk: desk.go(PATH, "bench"), desks))
        for what in (SHOWN, SHARED, COMPUTES):
            list(pool.map(run_async, drivers, [what] * len(drivers)))
        for pair in (stock_pair, our_pair):
            pair[1].execute_script(ECHO)
        yield stock_pair, our_pair


def _put_notebook(ours: Path, theirs: Path) -> None:
    """Give their server the notebook, with the name that its Python has there."""
    notebook = json.loads(ours.read_text())
    notebook["metadata"]["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    theirs.write_text(json.dumps(notebook))


def _rows(what: str, pairs: tuple[Pair, Pair], rounds: int, edits: int, aim: str) -> list[Row]:
    times: tuple[list[float], list[float]] = [], []
    for number in range(rounds + 1):
        for pair, taken in zip(pairs, times, strict=True):
            measured: list[float] = run_async(pair[0], PING, edits)
            if number:  # the first ones are for code that is compiled when it is first needed
                taken += measured
    rows = []
    for name, share, aimed in (("p50", 0.5, aim), ("p95", 0.95, "ours <= 60 ms")):
        stock, ours = (quantile(taken, share) for taken in times)
        rows.append(Row(f"{what}, {name}, ms", stock, ours, aimed, BESIDE))
    return rows


def quantile(times: Sequence[float], share: float) -> float:
    """Give the time that this share of them does not exceed."""
    return sorted(times)[min(int(len(times) * share), len(times) - 1)]
