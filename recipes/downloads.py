"""What recipes and the demo site take from the package indexes, and bytecode for it."""

import hashlib
import sys
from collections.abc import Iterable
from pathlib import Path

from cache import Input, cached  # beside this file
from process import run

PYODIDE = "pyodide@314.0.6"
"""The runtime that recipes are checked against, and that compiles what a site serves."""

FOR_PYODIDE = (
    *("--only-binary=:all:", "--python-version=3.14", "--implementation=cp"),
    *("--platform=pyemscripten_2026_0_wasm32", "--abi=cp314", "--abi=abi3", "--abi=none"),
)
"""What pip has to be told about that runtime."""

BYTECODE = Path(__file__).resolve().parent / "bytecode"


def pyodide_runtime() -> Path:
    """Return the folder of Pyodide's npm package.

    Raises:
        BuildError: npm could not install it.
    """
    runtime = cached("pyodide-runtime", {"package": PYODIDE}, _install_pyodide)
    return runtime / "node_modules" / "pyodide"


def _install_pyodide(folder: Path) -> None:
    quiet = ["--ignore-scripts", "--no-audit", "--no-fund"]
    run(["npm", "install", "--prefix", folder, *quiet, PYODIDE], cwd=folder)


def download_wheels(folder: Path, requirements: Iterable[str]) -> None:
    """Download exactly these wheels, as Pyodide's Python takes them, without what they depend on.

    Args:
        folder: where to.
        requirements: as for pip's command line, such as `name==1.0` or `-r`, `file`.

    Raises:
        BuildError: pip does not find one of them.
    """
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--dest", folder]
    run([*pip, *FOR_PYODIDE, *requirements], cwd=folder)


def cached_wheels(name: str, pins: Path) -> Path:
    """Return the folder of the wheels that a requirements file pins.

    Args:
        name: what they are, for people and the cache.
        pins: of wheels for Pyodide, without what they depend on.

    Raises:
        BuildError: pip does not find one of them.
    """
    inputs: dict[str, Input] = {"pins": pins, "code": Path(__file__)}
    return cached(name, inputs, lambda folder: download_wheels(folder, ["-r", str(pins)]))


def piplite_index(wheels: Iterable[Path]) -> dict[str, object]:
    """Describe wheels as JupyterLite's kernels read it, from `all.json` beside the wheels.

    That is what a package index answers in JSON, for all packages at once.
    """
    index: dict[str, object] = {}
    for wheel in sorted(wheels):
        name, version = wheel.name.split("-")[:2]
        content = wheel.read_bytes()
        file = {
            "digests": {"sha256": hashlib.sha256(content).hexdigest()},
            "filename": wheel.name,
            "packagetype": "bdist_wheel",
            "size": len(content),
            "url": f"./{wheel.name}",
            "yanked": False,
        }
        index[name.replace("_", "-").lower()] = {"releases": {version: [file]}}
    return index


def precompile(pyodide: Path, folder: Path) -> None:
    """Put bytecode into the wheels and zip files of a folder, as this Pyodide would make it.

    Raises:
        BuildError: Node or Pyodide failed.
    """
    run(["node", BYTECODE / "precompile.mjs", pyodide, folder], cwd=folder)
