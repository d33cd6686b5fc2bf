"""A room that a cell shows, in a notebook that is edited together: its updates are outputs."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.together import Desk, all_equal, open_all

from pyodide_rtc.testing.browsers import eventually

from .conftest import DeskOf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SHOW = """%pip install -q pyodide-rtc
import pyodide_rtc
room = pyodide_rtc.join('shown')
room"""
COUNT = """
    const cell = window.jupyterapp.shell.currentWidget.content.model.sharedModel.cells[0];
    window.changes = 0;
    cell.changed.connect(() => window.changes++);
"""


def wait_shown(desk: Desk, words: str) -> None:
    eventually(lambda: words in str(desk.outputs(0)), 90, f"{desk.name} sees {words!r}")


def test_all_see_the_room_of_who_ran_the_cell_last(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put(SHOW, "1 + 1", kernel="python")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    for one in (ada, bob):
        one.wait_kernel()
    ada.run_cell(0)
    for one in (ada, bob):
        wait_shown(one, "You are alone in the room")
    bob.run_cell(0)
    for one in (ada, bob):
        wait_shown(one, "ada: synced by WebRTC")
        one.js(COUNT)
    ada.restart_kernel()
    for one in (ada, bob):
        wait_shown(one, "You are alone in the room")
    all_equal(ada, bob)
    changes = [one.js("return window.changes") for one in (ada, bob)]
    assert max(changes) <= 4, "what the two kernels know does not go to and fro"
    assert ada.errors == bob.errors == []
