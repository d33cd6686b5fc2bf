"""Waiting for what comes in its own time."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

__all__ = ["eventually"]

_T = TypeVar("_T")
_PAUSE_S = 0.05


def eventually(predicate: Callable[[], _T], timeout_s: float, what: str) -> _T:
    """Ask `predicate` until what it gives is true, and return that.

    Args:
        predicate: asked every 50 ms.
        timeout_s: when to give up.
        what: what is waited for, as the message of the failure.

    Returns:
        what `predicate` gave at last.

    Raises:
        AssertionError: it did not become true; tells what it was last.
    """
    __tracebackhide__ = True  # a failure is that of the test's own line
    deadline = time.monotonic() + timeout_s
    while not (value := predicate()):
        if time.monotonic() > deadline:
            raise AssertionError(f"not within {timeout_s:g} s: {what}; last was {value!r}")
        time.sleep(_PAUSE_S)
    return value
