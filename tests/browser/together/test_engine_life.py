"""Pages come and go, kernels compute, servers are away: the notebook goes on."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.browsers import open_browser
from harness.people import COMPUTE
from harness.processes import kill_browser
from harness.together import Desk, all_equal, copies, open_all
from selenium.webdriver.common.by import By

from pyodide_rtc.testing.browsers import SignalingServer, eventually

from .conftest import DeskOf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_reload_while_the_other_types(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put("one = 1", "two = 2")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    bob.write(1, "  # before")
    ada.eventually("cells", ["one = 1", "two = 2  # before"])
    bob.settle()
    bob.type("!")
    bob.reload()
    ada.write(0, "  # meanwhile")
    bob.wait_company()
    bob.eventually("cells", ["one = 1  # meanwhile", "two = 2  # before!"])
    all_equal(ada, bob)
    assert copies(path, ada, bob) == []
    assert bob.dialogs == []


def test_what_was_typed_a_moment_before_a_reload_is_there(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    """Reproduces: alone, a reload lost what was typed in the last second and a half."""
    path = put("one = 1")
    ada = desk("ada")
    ada.open(path, room_name)
    for number in range(3):
        ada.settle()
        ada.wait_restorable(path)
        ada.write(0, f"  # {number}")
        ada.reload()
        ada.eventually("cells", ["one = 1" + "".join(f"  # {n}" for n in range(number + 1))])


def test_a_killed_browser_has_it_all_when_it_is_opened_again(
    desk: DeskOf, put: Callable[..., str], server: SignalingServer, room_name: str, tmp_path: Path
) -> None:
    """The engine keeps an edit within 250 ms; the file is saved later."""
    path = put("one = 1", "two = 2")
    ada = desk("ada")
    with open_browser("chromium", profile=tmp_path / "bob") as driver:
        bob = Desk(driver, server, "bob")
        open_all(ada, bob, path=path, room=room_name)
        bob.write(1, "  # Bob")
        ada.eventually("cells", ["one = 1", "two = 2  # Bob"])
        ada.leave()
        bob.wait_company(1)
        bob.write(1, ", alone")
        time.sleep(0.5)  # what he typed is kept by then, and the file is not saved
        kill_browser(driver)
    with open_browser("chromium", profile=tmp_path / "bob") as driver:
        bob = Desk(driver, server, "bob")
        bob.open(path, room_name)
        bob.eventually("cells", ["one = 1", "two = 2  # Bob, alone"])
        ada.open(path, room_name)
        ada.eventually("cells", ["one = 1", "two = 2  # Bob, alone"], 60)
        content = all_equal(ada, bob)
        assert [cell["id"] for cell in content["cells"]] == ["cell-0", "cell-1"]
        assert copies(path, ada, bob) == []
        assert bob.dialogs == []


def test_both_close_and_one_opens_it_again_alone(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put("one = 1")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    ada.write(0, "  # Ada")
    bob.eventually("cells", ["one = 1  # Ada"])
    ada.leave()
    bob.leave()
    bob.open(path, room_name)
    assert bob.cells == ["one = 1  # Ada"]
    eventually(lambda: bob.is_shared, 60, "Bob is in the room")
    bob.write(0, ", alone")
    ada.open(path, room_name)
    ada.eventually("cells", ["one = 1  # Ada, alone"], 60)
    all_equal(ada, bob)
    assert copies(path, ada, bob) == []


def test_edited_apart_it_is_merged(desk: DeskOf, put: Callable[..., str], room_name: str) -> None:
    """Reproduces: a document that was edited apart did not merge."""
    path = put("one = 1", "two = 2")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    ada.write(0, "  # together")
    bob.eventually("cells", ["one = 1  # together", "two = 2"])
    bob.leave()
    ada.wait_company(1)
    ada.write(0, ", Ada")
    ada.save()
    ada.leave()
    bob.open(path, room_name)
    bob.write(1, "  # Bob")
    ada.open(path, room_name)
    ada.eventually("cells", ["one = 1  # together, Ada", "two = 2  # Bob"], 60)
    all_equal(ada, bob)
    assert copies(path, ada, bob) == []


def test_saving(desk: DeskOf, put: Callable[..., str], room_name: str) -> None:
    path = put("one = 1")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)

    def saved(one: Desk) -> list[str]:
        return [cell["source"] for cell in one.saved(path)["cells"]]

    # By itself, in both browsers.
    ada.write(0, "  # Ada")
    for one in (ada, bob):
        eventually(lambda one=one: saved(one) == ["one = 1  # Ada"], 5, "it is saved")
    # On save.
    bob.write(0, ", Bob")
    bob.save()
    assert saved(bob) == ["one = 1  # Ada, Bob"]
    # On close, and nobody is asked about what others have typed.
    ada.type(", more")
    ada.click(".lm-TabBar-tab.lm-mod-current .lm-TabBar-tabCloseIcon")
    eventually(lambda: saved(ada) == ["one = 1  # Ada, more, Bob"], 5, "it is saved on close")
    assert ada.dialogs == bob.dialogs == []


def test_a_kernel_that_computes_stops_nobody(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    busy = COMPUTE.format(30)
    path = put(busy, "two = 2", kernel="python")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    ada.wait_kernel()
    ada.run_cell(0)
    eventually(lambda: ada.kernel_status == "busy", 30, "the kernel computes")
    ada.write(1, "  # Ada")
    bob.eventually("cells", [busy, "two = 2  # Ada"], 5)
    bob.write(1, ", Bob")
    ada.eventually("cells", [busy, "two = 2  # Ada, Bob"], 5)
    assert ada.kernel_status == "busy", "all this while it computes"
    ada.restart_kernel()
    bob.write(1, ", on")
    ada.eventually("cells", [busy, "two = 2  # Ada, Bob, on"], 5)


KEEP_WORKERS = """
    window.workers = [];
    window.Worker = class extends Worker {
        constructor(url, options) {
            super(url, options);
            if (/engine/.test(options?.name)) window.workers.push(this);
        }
    };
"""


@pytest.mark.parametrize("death", ["it is gone", "it fails"])
def test_an_engine_that_dies_is_started_again(
    desk: DeskOf, put: Callable[..., str], room_name: str, death: str
) -> None:
    path = put("one = 1")
    ada, bob = desk("ada"), desk("bob", "chromium")
    driver: Any = ada.driver
    added = driver.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": KEEP_WORKERS}
    )
    open_all(ada, bob, path=path, room=room_name)
    ada.write(0, "  # before")
    bob.eventually("cells", ["one = 1  # before"])
    if death == "it is gone":
        ada.js("window.workers[0].terminate()")
    else:
        ada.js("window.workers[0].dispatchEvent(new ErrorEvent('error', {message: 'no memory'}))")
    ada.write(0, ", while dead")
    bob.write(0, ", Bob")
    eventually(lambda: ada.js("return window.workers.length") == 2, 60, "another is started")
    both = ["one = 1  # before, while dead, Bob"], ["one = 1  # before, Bob, while dead"]
    eventually(lambda: bob.cells in both and ada.cells == bob.cells, 60, "both have all")
    for one in (ada, bob):
        one.wait_company()
    ada.write(0, "!")
    bob.eventually("cells", ada.cells)
    all_equal(ada, bob)
    assert copies(path, ada, bob) == []
    driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)


def test_the_signaling_server_is_away_at_the_start(
    desk: DeskOf,
    server_elsewhere: SignalingServer,
    signaling: SignalingServer,
    room_name: str,
) -> None:
    ada, bob = desk("ada"), desk("bob")
    ada.server = bob.server = server_elsewhere
    path = "answer.ipynb"
    signaling.stop()
    for one in (ada, bob):
        one.open(path, room_name)
        eventually(lambda one=one: one.is_shared, 60, "the engine is there")
        assert "1 person" in one.status
    ada.write(1, "  # Ada, alone")
    bob.write(1, "  # Bob, alone")
    assert ada.why.startswith("No signaling server is reached")
    signaling.start()
    for one in (ada, bob):
        one.wait_company()
    content = all_equal(ada, bob)
    [line] = [c["source"] for c in content["cells"] if "alone" in c["source"]]
    assert sorted(line.removeprefix("%pip install pyodide-rtc").split("  # ")[1:]) == [
        "Ada, alone",
        "Bob, alone",
    ]
    assert copies(path, ada, bob) == []


def test_two_tabs_of_one_browser(desk: DeskOf, put: Callable[..., str], room_name: str) -> None:
    path = put("one = 1")
    ada = desk("ada")
    ada.open(path, room_name)
    ada.write(0, "  # first")
    ada.driver.switch_to.new_window("tab")
    tab = Desk(ada.driver, ada.server, "ada")
    tab.open(path, room_name)
    tab.eventually("cells", ["one = 1  # first"], 60)
    eventually(lambda: tab.is_shared, 60, "the tab is in the room")
    tab.write(0, ", second")
    ada.eventually("cells", ["one = 1  # first, second"])
    ada.write(0, ", first again")
    tab.eventually("cells", ["one = 1  # first, second, first again"])
    for one in (ada, tab):
        one.save()
        assert one.dialogs == []
        assert "1 person" in one.status
    all_equal(ada, tab)
    assert copies(path, tab) == []
    tab.look()
    tab.driver.close()
    tab.driver.switch_to.window(ada.window)


def test_the_cursor_of_the_other_has_a_name(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put("a_long_enough_line = 'to point at'")
    ada, bob = desk("ada"), desk("bob")
    ada.go(path, room_name, usercolor="e65100")
    bob.go(path, room_name)
    for one in (ada, bob):
        one.wait_shown()
        one.wait_company()
    ada.click_cell(0)
    ada.type("x")
    cursor = eventually(
        lambda: bob.driver.find_elements(By.CSS_SELECTOR, ".jp-remote-cursor"), 10, "a cursor"
    )[0]
    assert "rgb(230, 81, 0)" in str(cursor.value_of_css_property("border-left-color")).replace(
        "rgba", "rgb"
    ).replace(", 1)", ")")
    bob.eventually("flags", ["ada"], 10)
    # The same name in the panel of the others, and in one's own user menu.
    bob.click("[data-id='jp-collaboration-panel']")
    panel = "return document.querySelector('.jp-CollaboratorsList')?.innerText ?? ''"
    eventually(lambda: "ada" in bob.js(panel), 10, "Ada is in the panel")
    # The front end's own button would give a link without the room and the document.
    has_command = "return window.jupyterapp.commands.hasCommand(arguments[0])"
    assert not bob.js(has_command, "collaboration:shared-link")
    assert bob.js(has_command, "docmanager:save")
    initials = "return document.querySelector('#jp-UserMenu .jp-MenuBar-anonymousIcon')?.innerText"
    assert ada.js(initials) == "A"
    assert ada.why == "1 peer is connected and synced."
