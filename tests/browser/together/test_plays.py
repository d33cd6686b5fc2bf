"""Two people work in one notebook at once, by keys, at random; and one of them sleeps meanwhile."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from random import Random
from typing import Any

import nbformat
import pytest
from harness.processes import asleep
from harness.together import Desk, all_equal, copies, open_all
from selenium.webdriver import Keys

from pyodide_rtc.testing.browsers import eventually

from .conftest import DeskOf

pytestmark = [pytest.mark.browser]

PLAYS = int(os.environ.get("PYODIDE_RTC_PLAYS", "1"))
PLAY_S = float(os.environ.get("PYODIDE_RTC_PLAY_S", "20"))
SLEEPS = int(os.environ.get("PYODIDE_RTC_SLEEPS", "1"))
SLEEP_S = float(os.environ.get("PYODIDE_RTC_SLEEP_S", "20"))


def check_valid(content: Any) -> None:
    """Check that a document is a notebook, and that no cell is there twice."""
    nbformat.validate({**content, "nbformat": 4, "nbformat_minor": 5})
    ids = [cell["id"] for cell in content["cells"]]
    assert len(ids) == len(set(ids)), "no cell is there twice"


def test_both_type_in_one_cell_at_once(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put("")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    ada.click_cell(0)
    bob.click_cell(0)

    def type_on(one: Desk, letter: str) -> None:
        for number in range(30):
            one.type(f"{letter}{number} ")

    with ThreadPoolExecutor() as pool:
        list(pool.map(type_on, (ada, bob), "xy"))
    content = all_equal(ada, bob)
    text = content["cells"][0]["source"]
    for letter in "xy":
        kept = [word for word in text if word == letter]
        assert len(kept) == 30
    digits = sorted(character for character in text if character.isdigit())
    assert digits == sorted("".join(str(number) for number in range(30)) * 2)
    check_valid(content)


def act(one: Desk, random: Random, word: str) -> None:
    """Do something in a notebook, as a person does.

    Splitting and merging are not among it: of a cell that both split, the end is there twice.
    """
    count = len(one.cells or [])
    index = random.randrange(count)
    match random.randrange(6):
        case 0:
            one.command(index, "b")
        case 1 if count > 2:
            one.command(index, "d", "d")
        case 2:
            one.command(index)
            one.press(Keys.CONTROL, Keys.SHIFT, random.choice([Keys.ARROW_UP, Keys.ARROW_DOWN]))
        case 3:
            one.command(index, random.choice(["m", "y", "r"]))
        case _:
            one.click_cell(index)
            one.type(word)


def test_a_cell_that_both_move_at_once_is_there_once(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put("one = 1", "two = 2", "three = 3")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    move = """
        const at = arguments[0];
        const { sharedModel } = window.jupyterapp.shell.currentWidget.context.model;
        return new Promise((resolve) => setTimeout(() => {
            sharedModel.moveCell(1, arguments[1]);
            resolve();
        }, at - Date.now()));
    """
    at = time.time() * 1000 + 2000
    for one, to in ((ada, 0), (bob, 2)):
        one.js(f"window.moved = (function () {{ {move} }})(...arguments); return null;", at, to)
    for one in (ada, bob):
        one.ask("await window.moved")
    eventually(lambda: sorted(ada.cells or []) == ["one = 1", "three = 3", "two = 2"], 10, "once")
    check_valid(all_equal(ada, bob))


@pytest.mark.timeout(240 + 4 * PLAY_S)
@pytest.mark.parametrize("seed", range(PLAYS))
def test_random_work_of_both(
    desk: DeskOf, put: Callable[..., str], room_name: str, seed: int
) -> None:
    path = put("one = 1", "two = 2", "three = 3", "four = 4")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    until = time.monotonic() + PLAY_S

    def work(one: Desk) -> int:
        random, number = Random(f"{seed} {one.name}"), 0
        while time.monotonic() < until:
            number += 1
            try:
                act(one, random, f"<{one.name}{number}>")
            except Exception:  # the cell that was to be clicked is gone: the other was quicker
                one.type(Keys.ESCAPE)
        return number

    with ThreadPoolExecutor() as pool:
        numbers = list(pool.map(work, (ada, bob)))
    assert min(numbers) > 5
    content = all_equal(ada, bob)
    check_valid(content)
    text = "\n".join(cell["source"] for cell in content["cells"])
    for word in text.split("<")[1:]:
        if ">" in word:
            assert text.count(f"<{word.split('>')[0]}>") == 1, "nothing is there twice"
    for one in (ada, bob):
        one.save()
        saved = one.saved(path)["cells"]
        assert [c["source"] for c in saved] == [c["source"] for c in content["cells"]]
    assert copies(path, ada, bob) == []


def test_a_cell_is_split_by_one_and_merged_by_the_other(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put("one = 1\ntwo = 2", "three = 3")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    ada.click_cell(0)
    ada.press(Keys.CONTROL, Keys.HOME)
    ada.type(Keys.ARROW_DOWN)
    ada.press(Keys.CONTROL, Keys.SHIFT, "-")
    bob.eventually("cells", ["one = 1", "two = 2", "three = 3"])
    bob.command(1)
    bob.press(Keys.SHIFT, "m")
    ada.eventually("cells", ["one = 1", "two = 2\n\nthree = 3"])
    check_valid(all_equal(ada, bob))


@pytest.mark.timeout(240 + SLEEPS * (120 + SLEEP_S))
def test_one_sleeps_while_the_other_reopens_the_file(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    """Reproduces a fault of others: who woke brought every cell again."""
    path = put("one = 1", "two = 2")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    cells = ["one = 1", "two = 2"]
    for number in range(SLEEPS):
        bob.write(1, f"  # Bob {number}")
        with asleep(bob.driver):
            ada.write(0, f"  # Ada {number}")
            time.sleep(SLEEP_S)  # to be asleep takes time
            ada.restart_kernel()
            ada.settle()
            ada.reload()
            ada.execute("application:close")
            eventually(lambda: ada.tab != path, 10, "it is closed")
            ada.execute("docmanager:open", path=path)
            eventually(lambda: ada.tab == path and ada.cells, 30, "it is open again")
        cells = [f"{cells[0]}  # Ada {number}", f"{cells[1]}  # Bob {number}"]
        for one in (ada, bob):
            one.eventually("cells", cells, 90)
        content = all_equal(ada, bob)
        assert [cell["id"] for cell in content["cells"]] == ["cell-0", "cell-1"]
    assert copies(path, ada, bob) == []
    assert ada.dialogs == bob.dialogs == []
