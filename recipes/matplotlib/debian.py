"""Unpack packages of another Debian release than the machine's; nothing of them is installed."""

import os
import re
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from process import BuildError, run

APT_HELPER = "/usr/lib/apt/apt-helper"
KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"


class Release:
    """A Debian release, of the mirror that this machine's apt uses.

    Args:
        name: such as "trixie".
        folder: where its lists and packages may lie.

    Raises:
        BuildError: apt has no mirror, or does not reach it.
    """

    def __init__(self, name: str, folder: Path) -> None:
        self._folder = folder
        self._name = name
        mirror = next(iter(self._apt_get("indextargets", "--format", "$(SITE)").split()), None)
        if mirror is None:
            raise BuildError("apt has no sources: this recipe needs a Debian mirror")
        for part in ("lists/partial", "cache/archives/partial"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        source = f"[signed-by={KEYRING}] {mirror} {name} main\n"
        (folder / "sources.list").write_text(f"deb {source}deb-src {source}")
        self._apt_get(*self._own(), "--quiet", "update")

    def unpack(self, packages: Iterable[str]) -> Path:
        """Unpack binary packages, and return the folder that has their `usr/`.

        Raises:
            BuildError: the mirror does not have one of them.
        """
        files = self._folder / "files"
        self._apt_get(*self._own(), "download", *packages)
        for package in self._folder.glob("*.deb"):
            run(["dpkg-deb", "--extract", package, files], cwd=self._folder)
        return files

    def source(self, package: str) -> Path:
        """Unpack the source archive of a package, without Debian's changes.

        Raises:
            BuildError: the mirror does not have it.
        """
        work = Path(tempfile.mkdtemp(dir=self._folder))
        told = self._apt_get(*self._own(), "source", "--print-uris", package)
        # Of its files this one alone: a mirror can lack the others while it is brought up to date.
        found = re.search(r"^'(\S+)' \S+\.orig\.(tar\.\w+) \d+ (\S+)$", told, re.MULTILINE)
        if found is None:
            raise BuildError(f"Debian {self._name} has no source archive of {package}")
        address, ending, digest = found.groups()
        archive = work / f"archive.{ending}"
        run([APT_HELPER, "download-file", address, archive, digest], cwd=work)
        shutil.unpack_archive(archive, work / "source", filter="data")
        [top] = (work / "source").iterdir()
        return top

    def _own(self) -> Sequence[str]:
        settings = {
            "Dir::Etc::SourceList": self._folder / "sources.list",
            "Dir::Etc::SourceParts": "/nonexistent",
            "Dir::State::Lists": self._folder / "lists",
            "Dir::Cache": self._folder / "cache",
            "APT::Sandbox::User": "root",  # else apt warns that _apt may not read these folders
            "Acquire::Languages": "none",
        }
        return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]

    def _apt_get(self, *arguments: str) -> str:
        environment = {**os.environ, "LC_ALL": "C"}
        return run(["apt-get", *arguments], cwd=self._folder, env=environment)
