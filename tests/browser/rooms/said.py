"""What something on a page says."""

from __future__ import annotations

import re
from collections.abc import Callable

from pyodide_rtc.testing.browsers import eventually

__all__ = ["wait_said"]


def wait_said(read: Callable[[], str], pattern: str, timeout_s: float) -> str:
    """Wait until a text has something in it, and give the text.

    Args:
        read: gives what it is now.
        pattern: a regular expression.
        timeout_s: when to give up.

    Raises:
        AssertionError: it did not come; tells the last text.
    """
    last = ""

    def is_said() -> bool:
        nonlocal last
        last = read()
        return re.search(pattern, last) is not None

    try:
        eventually(is_said, timeout_s, pattern)
    except AssertionError as error:
        raise AssertionError(f"{pattern!r} is not in\n{last}") from error
    return last
