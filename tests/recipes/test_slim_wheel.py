"""The wheel: small, complete, and the same code as the source."""

from __future__ import annotations

import ast
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
from slim_wheel import slim_script

REPOSITORY = Path(__file__).parents[2]
MAX_WHEEL_BYTES = 150_000


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    [built] = folder.glob("*.whl")
    return built


def sources() -> list[Path]:
    package = REPOSITORY / "pyodide_rtc"
    files = [p for p in package.rglob("*") if p.suffix in (".py", ".js", ".typed")]
    return [p for p in files if package / "labextension" not in p.parents]


def without_docstrings(code: str) -> str:
    tree = ast.parse(code)
    for node in ast.walk(tree):
        value = node.value if isinstance(node, ast.Expr) else None
        if isinstance(value, ast.Constant) and isinstance(value.value, str):
            value.value = ""
    return ast.dump(tree)


def test_it_is_small(wheel: Path) -> None:
    assert wheel.stat().st_size <= MAX_WHEEL_BYTES


def test_it_has_every_module_once_and_its_code(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if name.startswith("pyodide_rtc/")]
        expected = {str(p.relative_to(REPOSITORY)): p.read_text() for p in sources()}
        assert sorted(names) == sorted(expected)
        for name, source in expected.items():
            packed = archive.read(name).decode()
            assert len(packed.splitlines()) == len(source.splitlines()), name
            if name.endswith(".py"):
                assert without_docstrings(packed) == without_docstrings(source), name
            else:
                for line, original in zip(packed.splitlines(), source.splitlines(), strict=True):
                    is_comment = original.lstrip().startswith(("//", "/**", "*"))
                    assert line == ("" if is_comment else original.lstrip()), name


def test_a_script_with_a_text_over_several_lines_is_refused() -> None:
    with pytest.raises(ValueError, match="several lines"):
        slim_script("const text = `one\n  two`;\n")


def test_the_labextension_has_the_same_host(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        [static] = [n for n in archive.namelist() if n.endswith("/pyodide-rtc/static/host.js")]
        assert archive.read(static) == archive.read("pyodide_rtc/browser/host.js")


def test_the_labextension_has_all_its_files(wheel: Path) -> None:
    folder = REPOSITORY / "pyodide_rtc" / "labextension"
    files = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    with zipfile.ZipFile(wheel) as archive:
        packed = {n.partition("/labextensions/pyodide-rtc/")[2] for n in archive.namelist()}
    assert packed - {""} == files | {"static/host.js"}


def docstrings(node: ast.AST, *, only_public: bool = False) -> list[str]:
    """All docstrings of a module or a part of it, in order."""
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    found = []
    if isinstance(node, documented):
        name = getattr(node, "name", "")
        if only_public and name.startswith("_") and not name.startswith("__"):
            return []
        found.append(ast.get_docstring(node) or "")
    children = ast.iter_child_nodes(node)
    found += [text for child in children for text in docstrings(child, only_public=only_public)]
    return [text for text in found if text]


def test_what_users_hold_keeps_its_docstrings(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        for name in (f"pyodide_rtc/{n}.py" for n in ("room", "testing/network", "rooms")):
            source = ast.parse((REPOSITORY / name).read_text())
            packed = docstrings(ast.parse(archive.read(name)))
            assert packed == docstrings(source, only_public=True) != [], name
        assert packed != docstrings(source), "its private names have docstrings, too"
        assert docstrings(ast.parse(archive.read("pyodide_rtc/protocol/room.py"))) == []


def test_an_editable_installation_finds_the_sources(tmp_path: Path) -> None:
    code = "import pyodide_rtc; print(pyodide_rtc.__file__)"
    command = [sys.executable, "-P", "-c", code]
    found = subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, text=True).stdout
    assert Path(found.strip()) == REPOSITORY / "pyodide_rtc" / "__init__.py"
