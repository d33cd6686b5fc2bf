"""Build hook: the wheel carries no docstrings and comments of what users never call.

A notebook fetches the wheel each time it is opened, and a third of it would be words about the
inner layers. Lines keep their numbers, so tracebacks fit the source. What users hold (the modules
of the package itself, `testing`) keeps its docstrings.
"""

from __future__ import annotations

import ast
import io
import re
import shutil
import tempfile
import tokenize
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INNER = ("browser", "ports.py", "protocol", "server", "session", "wire")
"""What is without; pyproject.toml excludes them from what is packed as it stands."""

LABEXTENSION_HOST = "share/jupyter/labextensions/pyodide-rtc/static/host.js"
"""The labextension has host.js from the page's server, the other routes from the kernel."""

_JS_COMMENT = re.compile(r"(?ms)^[ \t]*(?:/\*\*(?:(?!\*/).)*\*/|//[^\n]*)[ \t]*$")


class SlimWheelHook(BuildHookInterface):  # type: ignore[type-arg]  # generic in newer versions only
    """Packs the inner layers from slim copies."""

    _folder: Path | None = None

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Make the copies, but for an editable installation, which uses the source itself."""
        package = Path(self.root) / "pyodide_rtc"
        if version == "editable":
            build_data["shared_data"][str(package / "browser/host.js")] = LABEXTENSION_HOST
            return
        self._folder = Path(tempfile.mkdtemp(prefix="pyodide-rtc-wheel-"))
        inner = [package / name for name in INNER]
        for path in sorted(p for part in inner for p in (part, *part.rglob("*"))):
            if path.suffix not in SLIM:
                continue
            relative = path.relative_to(package.parent)
            copy = self._folder / relative
            copy.parent.mkdir(parents=True, exist_ok=True)
            text = path.read_text(encoding="utf-8")
            copy.write_text(SLIM[path.suffix](text), encoding="utf-8")
            build_data["force_include"][str(copy)] = str(relative)
            if path.name == "host.js":
                build_data["shared_data"][str(copy)] = LABEXTENSION_HOST

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Remove the copies."""
        if self._folder is not None:
            shutil.rmtree(self._folder)


def slim(source: str) -> str:
    """Empty every docstring, those of constants and fields too, and drop comments.

    What is left keeps its place and line.
    """
    lines = source.splitlines(keepends=True)
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type == tokenize.COMMENT:
            row, column = token.start
            lines[row - 1] = lines[row - 1][:column].rstrip() + "\n"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            if not isinstance(node.value.value, str):
                continue
            assert node.end_lineno is not None, "ast.parse gives positions"
            first, last = node.lineno - 1, node.end_lineno - 1
            lines[first] = f'{lines[first][: node.col_offset]}""\n'
            lines[first + 1 : last + 1] = ["\n"] * (last - first)
    return "".join(lines)


def slim_script(source: str) -> str:
    """Empty all lines of JavaScript that are nothing but comment; the others keep their place."""
    return _JS_COMMENT.sub(lambda comment: "\n" * comment.group().count("\n"), source)


SLIM = {".py": slim, ".js": slim_script}
