"""The headers of what Pyodide is made of: Emscripten's C and C++ libraries, and its Python.

Emscripten's come from Debian, of a version whose C++ library is the one of Pyodide; build.py
compares what the wheels import with what Pyodide has. Python's come from Debian as well, but for
`pyconfig.h`: Pyodide has what that says in its `sysconfig`.
"""

import re
import runpy
import shutil
import zipfile
from pathlib import Path

from debian import Release
from process import run

EMSCRIPTEN = {
    "include": "include",
    "lib/compiler-rt/include": "include",
    "lib/libunwind/include": "include",
    "lib/libc/musl/arch/generic/bits": "include/bits",
    "lib/libc/musl/arch/emscripten/bits": "include/bits",
    "lib/libc/musl/include": "include",
    "lib/libcxx/include": "include/c++/v1",
    "lib/libcxxabi/include": "include/c++/v1",
}
"""Where emcc takes its headers from, in this order, and where to."""

VERSION = "".join(
    f"#define __EMSCRIPTEN_{case(name)}__ {number}\n"
    for name, number in {"major": 5, "minor": 0, "tiny": 3}.items()
    for case in (str.upper, str.lower)
)
SYMBOLS = """
const module = new WebAssembly.Module(require("fs").readFileSync(process.argv[1]));
const all = [...WebAssembly.Module.exports(module), ...WebAssembly.Module.imports(module)];
console.log([...all.map(({ name }) => name),
  "__memory_base", "__table_base", "__stack_pointer", "__indirect_function_table"].join("\\n"));
"""
FEATURES = {"_GNU_SOURCE": "1", "_XOPEN_SOURCE": "700", "_POSIX_C_SOURCE": "200809L"}
"""What CPython's `configure` has the C library offer; `sysconfig` does not say it."""


def make_headers(folder: Path, pyodide: Path) -> None:
    """Fill a folder for wasm_cc.py: `include/`, `python/` and `symbols.txt`.

    Args:
        folder: an empty folder.
        pyodide: Pyodide's npm package.

    Raises:
        BuildError: Debian's mirror does not have a package.
    """
    work = folder / "debian"
    work.mkdir()
    files = Release("forky", work).unpack(["emscripten", "libpython3.14-dev"])
    system = files / "usr/share/emscripten/system"
    for source, place in EMSCRIPTEN.items():
        shutil.copytree(system / source, folder / place, dirs_exist_ok=True)
    (folder / "include/emscripten/version.h").write_text(VERSION)
    mend_stdint(folder / "include/stdint.h")
    shutil.copytree(files / "usr/include/python3.14", folder / "python")
    debian_s = files / "usr/include/x86_64-linux-gnu/python3.14/pyconfig.h"
    (folder / "python/pyconfig.h").write_text(pyconfig(debian_s.read_text(), pyodide, work))
    symbols = run(["node", "-e", SYMBOLS, pyodide / "pyodide.asm.wasm"], cwd=folder)
    (folder / "symbols.txt").write_text(symbols)
    shutil.rmtree(work)


def mend_stdint(header: Path) -> None:
    """Write the macros for constants out: clang 19 lacks those that a newer clang brings."""
    endings = {"32": "", "64": "LL", "MAX": "LL"}

    def written(found: re.Match[str]) -> str:
        unsigned, bits = found[1], found[2]
        ending = ("U" if unsigned and bits in ("32", "64", "MAX") else "") + endings.get(bits, "")
        return f"#define {unsigned}INT{bits}_C(c) c{f' ## {ending}' if ending else ''}\n"

    text = header.read_text()
    header.write_text(re.sub(r"#define (U?)INT(8|16|32|64|MAX)_C\s+__\w+\n", written, text))


def pyconfig(debian_s: str, pyodide: Path, work: Path) -> str:
    """Return Pyodide's `pyconfig.h`: the names that Debian's has, the values of its `sysconfig`."""
    with zipfile.ZipFile(pyodide / "python_stdlib.zip") as library:
        [name] = [each for each in library.namelist() if each.startswith("_sysconfigdata")]
        values = runpy.run_path(library.extract(name, work))["build_time_vars"]
    names = dict.fromkeys(re.findall(r"^(?:#define|/\* #undef) (\w+)", debian_s, re.MULTILINE))
    defined = {each: values[each] for each in names if values.get(each)} | FEATURES
    lines = [f"#define {key} {value}" for key, value in defined.items()]
    return "\n".join(["#pragma once", *lines, ""])
