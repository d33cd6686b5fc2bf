"""The two notebooks of the site, as they stand, each in a browser of its own."""

from __future__ import annotations

import json

import pytest
from harness.people import Cast
from harness.served import SignalingServer
from harness.site import REPOSITORY, Notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def cells_of(name: str) -> list[str]:
    """Read the code cells, all but the last, which leaves."""
    content = json.loads((REPOSITORY / "demo-site/content" / name).read_text())
    cells = [cell for cell in content["cells"] if cell["cell_type"] == "code"]
    sources = ["".join(cell["source"]) for cell in cells]
    assert sources[-1] == "room.leave()"
    return sources[:-1]


def test_the_two_notebooks_answer_each_other(cast: Cast, server: SignalingServer) -> None:
    start = Notebook(cast.driver("visitor"), server.url, "start-here.ipynb")
    answer = Notebook(cast.driver("visitor 2"), server.url, "answer.ipynb")
    for notebook in (start, answer):
        notebook.open(room="demo")
    for source in cells_of("start-here.ipynb"):
        start.run(source, timeout_s=90)
    outputs = [answer.run(source, timeout_s=90) for source in cells_of("answer.ipynb")]
    assert "1 peer is connected and synced" in outputs[2]
    assert "'Robin'" in outputs[4]
    assert "'x': 1" in outputs[5]
    assert "Listen: Once upon a time." in outputs[6]
    assert "'somebody from start-here', 'somebody from answer'" in outputs[7]
    assert "42" in start.run("dict(state)")
    for notebook in (start, answer):
        notebook.run("room.leave()")
