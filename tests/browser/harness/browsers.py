"""Real browsers, one process and one fresh profile each."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Literal

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import Chrome, ChromeOptions, Firefox, FirefoxOptions
from selenium.webdriver.chrome.service import Service as ChromeService
from selenium.webdriver.firefox.service import Service as FirefoxService
from selenium.webdriver.remote.webdriver import WebDriver

if TYPE_CHECKING:
    from harness.netns import Machine

__all__ = [
    "BROWSERS",
    "CHROMEDRIVER",
    "CHROMIUM_FLAGS",
    "Kind",
    "crash_tab",
    "find_geckodriver",
    "open_browser",
]

Kind = Literal["chromium", "firefox"]
BROWSERS: tuple[Kind, ...] = ("chromium", "firefox")

CHROMEDRIVER = "/usr/bin/chromedriver"
CHROMIUM_FLAGS = (
    "--headless=new",
    "--no-sandbox",  # it refuses to run as root otherwise
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_GECKODRIVER_CACHE = Path("pyodide-rtc/geckodriver-0.37.1/bin/geckodriver")
_SCRIPT_TIMEOUT_S = 120


def find_geckodriver() -> str:
    """Find the driver on PATH, or where the project's set-up has built it."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return shutil.which("geckodriver") or str(cache / _GECKODRIVER_CACHE)


@contextmanager
def open_browser(
    kind: Kind,
    *flags: str,
    machine: Machine | None = None,
    profile: Path | None = None,
    preferences: Mapping[str, object] | None = None,
) -> Iterator[WebDriver]:
    """Start a browser of its own, and stop it at the end.

    Scripts may take two minutes, `alert`-like dialogs (a notebook's "leave page?") are accepted.

    Args:
        kind: which browser.
        flags: further arguments of its command line.
        machine: another machine of a network of the test, for Chromium.
        profile: the folder of its profile, which stays; by default a fresh one.
        preferences: of Firefox.
    """
    prefix = f"pyodide-rtc-{kind}-"
    with (
        TemporaryDirectory(prefix=prefix, ignore_cleanup_errors=True) as fresh,
        ExitStack() as stack,
    ):
        folder = fresh if profile is None else str(profile)
        if kind == "firefox":
            driver = _start_firefox(folder, flags, preferences or {})
        elif machine is None:
            driver = _start_chromium(folder, flags, ChromeService(CHROMEDRIVER))
        else:
            service = stack.enter_context(machine.chromedriver(Path(folder)))
            driver = _start_chromium(folder, flags, service)
        try:
            driver.set_script_timeout(_SCRIPT_TIMEOUT_S)
            yield driver
        finally:
            driver.quit()


def crash_tab(driver: WebDriver) -> None:
    """Let the process of Chromium's current tab crash."""
    with suppress(WebDriverException):  # the command does not survive what it does
        driver.execute_cdp_cmd("Page.crash", {})  # type: ignore[attr-defined]


def _start_chromium(profile: str, flags: tuple[str, ...], service: ChromeService) -> WebDriver:
    options = ChromeOptions()
    options.binary_location = "/usr/bin/chromium"
    options.unhandled_prompt_behavior = "accept"
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    for flag in (*CHROMIUM_FLAGS, *flags, f"--user-data-dir={profile}"):
        options.add_argument(flag)
    return Chrome(options=options, service=service)


def _start_firefox(
    profile: str, flags: tuple[str, ...], preferences: Mapping[str, object]
) -> WebDriver:
    options = FirefoxOptions()
    options.binary_location = "/usr/bin/firefox-esr"
    options.unhandled_prompt_behavior = "accept"
    for flag in ("-headless", *flags, "-profile", profile):
        options.add_argument(flag)
    for name, value in preferences.items():
        options.set_preference(name, value)  # type: ignore[arg-type]  # a text, number or boolean
    return Firefox(options=options, service=FirefoxService(find_geckodriver()))
