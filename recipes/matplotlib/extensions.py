"""Compile extension modules of Python with wasm_cc.py, as many at a time as there are cores."""

import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from process import run

HERE = Path(__file__).resolve().parent
SUFFIX = ".cpython-314-wasm32-emscripten.so"
FLAGS = ("-O2", "-DNDEBUG", "-w")  # their warnings are for their authors
CPP_FLAGS = ("-std=c++17", "-Wno-c++11-narrowing")  # matplotlib narrows size_t, of 32 bits here


class Compiler:
    """Compiles for Pyodide.

    Args:
        headers: what headers.py has made.
        work: a folder for objects.
    """

    def __init__(self, headers: Path, work: Path) -> None:
        self.environment = {**os.environ, "WASM_CC": str(headers)}
        self._headers = headers
        self._work = work
        self.c, self.cpp = work / "wasm-cc", work / "wasm-c++"
        for name in (self.c, self.cpp):
            name.symlink_to(HERE / "wasm_cc.py")

    def objects(self, sources: Iterable[Path], *options: str) -> list[Path]:
        """Compile sources, and return their objects.

        Args:
            sources: in C or C++.
            *options: such as `-I...`.

        Raises:
            BuildError: the compiler refuses one of them.
        """
        folder = Path(self._work, f"{len(list(self._work.iterdir()))}")
        folder.mkdir()

        def compiled(source: Path) -> Path:
            place = folder / f"{source.stem}.o"
            is_c = source.suffix == ".c"
            tool = [self.c, "-D_GNU_SOURCE"] if is_c else [self.cpp, *CPP_FLAGS]
            python = f"-I{self._headers / 'python'}"
            command = [*tool, *FLAGS, python, *options, "-c", source, "-o", place]
            run(command, cwd=folder, env=self.environment)
            return place

        with ThreadPoolExecutor(os.cpu_count()) as pool:
            return list(pool.map(compiled, sources))

    def link(self, module: Path, objects: Sequence[Path]) -> None:
        """Link an extension module.

        Args:
            module: its place and name, without what Python adds to the name.
            objects: all of it.

        Raises:
            BuildError: the linker refuses them.
        """
        output = module.with_name(module.name + SUFFIX)
        command = [self.cpp, "-shared", *objects, "-o", output]
        run(command, cwd=self._work, env=self.environment)
