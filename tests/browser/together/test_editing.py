"""Two people edit one notebook, by clicks and keys."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.browsers import Kind
from harness.together import Desk, all_equal, open_all
from selenium.webdriver import Keys

from pyodide_rtc.testing.browsers import eventually

from .conftest import DeskOf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
def test_a_notebook_is_edited_together(
    desk: DeskOf, put: Callable[..., str], room_name: str, kind: Kind
) -> None:
    path = put("one = 1", "two = 2", "print(one + two)", kernel="python")
    ada, bob = desk("ada"), desk("bob", kind)
    open_all(ada, bob, path=path, room=room_name)

    # Both type in one cell.
    ada.write(0, "  # Ada")
    bob.eventually("cells", ["one = 1  # Ada", "two = 2", "print(one + two)"])
    bob.click_cell(0)
    bob.press(Keys.CONTROL, Keys.HOME)
    bob.type("# Bob\n")
    ada.eventually("cells", ["# Bob\none = 1  # Ada", "two = 2", "print(one + two)"])
    _undo_takes_back_ones_own_typing(ada, bob)

    # Cells are added, moved, deleted.
    ada.command(1, "b")
    ada.type(Keys.ENTER, "three = 3")
    bob.eventually("cells", ["# Bob\none = 1", "two = 2", "three = 3", "print(one + two)"])
    bob.command(2)
    bob.press(Keys.CONTROL, Keys.SHIFT, Keys.ARROW_UP)
    ada.eventually("cells", ["# Bob\none = 1", "three = 3", "two = 2", "print(one + two)"])
    bob.command(1, "dd")
    ada.eventually("cells", ["# Bob\none = 1", "two = 2", "print(one + two)"])

    # One runs cells, and the other sees what came out.
    for index in range(3):
        ada.run_cell(index)
    said = [{"output_type": "stream", "name": "stdout", "text": "3\n"}]
    eventually(lambda: bob.outputs(2) == said, 60, "what Ada's kernel printed is at Bob's")
    content = all_equal(ada, bob)
    assert [cell["execution_count"] for cell in content["cells"]] == [1, 2, 3, None]
    assert ada.dialogs == bob.dialogs == []
    assert ada.errors == bob.errors == []


def _undo_takes_back_ones_own_typing(ada: Desk, bob: Desk) -> None:
    ada.click_cell(0)
    for _ in range(5):  # more often than there is something to take back
        ada.press(Keys.CONTROL, "z")
    bob.eventually("cells", ["# Bob\none = 1", "two = 2", "print(one + two)"])


HEAD = "ä=1 # 📊\n"
SETS = (
    f"ip, head = get_ipython(), {HEAD!r}\n"
    "text = head + ip.history_manager.input_hist_raw[-1]\n"
    # What set_next_input() does where there is IPython's own kernel.
    "sets = {'source': 'set_next_input', 'text': text, 'replace': True}\n"
    "ip.payload_manager.write_payload(sets)"
)


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
def test_a_kernel_sets_the_text_while_the_other_types_after_it(
    desk: DeskOf, put: Callable[..., str], room_name: str, kind: Kind
) -> None:
    path = put(SETS, kernel="python")
    ada, bob = desk("ada"), desk("bob", kind)
    open_all(ada, bob, path=path, room=room_name)
    ada.wait_kernel()
    bob.click_cell(0)
    bob.press(Keys.CONTROL, Keys.END)
    bob.type("\n# before ﬁ日本é")
    before = f"{SETS}\n# before ﬁ日本é"
    ada.eventually("cells", [before])
    ada.click_cell(0)
    ada.press(Keys.CONTROL, Keys.ENTER)
    for number in range(10):
        bob.type(f" {number}ß")

    def is_set() -> bool:
        return (ada.cells or [""])[0].startswith(HEAD)

    eventually(is_set, 60, "the kernel has set it")
    bob.press(Keys.CONTROL, Keys.END)
    bob.type(" after ﬁ日本")
    eventually(lambda: ada.cells == bob.cells and "after" in str(ada.cells), 20, "equal")
    [text] = ada.cells or []
    assert text.startswith(HEAD + before)
    assert text.endswith(" after ﬁ日本")
    all_equal(ada, bob)
