"""People in rooms: a notebook with the wheel installed, or a stock y-webrtc page."""

from __future__ import annotations

import os
from contextlib import ExitStack
from typing import Any

from selenium.webdriver.remote.webdriver import WebDriver

from harness.browsers import Kind, open_browser
from harness.site import Notebook
from pyodide_rtc.testing import browsers
from pyodide_rtc.testing.browsers import SignalingServer, eventually

INSTALL = "%pip install -q pyodide-rtc\nimport json, pyodide_rtc"
COMPUTE = "import time\nuntil = time.monotonic() + {0}\nwhile time.monotonic() < until: pass"
"""Computes for so many seconds. `time.sleep` lets the kernel go on where the browser can
switch stacks."""


class Person(browsers.Person):
    """Somebody with a notebook of the demo site, who has installed the wheel and joins rooms.

    Args:
        driver: the browser.
        server: the site with its signaling.
        window: the tab, where the browser has several.
    """

    def __init__(
        self, driver: WebDriver, server: SignalingServer, window: str | None = None
    ) -> None:
        super().__init__("somebody", driver, server.url, window=window)
        self.server = server
        self.notebook = Notebook(driver, server.url)

    def open(self, path: str | None = "start-here.ipynb", **query: str) -> None:
        """Open the page, and install."""
        super().open(path, **query)
        self.run(INSTALL, timeout_s=90)

    def restart(self) -> None:
        """Restart the kernel, and install again."""
        super().restart()
        self.run(INSTALL, timeout_s=90)

    def join(self, *arguments: str) -> None:
        """Join under the name `room`; arguments as in Python."""
        self.run(
            f"room = pyodide_rtc.join({', '.join(arguments)})\n"
            "state, text, items = room.map('state'), room.text('text'), room.list('list')"
        )


class StockPage:
    """A page with stock y-webrtc, and nothing of ours."""

    def __init__(self, driver: WebDriver, server: SignalingServer) -> None:
        self.driver = driver
        self.server = server

    def open(self) -> None:
        self.driver.get(f"{self.server.url}/stock/index.html")

    def join(self, room: str, password: str | None = None) -> None:
        self.open()
        self.driver.execute_script(
            "window.me = joinStock(...arguments)",
            f"{self.server.host}/{room}",
            [self.server.signaling_url],
            password,
        )

    def value(self, expression: str) -> Any:
        return self.driver.execute_script(f"return {expression}")

    def run(self, script: str) -> None:
        self.driver.execute_script(script)

    def eventually(self, expression: str, expected: object, timeout_s: float = 20) -> None:
        eventually(
            lambda: self.value(expression) == expected,
            timeout_s,
            f"stock: {expression} is {expected!r}",
        )


_USUAL: Kind = "firefox" if os.environ.get("PYODIDE_RTC_BROWSER") == "firefox" else "chromium"


class Cast:
    """Browsers and notebooks by name, started when first asked for.

    Who is asked for without a browser has Chromium; Firefox if PYODIDE_RTC_BROWSER is firefox.
    """

    def __init__(self, stack: ExitStack, server: SignalingServer) -> None:
        self._stack = stack
        self._server = server
        self._drivers: dict[tuple[str, Kind], WebDriver] = {}
        self._people: dict[tuple[str, Kind], Person] = {}

    def driver(self, name: str, kind: Kind = _USUAL) -> WebDriver:
        if (name, kind) not in self._drivers:
            self._drivers[name, kind] = self._stack.enter_context(open_browser(kind))
        return self._drivers[name, kind]

    def person(self, name: str, kind: Kind = _USUAL) -> Person:
        """Somebody whose notebook is open at `?room=demo`, the wheel installed."""
        if (name, kind) not in self._people:
            person = Person(self.driver(name, kind), self._server)
            person.open(room="demo")
            self._people[name, kind] = person
        return self._people[name, kind]
