"""matplotlib's recipe, as far as it goes without its compiler; tests/browser has what it makes."""

from __future__ import annotations

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

RECIPE = Path(__file__).resolve().parents[2] / "recipes/matplotlib"
sys.path.append(str(RECIPE))

import headers  # noqa: E402  its folder is on the path only now

STDINT = "#define INT8_C   __INT8_C\n#define UINT32_C  __UINT32_C\n#define INTMAX_C __INTMAX_C\n"


def test_constants_are_written_out(tmp_path: Path) -> None:
    header = tmp_path / "stdint.h"
    header.write_text(STDINT)
    headers.mend_stdint(header)
    assert header.read_text().splitlines() == [
        "#define INT8_C(c) c",
        "#define UINT32_C(c) c ## U",
        "#define INTMAX_C(c) c ## LL",
    ]


def test_pyconfig_has_the_names_of_debian_and_the_values_of_pyodide(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "python_stdlib.zip", "w") as library:
        values = {"SIZEOF_LONG": 4, "HAVE_FORK": 0, "CC": "emcc"}
        library.writestr("_sysconfigdata_x.py", f"build_time_vars = {values!r}\n")
    debian_s = "#define SIZEOF_LONG 8\n#define HAVE_FORK 1\n/* #undef HAVE_NOTHING */\n"
    text = headers.pyconfig(debian_s, tmp_path, tmp_path)
    assert "#define SIZEOF_LONG 4\n" in text
    assert not any(name in text for name in ("HAVE_FORK", "HAVE_NOTHING", "CC"))


@pytest.fixture
def tools(tmp_path: Path) -> dict[str, str]:
    """An environment whose clang and linker say how they were called, and make their output."""
    for name in ("clang-19", "clang++-19", "wasm-ld-19"):
        tool = tmp_path / name
        tool.write_text(
            f'#!/bin/sh\necho {name} "$@"\nwhile [ "$1" != -o ]; do shift; done\n: > "$2"\n'
        )
        tool.chmod(0o755)
    return {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}", "WASM_CC": str(tmp_path)}


def call(tools: dict[str, str], *arguments: str) -> list[str]:
    command = [sys.executable, RECIPE / "wasm_cc.py", *arguments]
    done = subprocess.run(
        command, env=tools, check=True, capture_output=True, text=True, cwd=tools["WASM_CC"]
    )
    return done.stdout.splitlines()


def test_a_source_is_compiled_for_pyodide(tools: dict[str, str]) -> None:
    [called] = call(tools, "-c", "a.c", "-o", "a.o")
    assert called.startswith("clang-19 --target=wasm32-unknown-emscripten")
    assert "-fwasm-exceptions" in called


def test_a_module_is_linked_as_a_side_module(tools: dict[str, str]) -> None:
    (Path(tools["WASM_CC"]) / "names.rsp").write_text("'b c.o' -Wl,--as-needed")
    [called] = call(tools, "-shared", "a.o", "@names.rsp", "-Wl,-soname,a.so", "-o", "a.so")
    assert called.startswith("wasm-ld-19 -shared")
    assert called.endswith("a.o b c.o -o a.so"), "what only another linker knows is not there"


def test_a_configure_step_is_answered_by_what_pyodide_has(tools: dict[str, str]) -> None:
    compiled, linked = call(tools, "-DX", "ask.c", "-lm", "-o", "ask")
    assert compiled.startswith("clang-19") and " -DX -c ask.c " in compiled
    assert f"--allow-undefined-file={tools['WASM_CC']}/symbols.txt" in linked
    assert "-shared" not in linked


def test_builds_take_it_for_lld(tools: dict[str, str]) -> None:
    assert call(tools, "-Wl,--version") == ["LLD 19 (compatible with GNU linkers)"]
