"""Runs in Pyodide under Node (precompile.mjs): puts bytecode beside the sources in its archives.

A kernel imports some 500 modules when it starts, the engine of open documents 350. To compile them
takes Pyodide most of that time.
"""

import importlib.util
import io
import py_compile
import warnings
import zipfile
from pathlib import Path, PurePosixPath

FOLDER = Path("/archives")
SITE_PACKAGES = PurePosixPath(importlib.util.__file__).parent / "site-packages"


def main() -> None:
    """Give bytecode to every archive of the folder."""
    warnings.simplefilter("ignore", SyntaxWarning)  # of what others have written
    for archive in (*FOLDER.glob("*.whl"), *FOLDER.glob("*.zip")):
        archive.write_bytes(with_bytecode(archive))


def with_bytecode(archive: Path) -> bytes:
    """Copy a wheel, or a zip file that is imported from, and add what its modules compile to."""
    is_wheel = archive.suffix == ".whl"
    copy = io.BytesIO()
    with zipfile.ZipFile(archive) as old, zipfile.ZipFile(copy, "w", zipfile.ZIP_DEFLATED) as new:
        for entry in old.infolist():
            if entry.filename.endswith(".pyc"):
                continue  # made anew
            content = old.read(entry)
            new.writestr(entry, content)
            if entry.filename.endswith(".py"):
                # A wheel is unpacked; in a zip file, bytecode is looked for beside the source.
                name = str(SITE_PACKAGES / entry.filename) if is_wheel else entry.filename
                place = importlib.util.cache_from_source(entry.filename) if is_wheel else f"{name}c"
                added = zipfile.ZipInfo(place)  # with a fixed date: built twice gives the same
                new.writestr(added, bytecode(content, name), zipfile.ZIP_DEFLATED)
    return copy.getvalue()


def bytecode(source: bytes, name: str) -> bytes:
    """Compile to what a `.pyc` file holds: one that is taken as it is, never checked (PEP 552)."""
    module, compiled = Path("module.py"), Path("module.pyc")
    module.write_bytes(source)
    never_checked = py_compile.PycInvalidationMode.UNCHECKED_HASH
    py_compile.compile(str(module), str(compiled), name, True, invalidation_mode=never_checked)
    return compiled.read_bytes()


main()
