"""The code of docs/shared-values.md runs, and does what its comments say."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import pyodide_rtc
from pyodide_rtc.shared import plain
from shared.notebook import Notebook

PAGE = (Path(__file__).parents[2] / "docs/shared-values.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    made = Notebook()
    values = made.values
    room = SimpleNamespace(
        map=values.map, list=values.list, text=values.text, transaction=values.transaction
    )
    monkeypatch.setattr(pyodide_rtc, "join", lambda name: room)
    return made


def test_the_code_runs(notebook: Notebook) -> None:
    names: dict[str, Any] = {"plain": plain}
    for block in BLOCKS:
        exec(block, names)

    assert len(BLOCKS) == 3
    assert names["notes"] == "A📊XB"
    assert names["state"] == {"n": 3, "todo": ["measure"], "x": 1, "y": 2}


def test_every_kind_and_method_of_the_page_is_there(notebook: Notebook) -> None:
    values = notebook.values
    undo = values.undo_manager(values.map("state"), group_s=1)
    for word in ("undo", "redo", "can_undo", "can_redo", "clear"):
        assert hasattr(undo, word)
    for value in (values.map("m"), values.list("l"), values.text("t")):
        assert f"`{type(value).__name__}`" in PAGE
        for word in ("to_py", "observe", "path", "is_removed", "raw"):
            assert hasattr(value, word)
            assert word in PAGE
