"""Fetch pycrdt's source archive by its name, unpack and change it: `python fetch.py FOLDER`.

The archive is the one that requirements.txt pins by version and hash. pip finds it, so that it
comes from whatever index pip is configured for. wider_anyio.py has the change. pyodide-build runs
this as the recipe's script, build.py imports it.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import wider_anyio  # beside this file

HERE = Path(__file__).resolve().parent


def pinned_version() -> str:
    """Return the version that requirements.txt pins."""
    requirement = (HERE / "requirements.txt").read_text().split()[0]
    return requirement.partition("==")[2]


def fetch(folder: Path) -> None:
    """Fill the folder with the archive's files, pyproject.toml and Cargo.toml at its top.

    Raises:
        subprocess.CalledProcessError: pip could not download it, or the hash is another; pip's
            words are in its `output`.
        ValueError: the archive is not what wider_anyio.py changes.
    """
    with tempfile.TemporaryDirectory() as temporary:
        subprocess.run(
            [
                *(sys.executable, "-m", "pip", "download", "--no-deps", "--dest", temporary),
                *(
                    "--no-binary",
                    "pycrdt",
                    "--require-hashes",
                    "-r",
                    str(HERE / "requirements.txt"),
                ),
                "--no-build-isolation",  # otherwise pip would install maturin for the metadata
            ],
            env={**os.environ, "PYTHONPATH": str(HERE / "stand_in")},
            check=True,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        [archive] = Path(temporary).glob("*.tar.gz")
        shutil.unpack_archive(archive, temporary)  # safe: its hash is pinned
        unpacked = Path(temporary) / archive.name.removesuffix(".tar.gz")
        shutil.copytree(unpacked, folder, dirs_exist_ok=True)
    wider_anyio.apply(folder)


if __name__ == "__main__":
    fetch(Path(sys.argv[1]))
