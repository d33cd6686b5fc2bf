"""A stranger's project, by the built wheel and the published names alone (tests/outsider/).

Its tests pass; and what fails in a browser fails its test there, with the browser's traceback.
"""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from harness.outsider import install_outsider, run_outsider
from harness.site import REPOSITORY

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

FAILING = """
import pyodide_rtc.testing.browsers as browsers
import pytest
from pytest_pyodide import run_in_pyodide


@pytest.fixture(scope="module")
def ada(signaling_server):
    with browsers.open_browser(name="Ada") as driver:
        person = browsers.Person("Ada", driver, signaling_server.url)
        person.open("lesson.ipynb")
        yield person


def test_that_runs_what_the_site_has(ada):
    assert ada.run_all() == ["12\\n"]


def test_that_asserts_in_a_cell(ada):
    ada.run("claps = 3")
    ada.run("assert claps == 4, 'not enough'")


def test_that_imports_what_cannot_be_imported(ada):
    ada.run("import importlib, pathlib, sys; sys.path.insert(0, '/tmp')")
    ada.run("_ = pathlib.Path('/tmp/broken.py').write_text('half = 1 / 0')")
    ada.run("importlib.invalidate_caches()")
    ada.run("import broken")


def test_that_returns_a_room(ada):
    ada.run("%pip install -q pyodide-rtc\\nimport pyodide_rtc", timeout_s=90)
    ada.run("room = pyodide_rtc.join('lesson')")
    ada.value("room")


def test_that_waits_for_what_does_not_come(ada):
    ada.eventually("room.state.get('n')", 3, timeout_s=0.5)


def test_that_looks_for_what_is_not_there(ada):
    ada.click("button.none", timeout_s=0.5)


@run_in_pyodide
def test_that_asserts_in_a_worker(selenium_rtc):
    claps = 3
    assert claps == 4, "not enough"


@run_in_pyodide
def test_that_returns_a_room_from_a_worker(selenium_rtc):
    import pyodide_rtc

    return pyodide_rtc.join("lesson", signaling="ws://localhost:1/")
"""
NOT_IMPORTED = "import a_module_that_nobody_has\n\ndef test_nothing(): pass\n"
NOTEBOOK = """{"cells": [{"cell_type": "code", "execution_count": null, "id": "a", "metadata": {},
 "outputs": [], "source": "print(3 * 4)"}], "metadata": {"kernelspec": {"display_name": "Python",
 "language": "python", "name": "python"}}, "nbformat": 4, "nbformat_minor": 5}"""


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return install_outsider(tmp_path_factory.mktemp("outsider"))


def test_its_tests_pass(project: Path) -> None:
    done = run_outsider(project, "-q", "--rtc-browser=both")
    assert done.returncode == 0, done.stdout
    assert "5 passed" in done.stdout


def told(said: str, test: str) -> str:
    """Give what pytest says of a test that has failed."""
    found = re.search(rf"^_+ {test}\S* _+\n(.*?)(?=^_{{5,}} |^={{5,}} )", said, re.M | re.S)
    assert found, f"{test} is not told of:\n{said}"
    return found[1]


def test_what_fails_in_a_browser_is_told_with_its_traceback(project: Path) -> None:
    (project / "notebooks").mkdir()
    (project / "notebooks/lesson.ipynb").write_text(NOTEBOOK)
    (project / "failing").mkdir()
    (project / "failing/test_failing.py").write_text(FAILING)
    (project / "failing/test_not_imported.py").write_text(NOT_IMPORTED)
    setting = ["-o", "rtc_notebooks=notebooks", "--continue-on-collection-errors"]
    said = run_outsider(project, "failing", *setting).stdout

    assert "7 failed, 1 passed, 1 error" in said, said
    cell = told(said, "test_that_asserts_in_a_cell")
    assert "> " in cell and "ada.run(\"assert claps == 4, 'not enough'\")" in cell
    assert re.search(r"E +AssertionError: not enough", cell)
    assert "Traceback (most recent call last)" in cell
    assert "def run(" not in cell, "what is not the test's own is not shown"
    imported = told(said, "test_that_imports_what_cannot_be_imported")
    assert re.search(r"E +File \S*broken.py:1", imported)
    assert "ZeroDivisionError: division by zero" in imported
    room = told(said, "test_that_returns_a_room")
    assert "NotJsonError: 'room' is a Room in the browser" in room
    waited = told(said, "test_that_waits_for_what_does_not_come")
    assert "Ada: room.state.get('n'): None, not 3 after 0.5 s" in waited
    assert "Room 'lesson'" in waited, "how the room is"
    assert "not within 0.5 s: Ada sees button.none" in told(said, "test_that_looks_for")
    worker = told(said, "test_that_asserts_in_a_worker")
    assert "AssertionError: not enough" in worker
    assert re.search(r"^> +assert claps == 4", worker, re.M), "the line that ran in the browser"
    assert "ModuleNotFoundError: No module named 'a_module_that_nobody_has'" in said
    returned = told(said, "test_that_returns_a_room_from_a_worker")
    assert "TypeError: cannot pickle" in returned
    assert "when serializing pyodide_rtc.room.Room object" in returned
    pictures = sorted((project / ".pytest-rtc").rglob("*.png"))
    assert len(pictures) == 7, "Ada's page, at each failure"
    for picture in pictures:
        assert picture.read_bytes().startswith(b"\x89PNG")


def test_it_uses_published_names_alone() -> None:
    """Of the package and of its plugin: what a docstring or the page does not name, it does not."""

    for path in (REPOSITORY / "tests/outsider").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.ImportFrom) and str(node.module).startswith("pyodide_rtc"):
                module = __import__(str(node.module), fromlist=["__all__"])
                assert {each.name for each in node.names} <= set(module.__all__), path
