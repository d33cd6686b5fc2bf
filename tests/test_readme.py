"""The README's table of versions says what the site, the recipes and the tests really use."""

from __future__ import annotations

import json
import re
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
README = (REPOSITORY / "README.md").read_text()


def row(name: str) -> str:
    found = re.search(rf"^\| {re.escape(name)} \| (.*) \|$", README, re.MULTILINE)
    assert found, f"no row {name!r}"
    return found[1]


def pin(name: str) -> str:
    pins = (REPOSITORY / "demo-site/requirements.txt").read_text()
    found = re.search(rf"^{re.escape(name)}==([\w.]+)", pins, re.MULTILINE)
    assert found, f"no pin of {name}"
    return found[1]


def test_jupyterlite() -> None:
    said = row("JupyterLite")
    assert f"core {pin('jupyterlite-core')}," in said
    assert f"pyodide-kernel {pin('jupyterlite-pyodide-kernel')} " in said
    pyodide = re.search(
        r"pyodide@(314[\d.]+)", (REPOSITORY / "demo-site/pyodide_files.py").read_text()
    )
    assert pyodide and f"Pyodide {pyodide[1]}," in said


def test_pycrdt() -> None:
    recipe = (REPOSITORY / "recipes/pycrdt/meta.yaml").read_text()
    version = re.search(r"^  version: [\"']?([\d.]+)", recipe, re.MULTILINE)
    assert version and row("pycrdt").startswith(version[1])


def test_jupyter_collaboration() -> None:
    pins = (REPOSITORY / "demo-site/labextensions.txt").read_text()
    for name in ("jupyter-docprovider", "jupyter-collaboration-ui"):
        version = re.search(rf"^{name}==([\d.]+)", pins, re.MULTILINE)
        assert version and f"{name} {version[1]}" in row("jupyter-collaboration")
        extra = f'"{name}>={version[1]},<4"'
        assert extra in (REPOSITORY / "pyproject.toml").read_text()


def test_y_webrtc() -> None:
    package = json.loads((REPOSITORY / "tests/browser/stock/package.json").read_text())
    versions = package["dependencies"]
    assert row("y-webrtc") == f"{versions['y-webrtc']}, yjs {versions['yjs']}"


def test_the_first_screen_has_the_eight_lines() -> None:
    block = re.search(r"```python\n(.*?)```", README, re.DOTALL)
    assert block and len(block[1].splitlines()) == 8
