"""The two notebooks of the site, as they stand, each in a browser of its own."""

from __future__ import annotations

import json

import pytest
from harness.people import Cast
from harness.site import REPOSITORY, Notebook

from pyodide_rtc.testing.browsers import SignalingServer, eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def cells_of(name: str) -> list[str]:
    """Read the code cells."""
    content = json.loads((REPOSITORY / "demo-site/content" / name).read_text())
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    return ["".join(cell["source"]) for cell in cells]


def test_the_two_notebooks_answer_each_other(cast: Cast, server: SignalingServer) -> None:
    start = Notebook(cast.driver("visitor"), server.url, "start-here.ipynb")
    answer = Notebook(cast.driver("visitor 2"), server.url, "answer.ipynb")
    for notebook in (start, answer):
        notebook.open(room="demo")
    sources = cells_of("start-here.ipynb")
    cells = [start.start(source) for source in sources]
    for cell, source in zip(cells, sources, strict=True):
        eventually(lambda cell=cell: start.is_done(cell), 90, f"the end of {source!r}")
    assert "<Stored: in this browser" in start.text(cells[-1])
    assert "{'colours': ['red', 'green'], 'n': 3}" in start.text(cells[2])
    outputs = [answer.run(source, timeout_s=90) for source in cells_of("answer.ipynb")]
    assert "1 peer is connected and synced" in outputs[2]
    assert "'mood': 'curious'" in outputs[4]
    assert "{'answer': 3, 'colours': ['red', 'green', 'blue'], 'n': 3}" in outputs[5]
    assert "[{'done': True, 'task': 'Grüße 📊'}]" in outputs[6]
    assert "Listen: Once upon a time, " in outputs[7]
    assert "there were two browsers" not in outputs[8]
    told = ": state['answer'] added 3"
    eventually(lambda: any(told in start.text(cell) for cell in cells), 20, "the observer's line")
    for source, expected in zip(sources[4:6], ("'done': True", "Listen: Once"), strict=True):
        assert expected in start.run(source)
    for notebook in (start, answer):
        notebook.run("await room.forget()")
