"""Files that are not as usual: none, empty, damaged, large, of other types."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.together import Desk, copies, open_all, sources
from selenium.webdriver import Keys

from pyodide_rtc.testing.browsers import eventually

from .conftest import DeskOf, notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def put_raw(desk: Desk, path: str, text: str) -> None:
    """Write something that is no notebook under the name of one."""
    desk.open("start-here.ipynb", None, "notebooks")
    desk.upload(path, text)


@pytest.mark.parametrize(
    "text",
    ['{"cells": [', "[]", "null", '{"cells": "a"}', '{"cells": [1]}'],
    ids=["cut off", "list", "null", "text for cells", "number for a cell"],
)
def test_a_damaged_notebook_is_told_and_stays_as_it_is(
    desk: DeskOf, put: Callable[..., str], room_name: str, text: str
) -> None:
    path = f"damaged-{room_name}.ipynb"
    ada = desk("ada")
    put_raw(ada, path, text)
    ada.go(path, room_name)
    eventually(lambda: any(path in said for said in ada.dialogs), 60, "an error")
    assert len(ada.dialogs) == 1
    stored = (
        "return (await window.jupyterapp.serviceManager.contents.defaultDrive.get(arguments[0],"
        " { type: 'file', format: 'text', content: true })).content"
    )
    ada.type(Keys.ESCAPE)
    assert ada.ask(stored, path) == text


def test_an_empty_file_is_an_empty_notebook(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = f"empty-{room_name}.ipynb"
    ada, bob = desk("ada"), desk("bob")
    put_raw(ada, path, "")
    ada.open(path, room_name)
    ada.answer()  # as with any notebook that names no kernel, JupyterLab asks for one
    ada.write(0, "one = 1")
    bob.open(path, room_name)
    bob.eventually("cells", ["one = 1"], 60)
    assert ada.dialogs == bob.dialogs == []


def test_a_file_that_the_site_calls_read_only(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    """JupyterLab saves no such file; in a room each browser keeps what all have edited."""
    path = put("one = 1", is_writable=False)
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    ada.write(0, "  # Ada")
    bob.eventually("cells", ["one = 1  # Ada"])
    bob.write(0, ", Bob")
    ada.eventually("cells", ["one = 1  # Ada, Bob"])
    assert not ada.is_dirty
    assert not bob.is_dirty
    ada.wait_restorable(path)
    ada.settle()
    ada.reload()
    ada.eventually("cells", ["one = 1  # Ada, Bob"])
    bob.leave()
    bob.open(path, room_name)
    bob.eventually("cells", ["one = 1  # Ada, Bob"])
    assert copies(path, ada, bob) == []
    assert ada.dialogs == bob.dialogs == []


def test_new_notebooks_of_one_name_are_two_documents(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    """Two people who each make a notebook get the same name for it, and nothing is mixed."""
    ada, bob = desk("ada"), desk("bob")
    paths = []
    for one in (ada, bob):
        one.open("start-here.ipynb", None, "lab")
        one.execute("notebook:create-new", kernelName="javascript", cwd="")
        eventually(lambda one=one: "Untitled" in one.tab, 20, "a new notebook")
        paths.append(one.tab)
        one.wait_shown()
        one.eventually("cells", [""])
        one.js(
            "window.jupyterapp.shell.currentWidget.context.model.sharedModel.getCell(0)"
            ".setSource(arguments[0])",
            f"of = {one.name!r}",
        )
        one.save()
        eventually(
            lambda one=one: [c["source"] for c in one.saved(one.tab)["cells"]] == one.cells,
            10,
            "it is saved",
        )
    assert len(set(paths)) == 1
    [path] = set(paths)
    ada.open(path, room_name)
    eventually(lambda: ada.is_shared, 60, "Ada is in the room")
    bob.open(path, room_name)
    bob.eventually("cells", ["of = 'ada'"], 60)
    [copy] = copies(path, ada, bob)
    assert [cell["source"] for cell in bob.saved(copy)["cells"]] == ["of = 'bob'"]


def test_a_new_notebook_in_the_room_is_shared(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    ada, bob = desk("ada"), desk("bob")
    ada.open(put("one = 1"), room_name)
    eventually(lambda: ada.is_shared, 60, "Ada is in the room")
    ada.execute("notebook:create-new", kernelName="javascript", cwd="")
    eventually(lambda: "Untitled" in ada.tab, 20, "a new notebook")
    path = ada.tab
    ada.eventually("cells", [""])
    bob.open(path, room_name)
    ada.write(0, "new = 1")
    bob.eventually("cells", ["new = 1"], 60)
    bob.write(0, "  # Bob")
    ada.eventually("cells", ["new = 1  # Bob"])
    ada.press(Keys.CONTROL, "s")
    named = f"named-{room_name}.ipynb"
    ada.answer(named)  # JupyterLab asks for a name when a new file is saved first
    for one in (ada, bob):
        eventually(lambda one=one: one.tab == named, 10, f"{one.name} has the new name")
        eventually(lambda one=one: sources(one, named) == ["new = 1  # Bob"], 10, "it is saved")
        assert path not in one.files
    assert copies(path, ada, bob) == copies(named, ada, bob) == []
    assert ada.dialogs == bob.dialogs == []


@pytest.mark.parametrize(
    ("name", "text"),
    [("table.csv", "a,b\n1,2\n"), ("data.json", '{"a":1}'), ("page.md", "# Title\n")],
)
def test_text_in_the_editor(
    desk: DeskOf, put: Callable[..., str], room_name: str, name: str, text: str
) -> None:
    path = put(text, name=f"{room_name}-{name}")
    ada, bob = desk("ada"), desk("bob")
    start = put("one = 1")
    for one in (ada, bob):
        one.open(start, room_name)
        one.execute("docmanager:open", path=path, factory="Editor")
        eventually(lambda one=one: one.tab == path and one.content == text, 20, "it is shown")
    ada.click_text()
    ada.type("x")
    bob.eventually("content", ada.content, 60)
    assert "x" in bob.content
    assert ada.dialogs == bob.dialogs == []


def test_twenty_megabytes(desk: DeskOf, put: Callable[..., str], room_name: str) -> None:
    text = "x = 'Grüße 📊' * 10  # " + "y" * 20_000
    path = f"large-{room_name}.ipynb"
    ada, bob = desk("ada"), desk("bob")
    ada.open("start-here.ipynb", None, "notebooks")
    ada.put_file(path, notebook(*[text] * 1000))
    ada.open(path, room_name, "notebooks")
    eventually(lambda: ada.is_shared, 90, "Ada is in the room")
    bob.open(path, room_name, "notebooks")
    eventually(lambda: len(bob.cells or []) == 1000, 90, "Bob has it")
    ada.write(0, "  # Ada")
    first = (
        "return window.jupyterapp.shell.currentWidget.context.model.sharedModel.getCell(0)"
        ".getSource()"
    )
    eventually(lambda: bob.js(first).endswith("  # Ada"), 30, "Bob has her edit")
    assert ada.dialogs == bob.dialogs == []
