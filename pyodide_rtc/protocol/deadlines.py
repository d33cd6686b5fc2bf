"""The next of several deadlines. It is computed after each event, so it has to be cheap."""

from __future__ import annotations


def earliest(*times_s: float | None) -> float | None:
    """Return the earliest of these times; None if there is none."""
    found_s: float | None = None
    for time_s in times_s:
        if time_s is not None and (found_s is None or time_s < found_s):
            found_s = time_s
    return found_s
