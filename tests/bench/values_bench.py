"""What shared values cost beside pycrdt's own: `python -m tests.bench.values_bench`.

Each line has the time of one operation, in microseconds, and the ratio of the two.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from typing import Any

from pycrdt import Doc, Map, Text

from pyodide_rtc.shared import Values

EDITS = 1_000
TEXT = "Grüße an alle, 📊 und 日本語. " * 4_000


def values_of(doc: Doc[Any]) -> Values:
    return Values(doc, lambda callback: None, print, str)


def timed(run: Callable[[int], object], rounds: int = 3) -> float:
    """Give the time of one run in microseconds, the best of some rounds."""
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for i in range(EDITS):
            run(i)
        times.append((time.perf_counter() - start) / EDITS * 1e6)
    return min(times)


def report(name: str, own: float, ours: float) -> None:
    print(f"{name:34} pycrdt {own:8.1f} us   ours {ours:8.1f} us   {ours / own:5.2f} times")


def text_edits(characters: str, inserted: str) -> tuple[float, float]:
    """Insert at random places of a text of 100,000 characters."""
    draw = random.Random(1)
    positions = [draw.randrange(90_000) for _ in range(EDITS)]
    offsets = [len(characters[:position].encode()) for position in positions]

    def edit_raw() -> float:
        raw = Doc[Any]().get("text", type=Text)
        raw += characters
        return timed(lambda i: raw.insert(offsets[i], inserted), rounds=1)

    def edit_ours() -> float:
        text = values_of(Doc()).text("text")
        text += characters
        return timed(lambda i: text.insert(positions[i], inserted), rounds=1)

    pairs = [(edit_raw(), edit_ours()) for _ in range(3)]  # in turn: the machine is not quiet
    return min(own for own, _ in pairs), min(ours for _, ours in pairs)


def entries() -> None:
    raw = Doc[Any]().get("map", type=Map)
    ours = values_of(Doc()).map("map")
    report("set a key", timed(lambda i: raw.update({"n": i})), timed(lambda i: ours.update(n=i)))
    set_raw, set_ours = raw.__setitem__, ours.__setitem__
    report("assign a key", timed(lambda i: set_raw("n", i)), timed(lambda i: set_ours("n", i)))
    report("read a key", timed(lambda i: raw["n"]), timed(lambda i: ours["n"]))


def rows() -> None:
    raw = Doc[Any]().get("map", type=Map)
    ours = values_of(Doc()).map("map")
    ours["rows"] = [{"a": i} for i in range(EDITS)]
    raw["m"] = Map({"a": 1})
    shared = ours["rows"]
    report("read a dict in a list of 1,000", timed(lambda i: raw["m"]), timed(lambda i: shared[i]))


if __name__ == "__main__":
    report("edit non-ASCII text", *text_edits(TEXT[:100_000], "é"))
    report("edit ASCII text", *text_edits("Plain text. " * 8_334, "x"))
    entries()
    rows()
