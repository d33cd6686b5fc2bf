"""What a document begins with, when several people bring one."""

from __future__ import annotations

import os
from collections.abc import Callable

import pytest
from harness.together import Desk, all_equal, copies, open_all

from pyodide_rtc.testing.browsers import eventually

from .conftest import DeskOf, notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

OPENINGS = int(os.environ.get("PYODIDE_RTC_OPENINGS", "2"))


def give_files(desk: Desk, files: dict[str, list[str]]) -> None:
    """Give this browser alone versions of its own of some notebooks."""
    desk.open("start-here.ipynb", None, "notebooks")
    for path, cells in files.items():
        desk.put_file(path, notebook(*cells))


def copy_of(path: str) -> str:
    return path.replace(".ipynb", " (my copy).ipynb")


@pytest.mark.parametrize("app", ["lab", "notebooks"])
def test_who_comes_later_with_another_file_keeps_a_copy(
    desk: DeskOf, put: Callable[..., str], room_name: str, app: str
) -> None:
    path = put("first = 1")
    ada, bob = desk("ada"), desk("bob")
    give_files(bob, {path: ["of = 'Bob'"]})
    ada.open(path, room_name, app)
    eventually(lambda: ada.is_shared, 60, "Ada is in the room")
    bob.go(path, room_name, app)
    bob.eventually("cells", ["first = 1"], 60)
    copy = copy_of(path)
    eventually(lambda: copy in bob.files, 10, "Bob's copy")
    assert [cell["source"] for cell in bob.saved(copy)["cells"]] == ["of = 'Bob'"]
    eventually(lambda: copy in bob.notices, 10, "Bob is told its name")
    ada.write(0, "  # go on")
    bob.eventually("cells", ["first = 1  # go on"])
    bob.write(0, ", Bob")
    ada.eventually("cells", ["first = 1  # go on, Bob"])
    all_equal(ada, bob)
    assert ada.dialogs == bob.dialogs == []
    assert ada.errors == bob.errors == []


@pytest.mark.timeout(180 + 60 * OPENINGS)
def test_equal_files_opened_at_once_are_one(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    for number in range(OPENINGS):
        ada, bob = desk("ada"), desk("bob")
        path = put("one = 1", "two = 2", "three = 3")
        open_all(ada, bob, path=path, room=f"{room_name}-{number}")
        ada.write(0, "  # Ada")
        bob.write(1, "  # Bob")
        content = all_equal(ada, bob)
        sources = [cell["source"] for cell in content["cells"]]
        assert sources == ["one = 1  # Ada", "two = 2  # Bob", "three = 3"]
        assert copies(path, ada, bob) == []
        assert ada.dialogs == bob.dialogs == []


@pytest.mark.timeout(180 + 60 * OPENINGS)
def test_of_different_files_opened_at_once_one_is_taken(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    paths = [put("of = 'the site'") for _ in range(OPENINGS)]
    give_files(desk("bob"), {path: ["of = 'Bob'", "more = 1"] for path in paths})
    for path in paths:
        ada, bob = desk("ada"), desk("bob")
        open_all(ada, bob, path=path, room=f"{room_name}-{path}")
        content = all_equal(ada, bob)
        taken = [cell["source"] for cell in content["cells"]]
        versions = {True: ["of = 'the site'"], False: ["of = 'Bob'", "more = 1"]}
        assert taken in versions.values()
        is_adas = taken == versions[True]
        loser, other = (bob, ada) if is_adas else (ada, bob)
        eventually(lambda loser=loser, path=path: copy_of(path) in loser.files, 10, "a copy")
        kept = [cell["source"] for cell in loser.saved(copy_of(path))["cells"]]
        assert kept == versions[not is_adas]
        assert copies(path, other) == []
        ada.write(0, "  # Ada")
        bob.eventually("cells", [f"{taken[0]}  # Ada", *taken[1:]])
        assert ada.dialogs == bob.dialogs == []


def test_who_has_nothing_to_lose_keeps_no_copy(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put("first = 1")
    ada, bob = desk("ada"), desk("bob")
    give_files(bob, {path: [""]})
    bob.open(path, room_name)
    eventually(lambda: bob.is_shared, 60, "Bob is in the room")
    ada.open(path, room_name)
    bob.eventually("cells", ["first = 1"], 60)
    all_equal(ada, bob)
    assert copies(path, ada, bob) == []


def test_what_this_browser_lacks_comes_from_the_room(desk: DeskOf, room_name: str) -> None:
    path = "a folder/deeper/only Ada's.ipynb"
    ada, bob = desk("ada"), desk("bob")
    give_files(ada, {path: ["only = 'Ada'"]})
    ada.open(path, room_name)
    eventually(lambda: ada.is_shared, 60, "Ada is in the room")
    bob.open(path, room_name)
    assert bob.cells == ["only = 'Ada'"]
    assert bob.dialogs == []
    assert [cell["source"] for cell in bob.saved(path)["cells"]] == ["only = 'Ada'"]
    bob.write(0, "  # Bob")
    ada.eventually("cells", ["only = 'Ada'  # Bob"])


def test_what_nobody_has_is_the_ordinary_error(desk: DeskOf, room_name: str) -> None:
    ada = desk("ada")
    ada.go("nobody has this.ipynb", room_name)
    eventually(lambda: ada.dialogs, 60, "a dialog")
    [said] = ada.dialogs
    assert "nobody has this.ipynb" in said
    assert "nobody has this.ipynb" not in ada.files
