"""Deadlines: the next one of several, and whether one has passed. Both are asked at each event."""

from __future__ import annotations


def earliest(*times_s: float | None) -> float | None:
    """Return the earliest of these times; None if there is none."""
    found_s: float | None = None
    for time_s in times_s:
        if time_s is not None and (found_s is None or time_s < found_s):
            found_s = time_s
    return found_s


def has_passed(deadline_s: float | None, now_s: float) -> bool:
    """Return whether there is a deadline, and it has passed."""
    return deadline_s is not None and deadline_s <= now_s
