"""Figures: kernel to kernel beside stock y-webrtc page to page, in the same browsers.

    make bench                                                    all, about 15 minutes
    .venv/bin/python tests/bench/run.py --only join,bulk          some lines
    .venv/bin/python tests/bench/run.py --joins 200 --markdown    with the table of docs/figures.md

Both sides do the same in their own words, in turn, in the same run: what the machine does meanwhile
meets both alike. Where one edits the other echoes, so that no clocks of two processes have to be
compared: a latency is half of such a round trip. Only in groups it is the clock of the machine,
which all its browsers share. Needs the built demo site, but for what is counted in memory.
"""

from __future__ import annotations

import argparse
import datetime
import json
import math
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import fields
from functools import cache
from pathlib import Path

REPOSITORY = Path(__file__).parents[2]
BROWSER_TESTS = REPOSITORY / "tests/browser"
STOCK = BROWSER_TESTS / "stock"
sys.path[:0] = [str(BROWSER_TESTS), str(REPOSITORY)]

from counted import COUNTED  # noqa: E402 - what they need is not installed
from lines import LINES, Row, Sizes  # noqa: E402
from stage import Stage, open_stage  # noqa: E402

NAMES = [*COUNTED, *LINES]
HEADINGS = ("what", "beside", "it", "ours", "ratio", "aim")


def main() -> None:
    options = read_options()
    sizes = Sizes(**{f.name: getattr(options, f.name) for f in fields(Sizes)})
    rows: list[Row] = []
    load_before = os.getloadavg()[0]
    with ExitStack() as stack:

        @cache
        def stage() -> Stage:
            say("opening two stock pages and two notebooks ...")
            return stack.enter_context(open_stage())

        for name in options.only:
            start_s = time.monotonic()
            say(f"{name} ...")
            measured = measure(name, stage, sizes)
            say(f"{as_text(measured, [])}{name} took {time.monotonic() - start_s:.0f} s\n")
            rows += measured
    stock = json.loads((STOCK / "package.json").read_text())["dependencies"]
    extent = ", ".join(f"{getattr(sizes, f.name)} {f.name}" for f in fields(Sizes))
    facts = circumstances(load_before, f"y-webrtc {stock['y-webrtc']}", extent)
    print()
    print(as_markdown(rows, facts) if options.markdown else as_text(rows, facts))


def measure(name: str, stage: Callable[[], Stage], sizes: Sizes) -> list[Row]:
    """Give the rows of one line; what is counted needs no stage."""
    return COUNTED[name]() if name in COUNTED else LINES[name](stage(), sizes)


def read_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Figures beside stock y-webrtc.")
    parser.add_argument("--only", type=names_among(NAMES), default=NAMES, metavar="LINE,...")
    parser.add_argument("--markdown", action="store_true", help="print the table as for the docs")
    for field in fields(Sizes):
        parser.add_argument(f"--{field.name}", type=int, default=field.default)
    return parser.parse_args()


def names_among(known: Sequence[str]) -> Callable[[str], list[str]]:
    """Give what reads the names of lines, separated by commas."""

    def read(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            there_are = ", ".join(known)
            raise argparse.ArgumentTypeError(f"no line {unknown[0]!r}; there are {there_are}")
        return names

    return read


def circumstances(load_before: float, versions: str, extent: str) -> list[str]:
    """Tell where, when and with what.

    Args:
        load_before: of the machine.
        versions: of what is beside ours.
        extent: how much was measured.
    """
    return [
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC",
        f"{version_of('chromium')}, {versions}",
        f"{processor()}, {os.cpu_count()} cores, "
        f"{platform.freedesktop_os_release()['PRETTY_NAME']}",
        f"load {load_before:.1f} before, {os.getloadavg()[0]:.1f} at the end",
        extent,
    ]


def version_of(browser: str) -> str:
    """Ask a browser."""
    asked = subprocess.run([browser, "--version"], capture_output=True, text=True, check=True)
    return " ".join(asked.stdout.split()[:2])


def processor() -> str:
    """Read what Linux says of the processor."""
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def cells(row: Row) -> tuple[str, ...]:
    """Give a row as text, under HEADINGS."""
    both_are_numbers = not isinstance(row.base, str) and not isinstance(row.ours, str)
    ratio = number(row.ours / row.base) if both_are_numbers and row.base else ""
    return row.what, row.beside, number(row.base), number(row.ours), ratio, row.aim


def number(value: float | str) -> str:
    """Give a figure with three digits that count, and a count as it is."""
    if isinstance(value, str):
        return value
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:,.{max(0, 2 - math.floor(math.log10(abs(value))))}f}" if value else "0"


def as_text(rows: Iterable[Row], facts: Iterable[str]) -> str:
    """Give the table for a terminal."""
    table = [HEADINGS, *map(cells, rows)]
    widths = [max(map(len, column)) for column in zip(*table, strict=True)]
    lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in table)
    return "\n".join([*lines, "", *facts])


def as_markdown(rows: Iterable[Row], facts: Iterable[str]) -> str:
    """Give the table for docs/figures.md."""
    table = [HEADINGS, ("---",) * len(HEADINGS), *map(cells, rows)]
    lines = [f"| {' | '.join(row)} |" for row in table]
    return "\n".join([*lines, "", "; ".join(facts) + "."])


def say(progress: str) -> None:
    """Print at once, and not into the table."""
    print(progress, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
