"""A person reads, while others type, print and insert above."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from harness.together import all_equal, open_all

from pyodide_rtc.testing.browsers import eventually

from .conftest import DeskOf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(200)]

PRINTS = (
    "import asyncio\n"
    "for number in range(12):\n"
    "    print('line', number)\n"
    "    await asyncio.sleep(0.5)"
)
_NOTE_TOPS = """
    const { widgets } = window.jupyterapp.shell.currentWidget.content;
    const read = widgets.find(({ model }) => model.sharedModel.id === arguments[0]);
    window.tops = [];
    const note = () => {
        window.tops.push(Math.round(read.node.getBoundingClientRect().top));
        requestAnimationFrame(() => setTimeout(note)); // once the frame is drawn
    };
    note();
"""
_TOPS = "return window.tops.splice(0).filter((top, i, all) => top !== all[i - 1])"


@pytest.mark.parametrize("app", ["lab", "notebooks"])
def test_the_line_that_is_read_stays_where_it_is(
    desk: DeskOf, put: Callable[..., str], room_name: str, app: str
) -> None:
    cells = [f"x{number} = {number}\n# more\n# of it" for number in range(60)]
    cells[5] = PRINTS
    path = put(*cells, kernel="python")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name, app=app)
    bob.wait_kernel()
    ada.cell(40)
    ada.js(_NOTE_TOPS, "cell-40")
    [top] = eventually(lambda: len(tops := ada.js(_TOPS)) == 1 and tops, 10, "it is at rest")
    bob.run_cell(5)
    for number in range(3):
        bob.command(3, "a")
        bob.click_cell(3)
        bob.type(f"above {number}\n\n\n# and so on")
    eventually(lambda: "line 11" in str(bob.outputs(8)), 30, "Bob's cell has run")
    all_equal(ada, bob)
    tops = ada.js(_TOPS)
    assert len(tops) > 0
    assert {abs(one - top) <= 2 for one in tops} == {True}, (top, tops)
