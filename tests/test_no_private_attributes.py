"""Tests use what is public, as users do: what they reach into could not be changed without them.

What a test needs and a user does not, `pyodide_rtc.testing` offers.
"""

from __future__ import annotations

import ast
import textwrap
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

TESTS = Path(__file__).parent

NO_LOOP_IN_A_CALL = "asyncio has no public way to run a loop inside of a call, as JSPI does"
NO_HOME_TO_CLOSE = "a kernel's own home ends with the kernel; here it has to end before"

ALLOWED = {
    ("cells.py", "asyncio.tasks._leave_task"): NO_LOOP_IN_A_CALL,
    ("cells.py", "asyncio.tasks._enter_task"): NO_LOOP_IN_A_CALL,
    ("cells.py", "loop._run_once"): NO_LOOP_IN_A_CALL,
    ("browser/bridge/test_join.py", "pyodide_rtc._default._rooms"): NO_HOME_TO_CLOSE,
    ("browser/bridge/test_join.py", "_rooms()._home"): NO_HOME_TO_CLOSE,
    ("browser/rooms/editing.py", "pyodide_js._module"): "Pyodide tells its memory nowhere else",
}


def is_private(name: str) -> bool:
    """Tell a name with one underscore from those of protocols: `__len__`, `_repr_html_`."""
    return name.startswith("_") and not name.endswith("_")


def is_own(owner: ast.expr) -> bool:
    """Tell whether an attribute is that of the code that uses it: `self`, `cls`, `super()`."""
    if isinstance(owner, ast.Call):
        owner = owner.func
    return isinstance(owner, ast.Name) and owner.id in ("self", "cls", "super")


def parse(code: str) -> ast.AST:
    """Parse a module, or code that a notebook could run."""
    return compile(
        textwrap.dedent(code),
        "code",
        "exec",
        ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        dont_inherit=True,
    )


def reached_into(code: str) -> Iterator[str]:
    """Give the private attributes of others that code uses, that in its texts included.

    A text may be code for a kernel, or a name: `setattr(owner, "_name", ...)`.
    """
    for node in ast.walk(parse(code)):
        match node:
            case ast.Attribute(owner, name) if is_private(name) and not is_own(owner):
                yield ast.unparse(node)
            case ast.ImportFrom(module, names):
                yield from (f"{module}.{each.name}" for each in names if is_private(each.name))
            case ast.Call(ast.Name("getattr" | "setattr" | "hasattr" | "delattr")) | ast.Call(
                ast.Attribute(attr="setattr" | "delattr")
            ):
                yield from (f"{ast.unparse(node.args[0])}.{name}" for name in private_names(node))
            case ast.Constant(str() as text) if "._" in text or "import _" in text:
                with suppress(SyntaxError):  # of another language, or words
                    yield from reached_into(text)


def private_names(call: ast.Call) -> Iterator[str]:
    """Give the private name that a call like `setattr` has as a text."""
    match call.args:
        case [_, ast.Constant(str() as name), *_] if is_private(name):
            yield name


def found() -> set[tuple[str, str]]:
    files = [path for path in TESTS.rglob("*.py") if path != Path(__file__)]
    return {
        (path.relative_to(TESTS).as_posix(), name)
        for path in files
        for name in reached_into(path.read_text())
    }


def test_tests_use_what_is_public() -> None:
    assert found() == set(ALLOWED), "what is new, or what is allowed and not used any more"


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("room._backend.machine", ["room._backend"]),
        ("self.room._backend", ["self.room._backend"]),
        ("self._room._backend", ["self._room._backend"]),
        ("self._room, super()._check(), cls._count", []),
        ("room._repr_html_(), room.__dict__", []),
        ("from package.module import _Record", ["package.module._Record"]),
        ("monkeypatch.setattr(MemoryPeer, '_connect', None)", ["MemoryPeer._connect"]),
        ("monkeypatch.setattr('package.module._NAME', 5)", ["package.module._NAME"]),
        ("getattr(room, '_backend')", ["room._backend"]),
        ("run('await host._bridge.close()')", ["host._bridge"]),
        ("run('for (const peer of peers) peer._channel.send()')", []),
    ],
)
def test_what_counts_as_reaching_into(code: str, expected: list[str]) -> None:
    assert list(reached_into(code)) == expected
