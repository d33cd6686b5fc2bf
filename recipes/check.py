"""Check the recipes and the built wheel with pyodide-build's own tools: `python3 recipes/check.py`.

Those tools need Python 3.12 or newer and are used from any such Python on this machine. Without one
nothing is checked, and that is said.
"""

import argparse
import os
import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

from cache import cached  # noqa: E402  its folder is on the path only now
from downloads import PYODIDE, pyodide_runtime  # noqa: E402
from process import BuildError, run  # noqa: E402

OLDEST_PYTHON = (3, 12)
TOOLS = ("pyodide-build==0.39.2", "auditwheel-emscripten==0.3.0", "wheel==0.48.0")
VALIDATE = """
import pathlib, sys
from pyodide_build.recipe.spec import MetaConfig
for path in sys.argv[1:]:
    MetaConfig.from_yaml(pathlib.Path(path))
"""


def python_candidates() -> Iterator[str]:
    """Yield the Pythons that this machine might have, this one first."""
    yield sys.executable
    yield from filter(None, map(shutil.which, ("python3.14", "python3.13", "python3.12")))
    pyenv = Path(os.environ.get("PYENV_ROOT") or "~/.pyenv").expanduser()
    yield from sorted(map(str, pyenv.glob("versions/3.*/bin/python")))


def is_new_enough(python: str) -> bool:
    """Ask a Python for its version; one that does not run, such as a pyenv shim, is none."""
    try:
        run([python, "-c", f"import sys; sys.exit(sys.version_info < {OLDEST_PYTHON})"], cwd=HERE)
    except BuildError:
        return False
    return True


class Tools:
    """pyodide-build and auditwheel-emscripten, installed apart from everything else."""

    def __init__(self, python: str) -> None:
        self._python = python
        version = run([python, "-VV"], cwd=HERE)
        inputs = {"tools": " ".join(TOOLS), "python": python, "version": version}
        self._folder = cached("recipe-tools", inputs, self._install, takes="about 10 s")

    def _install(self, folder: Path) -> None:
        pip = [sys.executable, "-m", "pip", "--python", self._python, "install", "--quiet"]
        run([*pip, "--target", str(folder), *TOOLS], cwd=folder)

    def run(self, *arguments: str | Path) -> str:
        """Run this Python with the tools importable and their scripts on PATH.

        Raises:
            BuildError: it failed.
        """
        path = os.pathsep.join([str(self._folder / "bin"), os.environ["PATH"]])
        environment = {**os.environ, "PYTHONPATH": str(self._folder), "PATH": path}
        return run([self._python, *arguments], cwd=HERE, env=environment)

    def auditwheel(self, what: str, file: Path) -> set[str]:
        """Return the names of the imports or exports of a wheel's modules or of one module."""
        pyodide = self._folder / "bin" / "pyodide"
        return symbols(self.run(pyodide, "auditwheel", what, file))


def symbols(listing: str) -> set[str]:
    """Return the symbols in what `pyodide auditwheel imports` or `exports` prints."""
    return {line.split("\t")[1] for line in listing.splitlines() if "\t" in line}


def names_from_glue(glue: str) -> set[str]:
    """Return what Pyodide's JavaScript gives to a side module when it loads one.

    That is what it gives to the main module too, and where the side module is put.

    Raises:
        BuildError: this JavaScript is written in another way.
    """
    given = re.search(r"\bwasmImports=\{([^{}]*)\}", glue)
    if given is None:
        raise BuildError(
            f"{PYODIDE}: its JavaScript has no table of imports as this check knows it"
        )
    functions = {entry.partition(":")[0] for entry in given[1].split(",")}
    return functions | set(re.findall(r'case"(\w+)":return (?:memory|table)Base\b', glue))


def check_imports(tools: Tools, wheel: Path) -> str:
    """Compare what the wheel imports with what Pyodide has, and say so.

    Raises:
        BuildError: it imports something that Pyodide lacks.
    """
    package = pyodide_runtime()
    glue = (package / "pyodide.asm.mjs").read_text(encoding="utf-8")
    there = tools.auditwheel("exports", package / "pyodide.asm.wasm") | names_from_glue(glue)
    wanted = tools.auditwheel("imports", wheel)
    if not wanted:
        raise BuildError(f"{wheel.name}: auditwheel lists no imports, so nothing was compared")
    if lacking := wanted - there:
        raise BuildError(f"{wheel.name}: {PYODIDE} lacks {_listed(lacking)}")
    return f"{wheel.name}: {PYODIDE} has all {len(wanted)} imports"


def _listed(names: Iterable[object]) -> str:
    return ", ".join(sorted(map(str, names)))


def check(tools: Tools, wheel: Path) -> None:
    """Check both recipes, then the wheel.

    Raises:
        BuildError: the first thing that is wrong.
    """
    recipes = sorted(HERE.glob("*/meta.yaml"))
    tools.run("-c", VALIDATE, *recipes)
    print(f"recipes: valid: {_listed(recipe.parent.name for recipe in recipes)}")
    print(f"recipes: {check_imports(tools, wheel)}")


def main() -> int:
    """Check, and tell what was checked."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--dist", type=Path, default=Path("dist"), help="where pycrdt's wheel is")
    dist: Path = parser.parse_args().dist.resolve()
    python = next(filter(is_new_enough, python_candidates()), None)
    if python is None:
        wanted = ".".join(map(str, OLDEST_PYTHON))
        print(f"recipes: NOT CHECKED: pyodide-build needs Python {wanted} or newer, none found")
        return 0
    wheels = sorted(dist.glob("pycrdt-*wasm32.whl"))
    try:
        if len(wheels) != 1:
            raise BuildError(f"expected one wheel of pycrdt in {dist}, found {len(wheels)}")
        check(Tools(python), wheels[0])
    except (BuildError, OSError) as error:
        print(f"recipes: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
