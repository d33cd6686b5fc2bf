"""How many of the random plays and examples run: a third of them, unless the environment says more.

`PYODIDE_RTC_SEEDS=1` runs all, as `make test` and so CI do; `10` runs ten times as many.
"""

from __future__ import annotations

import os

SHARE = float(os.environ.get("PYODIDE_RTC_SEEDS", 1 / 3))


def some(count: int) -> int:
    """Tell how many of so many random examples run: one at least."""
    return max(1, round(count * SHARE))


def seeds(count: int) -> range:
    """Give the seeds that run, of so many."""
    return range(some(count))
