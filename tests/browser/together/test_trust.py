"""Trust never travels: what a peer puts into a notebook runs no script here."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.together import all_equal, open_all
from harness.waiting import eventually

from .conftest import DeskOf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ATTACK = """
    const panel = window.jupyterapp.shell.currentWidget;
    const notebook = panel.context.model.sharedModel;
    const script = "window.attacked = (window.attacked ?? 0) + 1";
    const output = (data) => ({ output_type: "display_data", data, metadata: {} });
    const outputs = [
        output({ "application/javascript": script, "text/plain": "by script" }),
        output({ "text/html": `<b>by html</b><img src="nowhere" onerror="${script}">` }),
        output({ "text/html": `<script>${script}</script>` }),
        output({ "image/svg+xml": `<svg xmlns="http://www.w3.org/2000/svg" onload="${script}"/>` }),
    ];
    const Map = notebook.getCell(0).ymodel.constructor;
    notebook.ydoc.transact(() => {
        // Into a cell that the other has run, and so trusts.
        const cell = notebook.getCell(0).ymodel;
        cell.get("outputs").push(outputs.map((one) => new Map(Object.entries(one))));
        cell.get("metadata").set("trusted", true);
    });
    // A cell that says of itself that it is trusted.
    const metadata = { trusted: true };
    const forged = notebook.addCell({ cell_type: "code", source: "# forged", metadata, outputs });
    forged.ymodel.get("metadata").set("trusted", true);
    notebook.addCell({ cell_type: "markdown", source: `<img src="nowhere" onerror="${script}">` });
"""
ATTACKED = "return window.attacked ?? 0"


def test_an_attack(desk: DeskOf, put: Callable[..., str], room_name: str) -> None:
    own = "from IPython.display import HTML\nHTML('<img src=x onerror=\"window.own = 1\">')"
    path = put(own, kernel="python")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    ada.wait_kernel()
    ada.run_cell(0)
    eventually(lambda: ada.js("return window.own") == 1, 60, "what Ada has run herself runs")
    eventually(lambda: len(bob.outputs(0)) == 1, 20, "Bob has her output")
    all_equal(ada, bob)
    assert bob.js("return window.own ?? 0") == 0, "and at Bob's it does not run"

    # On the page: a script of the driver's own has other `Object`s in Firefox, which Yjs refuses.
    bob.js("window.eval(arguments[0])", f"(() => {{{ATTACK}}})()")
    content = all_equal(ada, bob)
    assert len(content["cells"][0]["outputs"]) == 5
    shown = "return document.querySelector('.jp-Notebook').innerText"
    eventually(lambda: "by html" in ada.js(shown), 10, "what is harmless of it is shown")
    assert ada.js(ATTACKED) == 0

    ada.save()
    saved = [cell for cell in ada.saved(path)["cells"] if cell.get("outputs")]
    assert [cell["metadata"] for cell in saved] == [{}, {}]
    ada.reload()
    eventually(lambda: "by html" in ada.js(shown), 20, "what is harmless of it is shown")
    ada.wait_company()
    all_equal(ada, bob)
    assert ada.js(ATTACKED) == 0

    # Alone, and as a page without any room has it from the same storage.
    bob.leave()
    ada.open(path, None)
    eventually(lambda: "by html" in ada.js(shown), 20, "what is harmless of it is shown")
    assert ada.js(ATTACKED) == 0


def test_ones_own_outputs_are_trusted_after_a_reload(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    own = "from IPython.display import HTML\nHTML('<img src=x onerror=\"window.own = 1\">')"
    path = put(own, kernel="python")
    ada = desk("ada")
    ada.open(path, room_name)
    ada.wait_kernel()
    ada.run_cell(0)
    eventually(lambda: ada.js("return window.own") == 1, 60, "what Ada has run herself runs")
    ada.save()
    ada.reload()
    eventually(lambda: ada.js("return window.own") == 1, 20, "and after a reload it does")
