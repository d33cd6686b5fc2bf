"""Where documents are edited together: in which applications and files; and where nothing is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from harness.apps import configure
from harness.people import StockPage
from harness.site import FRONT_END, SITE, Notebook, exposed_copy
from harness.together import Desk, all_equal, open_all
from selenium.webdriver import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from pyodide_rtc.testing.browsers import eventually, serve_site

from .conftest import DeskOf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.mark.parametrize(
    ("name", "app", "text"),
    [
        ("script.py", "edit", "print(1)\r\nprint(2)\r\n"),
        ("page.md", "lab", "# Title\n"),
        ("notes.txt", "lab", "Grüße 📊\n"),
    ],
)
def test_text_files(
    desk: DeskOf, put: Callable[..., str], room_name: str, name: str, app: str, text: str
) -> None:
    path = put(text, name=name)
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name, app=app)
    shown = text.replace("\r", "")
    for one, words in ((ada, "by Ada "), (bob, "by Bob ")):
        one.click(".jp-FileEditor .cm-content")
        one.press(Keys.CONTROL, Keys.HOME)
        one.type(words)
        shown = words + shown
        for each in (ada, bob):
            each.eventually("content", shown)
    ada.save()
    assert ada.saved(path) == ("\r\n" if "\r" in text else "\n").join(shown.split("\n"))
    assert ada.dialogs == bob.dialogs == []
    assert ada.errors == bob.errors == []


def test_a_notebook_in_both_applications(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put("one = 1")
    ada, bob = desk("ada"), desk("bob")
    ada.go(path, room_name, "notebooks")
    bob.go(path, room_name, "lab")
    for one in (ada, bob):
        one.wait_shown()
        one.wait_company()
    ada.write(0, "  # in notebooks")
    bob.eventually("cells", ["one = 1  # in notebooks"])
    bob.write(0, ", and lab")
    ada.eventually("cells", ["one = 1  # in notebooks, and lab"])
    all_equal(ada, bob)
    assert ada.errors == bob.errors == []


def requests_of(driver: WebDriver, site: Path, query: dict[str, str], app: str) -> set[str]:
    """Open a notebook, run a cell, and tell what was requested, by path."""
    with serve_site(site) as server:
        notebook = Notebook(driver, server.url, app=app)
        notebook.open(**query)
        assert notebook.run("1 + 1") == "2"
        names: list[str] = notebook.js(
            "return performance.getEntriesByType('resource').map((entry) => entry.name)"
        )
        own = [name.removeprefix(server.url) for name in names if name.startswith(server.url)]
        driver.get("about:blank")
    return {name.partition("?")[0] for name in own if "service-worker" not in name}


@pytest.mark.parametrize(
    ("query", "config"),
    [({}, {}), ({"room": "demo"}, {"collaborative": False})],
    ids=["no room", "not collaborative"],
)
def test_without_a_room_all_is_as_without_us(
    drivers: Callable[..., WebDriver],
    tmp_path: Path,
    query: dict[str, str],
    config: dict[str, object],
) -> None:
    whole = exposed_copy(SITE, tmp_path / "whole", is_coedited=True, **config)
    bare = exposed_copy(SITE, tmp_path / "bare", is_coedited=True, **config)
    text = json.loads((bare / "jupyter-lite.json").read_text())
    data = text["jupyter-config-data"]
    ours = {"pyodide-rtc", "pyodide-rtc-site", *FRONT_END}
    data["federated_extensions"] = [
        one for one in data["federated_extensions"] if one["name"] not in ours
    ]
    data["disabledExtensions"] = []
    (bare / "jupyter-lite.json").write_text(json.dumps(text))
    driver = drivers("visitor")
    more = requests_of(driver, whole, query, "lab") - requests_of(driver, bare, query, "lab")
    remotes = {
        f"/extensions/{one['name']}/{one['load']}"
        for one in json.loads((whole / "jupyter-lite.json").read_text())["jupyter-config-data"][
            "federated_extensions"
        ]
        if one["name"] in ours
    }
    assert more == {*remotes, "/extensions/pyodide-rtc/static/host.js"}


def test_each_application_has_its_own_setting(
    desk: DeskOf, drivers: Callable[..., WebDriver], tmp_path: Path, room_name: str
) -> None:
    site = exposed_copy(SITE, tmp_path / "site", is_coedited=True, collaborative=False)
    configure(site, "notebooks", collaborative=True)
    with serve_site(site) as server:
        ada, bob = Desk(drivers("ada"), server, "ada"), Desk(drivers("bob"), server, "bob")
        open_all(ada, bob, path="answer.ipynb", room=room_name, app="notebooks")
        ada.write(1, "  # Ada")
        eventually(lambda: "  # Ada" in str(bob.cells), 20, "the notebook application shares it")
        bob.open("answer.ipynb", room_name, "lab")
        assert bob.js("return document.querySelector('#pyodide-rtc-room')") is None
        ada.wait_company(1)
        for one in (ada, bob):
            one.leave()


CELLS = ("%pip install -q pyodide-rtc", "import pyodide_rtc\nroom = pyodide_rtc.join()")


def test_a_stock_page_in_the_kernels_document_is_not_disturbed(
    desk: DeskOf, put: Callable[..., str], drivers: Callable[..., WebDriver], room_name: str
) -> None:
    path = put(*CELLS, "three = 3", kernel="python")
    ada, bob = desk("ada"), desk("bob")
    stock = StockPage(drivers("stock"), ada.server)
    stock.join(room_name)
    open_all(ada, bob, path=path, room=room_name)
    ada.write(2, "  # together")
    bob.eventually("cells", [*CELLS, "three = 3  # together"])
    stock.run("me.map.set('by stock', 1)")
    assert stock.value("me.provider.room.webrtcConns.size") == 0, "engines are in other rooms"
    ada.wait_kernel()
    ada.run_cell(0)
    ada.run_cell(1)
    stock.eventually("me.provider.room.webrtcConns.size", 1, 90)
    ada.write(2, "\nroom.map('state')['by kernel'] = 2")
    ada.run_cell(2)
    stock.eventually("me.map.toJSON()", {"by stock": 1, "by kernel": 2}, 30)
    assert stock.value("[...me.doc.share.keys()].includes('cells')") is False
