"""From the file browser to a notebook as a user walks: the room comes along."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.apps import ask_host
from harness.browsers import BROWSERS, Kind
from harness.people import INSTALL, Cast
from harness.site import CellError, Notebook
from selenium.webdriver import ActionChains
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

from pyodide_rtc.testing.browsers import SignalingServer, eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(170)]

REMEMBERED = (
    "return Object.entries(sessionStorage).filter(([key]) => key.startsWith('pyodide-rtc'))"
)
FIND_ITEM = """
    // It can be clicked once nothing lies before its middle, as JupyterLite's splash does at first.
    return [...document.querySelectorAll(".jp-DirListing-item")].find((item) => {
        const { x, y, width, height } = item.getBoundingClientRect();
        const isOnTop = item.contains(document.elementFromPoint(x + width / 2, y + height / 2));
        return isOnTop && item.textContent.includes(arguments[0]);
    });
"""


class Walker:
    """Somebody with one browser, who opens what the file browser shows."""

    def __init__(self, driver: WebDriver, server: SignalingServer) -> None:
        self.driver = driver
        self.server = server

    def open_tree(self, query: str) -> None:
        self.driver.get(f"{self.server.url}/tree/index.html{query}")
        eventually(lambda: self.item("start-here.ipynb"), 60, "the file browser lists the notebook")

    def item(self, name: str) -> WebElement | None:
        """Find a notebook in the list, which the page may be drawing anew at this very moment."""
        found: WebElement | None = self.driver.execute_script(FIND_ITEM, name)
        return found

    def remembered(self) -> list[list[str]]:
        found: list[list[str]] = self.driver.execute_script(REMEMBERED)
        return found

    def click(self, name: str) -> Notebook:
        """Open a notebook by a double click, and go to the tab in which it opens."""
        before = set(self.driver.window_handles)
        item = eventually(lambda: self.item(name), 20, f"{name} can be clicked")
        ActionChains(self.driver).double_click(item).perform()
        new = eventually(lambda: set(self.driver.window_handles) - before, 20, "a new tab opens")
        self.driver.switch_to.window(new.pop())
        notebook = Notebook(self.driver, self.server.url, name)
        notebook.wait_idle()
        return notebook


@pytest.fixture(params=BROWSERS)
def walker(cast: Cast, server: SignalingServer, request: pytest.FixtureRequest) -> Iterator[Walker]:
    kind: Kind = request.param
    driver = cast.driver("walker", kind)
    home = driver.current_window_handle
    driver.switch_to.new_window("tab")
    yield Walker(driver, server)
    for window in set(driver.window_handles) - {home}:
        driver.switch_to.window(window)
        driver.close()
    driver.switch_to.window(home)


def test_the_room_comes_along_until_it_is_left(walker: Walker) -> None:
    walker.open_tree("?room=walk%201")
    eventually(lambda: walker.remembered() == [["pyodide-rtc room /", "walk%201"]], 20, "noted")
    tree = walker.driver.current_window_handle
    notebook = walker.click("start-here.ipynb")
    assert "room=" not in walker.driver.current_url, "JupyterLite itself brings no room along"
    notebook.run(INSTALL, timeout_s=90)
    joined = notebook.run("room = pyodide_rtc.join()\nprint(room.name)")
    assert joined == "walk 1\n"

    notebook.run("room.leave()")
    eventually(lambda: walker.remembered() == [], 5, "the tab has forgotten the room")
    with pytest.raises(CellError, match="No room is named"):
        notebook.run("pyodide_rtc.join()")
    walker.driver.switch_to.window(tree)
    assert walker.remembered(), "each tab remembers for itself"


def test_a_new_room_replaces_it(walker: Walker) -> None:
    walker.open_tree("?room=old")
    eventually(lambda: walker.remembered() == [["pyodide-rtc room /", "old"]], 20, "noted")
    walker.open_tree("?x=1&room=new#top")
    eventually(lambda: walker.remembered() == [["pyodide-rtc room /", "new"]], 20, "replaced")
    walker.open_tree("?room=")
    assert ask_host(walker.driver, "facts")[2] == "new", "an address without room changes nothing"


def test_a_tab_of_its_own_knows_nothing(walker: Walker) -> None:
    walker.open_tree("?room=walk")
    walker.driver.switch_to.new_window("tab")
    walker.open_tree("")
    assert ask_host(walker.driver, "facts")[2] is None
