"""Figures of open documents: beside jupyter-collaboration, and the same page without a room.

    .venv/bin/python tests/bench/together_bench.py                        all, about 20 minutes
    .venv/bin/python tests/bench/together_bench.py --only near,far        some lines
    .venv/bin/python tests/bench/together_bench.py --rounds 5 --markdown  with the table of the docs

What is beside a figure does the same in the same run, in turn. Needs the built demo site; the first
run installs JupyterLab with jupyter-collaboration into the cache. Lines:

    near    one edit at the other side, beside jupyter-collaboration with its server
    far     the same with 20 ms between any two machines; needs root and Linux
    alone   the document shown
    pair    the document shared with another, and the engine's share of that
    big     a notebook of 5 MB opened, and one with 10,000 lines of output
    memory  what a room takes of the page's memory
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

BENCH = Path(__file__).parent
sys.path[:0] = [str(BENCH.parent / "browser"), str(BENCH.parents[1])]

from harness.site import SITE, exposed_copy  # noqa: E402
from jupyter_collaboration import versions  # noqa: E402
from lines import Row  # noqa: E402
from run import as_markdown, as_text, circumstances, names_among, say  # noqa: E402
from together_big import big  # noqa: E402
from together_edits import far_edits, near_edits  # noqa: E402
from together_memory import memory  # noqa: E402
from together_starting import alone, together  # noqa: E402

from pyodide_rtc.testing.browsers import SignalingServer, serve_site  # noqa: E402 - harness is not installed

EDITING: dict[str, Callable[[int, int], list[Row]]] = {"near": near_edits, "far": far_edits}
OPENING: dict[str, Callable[[SignalingServer, int], list[Row]]] = {
    "alone": alone,
    "pair": together,
    "big": big,
    "memory": memory,
}
NAMES = [*EDITING, *OPENING]


def main() -> None:
    options = read_options()
    load_before = os.getloadavg()[0]
    rows: list[Row] = []
    with tempfile.TemporaryDirectory() as folder:
        site = exposed_copy(SITE, Path(folder, "site"), is_coedited=True)
        with serve_site(site) as server:
            for name in options.only:
                start_s = time.monotonic()
                say(f"{name} ...")
                if name in EDITING:
                    measured = EDITING[name](options.rounds, options.edits)
                else:
                    measured = OPENING[name](server, options.rounds)
                took_s = time.monotonic() - start_s
                load = os.getloadavg()[0]
                say(f"{as_text(measured, [])}{name} took {took_s:.0f} s, load {load:.1f}\n")
                rows += measured
    extent = f"{options.rounds} rounds, {options.edits} edits in each"
    facts = circumstances(load_before, versions(), extent)
    print()
    print(as_markdown(rows, facts) if options.markdown else as_text(rows, facts))


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Figures of open documents.")
    parser.add_argument("--only", type=names_among(NAMES), default=NAMES, metavar="LINE,...")
    parser.add_argument("--rounds", type=int, default=3, help="of each kind")
    parser.add_argument("--edits", type=int, default=100, help="one after another, in each round")
    parser.add_argument("--markdown", action="store_true", help="print the table as for the docs")
    return parser.parse_args()


if __name__ == "__main__":
    main()
