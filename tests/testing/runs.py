"""pytest runs of a project of somebody's own, with the plugin and nothing else of ours."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

__all__ = ["start_run", "write_project"]

ALONE = {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
PLUGINS = ["-p", "pytest_pyodide_rtc", "-p", "pytest_timeout"]


def write_project(folder: Path, tests: str, ini: str = "", **others: str) -> None:
    """Write a project.

    Args:
        folder: an empty one.
        tests: its one file of tests.
        ini: lines of its pytest.ini.
        others: more files of Python, by their names.
    """
    (folder / "pytest.ini").write_text(f"[pytest]\n{textwrap.dedent(ini)}")
    for name, text in {"test_own": tests, **others}.items():
        (folder / f"{name}.py").write_text(textwrap.dedent(text))


def start_run(folder: Path, *arguments: str, **environment: str) -> subprocess.Popen[str]:
    """Start pytest there; what it says comes by one pipe."""
    inherited = {name: it for name, it in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.Popen(
        [sys.executable, "-m", "pytest", *PLUGINS, "-p", "no:cacheprovider", *arguments],
        cwd=folder,
        env={**inherited, **ALONE, **environment},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
