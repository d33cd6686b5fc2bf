"""The wheel has all of the package, and the labextension where JupyterLite looks for it."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parents[2]
PACKAGE = REPOSITORY / "pyodide_rtc"
LABEXTENSION = PACKAGE / "labextension"
PLUGIN = PACKAGE / "testing/plugin"


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=REPOSITORY, check=True, capture_output=True)
    [built] = folder.glob("*.whl")
    return built


def test_it_has_every_source_as_it_is(wheel: Path) -> None:
    suffixes = (".py", ".js", ".mjs", ".css", ".typed")
    sources = {p for p in PACKAGE.rglob("*") if p.suffix in suffixes or p.name == "LICENSE"}
    expected = {
        str(path.relative_to(PLUGIN if PLUGIN in path.parents else REPOSITORY)): path.read_bytes()
        for path in sources
        if LABEXTENSION not in path.parents
    }
    assert "pytest_pyodide_rtc.py" in expected
    with zipfile.ZipFile(wheel) as archive:
        about_it = "pyodide_rtc-"  # the folders .dist-info and .data
        names = [name for name in archive.namelist() if not name.startswith(about_it)]
        assert {name: archive.read(name) for name in names} == expected


def test_it_has_the_licences_of_what_it_brings_along(wheel: Path) -> None:
    licences = {p.relative_to(REPOSITORY).as_posix() for p in PACKAGE.rglob("LICENSE")}
    with zipfile.ZipFile(wheel) as archive:
        names = [name.partition("/licenses/")[2] for name in archive.namelist()]
    assert {"LICENSE", *licences} == set(filter(None, names))


def test_the_labextension_has_all_its_files(wheel: Path) -> None:
    files = {p for p in LABEXTENSION.rglob("*") if p.is_file()}
    expected = {str(path.relative_to(LABEXTENSION)): path.read_bytes() for path in files}
    for name, source in {
        "host.js": "browser/host.js",
        "panel.js": "panel/panel.js",
        "panel.css": "panel/panel.css",
        "uqr.js": "vendored/uqr/index.mjs",
        "uqr.LICENSE": "vendored/uqr/LICENSE",
    }.items():
        expected[f"static/{name}"] = (PACKAGE / source).read_bytes()
    folder = "/share/jupyter/labextensions/pyodide-rtc/"
    with zipfile.ZipFile(wheel) as archive:
        names = [name for name in archive.namelist() if folder in name]
        packed = {name.partition(folder)[2]: archive.read(name) for name in names}
    assert packed == expected
