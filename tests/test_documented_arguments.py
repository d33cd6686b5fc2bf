"""Every argument that a docstring or a page names is one that the code takes."""

from __future__ import annotations

import ast
import importlib
import inspect
import pkgutil
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import pyodide_rtc
from pyodide_rtc.rooms import Rooms

REPOSITORY = Path(__file__).parents[1]
PAGES = [REPOSITORY / "README.md", *sorted((REPOSITORY / "docs").glob("*.md"))]
ONLY_IN_A_BROWSER = ("pyodide_rtc.browser", "pyodide_rtc.__main__")


def callables() -> Iterator[tuple[str, Callable[..., Any]]]:
    """All functions, classes and methods of the package, by name."""
    for module in pkgutil.walk_packages(pyodide_rtc.__path__, "pyodide_rtc."):
        if module.name.startswith(ONLY_IN_A_BROWSER):
            continue
        for name, thing in vars(importlib.import_module(module.name)).items():
            if getattr(thing, "__module__", None) != module.name:
                continue
            if inspect.isclass(thing):
                yield f"{module.name}.{name}", thing
                for method, function in vars(thing).items():
                    if inspect.isfunction(function):
                        yield f"{module.name}.{name}.{method}", function
            elif inspect.isfunction(thing):
                yield f"{module.name}.{name}", thing


def documented(text: str | None) -> list[str]:
    """Read the names in the `Args:` of a docstring."""
    found = re.search(r"^Args:\n((?:    .*\n?|\n)+)", inspect.cleandoc(text or ""), re.MULTILINE)
    return re.findall(r"^    \*{0,2}(\w+):", found[1], re.MULTILINE) if found else []


DOCUMENTED = [
    pytest.param(thing, id=name)
    for name, thing in callables()
    if documented(getattr(thing, "__doc__", None))
]


@pytest.mark.parametrize("thing", DOCUMENTED)
def test_a_docstring_names_arguments_that_are_taken(thing: Callable[..., Any]) -> None:
    taken = list(inspect.signature(thing).parameters)
    assert [name for name in documented(thing.__doc__) if name not in taken] == []


def test_join_takes_what_it_refers_to() -> None:
    taken = list(inspect.signature(pyodide_rtc.join).parameters.values())
    assert taken == list(inspect.signature(Rooms.join).parameters.values())[1:]


def code_of(page: str) -> Iterator[str]:
    """Give the Python of a page: its blocks, without magics, and what stands in a sentence."""
    for block in re.findall(r"```python\n(.*?)```", page, re.DOTALL):
        yield "\n".join(line for line in block.splitlines() if not line.startswith("%"))
    text = re.sub(r"```.*?```", "", page, flags=re.DOTALL)
    yield from re.findall(r"`([\w.]+\([^`]*\))`", text)


def calls_in(page: str) -> Iterator[tuple[str, list[str]]]:
    """Give the calls of a page, with the names of their arguments."""
    for code in code_of(page):
        try:
            tree = ast.parse(code)
        except SyntaxError:  # of another language
            continue
        for call in ast.walk(tree):
            if isinstance(call, ast.Call):
                name = ast.unparse(call.func).rpartition(".")[2]
                yield name, [keyword.arg for keyword in call.keywords if keyword.arg]


PUBLIC: dict[str, Callable[..., Any]] = {
    "join": pyodide_rtc.join,
    "enable_logging": pyodide_rtc.enable_logging,
    "import_room": pyodide_rtc.import_room,
    **{
        name: function
        for kind in (
            pyodide_rtc.Room,
            pyodide_rtc.Document,
            pyodide_rtc.Awareness,
            pyodide_rtc.UndoManager,
        )
        for name, function in inspect.getmembers(kind, inspect.isfunction)
    },
}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_names_arguments_that_are_taken(page: Path) -> None:
    for name, arguments in calls_in(page.read_text()):
        if name in PUBLIC:
            taken = inspect.signature(PUBLIC[name]).parameters
            assert [one for one in arguments if one not in taken] == [], f"{name}(...)"


def test_the_pages_name_arguments() -> None:
    """So that the test above has something to look at."""
    named = {
        (name, argument)
        for page in PAGES
        for name, arguments in calls_in(page.read_text())
        for argument in arguments
    }
    assert {("join", "max_received_bytes"), ("join", "password")} <= named
