"""Widgets in a notebook that is edited together: each has the one of the own kernel in sight."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.together import Desk, all_equal, open_all
from selenium.webdriver import Keys
from selenium.webdriver.common.by import By

from pyodide_rtc.testing.browsers import eventually

from .conftest import DeskOf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

SHARE = """%pip install -q pyodide-rtc ipywidgets
import ipywidgets as widgets
import pyodide_rtc
room = pyodide_rtc.join("widgets")
slider = room.share(widgets.IntSlider(), "threshold")
widgets.VBox([slider])"""
RUN_IT = "VBox in another kernel: run this cell to have it here."


def shown(desk: Desk) -> str:
    """What the output of the first cell shows."""
    desk.look()
    found = desk.js("return document.querySelector('.jp-OutputArea-output')?.innerText")
    return str(found or "").strip()


def wait_shown(desk: Desk, expected: str, timeout_s: float = 30) -> None:
    eventually(lambda: shown(desk) == expected, timeout_s, f"{desk.name} sees {expected!r}")


def move(desk: Desk) -> None:
    desk.look()
    handle = desk.driver.find_element(By.CSS_SELECTOR, ".noUi-handle")
    handle.send_keys(Keys.ARROW_UP)


def test_each_has_their_own_widget(desk: DeskOf, put: Callable[..., str], room_name: str) -> None:
    path = put(SHARE, "1 + 1", kernel="python")
    ada, bob = desk("ada"), desk("bob", "firefox")
    open_all(ada, bob, path=path, room=room_name)
    for one in (ada, bob):
        one.wait_kernel()
    ada.run_cell(0)
    wait_shown(ada, "0", 90)
    wait_shown(bob, RUN_IT)
    made_by_ada = all_equal(ada, bob)["cells"][0]["outputs"]
    bob.run_cell(0)
    wait_shown(bob, "0", 90)
    wait_shown(ada, "0")
    made_by_bob = all_equal(ada, bob)["cells"][0]["outputs"]
    assert made_by_bob != made_by_ada, "the document has his"

    move(ada)
    move(bob)
    for one in (ada, bob):
        wait_shown(one, "2")
    ada.save()
    saved = ada.saved(path)
    assert saved is not None
    assert saved["cells"][0]["outputs"] == made_by_bob
    ada.run_cell(0)
    for one in (ada, bob):
        wait_shown(one, "2", 60)
    move(bob)
    for one in (ada, bob):
        wait_shown(one, "3")

    bob.reload()
    bob.wait_shown()
    wait_shown(bob, RUN_IT)
    assert ada.errors == bob.errors == []


def test_a_widget_of_another_kind_is_not_taken_for_it(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put("import ipywidgets as widgets\nwidgets.IntSlider(7)", "1 + 1", kernel="python")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    for one in (ada, bob):
        one.wait_kernel()
        one.js(
            "window.jupyterapp.shell.currentWidget.sessionContext.session.kernel.requestExecute("
            "{ code: '%pip install -q ipywidgets' })"
        )
    ada.run_cell(0)
    wait_shown(ada, "7", 90)
    bob.click_cell(0)
    bob.press(Keys.CONTROL, "a")
    bob.type("import ipywidgets as widgets\nwidgets.Label('another')")
    bob.run_cell(0)
    wait_shown(bob, "another", 90)
    wait_shown(ada, RUN_IT.replace("VBox", "Label"))
    assert ada.errors == bob.errors == []
