"""What can be tested in milliseconds; `make pycrdt` builds the wheel itself."""

from __future__ import annotations

import base64
import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path
from types import ModuleType

import downloads
import fetch
import process
import pytest
import toolchain
import wasm_linker
import wheel_file
import wider_anyio

from pyodide_rtc import __version__

REPOSITORY = Path(__file__).resolve().parents[2]
RECIPES = REPOSITORY / "recipes"
PYCRDT = RECIPES / "pycrdt"


def load(path: Path) -> ModuleType:
    """Load a script under a name that no installed package has (one is called `build`)."""
    spec = importlib.util.spec_from_file_location(f"recipes_{path.parent.name}_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


build = load(PYCRDT / "build.py")


class TestLinker:
    # As rustc 1.96 calls it for pycrdt, paths shortened.
    FROM_RUSTC = (
        *("-s", 'EXPORTED_FUNCTIONS=["_PyInit__pycrdt","__x"]', "/t/pycrdt.rcgu.o"),
        *("/t/libcompiler_builtins.rlib", "--target=wasm32-unknown-emscripten"),
        *("-fwasm-exceptions", "-o", "/t/pycrdt.wasm", "-sSIDE_MODULE=2", "-Os", "-g0"),
        *("-sABORTING_MALLOC=0", "-sWASM_BIGINT"),
    )
    FOR_WASM_LD = (
        *("--export=PyInit__pycrdt", "--export=_x", "/t/pycrdt.rcgu.o"),
        *("/t/libcompiler_builtins.rlib", "-o", "/t/pycrdt.wasm"),
    )

    def test_translates_what_rustc_says(self) -> None:
        command = wasm_linker.wasm_ld_command(self.FROM_RUSTC)
        assert command == ["wasm-ld-19", *wasm_linker.WASM_LD_FLAGS, *self.FOR_WASM_LD]

    def test_takes_a_setting_in_one_word(self) -> None:
        command = wasm_linker.wasm_ld_command(['-sEXPORTED_FUNCTIONS=["_f"]'])
        assert command[-1] == "--export=f"

    def test_expands_response_files(self, tmp_path: Path) -> None:
        arguments = tmp_path / "arguments"
        written = [re.sub(r"([\\ ])", r"\\\1", argument) for argument in self.FROM_RUSTC]
        arguments.write_text("\n".join([*written, "/a\\ folder/b\\\\c.o", ""]))
        assert wasm_linker.expand_response_files(["first.o", f"@{arguments}"]) == [
            "first.o",
            *self.FROM_RUSTC,
            "/a folder/b\\c.o",
        ]
        assert f"@{arguments}" not in wasm_linker.wasm_ld_command([f"@{arguments}"])

    @pytest.mark.parametrize("argument", ["-lpython", "--whole-archive", "-sX=[1]", "-L/lib"])
    def test_refuses_what_it_cannot_translate(self, argument: str) -> None:
        with pytest.raises(ValueError, match=re.escape(argument)):
            wasm_linker.wasm_ld_command([argument])

    def test_is_a_program_that_fails_with_a_sentence(self) -> None:
        done = subprocess.run([PYCRDT / "wasm_linker.py", "-lm"], capture_output=True, text=True)
        assert done.returncode == 1
        assert done.stderr == "wasm_linker.py does not know what '-lm' asks for\n"


class TestWheel:
    FILES = {"p/b.py": b"b = 1\n", "p/a.so": b"\0asm", "p-1.dist-info/WHEEL": b"Tag: x\n"}  # noqa: RUF012

    def write(self, path: Path, files: dict[str, bytes]) -> bytes:
        wheel_file.write_wheel(path, files, "p-1.dist-info")
        return path.read_bytes()

    def test_same_content_gives_same_bytes(self, tmp_path: Path) -> None:
        backwards = dict(reversed(self.FILES.items()))
        first = self.write(tmp_path / "1.whl", self.FILES)
        assert first == self.write(tmp_path / "2.whl", backwards)
        assert first != self.write(tmp_path / "3.whl", {**self.FILES, "p/b.py": b"b = 2\n"})

    def test_metadata_come_last_and_nothing_tells_of_the_builder(self, tmp_path: Path) -> None:
        self.write(tmp_path / "p.whl", self.FILES)
        with zipfile.ZipFile(tmp_path / "p.whl") as archive:
            entries = archive.infolist()
        metadata = ["p-1.dist-info/RECORD", "p-1.dist-info/WHEEL"]
        assert [entry.filename for entry in entries] == ["p/a.so", "p/b.py", *metadata]
        assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
        assert {entry.external_attr >> 16 for entry in entries} == {0o100644}

    def test_record_lists_every_file_with_digest_and_size(self, tmp_path: Path) -> None:
        self.write(tmp_path / "p.whl", self.FILES)
        with zipfile.ZipFile(tmp_path / "p.whl") as archive:
            rows = archive.read("p-1.dist-info/RECORD").decode().splitlines()
        digest = base64.urlsafe_b64encode(hashlib.sha256(b"\0asm").digest()).decode().rstrip("=")
        assert f"p/a.so,sha256={digest},4" in rows
        assert "p-1.dist-info/RECORD,," in rows
        assert len(rows) == len(self.FILES) + 1

    def test_holds_the_package_the_module_and_the_licence(self, tmp_path: Path) -> None:
        package = tmp_path / "python" / "pycrdt"
        package.mkdir(parents=True)
        for path in (package / "__init__.py", package / "py.typed", package / "_pycrdt.pyi"):
            path.write_text("")
        for path in (tmp_path / "PKG-INFO", tmp_path / "LICENSE", tmp_path / "_pycrdt.abi3.so"):
            path.write_text(path.name)
        (package / "leftover.so").write_text("")
        files = build.wheel_files(tmp_path, tmp_path / "_pycrdt.abi3.so", "d")
        in_package = {"__init__.py", "py.typed", "_pycrdt.pyi", "_pycrdt.abi3.so"}
        in_metadata = {"d/METADATA", "d/WHEEL", "d/licenses/LICENSE"}
        assert set(files) == {f"pycrdt/{name}" for name in in_package} | in_metadata
        assert files["d/METADATA"] == b"PKG-INFO"
        assert f"Tag: {build.TAG}\n".encode() in files["d/WHEEL"]


class TestToolchain:
    @pytest.fixture
    def nothing_there(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(toolchain, "RUSTC", tmp_path / "rustc")
        monkeypatch.setattr(toolchain, "CARGO", tmp_path / "cargo")
        monkeypatch.setenv("PATH", str(tmp_path))

    @pytest.mark.usefixtures("nothing_there")
    def test_what_is_missing_is_said_with_the_command_that_installs_it(
        self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["build.py"])
        assert build.main() == 1
        said = capsys.readouterr()
        assert said.out == ""
        assert "wasm-ld-19 (Debian package lld-19)" in said.err
        assert said.err.splitlines()[-1] == (
            "install with: apt-get install rustc-web cargo-web rust-web-src lld-19 nodejs npm"
        )

    def test_an_old_rustc_counts_as_missing(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        rustc = tmp_path / "rustc"
        rustc.write_text("#!/bin/sh\necho rustc 1.63.0\n")
        rustc.chmod(0o755)
        monkeypatch.setattr(toolchain, "RUSTC", rustc)
        assert "rustc-web" in toolchain.missing_packages()

    @pytest.mark.parametrize(
        ("said", "version"),
        [("rustc 1.96.0 (ac68faa20 2026-05-25)\nbinary: rustc", (1, 96)), ("what?", (0, 0))],
    )
    def test_rust_version(self, said: str, version: tuple[int, int]) -> None:
        assert toolchain.rust_version(said) == version

    def test_only_settings_that_change_the_code_are_dropped(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        dropped = ("RUSTFLAGS", "RUSTC_WRAPPER", "CARGO_PROFILE_RELEASE_LTO", "PYO3_PYTHON")
        kept = ("CARGO_HOME", "CARGO_HTTP_PROXY", "HTTPS_PROXY", "PATH")
        for name in (*dropped, *kept):
            monkeypatch.setenv(name, "x")
        environment = toolchain.clean_environment()
        assert not environment.keys() & set(dropped)
        assert environment.keys() >= set(kept)


class TestProcess:
    def test_a_failure_shows_the_end_of_the_output(self, tmp_path: Path) -> None:
        script = "print(*range(100), sep='\\n'); raise SystemExit('the reason')"
        with pytest.raises(process.BuildError) as caught:
            process.run([sys.executable, "-c", script], cwd=tmp_path)
        lines = str(caught.value).splitlines()
        assert lines[0] == f"{Path(sys.executable).name} failed:"
        assert "the reason" in lines
        assert len(lines) == 1 + process.OUTPUT_LINES

    def test_a_program_that_is_not_there_is_a_failure(self, tmp_path: Path) -> None:
        with pytest.raises(process.BuildError, match="no-such-program failed:"):
            process.run(["no-such-program"], cwd=tmp_path)


class TestSource:
    def test_the_archive_is_pinned_by_hash(self) -> None:
        [requirement] = (PYCRDT / "source" / "requirements.txt").read_text().splitlines()
        assert re.fullmatch(r"pycrdt==[\d.]+ --hash=sha256:[0-9a-f]{64}", requirement)

    def test_the_stand_in_gives_the_archives_own_metadata(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stand_in = load(PYCRDT / "source" / "stand_in" / "maturin.py")
        (tmp_path / "PKG-INFO").write_text("Metadata-Version: 2.4\nName: p\nVersion: 1.2\n")
        monkeypatch.chdir(tmp_path)
        assert stand_in.prepare_metadata_for_build_wheel(str(tmp_path)) == "p-1.2.dist-info"
        metadata = (tmp_path / "p-1.2.dist-info" / "METADATA").read_bytes()
        assert metadata == (tmp_path / "PKG-INFO").read_bytes()

    def unpacked(self, folder: Path) -> None:
        """Make an archive of what is changed in it."""
        for name in {name for name, _, _ in wider_anyio.CHANGES}:
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n".join(old for n, old, _ in wider_anyio.CHANGES if n == name))

    def test_each_change_is_made(self, tmp_path: Path) -> None:
        self.unpacked(tmp_path)
        wider_anyio.apply(tmp_path)
        for name, _, new in wider_anyio.CHANGES:
            assert new in (tmp_path / name).read_text()
        assert "4.14.0" not in (tmp_path / "PKG-INFO").read_text()

    def test_another_archive_is_refused(self, tmp_path: Path) -> None:
        self.unpacked(tmp_path)
        (tmp_path / "PKG-INFO").write_text("Requires-Dist: anyio>=5.0.0")
        with pytest.raises(ValueError, match=r"PKG-INFO: expected .* once, found it 0 times"):
            wider_anyio.apply(tmp_path)


class TestRecipes:
    def version_in(self, recipe: str) -> str:
        text = (RECIPES / recipe / "meta.yaml").read_text()
        found = re.search(r"^  version: (\S+)$", text, re.MULTILINE)
        assert found is not None
        return found[1]

    def test_both_ways_build_the_same_pycrdt(self) -> None:
        assert self.version_in("pycrdt") == fetch.pinned_version()

    def test_our_recipe_has_our_version(self) -> None:
        version = (REPOSITORY / "pyodide_rtc" / "_version.py").read_text()
        assert f'__version__ = "{self.version_in("pyodide-rtc")}"' in version


class TestSiteWheels:
    FOLDER = RECIPES / "pyodide-rtc-site"

    def test_they_have_our_version_and_ask_for_it(self) -> None:
        project = tomllib.loads((self.FOLDER / "pyproject.toml").read_text())["project"]
        extension = json.loads((self.FOLDER / "labextension/package.json").read_text())
        assert project["version"] == extension["version"] == __version__
        assert project["dependencies"] == [f"pyodide-rtc=={__version__}"]

    def test_their_folder_is_the_one_that_the_extension_names(self) -> None:
        extension = json.loads((self.FOLDER / "labextension/package.json").read_text())
        script = load(self.FOLDER / "build.py")
        assert f"labextension/{extension['piplite']['wheelDir']}" == script.WHEEL_FOLDER

    def test_the_index_lists_them_as_piplite_reads_it(self, tmp_path: Path) -> None:
        wheels = [tmp_path / "b_c-2.0-cp311-abi3-x.whl", tmp_path / "A-1-py3-none-any.whl"]
        for wheel in wheels:
            wheel.write_text(wheel.name)
        index = downloads.piplite_index(wheels)
        assert list(index) == ["a", "b-c"]
        assert index["b-c"] == {
            "releases": {
                "2.0": [
                    {
                        "digests": {"sha256": hashlib.sha256(wheels[0].read_bytes()).hexdigest()},
                        "filename": wheels[0].name,
                        "packagetype": "bdist_wheel",
                        "size": len(wheels[0].name),
                        "url": f"./{wheels[0].name}",
                        "yanked": False,
                    }
                ]
            }
        }

    def test_without_our_wheels_the_script_says_what_to_run(
        self,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(sys, "argv", ["build.py", "--out", str(tmp_path)])
        assert load(self.FOLDER / "build.py").main() == 1
        said = "no wheel of pyodide_rtc in .*: run `make wheel pycrdt` first"
        assert re.search(said, capsys.readouterr().err)
