"""Somebody with a browser and a notebook in it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from selenium.common.exceptions import (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

from pyodide_rtc.testing.browsers.errors import CellError, NotJsonError
from pyodide_rtc.testing.browsers.notebook import Notebook
from pyodide_rtc.testing.browsers.waiting import eventually

__all__ = ["Person"]

_TELL = """
def __rtc_tell(value):
    import json
    try:
        told = json.dumps({"value": value})
    except (TypeError, ValueError) as error:
        told = json.dumps({"type": type(value).__name__, "reason": str(error)})
    print("\\n" + told)  # apart from what the expression prints
"""
_NOT_YET = (
    ElementClickInterceptedException,
    ElementNotInteractableException,
    StaleElementReferenceException,
)

_RESTS = """
const [element, done] = arguments;
const place = () => JSON.stringify(element.getBoundingClientRect());
element.scrollIntoView({ block: "center" });
const before = place();
setTimeout(() => done(element.isConnected && place() === before), 100);
"""


class Person:
    """Somebody with a browser and a notebook in it, who runs cells and uses widgets.

    Args:
        name: what others call them.
        driver: the browser.
        site_url: where the site is, as `jupyterlite_site` is served.
        window: the tab, where the browser has several.
    """

    def __init__(
        self, name: str, driver: WebDriver, site_url: str, *, window: str | None = None
    ) -> None:
        self.name = name
        self.driver = driver
        self.site_url = site_url
        self.notebook = Notebook(driver, site_url)
        self._window = window

    def __repr__(self) -> str:
        return f"<{self.name} in {self.driver.name}>"

    def open(self, path: str | None = None, **query: str) -> None:
        """Open a notebook, and wait until its kernel is idle.

        Args:
            path: of a notebook that the site has; None for a new one.
            query: more for the page's address, such as `room="physics-101"`.

        Raises:
            AssertionError: the kernel did not start in two minutes.
        """
        self.look()
        self.notebook = Notebook(self.driver, self.site_url, path)
        self.notebook.open(**query)

    def restart(self) -> None:
        """Restart the kernel."""
        self.look()
        self.notebook.restart()

    def run(self, source: str, timeout_s: float = 30) -> str:
        """Run a cell to its end, and give the text that it puts out.

        Args:
            source: of a new cell at the end of the notebook.
            timeout_s: how long it may take.

        Raises:
            CellError: the cell raised; has the browser's traceback.
            AssertionError: it takes longer.
        """
        __tracebackhide__ = True
        self.look()
        return self.notebook.run(source, timeout_s)

    def run_all(self, timeout_s: float = 120) -> list[str]:
        """Run all code cells of the notebook that is open, and give their texts.

        Args:
            timeout_s: how long each may take.

        Raises:
            CellError: a cell raised; those after it are not run.
            AssertionError: a cell takes longer.
        """
        __tracebackhide__ = True
        self.look()
        return self.notebook.run_all(timeout_s)

    def start(self, source: str) -> str:
        """Start a cell that goes on, and give its id."""
        self.look()
        return self.notebook.start(source)

    def is_done(self, cell: str) -> bool:
        """Whether a cell that was started has come to its end."""
        self.look()
        return self.notebook.is_done(cell)

    def wait(self, cell: str, timeout_s: float = 30) -> str:
        """Wait for the end of a cell that was started, and give the text that it has put out.

        Args:
            cell: what `start` gave.
            timeout_s: when to give up.

        Raises:
            CellError: the cell raised; has the browser's traceback.
            AssertionError: it takes longer.
        """
        __tracebackhide__ = True
        self.look()
        return self.notebook.wait(cell, timeout_s)

    def value(self, expression: str) -> Any:
        """Evaluate Python in the kernel, and give its value; the notebook does not show it.

        Args:
            expression: of a value that JSON can hold; may use `await`.

        Raises:
            CellError: it raised; has the browser's traceback.
            NotJsonError: its value is nothing that JSON can hold; names its type.
        """
        __tracebackhide__ = True
        self.look()
        told = json.loads(self._ask(f"{_TELL}\n__rtc_tell({expression})").splitlines()[-1])
        if "value" not in told:
            raise NotJsonError(expression, told["type"], told["reason"])
        return told["value"]

    def eventually(self, expression: str, expected: object, timeout_s: float = 20) -> None:
        """Wait until a value in the kernel is this one.

        Args:
            expression: as for `value`.
            expected: what it is to be.
            timeout_s: when to give up.

        Raises:
            AssertionError: it did not become so; tells what it was last, and how `room` is.
            CellError: it raised; has the browser's traceback.
        """
        __tracebackhide__ = True
        last: Any = None

        def is_reached() -> bool:
            nonlocal last
            last = self.value(expression)
            return bool(last == expected)

        try:
            eventually(is_reached, timeout_s, expression)
        except CellError:
            raise
        except AssertionError:
            told = f"{expression}: {last!r}, not {expected!r} after {timeout_s:g} s"
            raise AssertionError(f"{self.name}: {told}\n{self._room()}") from None

    def find(self, selector: str, text: str = "", *, timeout_s: float = 20) -> WebElement:
        """Wait until something is on the page, and give the last of it that can be seen.

        Args:
            selector: of CSS, such as `.widget-readout`.
            text: what is in it, if that matters.
            timeout_s: when to give up.

        Raises:
            AssertionError: it did not come.
        """
        __tracebackhide__ = True
        self.look()

        def seen() -> WebElement | None:
            found = self.driver.find_elements(By.CSS_SELECTOR, selector)
            try:
                shown = (one for one in reversed(found) if one.is_displayed())
                return next((one for one in shown if text in one.text), None)
            except StaleElementReferenceException:
                return None  # it is drawn anew

        found = eventually(seen, timeout_s, f"{self.name} sees {selector} {text}".rstrip())
        assert found is not None, "else it would not have ended"
        return found

    def click(self, selector: str, text: str = "", *, timeout_s: float = 20) -> None:
        """Click the last of something on the page, once it can be clicked.

        JupyterLab scrolls to a cell that has run: what a click aims at would move away from it,
        so it waits until nothing moves.

        Args:
            selector: of CSS, such as `button.mine`.
            text: what is in it, if that matters.
            timeout_s: when to give up.

        Raises:
            AssertionError: it did not come, or cannot be clicked.
        """
        __tracebackhide__ = True

        def is_clicked() -> bool:
            __tracebackhide__ = True
            found = self.find(selector, text, timeout_s=timeout_s)
            try:
                if not self._rests(found):
                    return False
                found.click()
            except _NOT_YET:
                return False
            return True

        eventually(is_clicked, timeout_s, f"{self.name} can click {selector} {text}".rstrip())

    def _rests(self, element: WebElement) -> bool:
        """Bring something to the middle, and return whether it is still there a moment later."""
        return bool(self.driver.execute_async_script(_RESTS, element))

    def js(self, script: str, *args: object) -> Any:
        """Run JavaScript on the page, and give what it returns."""
        self.look()
        return self.driver.execute_script(script, *args)

    def screenshot(self, path: str | Path) -> None:
        """Save what the page looks like as a PNG file."""
        self.look()
        self.driver.save_screenshot(str(path))

    def look(self) -> None:
        """Turn the driver to this tab, where the browser has several."""
        if self._window is not None:
            self.driver.switch_to.window(self._window)

    def _ask(self, source: str) -> str:
        __tracebackhide__ = True
        return self.notebook.ask(source)

    def _room(self) -> str:
        """Give what the kernel's `room` says, if it has one."""
        try:
            return self._ask("print(room, room.faults)")
        except CellError as error:
            return f"(no room: {error.name}: {error.value})"
