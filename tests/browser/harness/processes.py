"""The processes of a browser: killed, or put to sleep as a laptop's are."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from selenium.webdriver.remote.webdriver import WebDriver

from pyodide_rtc.testing.browsers.guard import descendants

__all__ = ["asleep", "kill_browser", "processes_of"]


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


def processes_of(driver: WebDriver) -> list[int]:
    """Give the processes of a browser: what its driver has started, and not the driver."""
    below = descendants(driver.service.process.pid)  # type: ignore[attr-defined]
    return [pid for pid in below if not _is_driver(pid)]


def _is_driver(pid: int) -> bool:
    with suppress(FileNotFoundError, ProcessLookupError):
        program = Path(f"/proc/{pid}/cmdline").read_bytes().partition(b"\0")[0]
        return Path(os.fsdecode(program)).name in ("chromedriver", "geckodriver")
    return False


def _signal_browser(driver: WebDriver, number: signal.Signals) -> None:
    for pid in processes_of(driver):
        with suppress(ProcessLookupError):
            os.kill(pid, number)
