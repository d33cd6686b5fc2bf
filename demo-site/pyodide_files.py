"""The Pyodide distribution that the site serves: what its kernels load at their start, and no more.

Pyodide's runtime comes from its npm package. That package's `pyodide-lock.json` names 350 wheels of
which a kernel needs some 20; those come from the Python package index in the versions that the lock
names, and the lock is cut down to them with the digests of the files that are really there. All of
it has its bytecode with it: without, a kernel takes 13 s to start on a slow machine instead of 5.
"""

import hashlib
import json
import re
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "recipes"))

from downloads import download_wheels, precompile  # noqa: E402  recipes/ is no package

PYODIDE = "pyodide@314.0.6"  # what jupyterlite-pyodide-kernel 0.8.6 is made for
PYODIDE_SHA256 = "d78ac549b28a2a58600cd06f44e017024151775f8c6b2d73fab1475400d38ea2"
LOCK_FILE = "pyodide-lock.json"
RUNTIME_FILES = (
    "pyodide.mjs",
    "pyodide.asm.mjs",
    "pyodide.asm.wasm",
    "python_stdlib.zip",
    LOCK_FILE,
)

Lock = dict[str, Any]


def build_pyodide_files(folder: Path, roots: Iterable[str], extra_wheels: list[Path]) -> None:
    """Fill a folder with the runtime, the trimmed lock and the wheels that it names.

    Args:
        folder: an empty folder, the site's `static/pyodide`.
        roots: names of the packages that a kernel loads.
        extra_wheels: wheels for those roots that Pyodide's own lock does not know.
    """
    lock = _unpack_runtime(folder)
    extra = {_name_of(wheel): wheel for wheel in extra_wheels}
    names = _closure(lock, {_normalized(root) for root in roots} - set(extra))
    wanted = [f"{name}=={lock['packages'][name]['version']}" for name in sorted(names)]
    download_wheels(folder, wanted)
    for wheel in extra.values():
        shutil.copy(wheel, folder)
    precompile(folder, folder)
    packages = {}
    for wheel in folder.glob("*.whl"):
        name = _name_of(wheel)
        known = _new_entry(name, wheel) if name in extra else lock["packages"][name]
        packages[name] = known | _file_facts(wheel)
    trimmed = lock | {"packages": dict(sorted(packages.items()))}
    (folder / LOCK_FILE).write_text(json.dumps(trimmed, indent=1))


def _unpack_runtime(folder: Path) -> Lock:
    """Unpack what makes a Pyodide that runs, and return its lock."""
    npm_pack = ["npm", "pack", "--silent", PYODIDE]
    subprocess.run(npm_pack, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    archive = next(folder.glob("*.tgz"))
    digest = hashlib.sha256(archive.read_bytes()).hexdigest()
    if digest != PYODIDE_SHA256:
        raise SystemExit(f"{PYODIDE}: expected sha256 {PYODIDE_SHA256}, received {digest}")
    with tarfile.open(archive) as tar:
        for name in RUNTIME_FILES:
            (folder / name).write_bytes(_read(tar, name))
    archive.unlink()
    lock: Lock = json.loads((folder / LOCK_FILE).read_text())
    return lock


def _read(tar: tarfile.TarFile, name: str) -> bytes:
    file = tar.extractfile(f"package/{name}")
    if file is None:
        raise SystemExit(f"{PYODIDE}: {name} is not a file")
    return file.read()


def _closure(lock: Lock, roots: set[str]) -> set[str]:
    """Return the names of these packages and of all that they depend on."""
    found: set[str] = set()
    queue = list(roots)
    while queue:
        name = queue.pop()
        if name not in found:
            found.add(name)
            queue += map(_normalized, lock["packages"][name]["depends"])
    return found


def _new_entry(name: str, wheel: Path) -> dict[str, Any]:
    """Describe a wheel of which the kernel asks for every dependency by name itself."""
    facts = {"name": name, "version": wheel.name.split("-")[1], "depends": []}
    place = {"install_dir": "site", "package_type": "package", "unvendored_tests": False}
    return facts | place | {"imports": [name.replace("-", "_")]}


def _file_facts(wheel: Path) -> dict[str, str]:
    return {"file_name": wheel.name, "sha256": hashlib.sha256(wheel.read_bytes()).hexdigest()}


def _name_of(wheel: Path) -> str:
    return _normalized(wheel.name.split("-")[0])


def _normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
