"""People in rooms: a notebook with the wheel installed, or a stock y-webrtc page."""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any

from selenium.webdriver.remote.webdriver import WebDriver

from harness.browsers import Kind, open_browser
from harness.served import SignalingServer
from harness.site import Notebook
from harness.waiting import eventually

INSTALL = "%pip install -q pyodide-rtc\nimport json, pyodide_rtc"
COMPUTE = "import time\nuntil = time.monotonic() + {0}\nwhile time.monotonic() < until: pass"
"""Computes for so many seconds. `time.sleep` lets the kernel go on where the browser can
switch stacks."""


class Person:
    """Somebody with a browser and a notebook, who has installed the wheel and joins rooms.

    Args:
        driver: the browser.
        server: the site with its signaling.
        window: the tab, where the browser has several.
    """

    def __init__(
        self, driver: WebDriver, server: SignalingServer, window: str | None = None
    ) -> None:
        self.driver = driver
        self.server = server
        self.notebook = Notebook(driver, server.url)
        self.last: Any = None
        self._window = window

    def open(self, **query: str) -> None:
        """Open the page, and install."""
        self.look()
        self.notebook.open(**query)
        self.notebook.run(INSTALL, timeout_s=90)

    def restart(self) -> None:
        """Restart the kernel, and install again."""
        self.look()
        self.notebook.restart()
        self.notebook.run(INSTALL, timeout_s=90)

    def run(self, source: str, timeout_s: float = 30) -> str:
        """Run a cell, and give its text."""
        self.look()
        return self.notebook.run(source, timeout_s)

    def start(self, source: str) -> str:
        """Start a cell that goes on, and give its id."""
        self.look()
        return self.notebook.start(source)

    def is_done(self, cell: str) -> bool:
        """Whether a cell that was started has come to its end."""
        self.look()
        return self.notebook.is_done(cell)

    def look(self) -> None:
        """Turn the driver to this tab, where the browser has several."""
        if self._window is not None:
            self.driver.switch_to.window(self._window)

    def join(self, *arguments: str) -> None:
        """Join under the name `room`; arguments as in Python."""
        self.run(
            f"room = pyodide_rtc.join({', '.join(arguments)})\n"
            "state, text, items = room.map('state'), room.text('text'), room.list('list')"
        )

    def value(self, expression: str) -> Any:
        """Evaluate, and give the value by JSON; the notebook does not show it."""
        self.look()
        return json.loads(self.notebook.ask(f"print(json.dumps({expression}))"))

    def eventually(self, expression: str, expected: object, timeout_s: float = 20) -> None:
        def is_reached() -> bool:
            self.last = self.value(expression)
            return bool(self.last == expected)

        try:
            eventually(is_reached, timeout_s, expression)
        except AssertionError as error:
            room = self.run("print(room, room.faults)")
            raise AssertionError(
                f"{expression}: {self.last!r}, not {expected!r}\n{room}"
            ) from error


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


class Cast:
    """Browsers and notebooks by name, started when first asked for."""

    def __init__(self, stack: ExitStack, server: SignalingServer) -> None:
        self._stack = stack
        self._server = server
        self._drivers: dict[tuple[str, Kind], WebDriver] = {}
        self._people: dict[tuple[str, Kind], Person] = {}

    def driver(self, name: str, kind: Kind = "chromium") -> WebDriver:
        if (name, kind) not in self._drivers:
            self._drivers[name, kind] = self._stack.enter_context(open_browser(kind))
        return self._drivers[name, kind]

    def person(self, name: str, kind: Kind = "chromium") -> Person:
        """Somebody whose notebook is open at `?room=demo`, the wheel installed."""
        if (name, kind) not in self._people:
            person = Person(self.driver(name, kind), self._server)
            person.open(room="demo")
            self._people[name, kind] = person
        return self._people[name, kind]
