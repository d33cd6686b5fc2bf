"""Take what packages.toml pins from npm into pyodide_rtc/vendored/: `python3 fetch.py`.

The repository has these files, so only who changes a version runs this. A file keeps its bytes and
its name, and lies in the folder of its package, without the folders that it has there.
"""

import base64
import hashlib
import sys
import tarfile
import tempfile
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from process import BuildError, run  # noqa: E402  its folder is on the path only now

VENDORED = HERE.parents[1] / "pyodide_rtc" / "vendored"


@dataclass(frozen=True)
class Package:
    """A pinned package of npm.

    Args:
        folder: the name of its folder.
        name: its name at npm.
        version: its version.
        integrity: the hash of its archive.
        files: which of its files are taken, with their hashes.
    """

    folder: str
    name: str
    version: str
    integrity: str
    files: Mapping[str, str]

    def places(self, vendored: Path = VENDORED) -> dict[str, Path]:
        """Return where each of its files lies."""
        return {name: vendored / self.folder / PurePosixPath(name).name for name in self.files}


def pinned(table: str) -> list[Package]:
    """Return the packages of a table such as packages.toml."""
    return [
        Package(folder, pin["package"], pin["version"], pin["integrity"], pin["files"])
        for folder, pin in tomllib.loads(table).items()
    ]


def check(what: str, content: bytes, integrity: str) -> None:
    """Compare bytes with their hash.

    Raises:
        BuildError: it is another one.
    """
    found = f"sha512-{base64.b64encode(hashlib.sha512(content).digest()).decode()}"
    if found != integrity:
        raise BuildError(f"{what}: expected {integrity}, found {found}")


def fetch(package: Package, vendored: Path) -> None:
    """Put the files of a package into its folder.

    Raises:
        BuildError: npm could not fetch it, or something in it is not what was pinned.
    """
    pin = f"{package.name}@{package.version}"
    with tempfile.TemporaryDirectory() as folder:
        run(["npm", "pack", "--silent", "--pack-destination", folder, pin], cwd=HERE)
        [archive] = Path(folder).glob("*.tgz")
        check(pin, archive.read_bytes(), package.integrity)
        with tarfile.open(archive) as content:
            for name, place in package.places(vendored).items():
                member = content.extractfile(f"package/{name}")
                assert member is not None, "it is a file"
                data = member.read()
                check(f"{pin}: {name}", data, package.files[name])
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(data)


def main() -> int:
    """Fetch all, and tell what was fetched."""
    try:
        for package in pinned((HERE / "packages.toml").read_text(encoding="utf-8")):
            fetch(package, VENDORED)
            print(f"vendored: {package.name} {package.version}, {len(package.files)} files")
    except (BuildError, OSError, KeyError) as error:
        print(f"vendored: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
