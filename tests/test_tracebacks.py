"""What a cell shows that fails: what to do, first and last, and the user's own code between."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.interactiveshell import InteractiveShell
from shared.notebook import Notebook
from test_errors import SENTENCES

from pyodide_rtc.errors import InternalError, RtcError


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    made = InteractiveShell.instance(colors="nocolor")
    yield made
    made.history_manager.end_session()
    InteractiveShell.clear_instance()


def shown(shell: InteractiveShell, capsys: pytest.CaptureFixture[str], cell: str) -> list[str]:
    capsys.readouterr()
    shell.run_cell(cell)
    return capsys.readouterr().out.strip().splitlines()


def frames(lines: list[str]) -> list[str]:
    return [line for line in lines if re.match(r"(Cell In|File )", line)]


SENTENCE = "ConfigError: The password is empty or no text. Give a text, or none at all."


def test_a_call_of_the_package(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell("import pyodide_rtc\ndef mine():\n    pyodide_rtc.join('x', password='')")
    lines = shown(shell, capsys, "mine()")

    assert lines[0] == lines[-1] == SENTENCE
    assert len(frames(lines)) == 2, "the cell and the user's function"
    assert any("----> 3     pyodide_rtc.join('x', password='')" in line for line in lines)
    assert len(lines) < 15


def test_something_awaited(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.run_cell("import pyodide_rtc")
    lines = shown(shell, capsys, "await pyodide_rtc.join('x').until_synced(5)")

    assert lines[0] == lines[-1]
    assert lines[0].startswith("BrowserUnsupportedError: There is no browser")
    assert len(frames(lines)) == 1


@pytest.mark.parametrize(
    "cell",
    [
        "state['x'] = {1}",
        "todo[0] = {1}",
        "todo.remove(todo)",
        "with other.values.transaction():\n    state['x'] = {1}",
        "state.setdefault('new', {1})",
    ],
)
def test_a_shared_value(shell: Any, capsys: pytest.CaptureFixture[str], cell: str) -> None:
    ada = Notebook()
    state, todo = ada.values.map("state"), ada.values.list("todo")
    todo.append(1)
    removed = ada.values.map("removed")
    removed["list"] = [1]
    gone = removed["list"]
    del removed["list"]
    shell.push({"state": state, "todo": gone if "remove" in cell else todo, "other": ada})
    lines = shown(shell, capsys, cell)

    assert lines[0] == lines[-1]
    assert re.match(r"Value(Refused|Removed)Error: ", lines[0])
    assert len(frames(lines)) == 1


@pytest.mark.parametrize(
    ("last_line", "is_shown"),
    [
        ("pyodide_rtc.join('x', password='')", True),
        ("raise pyodide_rtc.RtcError('mine') from error", True),
        ("raise pyodide_rtc.RtcError('mine') from None", False),
    ],
)
def test_what_the_user_was_handling_stays(
    shell: Any, capsys: pytest.CaptureFixture[str], last_line: str, is_shown: bool
) -> None:
    shell.run_cell("import pyodide_rtc")
    cell = f"try:\n    1 / 0\nexcept ZeroDivisionError as error:\n    {last_line}"
    lines = shown(shell, capsys, cell)

    assert lines[0] == lines[-1]
    assert ("ZeroDivisionError: division by zero" in lines) == is_shown


def test_a_fault_of_the_package_is_shown_whole(
    shell: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> None:
        raise InternalError.of("testing", IndexError("nobody foresaw this"))

    shell.push({"fail": fail})
    lines = shown(shell, capsys, "fail()")

    assert lines[0] == lines[-1]
    assert "IndexError: nobody foresaw this" in lines
    assert "Please report it" in lines[0]
    assert any("test_tracebacks.py" in line for line in frames(lines))


def test_other_errors_are_left_alone(shell: Any, capsys: pytest.CaptureFixture[str]) -> None:
    shell.push({"state": Notebook().values.map("state")})
    lines = shown(shell, capsys, "state['nothing']")

    assert lines[0].startswith("---")
    assert len(frames(lines)) > 1


def test_what_led_to_it_in_the_package_is_left_out(
    shell: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    shell.run_cell("from pyodide_rtc.awareness import user_state")
    lines = shown(shell, capsys, "user_state({'name': object()})")

    assert lines[0].startswith("ConfigError: ")
    assert len(frames(lines)) == 1
    assert not any("LocalProtocolError" in line for line in lines)


@pytest.mark.parametrize("error", [e for e, _ in SENTENCES], ids=lambda e: type(e).__name__)
def test_each_error_has_its_sentence_at_both_ends(
    shell: Any, capsys: pytest.CaptureFixture[str], error: RtcError
) -> None:
    shell.push({"error": error})
    lines = shown(shell, capsys, "raise error")

    assert lines[0] == lines[-1] == f"{type(error).__name__}: {error}"


def test_without_a_shell_it_is_as_python_shows_it() -> None:
    try:
        raise RtcError("what happened")
    except RtcError as error:
        first, *_, last = error._render_traceback_()

    assert first == "RtcError: what happened\n"
    assert last.endswith(first)
