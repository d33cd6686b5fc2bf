"""Figures: how long a shared slider takes to another browser, beside ipywidgets alone.

    .venv/bin/python tests/bench/widgets_bench.py [--moves 100]

Ada moves a slider by keys in Chromium. It counts from the key until Bob's page in Firefox shows the
number; both pages have the clock of this machine. Beside it: a slider that is not shared, whose
kernel writes its value into a label of the same page, as any notebook with widgets does. Needs the
built demo site.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

REPOSITORY = Path(__file__).parents[2]
sys.path[:0] = [str(REPOSITORY / "tests/browser")]

from harness.people import Cast, Person  # noqa: E402
from harness.site import exposed_copy  # noqa: E402

from pyodide_rtc.testing.browsers import eventually, serve_site  # noqa: E402

SHARED = """
import ipywidgets as widgets
slider = room.share(widgets.IntSlider(max=10_000), "bench")
slider
"""
ALONE = """
alone, label = widgets.IntSlider(max=10_000), widgets.Label("0")
alone.observe(lambda change: setattr(label, "value", str(change.new)), "value")
widgets.VBox([alone, label])
"""
WATCH = """
    const [selector] = arguments;
    const shown = [...document.querySelectorAll(selector)].at(-1);
    const now = () => performance.timeOrigin + performance.now();
    window.seen = new Map();
    new MutationObserver(() => window.seen.set(shown.textContent, now()))
        .observe(shown, { childList: true, characterData: true, subtree: true });
    window.move = () => {
        const handle = [...document.querySelectorAll(".noUi-handle")].at(-1);
        const at = now();
        handle.dispatchEvent(new KeyboardEvent("keydown", { key: "ArrowUp", bubbles: true }));
        return at;
    };
"""


def measure(mover: Person, watcher: Person, selector: str, moves: int) -> list[float]:
    """Return the milliseconds from each key until the watcher's page shows the number."""
    for person in {mover, watcher}:
        person.notebook.js(WATCH, selector)
    found = []
    for number in range(1, moves + 1):
        moved_at = float(mover.notebook.js("return window.move()"))
        seen = "return window.seen.get(arguments[0])"
        at = eventually(lambda: watcher.notebook.js(seen, str(number)), 20, f"{number}")  # noqa: B023
        found.append(float(at) - moved_at)
        time.sleep(0.05)  # a person's keys are apart as well
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--moves", type=int, default=100)
    moves = parser.parse_args().moves
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        site = exposed_copy(REPOSITORY / "demo-site/_output", folder / "site")
        cast = Cast(stack, stack.enter_context(serve_site(site)))
        people = [cast.person("Ada"), cast.person("Bob", "firefox")]
        for person in people:
            person.run("%pip install -q ipywidgets", timeout_s=90)
            person.join("'bench'")
            person.run(SHARED)
        for person in people:
            person.eventually("room.synced", True)
        ada, bob = people
        shared = measure(ada, bob, ".widget-readout", moves)
        ada.run(ALONE)
        alone = measure(ada, ada, ".widget-label:not(.widget-readout)", moves)
        for what, times in (("shared, Chromium to Firefox", shared), ("ipywidgets alone", alone)):
            p95 = statistics.quantiles(times, n=20)[-1]
            print(f"{what:30} p50 {statistics.median(times):6.1f} ms   p95 {p95:6.1f} ms")
        print(f"ratio of the medians {statistics.median(shared) / statistics.median(alone):.2f}")


if __name__ == "__main__":
    main()
