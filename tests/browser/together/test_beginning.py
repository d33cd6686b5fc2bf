"""What a document begins with, when several people bring one."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.together import Desk, all_equal
from harness.waiting import eventually

from .conftest import DeskOf, notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def own_file(desk: Desk, path: str, *cells: str, app: str = "lab") -> None:
    """Give this browser alone another version of a file."""
    desk.open("start-here.ipynb", None)
    desk.put_file(path, notebook(*cells))


@pytest.mark.parametrize("app", ["lab", "notebooks"])
def test_who_comes_later_with_another_file_keeps_a_copy(
    desk: DeskOf, put: Callable[..., str], room_name: str, app: str
) -> None:
    path = put("first = 1")
    ada, bob = desk("ada"), desk("bob")
    own_file(bob, path, "of = 'Bob'")
    ada.open(path, room_name, app)
    eventually(lambda: ada.is_shared, 60, "Ada is in the room")
    bob.go(path, room_name, app)
    bob.eventually("cells", ["first = 1"], 60)
    copy = path.replace(".ipynb", " (my copy).ipynb")
    eventually(lambda: bob.saved(copy), 10, "Bob's copy")
    assert [cell["source"] for cell in bob.saved(copy)["cells"]] == ["of = 'Bob'"]
    assert copy in bob.notices
    ada.write(0, "  # go on")
    bob.eventually("cells", ["first = 1  # go on"])
    bob.write(0, ", Bob")
    ada.eventually("cells", ["first = 1  # go on, Bob"])
    all_equal(ada, bob)
    assert ada.dialogs == bob.dialogs == []
    assert ada.errors == bob.errors == []
