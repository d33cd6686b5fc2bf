"""Real browsers, one process and one profile each, which are gone once the test run is gone."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from itertools import chain, count
from pathlib import Path
from tempfile import mkdtemp
from typing import Literal

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions, Firefox, FirefoxOptions
from selenium.webdriver.chrome.service import Service as ChromeService
from selenium.webdriver.common.service import Service
from selenium.webdriver.firefox.service import Service as FirefoxService
from selenium.webdriver.remote.webdriver import WebDriver
from urllib3.exceptions import HTTPError

from pyodide_rtc.testing.browsers.errors import BrowserMissingError
from pyodide_rtc.testing.browsers.guard import guarded

__all__ = ["CHROMIUM_FLAGS", "Kind", "open_browser", "open_browsers"]

Kind = Literal["chromium", "firefox"]

CHROMIUM_FLAGS = (
    "--no-sandbox",  # it refuses to run as root otherwise
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
"""Without a word to anybody but the test's own servers."""

_SCRIPT_TIMEOUT_S = 120
_NAMES: dict[Kind, tuple[str, ...]] = {
    "chromium": ("chromium", "chromium-browser", "google-chrome", "chrome"),
    "firefox": ("firefox-esr", "firefox"),
}
_DRIVERS: dict[Kind, tuple[str, str]] = {
    "chromium": ("chromedriver", "SE_CHROMEDRIVER"),
    "firefox": ("geckodriver", "SE_GECKODRIVER"),
}
_REMEDIES: dict[Kind, str] = {
    "chromium": "Install both: on Debian `apt-get install chromium chromium-driver`.",
    "firefox": "Install both: on Debian `apt-get install firefox-esr`, and geckodriver by "
    "`cargo install geckodriver`.",
}
_NOT_SET = "PYODIDE_RTC_NO_DRIVER"  # for Selenium, which would take SE_CHROMEDRIVER by itself

_open: dict[WebDriver, str] = {}


def open_browsers() -> Mapping[WebDriver, str]:
    """Give the browsers that are open in this process, with the names of those who use them."""
    return dict(_open)


def find_browser(kind: Kind) -> str:
    """Find a browser on PATH.

    Raises:
        BrowserMissingError: there is none; says what to install.
    """
    for name in _NAMES[kind]:
        if found := shutil.which(name):
            return found
    names = ", ".join(_NAMES[kind])
    raise BrowserMissingError(f"No {kind} is on PATH (looked for: {names})", _REMEDIES[kind])


def find_driver(kind: Kind) -> str:
    """Find what drives a browser: where Selenium's variable says, else on PATH.

    Raises:
        BrowserMissingError: there is none; says what to install.
    """
    name, variable = _DRIVERS[kind]
    if found := shutil.which(os.environ.get(variable) or name):
        return found
    problem = f"No {name} is on PATH or in the variable {variable}"
    raise BrowserMissingError(problem, _REMEDIES[kind])


class GuardedChromedriver(ChromeService):
    """Starts a chromedriver under guard.

    Args:
        profile: a folder that goes with it; None if it stays.
        driver: the program.
        port: where it listens; 0 for any port.
    """

    def __init__(self, profile: Path | None, driver: str, port: int = 0) -> None:
        self._command = guarded([driver], remove=profile)
        super().__init__(self._command[0], port, driver_path_env_key=_NOT_SET, popen_kw=_apart())

    def command_line_args(self) -> list[str]:
        """Give what stands behind the program: the guard's arguments first."""
        return [*self._command[1:], *super().command_line_args()]


class _GuardedGeckodriver(FirefoxService):
    def __init__(self, profile: Path | None, driver: str) -> None:
        self._command = guarded([driver], remove=profile)
        super().__init__(self._command[0], driver_path_env_key=_NOT_SET, popen_kw=_apart())

    def command_line_args(self) -> list[str]:
        return [*self._command[1:], *super().command_line_args()]


def _apart() -> dict[str, object]:
    """Keep Ctrl+C from the drivers: the test ends them, in its order."""
    return {"start_new_session": True}


@contextmanager
def open_browser(
    kind: Kind = "chromium",
    *flags: str,
    profile: Path | None = None,
    preferences: Mapping[str, object] | None = None,
    is_headless: bool = True,
    name: str | None = None,
    service: ChromeService | None = None,
) -> Iterator[WebDriver]:
    """Start a browser of its own, and stop it at the end, whatever the end is.

    Scripts may take two minutes, `alert`-like dialogs (a notebook's "leave page?") are accepted.

    Args:
        kind: which browser.
        flags: further arguments of its command line.
        profile: the folder of its profile, which stays; by default a fresh one.
        preferences: of Firefox.
        is_headless: whether it shows no window.
        name: who uses it, for what is kept of a test that fails.
        service: what starts Chromium's driver, if not by the ordinary way.

    Raises:
        BrowserMissingError: this machine lacks the browser or its driver; says what to install.
    """
    browser, program = find_browser(kind), find_driver(kind)
    fresh = None if profile is not None else Path(mkdtemp(prefix=f"pyodide-rtc-{kind}-"))
    folder = str(profile or fresh)
    own: Service
    options: ChromeOptions | FirefoxOptions
    if kind == "firefox":
        own = _GuardedGeckodriver(fresh, program)
        options = _firefox_options(browser, folder, flags, preferences or {}, is_headless)
    else:
        own = service or GuardedChromedriver(fresh, program)
        options = _chromium_options(browser, folder, flags, is_headless)
    try:
        with _started(options, own) as driver, _known(driver, name or kind):
            driver.set_script_timeout(_SCRIPT_TIMEOUT_S)
            yield driver
    finally:
        if fresh is not None:
            shutil.rmtree(fresh, ignore_errors=True)


@contextmanager
def _started(options: ChromeOptions | FirefoxOptions, service: Service) -> Iterator[WebDriver]:
    driver: WebDriver | None = None
    try:
        if isinstance(options, FirefoxOptions):
            driver = Firefox(options, service)  # type: ignore[arg-type]  # of the same kind
        else:
            driver = Chrome(options, service)  # type: ignore[arg-type]
        yield driver
    finally:
        if driver is not None:
            with suppress(WebDriverException, HTTPError, OSError):  # it may have crashed
                driver.quit()
        if hasattr(service, "process"):  # it was started
            service.stop()


@contextmanager
def _known(driver: WebDriver, name: str) -> Iterator[None]:
    """List an open browser, by a name that is its own."""
    taken = set(_open.values())
    numbered = (f"{name}-{number}" for number in count(2))
    _open[driver] = next(each for each in chain([name], numbered) if each not in taken)
    try:
        yield
    finally:
        del _open[driver]


def _chromium_options(
    browser: str, profile: str, flags: tuple[str, ...], is_headless: bool
) -> ChromeOptions:
    options = ChromeOptions()
    options.binary_location = browser
    options.unhandled_prompt_behavior = "accept"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    headless = ["--headless=new"] if is_headless else []
    for flag in (*headless, *CHROMIUM_FLAGS, *flags, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    return options


def _firefox_options(
    browser: str,
    profile: str,
    flags: tuple[str, ...],
    preferences: Mapping[str, object],
    is_headless: bool,
) -> FirefoxOptions:
    options = FirefoxOptions()
    options.binary_location = browser
    options.unhandled_prompt_behavior = "accept"
    headless = ["-headless"] if is_headless else []
    for flag in (*headless, *flags, "-profile", profile):
        options.add_argument(flag)
    for name, value in preferences.items():
        options.set_preference(name, value)  # type: ignore[arg-type]  # a text, number or boolean
    return options
