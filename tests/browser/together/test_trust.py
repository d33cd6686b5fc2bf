"""Trust never travels: what a peer puts into a notebook runs no script here."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.together import Desk, all_equal, open_all
from selenium.webdriver import Keys

from pyodide_rtc.testing.browsers import eventually

from .attacks import ATTACKED, attack
from .conftest import DeskOf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SCRIPT = "window.own = (window.own ?? 0) + 1"
OWN = f'from IPython.display import HTML\nHTML(\'<img src="data:," onerror="{SCRIPT}">\')'
"""A cell whose output runs script where it is trusted, once each time it is drawn. JupyterLab
sets the address of a picture that may lie beside the notebook twice, and each may fail."""
TIMES = "return window.own ?? 0"

_DRAWN = """
    const host = document.body.appendChild(document.createElement("div"));
    window.drawn = false;
    // What the page has set about before is done by then: pictures that are not there, frames.
    host.innerHTML = '<img src="nowhere-either"><iframe srcdoc="x"></iframe>';
    const [picture, frame] = host.children;
    Promise.all([
        new Promise((resolve) => { picture.onerror = resolve; }),
        new Promise((resolve) => { frame.onload = resolve; }),
    ]).then(() => setTimeout(() => requestAnimationFrame(() => { window.drawn = true; }), 200));
"""
_CLICK = """
    const baits = document.querySelectorAll(".jp-Notebook .bait, .vega-actions a:not([download])");
    for (const bait of baits)
        bait.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true }));
"""
_RISKY = """
    const attributes = /^on\\w+=|^srcdoc=|^(xlink:)?(href|src|action|data)=\\s*java\\s*script:/i;
    return [...document.querySelectorAll(".jp-Notebook *")]
        .flatMap((one) => [...one.attributes].map(({ name, value }) => `${name}=${value}`))
        .filter((one) => attributes.test(one) && !one.includes("window.own"));
"""
_SHOWN = "return document.querySelector('.jp-Notebook')?.textContent ?? ''"


def run_in_page(desk: Desk, script: str) -> None:
    """Run on the page: the driver's scripts have other `Object`s in Firefox, which Yjs refuses."""
    desk.js("window.eval(arguments[0])", f"(() => {{{script}}})()")


def do(desk: Desk, command: str, *indexes: int) -> None:
    """Choose cells, the first and the last of a range, and give a command as the menus do."""
    desk.js(
        """
        const notebook = window.jupyterapp.shell.currentWidget.content;
        const [command, first, last] = arguments;
        notebook.deselectAll();
        if (first !== undefined) notebook.activeCellIndex = first;
        if (last !== undefined) notebook.extendContiguousSelectionTo(last);
        window.jupyterapp.commands.execute(`notebook:${command}`);
        """,
        command,
        *indexes,
    )


def show_all(desk: Desk) -> None:
    """Have each cell drawn: those far below are drawn only when they come into sight."""
    count = len(desk.cells or [])
    for index in range(count):
        desk.cell(index)
    eventually(lambda: "by html" in desk.js(_SHOWN), 30, "what is harmless of it is shown")


def assert_nothing_ran(desk: Desk, when: str) -> None:
    """See that no script has run, after all that was to be drawn is drawn, and clicked."""
    show_all(desk)
    for _ in range(2):
        desk.js(_DRAWN)
        eventually(lambda: desk.js("return window.drawn"), 20, "the page has drawn it")
        assert desk.js(ATTACKED) == [], when
        assert desk.js(_RISKY) == [], when
        desk.js(_CLICK)
        for handle in desk.driver.window_handles:
            if handle != desk.window:
                desk.driver.switch_to.window(handle)
                desk.driver.close()
        desk.driver.switch_to.window(desk.window)


def trusted_cells(notebook: dict[str, object]) -> list[str]:
    """The sources of the cells that a file says are trusted and that have outputs."""
    cells: list[dict[str, dict[str, object]]] = notebook["cells"]  # type: ignore[assignment]
    return [
        str(cell["source"])
        for cell in cells
        if cell.get("outputs") and cell["metadata"].get("trusted")
    ]


def test_an_attack(desk: DeskOf, put: Callable[..., str], room_name: str) -> None:
    path = put(OWN, kernel="python")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    ada.wait_kernel()
    ada.run_cell(0)
    eventually(lambda: ada.js(TIMES) == 1, 60, "what Ada has run herself runs")
    eventually(lambda: len(bob.outputs(0)) == 1, 20, "Bob has her output")
    all_equal(ada, bob)
    assert bob.js(TIMES) == 0, "and at Bob's it does not run"

    run_in_page(bob, attack())
    all_equal(ada, bob)
    assert len(ada.outputs(0)) > 20
    assert_nothing_ran(ada, "it has arrived")

    ada.save()
    assert trusted_cells(ada.saved(path)) == []
    ada.wait_restorable(path)
    ada.reload()
    assert_nothing_ran(ada, "she has saved it and reloaded")
    ada.wait_company()
    all_equal(ada, bob)

    # Alone, and as a page without any room has it from the same storage.
    bob.leave()
    ada.open(path, None)
    assert_nothing_ran(ada, "a page without a room has opened it")


def test_what_one_does_with_the_cells_of_an_attack(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path, other = put(OWN, kernel="python"), put("", kernel="python")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    ada.wait_kernel()
    ada.run_cell(0)
    eventually(lambda: ada.js(TIMES) == 1, 60, "what Ada has run herself runs")
    eventually(lambda: len(bob.outputs(0)) == 1, 20, "Bob has her output")
    run_in_page(bob, attack())
    all_equal(ada, bob)
    count = len(ada.cells or [])
    last = count - 1

    def after(command: str, cells: int) -> None:
        ada.js("window.jupyterapp.shell.currentWidget.content.mode = 'command'")
        eventually(lambda: len(ada.cells or []) == cells, 10, f"{cells} cells after {command}")
        assert_nothing_ran(ada, command)
        ada.save()
        assert trusted_cells(ada.saved(path)) == [], command

    do(ada, "copy-cell", 0, last)
    do(ada, "paste-cell-below", last)
    after("paste of what was copied", 2 * count)
    do(ada, "cut-cell", count, 2 * count - 1)
    after("cut", count)
    do(ada, "paste-cell-above", 0)
    after("paste of what was cut", 2 * count)
    do(ada, "undo-cell-action")
    do(ada, "undo-cell-action")
    after("undo of paste and cut", 2 * count)
    do(ada, "delete-cell", count, 2 * count - 1)
    do(ada, "duplicate-below", 0, last)
    after("duplicate", 2 * count)
    do(ada, "delete-cell", count, 2 * count - 1)
    do(ada, "delete-cell", 0, last)
    eventually(lambda: len(ada.cells or []) == 1, 10, "all are deleted")

    def is_back() -> bool:
        do(ada, "undo-cell-action")  # JupyterLab puts a new cell into an empty notebook: that first
        return len(ada.cells or []) >= count

    eventually(is_back, 10, "the cells are back")
    after("undo of a deletion", len(ada.cells or []))
    for _ in range(2):
        do(ada, "move-cell-down", 0)
        do(ada, "undo-cell-action")
        do(ada, "redo-cell-action")
        after("a move", len(ada.cells or []))
    do(ada, "change-cell-to-markdown", 1)
    do(ada, "undo-cell-action")
    after("undo of a change of type", len(ada.cells or []))
    for _ in range(2):
        do(ada, "split-cell-at-cursor", 1)
        do(ada, "merge-cells", 1, 2)
        do(ada, "undo-cell-action")
    after("undo of split and merge", len(ada.cells or []))

    # By drag and drop into another notebook, JupyterLab inserts what it has of the cell as JSON.
    ada.js(
        """
        window.dragged = window.jupyterapp.shell.currentWidget.content.model.sharedModel
            .cells.map((cell) => cell.toJSON());
        window.jupyterapp.commands.execute("docmanager:open", { path: arguments[0] });
        """,
        other,
    )
    eventually(lambda: ada.cells == [""], 60, "the other notebook is shown")
    run_in_page(
        ada,
        """
        const { model } = window.jupyterapp.shell.currentWidget.content;
        model.sharedModel.insertCells(0, window.dragged);
        """,
    )
    assert_nothing_ran(ada, "drag and drop")
    ada.reload()


def test_ones_own_outputs_are_trusted_after_a_reload(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put(OWN, kernel="python")
    ada = desk("ada")
    ada.open(path, room_name)
    ada.wait_kernel()
    ada.run_cell(0)
    eventually(lambda: ada.js(TIMES) == 1, 60, "what Ada has run herself runs")
    ada.save()
    ada.wait_restorable(path)
    ada.reload()
    eventually(lambda: ada.js(TIMES), 20, "and after a reload it does")


def test_ones_own_outputs_are_trusted_after_cut_and_paste(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put(OWN, "last = 1", kernel="python")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    ada.wait_kernel()
    ada.run_cell(0)
    eventually(lambda: ada.js(TIMES) == 1, 60, "what Ada has run herself runs")
    times = 1
    for commands, index in (
        (("cut-cell",), 0),
        (("paste-cell-below",), 0),
        (("move-cell-up",), 1),
        (("duplicate-below",), 0),
        (("delete-cell",), 1),
        (("undo-cell-action",), 0),
    ):
        for command in commands:
            do(ada, command, index)
        if command in ("cut-cell", "delete-cell"):
            eventually(lambda: OWN not in (ada.cells or [])[1:], 10, command)
            continue
        times += 1
        eventually(lambda: ada.js(TIMES) >= times, 20, f"it runs after {command}")  # noqa: B023
        ada.save()
        assert OWN in trusted_cells(ada.saved(path)), command
    all_equal(ada, bob)
    assert bob.js(TIMES) == 0


def test_a_chart_is_drawn_by_all_and_is_once_in_the_notebook(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    """Reproduces: each page that drew a chart put its picture into the notebook, and doubled it."""
    source = (
        "from IPython.display import display\n"
        "schema = 'https://vega.github.io/schema/vega-lite/v5.json'\n"
        "x = {'field': 'a', 'type': 'quantitative'}\n"
        "chart = {'$schema': schema, 'data': {'values': [{'a': 1}]}, 'mark': 'point',"
        " 'encoding': {'x': x}}\n"
        "display({'application/vnd.vegalite.v5+json': chart}, raw=True)"
    )
    path = put(source, kernel="python")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    ada.wait_kernel()
    ada.run_cell(0)
    drawn = "return document.querySelectorAll('.jp-Notebook .vega-embed canvas').length"
    for one in (ada, bob):
        eventually(lambda one=one: one.js(drawn) > 0, 60, f"{one.name} sees the chart")
    # The maker's page adds the picture.
    eventually(lambda: "image/png" in ada.outputs(0)[0]["data"], 20, "the picture is there")
    all_equal(ada, bob)
    assert len(ada.outputs(0)) == len(bob.outputs(0)) == 1
    assert ada.js(drawn) == bob.js(drawn) == 1


NONSENSE = """
    const { sharedModel } = window.jupyterapp.shell.currentWidget.context.model;
    const cells = sharedModel.ydoc.getArray("cells");
    const [YMap, YText] = [cells.get(0).constructor, cells.get(0).get("source").constructor];
    const heading = new YMap([["cell_type", "heading"], ["id", "h"], ["source", new YText("x")]]);
    try {
        cells.insert(1, [3, "text", null, ["list"], { cell_type: "code" }, new YMap(), heading]);
    } catch (error) {
        console.info("the attacker's own page is broken", error);
    }
"""


def test_what_is_no_cell_breaks_nobodys_notebook(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put("one = 1", "two = 2")
    ada, bob, carol = desk("ada"), desk("bob", "chromium"), desk("carol")
    open_all(ada, bob, path=path, room=room_name)
    run_in_page(bob, NONSENSE)
    carol.open(path, room_name)
    carol.wait_company(3)
    ada.write(1, "  # Ada")
    ada.command(0, "b")
    ada.type(Keys.ENTER, "three = 3")
    carol.eventually("cells", ["one = 1", "three = 3", "two = 2  # Ada"])
    assert ada.cells == carol.cells
    ada.save()
    saved = ada.saved(path)["cells"]
    assert [cell["source"] for cell in saved] == ["one = 1", "three = 3", "two = 2  # Ada"]
    assert ada.dialogs == carol.dialogs == []
    assert ada.errors == carol.errors == []
    bob.open(path, room_name)
    bob.eventually("cells", ["one = 1", "three = 3", "two = 2  # Ada"], 60)
