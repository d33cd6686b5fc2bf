"""Much of everything: output, images, cells, people."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from harness.together import Desk, all_equal, copies, open_all

from pyodide_rtc.testing.browsers import eventually

from .conftest import DeskOf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

LINES = int(os.environ.get("PYODIDE_RTC_LINES", "2000"))
PRINTS = "for n in range({count}): print('line', n)"
PICTURE = """
import base64, os
from IPython.display import display
display({'image/png': base64.b64encode(os.urandom(750_000)).decode()}, raw=True)
"""
FAILS = "1 / 0"


def test_outputs(desk: DeskOf, put: Callable[..., str], room_name: str) -> None:
    """Many lines, an image of 1 MB and an error, run by one and seen by the other and late."""
    path = put(PRINTS.format(count=LINES), PICTURE, FAILS, kernel="python")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    ada.wait_kernel()
    for index in range(3):
        ada.run_cell(index)
    text = "".join(f"line {n}\n" for n in range(LINES))

    def facts(one: Desk) -> tuple[int, bool, int, bool]:
        stream = "".join(str(output.get("text", "")) for output in one.outputs(0))
        [picture], errors = one.outputs(1) or [{}], one.outputs(2)
        size = len(picture.get("data", {}).get("image/png", ""))
        return len(stream), stream == text, size, "ZeroDivisionError" in errors[0]["ename"]

    expected = len(text), True, 1_000_000, True
    eventually(lambda: bob.outputs(2), 90, "Bob has the error")
    assert facts(bob) == expected
    late = desk("late")
    late.open(path, room_name)
    eventually(lambda: late.outputs(2), 60, "who comes late has it")
    assert facts(late) == expected
    late.save()
    for output in late.saved(path)["cells"][0]["outputs"]:
        assert isinstance(output["text"], str), "no list of single characters"
    all_equal(ada, bob, late)


SLIDER = "import ipywidgets\nipywidgets.IntSlider(value=7, description='threshold')"


def test_a_widget_works_where_its_kernel_is_and_has_a_stand_in_elsewhere(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put("%pip install -q ipywidgets", SLIDER, kernel="python")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    ada.wait_kernel()
    ada.run_cell(0)
    ada.run_cell(1)
    drawn = "return !!document.querySelector('.jp-Cell .widget-slider, .jp-Cell .jupyter-widgets')"
    eventually(lambda: ada.js(drawn), 90, "Ada has the slider")
    eventually(lambda: bob.outputs(1), 20, "Bob has an output")
    shown = "return [...document.querySelectorAll('.jp-OutputArea')].map((o) => o.innerText).join()"
    eventually(lambda: "IntSlider in another kernel" in bob.js(shown), 20, "Bob reads what it is")
    all_equal(ada, bob)
    assert bob.dialogs == []


def test_what_both_have_run_one_after_the_other(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put("print('by whom?')", kernel="python")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    expected = [{"output_type": "stream", "name": "stdout", "text": "by whom?\n"}]
    for one, other in ((ada, bob), (bob, ada)):
        one.wait_kernel()
        one.run_cell(0)
        eventually(lambda one=one: one.kernel_status == "idle", 60, "it has run")
        eventually(lambda other=other: other.outputs(0) == expected, 60, "the other has it")
        assert one.outputs(0) == expected


def test_five_people_in_a_notebook_of_300_cells(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put(*[f"x{n} = {n}" for n in range(300)])
    names = ["ada", "bob", "carol", "dan", "eve"]
    desks = [desk(name, "chromium") for name in names]
    for one in desks:
        one.open(path, room_name, "notebooks")
    for one in desks:
        one.wait_company(5)
    for number, one in enumerate(desks):
        one.write(number, f"  # {one.name}")
    expected = [f"x{n} = {n}  # {name}" for n, name in enumerate(names)]
    for one in desks:
        eventually(lambda one=one: (one.cells or [])[:5] == expected, 30, f"{one.name} has all")
    content = all_equal(*desks)
    assert len(content["cells"]) == 300
    assert copies(path, *desks) == []


def test_a_notebook_of_2000_cells_opens(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put(*[f"x{n} = {n}" for n in range(2_000)])
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name, app="notebooks")
    bob.write(0, "  # Bob")
    eventually(lambda: (ada.cells or [""])[0] == "x0 = 0  # Bob", 30, "Ada has his edit")
    assert len(ada.cells or []) == 2_000
    assert copies(path, ada, bob) == []
