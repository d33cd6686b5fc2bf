"""Libraries of others are byte for byte what npm has of the versions that are pinned."""

from __future__ import annotations

import importlib.util
import io
import sys
import tarfile
from base64 import b64encode
from hashlib import sha512
from pathlib import Path

import process
import pytest

REPOSITORY = Path(__file__).resolve().parents[2]
FOLDER = REPOSITORY / "recipes/vendored"
VENDORED = REPOSITORY / "pyodide_rtc/vendored"

spec = importlib.util.spec_from_file_location("recipes_vendored_fetch", FOLDER / "fetch.py")
assert spec is not None
assert spec.loader is not None
vendored = importlib.util.module_from_spec(spec)
sys.modules[spec.name] = vendored  # dataclasses look their module up
spec.loader.exec_module(vendored)

PACKAGES = vendored.pinned((FOLDER / "packages.toml").read_text(encoding="utf-8"))


def integrity(content: bytes) -> str:
    return f"sha512-{b64encode(sha512(content).digest()).decode()}"


def test_all_that_is_vendored_is_pinned_and_unchanged() -> None:
    pins = {
        place: package.files[name]
        for package in PACKAGES
        for name, place in package.places().items()
    }
    there = {path for path in VENDORED.rglob("*") if path.is_file()}
    assert {path: integrity(path.read_bytes()) for path in there} == pins


@pytest.mark.parametrize("package", PACKAGES, ids=lambda package: package.name)
def test_each_has_its_licence(package: vendored.Package) -> None:
    assert "LICENSE" in package.files


FILES = {"LICENSE": b"MIT", "dist/a.js": b"var a = 1;", "dist/b.js": b"not taken"}


class TestFetch:
    """With an npm that packs `FILES`."""

    @pytest.fixture
    def archive(self, monkeypatch: pytest.MonkeyPatch) -> bytes:
        packed = io.BytesIO()
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name, content in FILES.items():
                member = tarfile.TarInfo(f"package/{name}")
                member.size = len(content)
                archive.addfile(member, io.BytesIO(content))

        def npm(command: list[str], *, cwd: Path) -> str:
            assert command[-1] == "a@1.0"
            Path(command[-2], "a-1.0.tgz").write_bytes(packed.getvalue())
            return ""

        monkeypatch.setattr(vendored, "run", npm)
        return packed.getvalue()

    def package(self, archive: bytes, script: bytes = FILES["dist/a.js"]) -> vendored.Package:
        files = {"LICENSE": integrity(b"MIT"), "dist/a.js": integrity(script)}
        return vendored.Package("letters", "a", "1.0", integrity(archive), files)

    def test_takes_the_files_that_are_named(self, archive: bytes, tmp_path: Path) -> None:
        vendored.fetch(self.package(archive), tmp_path)
        found = {p.relative_to(tmp_path).as_posix(): p.read_bytes() for p in tmp_path.rglob("*.*")}
        assert found == {"letters/a.js": b"var a = 1;"}
        assert (tmp_path / "letters/LICENSE").read_bytes() == b"MIT"

    @pytest.mark.parametrize("what", ["archive", "file"])
    def test_refuses_what_is_not_what_was_pinned(
        self, archive: bytes, tmp_path: Path, what: str
    ) -> None:
        package = self.package(b"x") if what == "archive" else self.package(archive, b"x")
        with pytest.raises(process.BuildError, match=r"^a@1\.0(: dist/a\.js)?: expected sha512-"):
            vendored.fetch(package, tmp_path)
        assert not (tmp_path / "letters/a.js").exists()
