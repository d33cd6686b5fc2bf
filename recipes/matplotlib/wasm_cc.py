#!/usr/bin/env python3
"""Be a C and C++ compiler for Pyodide: LLVM's clang and wasm-ld, called as builds call `cc`.

A link makes a side module, as emcc's SIDE_MODULE does: what it does not define is imported from
Pyodide when it is loaded. A link without `-shared` is a question of a configure step, and fails
where Pyodide lacks something. Called by a name that ends in `++`, it compiles C++.

Needs WASM_CC in the environment: the folder that headers.py has filled.
"""

import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "pycrdt"))

from wasm_linker import WASM_LD, WASM_LD_FLAGS  # its folder is on the path only now

HOME = Path(os.environ["WASM_CC"])
CLANG = "clang++-19" if sys.argv[0].endswith("++") else "clang-19"
FOR_PYODIDE = (
    *("--target=wasm32-unknown-emscripten", f"--sysroot={HOME}"),
    *("-fPIC", "-fvisibility=hidden", "-fwasm-exceptions", "-mllvm", "-wasm-enable-sjlj"),
    *("-Xclang", "-iwithsysroot/include/compat"),  # emcc's: what its C library calls otherwise
)
ASK_PYODIDE = (
    *("--no-entry", "--export-if-defined=main", "--export-if-defined=__main_argc_argv"),
    *("--no-gc-sections", f"--allow-undefined-file={HOME / 'symbols.txt'}"),
)
NO_LINK = {"-c", "-E", "-S", "-M", "-MM", "-fsyntax-only"}
SOURCES = (".c", ".cc", ".cpp", ".cxx")
OBJECTS = (".o", ".obj", ".a")


def expanded(arguments: Sequence[str]) -> Iterator[str]:
    """Give the arguments, with those of response files in their places."""
    for argument in arguments:
        if argument.startswith("@"):
            yield from shlex.split(Path(argument[1:]).read_text())
        else:
            yield argument


def link(arguments: Sequence[str]) -> int:
    """Compile what is a source, and link it with what is an object."""
    output = arguments[arguments.index("-o") + 1]
    sources = [each for each in arguments if each.endswith(SOURCES)]
    objects = [each for each in arguments if each.endswith(OBJECTS) and each != output]
    options = [each for each in arguments if each.startswith(("-I", "-D", "-O", "-std", "-f"))]
    with tempfile.TemporaryDirectory() as temporary:
        for source in sources:
            objects.append(f"{temporary}/{len(objects)}.o")
            compiling = [CLANG, *FOR_PYODIDE, *options, "-c", source, "-o", objects[-1]]
            if (failed := subprocess.run(compiling, check=False).returncode) != 0:
                return failed
        flags = WASM_LD_FLAGS if "-shared" in arguments else ASK_PYODIDE
        return subprocess.run([WASM_LD, *flags, *objects, "-o", output], check=False).returncode


def main(arguments: Sequence[str]) -> int:
    """Do what a build asks for; returns the exit code."""
    if "-Wl,--version" in arguments:
        print("LLD 19 (compatible with GNU linkers)")
        return 0
    if NO_LINK.isdisjoint(arguments) and "-o" in arguments:
        return link(list(expanded(arguments)))
    command = [CLANG, *FOR_PYODIDE, "-Qunused-arguments", *arguments]
    return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
