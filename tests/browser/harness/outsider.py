"""The small widget project of tests/outsider/, installed and tested as a stranger would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

from harness.site import REPOSITORY, SITE

__all__ = ["install_outsider", "run_outsider"]

_PROJECT = REPOSITORY / "tests/outsider"
_PINS = ("requirements", "labextensions", "wheels")


def install_outsider(folder: Path) -> Path:
    """Copy the project, and install it with its tests into an environment of its own.

    Our wheels come from dist/, all others from the package index, in the versions that the demo
    site has.

    Args:
        folder: an empty one.

    Returns:
        the copy of the project.
    """
    project = folder / "shared-lamp"
    shutil.copytree(_PROJECT, project, ignore=shutil.ignore_patterns("__pycache__", ".*"))
    _check([sys.executable, "-m", "venv", "venv"], folder)
    pins = [word for name in _PINS for word in ("-c", str(REPOSITORY / f"demo-site/{name}.txt"))]
    ours = ["--find-links", str(REPOSITORY / "dist")]
    pip = ["venv/bin/python", "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    _check([*pip, *ours, *pins, "./shared-lamp[test]"], folder)
    return project


def run_outsider(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run the project's tests in its environment; the site's Pyodide is that of the demo site."""
    pyodide = str(SITE / "static/pyodide")
    browser = [f"--rtc-pyodide={pyodide}", f"--dist-dir={pyodide}", "--rt=chrome"]
    command = [str(project.parent / "venv/bin/python"), "-m", "pytest", *browser, *arguments]
    return _run(command, project)


def _check(command: list[str], folder: Path) -> None:
    done = _run(command, folder)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"


def _run(command: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    alone = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
    return subprocess.run(
        command, cwd=folder, env=alone, capture_output=True, text=True, check=False
    )
