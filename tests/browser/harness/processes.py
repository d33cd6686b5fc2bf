"""The processes of a browser: killed, or put to sleep as a laptop's are."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from selenium.webdriver.remote.webdriver import WebDriver

__all__ = ["asleep", "descendants", "kill_browser"]


def kill_browser(driver: WebDriver) -> None:
    """Kill all of a browser at once, but not its driver."""
    _signal_browser(driver, signal.SIGKILL)


@contextmanager
def asleep(driver: WebDriver) -> Iterator[None]:
    """Stop all of a browser, and let it go on at the end; no command reaches it meanwhile."""
    _signal_browser(driver, signal.SIGSTOP)
    try:
        yield
    finally:
        _signal_browser(driver, signal.SIGCONT)


def _signal_browser(driver: WebDriver, number: signal.Signals) -> None:
    for pid in descendants(driver.service.process.pid):  # type: ignore[attr-defined]
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def descendants(pid: int) -> list[int]:
    """Give the processes that this one has started, and those that they have."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            text = stat.read_text()
            parent = int(text[text.rindex(")") + 2 :].split()[1])
            children.setdefault(parent, []).append(int(stat.parent.name))
    found = list(children.get(pid, []))
    for child in found:
        found.extend(children.get(child, []))
    return found
