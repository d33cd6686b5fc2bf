"""Build numpy by its own build system, Meson, for another machine than this one."""

import json
import shutil
from pathlib import Path

from extensions import SUFFIX, Compiler
from process import run

CROSS = """
[binaries]
c = '{c}'
cpp = '{cpp}'
ar = 'llvm-ar-19'
strip = 'true'
python = '{python}'
cython = '{cython}'
[host_machine]
system = 'emscripten'
cpu_family = 'wasm32'
cpu = 'wasm32'
endian = 'little'
[properties]
longdouble_format = 'IEEE_QUAD_LE'
skip_sanity_check = true
needs_exe_wrapper = true
"""
OPTIONS = (
    *("-Dblas=none", "-Dlapack=none", "-Dallow-noblas=true"),  # numpy has a small one of its own
    *("-Ddisable-optimization=true", "-Dbuildtype=release", "-Db_ndebug=true"),
)
PYTHON = """#!/bin/sh
case "$1" in
  */python_info.py) cat '{info}' ;;
  *) exec '{real}' "$@" ;;
esac
"""
"""A Python that says of itself to Meson that it is Pyodide's, and runs the build's scripts."""


def build_numpy(source: Path, headers: Path, compiler: Compiler, tools: Path, work: Path) -> Path:
    """Build numpy, and return the folder that has `numpy/`.

    Args:
        source: numpy's source archive, unpacked.
        headers: what headers.py has made.
        compiler: for Pyodide.
        tools: the `bin/` of a virtual environment with Cython and ninja.
        work: an empty folder.

    Raises:
        BuildError: Meson or the compiler failed.
    """
    info, python, cross = work / "python.json", work / "python", work / "cross.ini"
    info.write_text(json.dumps(_about_python(headers / "python")))
    python.write_text(PYTHON.format(info=info, real=tools / "python"))
    python.chmod(0o755)
    cython = tools / "cython"
    cross.write_text(CROSS.format(c=compiler.c, cpp=compiler.cpp, python=python, cython=cython))
    path = f"{tools}:{compiler.environment['PATH']}"
    environment = {**compiler.environment, "PATH": path}
    meson = [tools / "python", source / "vendored-meson/meson/meson.py"]
    build, installed = work / "build", work / "installed"

    def step(*command: str | Path) -> None:
        run(command, cwd=source, env=environment)

    step(*meson, "setup", build, "--cross-file", cross, "--prefix=/", *OPTIONS)
    step("ninja", "-C", build)
    step(*meson, "install", "-C", build, "--destdir", installed, "--no-rebuild")
    shutil.rmtree(build)
    return installed / "site-packages"


def _about_python(headers: Path) -> dict[str, object]:
    """Return what Meson's `python_info.py` would print if Pyodide's Python ran it."""
    paths = dict.fromkeys(("data", "scripts", "stdlib", "platstdlib"), "/")
    paths |= dict.fromkeys(("purelib", "platlib"), "/site-packages")
    paths |= dict.fromkeys(("include", "platinclude"), str(headers))
    variables = {"EXT_SUFFIX": SUFFIX, "INCLUDEPY": str(headers), "base_prefix": "/"}
    return {
        **{"variables": variables, "paths": paths, "sysconfig_paths": paths},
        **{"install_paths": paths, "version": "3.14", "platform": "emscripten-wasm32"},
        **{"is_pypy": False, "is_venv": False, "link_libpython": False},
        **{"suffix": SUFFIX, "limited_api_suffix": ".abi3.so", "is_freethreaded": False},
    }
