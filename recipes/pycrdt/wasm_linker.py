#!/usr/bin/env python3
"""Link a Rust library as an Emscripten side module with LLVM's wasm-ld alone.

rustc calls this in the place of `emcc`. A side module brings no C library and no JavaScript: all
that it does not define is imported from Pyodide when it is loaded. So objects in and a shared
module out is the whole job, and of what emcc is told only the exports matter.
"""

import json
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

WASM_LD = "wasm-ld-19"
WASM_LD_FLAGS = (
    "-shared",
    "--experimental-pic",
    "--no-shlib-sigcheck",
    "--unresolved-symbols=import-dynamic",
    "--import-undefined",
    "--strip-debug",
    "-O3",
    "--gc-sections",
    "--merge-data-segments",
)
EXPORTS = "EXPORTED_FUNCTIONS="
OBJECT_SUFFIXES = (".o", ".rlib", ".a")
FOR_EMCC_ONLY = re.compile(r"-s\w+=?\w*|-O\w|-g\d?|-fwasm-exceptions|--target=wasm32-\S+")
"""Emscripten's settings, and what wasm-ld knows by itself from the objects."""


def expand_response_files(arguments: Sequence[str]) -> list[str]:
    """Replace each `@file` by the arguments in that file.

    Layout: one argument on a line, a backslash before each space and backslash, as rustc writes it
    where a command line would be too long.
    """
    expanded = []
    for argument in arguments:
        if argument.startswith("@"):
            lines = Path(argument[1:]).read_text(encoding="utf-8").splitlines()
            expanded += [re.sub(r"\\(.)", r"\1", line) for line in lines]
        else:
            expanded.append(argument)
    return expanded


def wasm_ld_command(arguments: Sequence[str]) -> list[str]:
    """Translate what rustc tells emcc into a command of wasm-ld.

    Raises:
        ValueError: an argument has no translation; ignoring it could make a wrong module.
    """
    command = [WASM_LD, *WASM_LD_FLAGS]
    waiting = iter(expand_response_files(arguments))
    for argument in waiting:
        if argument == "-s":
            argument += next(waiting, "")
        if argument.startswith(f"-s{EXPORTS}"):
            names = json.loads(argument.partition("=")[2])
            command += [f"--export={name.removeprefix('_')}" for name in names]
        elif argument == "-o":
            command += ["-o", next(waiting, "")]
        elif argument.endswith(OBJECT_SUFFIXES):
            command.append(argument)
        elif not FOR_EMCC_ONLY.fullmatch(argument):
            raise ValueError(f"wasm_linker.py does not know what {argument!r} asks for")
    return command


if __name__ == "__main__":
    try:
        linking = wasm_ld_command(sys.argv[1:])
    except ValueError as error:
        sys.exit(str(error))
    os.execvp(linking[0], linking)
