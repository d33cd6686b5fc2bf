"""Who runs which cell is seen by all, and who runs it too is asked first."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from harness.browsers import open_browser
from harness.processes import kill_browser
from harness.together import Desk, all_equal, open_all

from pyodide_rtc.testing.browsers import SignalingServer, eventually

from .conftest import DeskOf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SLEEP = "import asyncio\nawait asyncio.sleep(60)"
PRINTS = (
    "import asyncio\n"
    "from IPython.display import HTML, display\n"
    "display(HTML('<b>slider</b>'))\n"
    "for number in range(20):\n"
    "    print('foo', number)\n"
    "    await asyncio.sleep(0.1)\n"
    "print('bar')"
)


def prompt(desk: Desk, index: int = 0) -> str:
    """What is before a cell: [*] while somebody runs it."""
    desk.cell(index)
    return str(
        desk.js(
            "return window.jupyterapp.shell.currentWidget.content.widgets[arguments[0]]"
            ".node.querySelector('.jp-InputPrompt')?.textContent ?? ''",
            index,
        )
    )


def sees_running(desk: Desk, timeout_s: float, index: int = 0) -> float:
    """Wait until a cell is seen running, and give how long that took."""
    started = time.monotonic()
    eventually(lambda: prompt(desk, index) == "[*]:", timeout_s, f"{desk.name} sees [*]")
    return time.monotonic() - started


def sees_it_ended(desk: Desk, timeout_s: float, index: int = 0) -> float:
    started = time.monotonic()
    eventually(lambda: prompt(desk, index) != "[*]:", timeout_s, f"{desk.name} sees no [*]")
    return time.monotonic() - started


def answer(desk: Desk, button: str) -> None:
    eventually(lambda: desk.dialogs, 10, f"{desk.name} is asked")
    assert "bob is running this" in desk.dialogs[0]
    desk.click(f".jp-Dialog .jp-mod-{button}")
    eventually(lambda: desk.dialogs == [], 10, "the question is gone")


def text(desk: Desk, index: int = 0) -> str:
    return "".join(str(output.get("text", "")) for output in desk.outputs(index))


def test_it_is_seen_and_ends_with_its_runner(
    desk: DeskOf,
    put: Callable[..., str],
    room_name: str,
    server: SignalingServer,
    record_property: Callable[[str, object], None],
) -> None:
    path = put(SLEEP, kernel="python")
    ada = desk("ada")
    with open_browser("chromium") as driver:
        bob = Desk(driver, server, "bob")
        open_all(ada, bob, path=path, room=room_name)
        bob.wait_kernel()
        bob.run_cell(0)
        seen_s = sees_running(ada, 5)
        bob.restart_kernel()
        sees_it_ended(ada, 10)
        sees_it_ended(bob, 10)
        bob.wait_kernel()
        bob.run_cell(0)
        sees_running(ada, 5)
        assert "running" not in str(ada.content), "it is not in the document"
        kill_browser(driver)
        gone_s = sees_it_ended(ada, 10)
        record_property("seen after s", round(seen_s, 2))
        record_property("gone after s", round(gone_s, 1))
        assert seen_s < 1


def test_who_runs_it_too_is_asked_first(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put(PRINTS, "print('second')", kernel="python")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    for one in (ada, bob):
        one.wait_kernel()
    # Alone, for comparison.
    bob.run_cell(0)
    eventually(lambda: text(ada).endswith("bar\n"), 60, "Bob's run is over")
    sees_it_ended(bob, 10)
    alone = all_equal(ada, bob)["cells"][0]["outputs"]
    assert len(alone) == 2

    # She leaves it to him.
    bob.run_cell(0)
    sees_running(ada, 5)
    ada.run_cell(0)
    answer(ada, "reject")
    eventually(lambda: text(ada).endswith("bar\n"), 60, "Bob's run is over")
    assert all_equal(ada, bob)["cells"][0]["outputs"] == alone
    assert bob.kernel_status != "none"

    # She runs it too: one output, hers, and as many lines as alone.
    bob.run_cell(0)
    sees_running(ada, 5)
    eventually(lambda: "foo 1" in text(ada), 20, "his output comes")
    ada.run_cell(0)
    answer(ada, "accept")
    eventually(lambda: text(ada).endswith("bar\n"), 60, "Ada's run is over")
    for one in (ada, bob):
        sees_it_ended(one, 20)
    eventually(lambda: bob.kernel_status == "idle", 20, "Bob's run is over as well")
    content = all_equal(ada, bob)
    assert content["cells"][0]["outputs"] == alone
    assert ada.js("return window.jupyterapp.shell.currentWidget.content.widgets.length") == 2
    assert ada.dialogs == bob.dialogs == []
    assert ada.errors == bob.errors == []


def test_run_all_asks_once_and_keeps_the_order(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    sources = ["found = [1]", PRINTS, "found.append(2)", "found.append(3)\nprint(found)"]
    path = put(*sources, kernel="python")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    for one in (ada, bob):
        one.wait_kernel()
    bob.run_cell(1)
    sees_running(ada, 5, 1)
    ada.js("window.jupyterapp.commands.execute('notebook:run-all-cells')")
    answer(ada, "accept")
    eventually(lambda: text(ada, 3) == "[1, 2, 3]\n", 60, "all ran in their order")
    assert text(ada, 1).endswith("bar\n")
    all_equal(ada, bob)
    counts = [cell["execution_count"] for cell in ada.content["cells"]]
    assert counts == [1, 2, 3, 4]
    assert ada.dialogs == []


def test_both_run_it_in_the_same_moment(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put(PRINTS, kernel="python")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    for one in (ada, bob):
        one.wait_kernel()
    at = time.time() * 1000 + 2000
    for one in (ada, bob):
        one.js(
            """
            const { commands, shell } = window.jupyterapp;
            shell.currentWidget.content.activeCellIndex = 0;
            setTimeout(() => commands.execute("notebook:run-cell"), arguments[0] - Date.now());
            """,
            at,
        )
    for one in (ada, bob):
        sees_running(one, 10)
    eventually(lambda: text(ada).endswith("bar\n"), 60, "the run that counts is over")
    assert ada.dialogs == bob.dialogs == [], "neither could know of the other"
    for one in (ada, bob):
        sees_it_ended(one, 20)
        eventually(lambda one=one: one.kernel_status == "idle", 20, "its run is over")
    content = all_equal(ada, bob)
    assert len(content["cells"][0]["outputs"]) == 2
    assert text(ada).count("bar") == 1
    assert ada.errors == bob.errors == []
