"""Build hook: the wheel carries no comments, and no docstrings of what users never call.

A notebook fetches the wheel each time it is opened, and a third of it would be words about the
inner layers. Lines keep their numbers, so tracebacks fit the source. What users hold (the public
names in the modules of the package itself and in `testing`) keeps its docstrings.
"""

from __future__ import annotations

import ast
import io
import re
import shutil
import tempfile
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INNER = (
    "browser",
    "ports.py",
    "protocol",
    "server",
    "session",
    "testing/locks.py",
    "testing/peer.py",
    "wire",
)
"""What goes without any docstring. (pyproject.toml packs no source as it stands.)"""

STATIC = "share/jupyter/labextensions/pyodide-rtc/static"
STATIC_NAMES = ("host.js", "remoteEntry.js")
"""The labextension has host.js from the page's server, the other routes from the kernel."""

_PRIVATE = re.compile("_[^_]")
_JS_COMMENT = re.compile(r"(?ms)^[ \t]*(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*)[ \t]*$")
_JS_INDENT = re.compile(r"(?m)^[ \t]+")


class SlimWheelHook(BuildHookInterface):  # type: ignore[type-arg]  # generic in newer versions only
    """Packs slim copies of the sources."""

    _folder: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the copies, but for an editable installation, which uses the source itself."""
        package = Path(self.root) / "pyodide_rtc"
        if version == "editable":
            for path in package.rglob("*.js"):
                if path.name in STATIC_NAMES:
                    build_data["shared_data"][str(path)] = f"{STATIC}/{path.name}"
            return
        self._folder = Path(tempfile.mkdtemp(prefix="pyodide-rtc-wheel-"))
        for path in sorted(package.rglob("*.[pj][ys]")):
            relative = path.relative_to(package.parent)
            is_inner = any(path.is_relative_to(package / name) for name in INNER)
            copy = self._folder / relative
            copy.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text(encoding="utf-8")
            if path.suffix == ".js":
                text = slim_script(text)
            else:
                text = slim(text, keeps_public=not is_inner)
            copy.write_text(text, encoding="utf-8")
            if "labextension" not in relative.parts:
                build_data["force_include"][str(copy)] = str(relative)
            if path.name in STATIC_NAMES:
                build_data["shared_data"][str(copy)] = f"{STATIC}/{path.name}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the copies."""
        if self._folder is not None:
            shutil.rmtree(self._folder)


def slim(source: str, *, keeps_public: bool = False) -> str:
    """Empty docstrings, those of constants and fields too, and drop comments.

    What is left keeps its place and line.

    Args:
        source: of a module.
        keeps_public: whether what has no private name keeps its docstring.
    """
    lines = source.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip() + "\n"
    for node in _docstrings(ast.parse(source), keeps_public=keeps_public):
        assert node.end_lineno is not None, "ast.parse gives positions"
        first, last = node.lineno - 1, node.end_lineno - 1
        lines[first] = f'{lines[first][: node.col_offset]}""\n'
        lines[first + 1 : last + 1] = ["\n"] * (last - first)
    return "".join(lines)


def _docstrings(node: ast.AST, *, keeps_public: bool) -> Iterator[ast.Expr]:
    """Give the docstrings to be emptied."""
    for child in ast.iter_child_nodes(node):
        keeps = keeps_public and not _PRIVATE.match(getattr(child, "name", ""))
        value = child.value if isinstance(child, ast.Expr) else None
        if not keeps and isinstance(value, ast.Constant) and isinstance(value.value, str):
            yield child
        yield from _docstrings(child, keeps_public=keeps)


def slim_script(source: str) -> str:
    """Empty all lines of JavaScript that are nothing but comment, and drop what indents the others.

    Raises:
        ValueError: a text goes over several lines: it would be changed.
    """
    if any(line.count("`") % 2 for line in source.splitlines()):
        raise ValueError("a text over several lines")
    return _JS_INDENT.sub("", _JS_COMMENT.sub(lambda found: "\n" * found[0].count("\n"), source))
