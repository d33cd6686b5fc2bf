"""Who sits at a page: names and colours, given, kept, changed, and seen by the others."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from harness.browsers import Kind
from harness.people_shown import (
    change_user,
    close_dialog,
    dialog_text,
    open_status,
    panel_people,
    people_listed,
    press_dialog_button,
    set_input,
    wait_dialog,
)
from harness.together import Desk, open_all
from selenium.webdriver.common.by import By

from pyodide_rtc.testing.browsers import eventually

from .conftest import DeskOf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

_INITIALS = "return document.querySelector('#jp-UserMenu .jp-MenuBar-anonymousIcon')?.innerText"
_FORGET = "localStorage.removeItem('pyodide-rtc user')"


def cursor_color(desk: Desk) -> str:
    """The colour of the other's cursor."""
    return str(
        desk.js(
            "return getComputedStyle(document.querySelector('.jp-remote-cursor') ?? document.body)"
            ".borderLeftColor"
        )
    )


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
def test_a_name_is_changed_and_seen_by_all(
    desk: DeskOf, put: Callable[..., str], room_name: str, kind: Kind
) -> None:
    path = put("a_long_enough_line = 'to point at'")
    ada, bob = desk("ada"), desk("bob", kind)
    open_all(ada, bob, path=path, room=room_name)
    ada.click_cell(0)
    ada.type("x")
    bob.eventually("flags", ["ada"], 10)
    bob.click("[data-id='jp-collaboration-panel']")
    eventually(lambda: panel_people(bob) == ["ada"], 10, "Ada is in the panel")

    change_user(ada, "Ada Lovelace", "#e65100")
    eventually(lambda: panel_people(bob) == ["Ada Lovelace"], 10, "the panel has the new name")
    ada.click_cell(0)
    ada.type("y")
    bob.eventually("flags", ["Ada Lovelace"], 10)
    eventually(lambda: cursor_color(bob) == "rgb(230, 81, 0)", 10, "the cursor has the new colour")
    said = open_status(bob)
    assert f"{path}\nIt is in sync with Ada Lovelace." in said
    assert people_listed(bob)[1] == ("Ada Lovelace", "rgb(230, 81, 0)")
    assert people_listed(bob)[0][0] == "bob (you)"
    close_dialog(bob)
    assert ada.js(_INITIALS) == "AL"

    # The address does not call her otherwise any more: a reload keeps the name.
    assert "username" not in ada.js("return location.search")
    ada.settle()
    ada.wait_restorable(path)
    ada.reload()
    eventually(lambda: ada.js(_INITIALS) == "AL", 60, "the name is kept")
    # Bob chooses none, and gets a pleasant one; his initials are those of two words.
    change_user(bob, "")
    eventually(lambda: len(bob.js(_INITIALS) or "") == 2, 10, "a name was made up")
    assert ada.dialogs == bob.dialogs == []
    assert ada.errors == bob.errors == []
    ada.js(_FORGET)


def test_it_is_the_same_in_all_tabs_and_kernels(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    user = "print(json.dumps(room.awareness.local_state['user']))"
    join = f"import json, pyodide_rtc\nroom = pyodide_rtc.join('{room_name}-kernel')"
    path = put("%pip install -q pyodide-rtc", join, user, kernel="python")
    ada, bob = desk("ada"), desk("bob")
    ada.name = ""  # nothing in her address says who she is
    open_all(ada, bob, path=path, room=room_name)

    def kernel_user() -> dict[str, str]:
        ada.run_cell(2)
        ada.wait_kernel()
        found: dict[str, str] = json.loads(ada.outputs(2)[0]["text"])
        return found

    ada.wait_kernel()
    for index in range(2):
        ada.run_cell(index)
    ada.driver.switch_to.new_window("tab")
    tab = Desk(ada.driver, ada.server, "")
    tab.open(path, room_name)
    eventually(lambda: tab.is_shared, 60, "the tab is in the room")
    pleasant = eventually(lambda: people_names(bob)[1:], 10, "Bob sees somebody")
    assert len(pleasant) == 1, "two tabs are one person"
    assert kernel_user()["name"] == pleasant[0]

    # She changes it in the tab, while the other one is hidden.
    tab.look()
    change_user(tab, "Ada Lovelace", "#e65100")
    eventually(
        lambda: people_names(bob)[1:] == ["Ada Lovelace"], 10, "Bob sees the name of both tabs"
    )
    assert panel_names(bob) == {"Ada Lovelace"}, "no page of hers has another one"
    eventually(
        lambda: kernel_user() == {"name": "Ada Lovelace", "color": "#e65100"},
        20,
        "the kernel shows it, too",
    )
    assert ada.js(_INITIALS) == "AL"
    ada.js(_FORGET)
    assert ada.errors == bob.errors == []
    tab.look()
    tab.driver.close()
    tab.driver.switch_to.window(ada.window)


def people_names(desk: Desk) -> list[str]:
    """The people of the room, by the dialog of the status item."""
    open_status(desk)
    names = [name for name, _color in people_listed(desk)]
    close_dialog(desk)
    return names


def panel_names(desk: Desk) -> set[str]:
    if not desk.driver.find_elements(By.CSS_SELECTOR, ".jp-CollaboratorsList"):
        desk.click("[data-id='jp-collaboration-panel']")
    return set(eventually(lambda: panel_people(desk), 10, "the panel"))


def test_a_name_in_the_address_is_for_that_page_only(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put("one = 1")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    eventually(lambda: people_names(bob)[1:] == ["ada"], 10, "Bob sees the name in the address")
    ada.name = ""
    ada.open(path, room_name)
    pleasant = eventually(
        lambda: [name for name in people_names(bob)[1:] if name != "ada"], 60, "another name"
    )
    assert " " in pleasant[0]
    assert ada.errors == bob.errors == []


def test_jupyter_collaborations_own_form_works(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    """Reproduces: it asked a server that is not there, with an error in the console."""
    path = put("one = 1")
    ada = desk("ada")
    ada.open(path, room_name)
    ada.wait_company(1)
    ada.click("[data-id='jp-collaboration-panel']")
    eventually(
        lambda: ada.driver.find_elements(By.CSS_SELECTOR, ".jp-UserInfo-Icon"), 20, "the form"
    )
    ada.click(".jp-UserInfo-Icon")
    wait_dialog(ada)
    set_input(ada, "#jp-UserInfo-Value-display_name, [name=display_name]", "Augusta King")
    press_dialog_button(ada, "Ok")
    eventually(lambda: ada.js(_INITIALS) == "AK", 10, "the initials are those of the new name")
    eventually(lambda: people_names(ada) == ["Augusta King (you)"], 10, "the name is there")
    ada.js(_FORGET)
    assert ada.errors == []


def test_names_are_text(desk: DeskOf, put: Callable[..., str], room_name: str) -> None:
    path = put("one = 1")
    ada, bob = desk("ada"), desk("bob")
    evil = "<img src=x onerror='window.evil=1'>" + "x" * 500
    ada.name = evil
    open_all(ada, bob, path=path, room=room_name)
    said = eventually(lambda: evil[:20] in open_status(bob) and dialog_text(bob), 10, "it is shown")
    assert len(said) < 1000, "and cut"
    assert bob.js("return document.querySelectorAll('.pyodide-rtc-about img').length") == 0
    close_dialog(bob)
    bob.click("[data-id='jp-collaboration-panel']")
    eventually(lambda: panel_people(bob), 10, "the panel has it, too")
    for one in (ada, bob):
        assert one.js("return window.evil ?? null") is None
    assert ada.errors == bob.errors == []
