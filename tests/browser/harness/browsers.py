"""Real browsers, as people test with them who use the package; and what is only ours."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webdriver import WebDriver

from pyodide_rtc.testing import browsers
from pyodide_rtc.testing.browsers import CHROMIUM_FLAGS
from pyodide_rtc.testing.browsers.drivers import Kind

if TYPE_CHECKING:
    from harness.netns import Machine

__all__ = ["BROWSERS", "CHROMIUM_FLAGS", "Kind", "crash_tab", "open_browser"]

BROWSERS: tuple[Kind, ...] = ("chromium", "firefox")

if shutil.which("geckodriver") is None:  # the project's set-up builds it, as Debian has none
    _cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    _built = _cache / "pyodide-rtc/geckodriver-0.37.1/bin/geckodriver"
    os.environ.setdefault("SE_GECKODRIVER", str(_built))


@contextmanager
def open_browser(
    kind: Kind,
    *flags: str,
    machine: Machine | None = None,
    profile: Path | None = None,
    preferences: Mapping[str, object] | None = None,
) -> Iterator[WebDriver]:
    """Start a browser of its own, and stop it at the end.

    Args:
        kind: which browser.
        flags: further arguments of its command line.
        machine: another machine of a network of the test, for Chromium.
        profile: the folder of its profile, which stays; by default a fresh one.
        preferences: of Firefox.
    """
    if machine is None:
        with browsers.open_browser(
            kind, *flags, profile=profile, preferences=preferences
        ) as driver:
            yield driver
        return
    with (
        TemporaryDirectory(ignore_cleanup_errors=True) as folder,
        machine.chromedriver(Path(folder)) as service,
        browsers.open_browser(kind, *flags, profile=Path(folder), service=service) as driver,
    ):
        yield driver


def crash_tab(driver: WebDriver) -> None:
    """Let the process of Chromium's current tab crash."""
    with suppress(WebDriverException):  # the command does not survive what it does
        driver.execute_cdp_cmd("Page.crash", {})  # type: ignore[attr-defined]
