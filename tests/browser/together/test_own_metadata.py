"""What is one person's own in a notebook: their kernel, and how they have its cells shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from harness.site import run_async
from harness.together import Desk, all_equal, copies, open_all

from pyodide_rtc.testing.browsers import eventually

from .conftest import DeskOf, notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def kernel_of(desk: Desk) -> str:
    """The kernel that the notebook names at this desk."""
    return str(
        desk.js(
            "return window.jupyterapp.shell.currentWidget.context.model.getMetadata('kernelspec')"
            "?.name ?? 'none'"
        )
    )


def running_kernel(desk: Desk) -> str:
    """The kernel that runs at this desk."""
    return str(
        desk.js(
            "return window.jupyterapp.shell.currentWidget.sessionContext.session?.kernel?.name"
            " ?? 'none'"
        )
    )


def choose_kernel(desk: Desk, name: str) -> None:
    run_async(
        desk.driver,
        "await window.jupyterapp.shell.currentWidget.sessionContext"
        ".changeKernel({ name: arguments[0] });",
        name,
    )
    eventually(lambda: kernel_of(desk) == name, 60, f"{desk.name} has {name}")


def is_hidden(desk: Desk, part: str, index: int = 0) -> bool:
    cell = f"window.jupyterapp.shell.currentWidget.content.widgets[{index}]"
    return bool(desk.js(f"return {cell}.{part}Hidden"))


def hide(desk: Desk, part: str, index: int = 0) -> None:
    """As a click on the bar beside the cell does."""
    cell = f"window.jupyterapp.shell.currentWidget.content.widgets[{index}]"
    desk.js(f"{cell}.{part}Hidden = true")


def give(desk: Desk, path: str, content: dict[str, Any]) -> None:
    """Give this browser alone a notebook."""
    desk.open("start-here.ipynb", None, "notebooks")
    desk.put_file(path, content)


def with_own(kernel: str, *, is_hidden: bool = False, **metadata: object) -> dict[str, Any]:
    """A notebook with this kernel, whose first cell is hidden."""
    content: dict[str, Any] = notebook("one = 1", "two = 2", kernel=kernel)
    content["metadata"] |= metadata
    if is_hidden:
        content["cells"][0]["metadata"] = {"jupyter": {"source_hidden": True}, "collapsed": True}
    return content


def test_each_keeps_their_own_kernel(desk: DeskOf, put: Callable[..., str], room_name: str) -> None:
    path = put("one = 1", kernel="javascript")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    for one in (ada, bob):
        one.wait_kernel()
    choose_kernel(ada, "python")
    ada.write(0, "  # after")
    bob.eventually("cells", ["one = 1  # after"])
    assert kernel_of(bob) == "javascript"
    for one in (bob, ada):
        one.save()
        one.wait_restorable(path)
        one.reload()
        one.wait_company()
        one.wait_kernel()
    assert (kernel_of(ada), running_kernel(ada)) == ("python", "python")
    assert (kernel_of(bob), running_kernel(bob)) == ("javascript", "javascript")
    assert ada.saved(path)["metadata"]["kernelspec"]["name"] == "python"
    assert bob.saved(path)["metadata"]["kernelspec"]["name"] == "javascript"
    all_equal(ada, bob)
    assert copies(path, ada, bob) == []
    assert ada.dialogs == bob.dialogs == []
    assert ada.errors == bob.errors == []


def test_who_differs_in_that_only_has_the_same_notebook(desk: DeskOf, room_name: str) -> None:
    path = f"own-{room_name}.ipynb"
    ada, bob = desk("ada"), desk("bob")
    give(ada, path, with_own("javascript", is_hidden=True, title="ours"))
    give(bob, path, with_own("python", title="ours"))
    open_all(ada, bob, path=path, room=room_name)
    ada.write(1, "  # Ada")
    bob.eventually("cells", ["one = 1", "two = 2  # Ada"])
    bob.write(1, ", Bob")
    ada.eventually("cells", ["one = 1", "two = 2  # Ada, Bob"])
    assert all_equal(ada, bob)["metadata"]["title"] == "ours", "what is everybody's is shared"
    assert copies(path, ada, bob) == []
    assert (kernel_of(ada), kernel_of(bob)) == ("javascript", "python")
    assert is_hidden(ada, "input")
    assert not is_hidden(bob, "input")


def test_who_has_it_from_the_room_begins_as_the_first_did(desk: DeskOf, room_name: str) -> None:
    path = f"only-adas-{room_name}.ipynb"
    ada, bob = desk("ada"), desk("bob")
    give(ada, path, with_own("javascript", is_hidden=True))
    ada.open(path, room_name)
    eventually(lambda: ada.is_shared, 60, "Ada is in the room")
    bob.open(path, room_name)
    bob.wait_kernel()
    assert bob.dialogs == []
    assert running_kernel(bob) == "javascript"
    assert is_hidden(bob, "input")
    assert is_hidden(bob, "output")
    assert bob.saved(path)["metadata"]["kernelspec"]["name"] == "javascript"


def test_how_cells_are_shown(desk: DeskOf, put: Callable[..., str], room_name: str) -> None:
    path = put("one = 1", "two = 2")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    hide(ada, "input")
    hide(ada, "output")
    ada.write(1, "  # after")
    bob.eventually("cells", ["one = 1", "two = 2  # after"])
    assert not is_hidden(bob, "input")
    assert not is_hidden(bob, "output")

    def is_saved() -> bool:
        hidden = {"jupyter": {"source_hidden": True, "outputs_hidden": True}, "collapsed": True}
        return bool(ada.saved(path)["cells"][0]["metadata"] == hidden)

    eventually(is_saved, 10, "it is saved by itself")
    # Somebody else moves the cell: for the document that is another one.
    bob.js("window.jupyterapp.shell.currentWidget.content.activeCellIndex = 0")
    bob.js("window.jupyterapp.commands.execute('notebook:move-cell-down')")
    ada.eventually("cells", ["two = 2  # after", "one = 1"])
    eventually(lambda: is_hidden(ada, "output", 1), 10, "it is hidden where it is now")
    assert is_hidden(ada, "input", 1)
    ada.save()
    ada.wait_restorable(path)
    ada.reload()
    eventually(lambda: is_hidden(ada, "output", 1), 20, "it is hidden after a reload")
    assert is_hidden(ada, "input", 1)
    all_equal(ada, bob)
    assert ada.errors == bob.errors == []
