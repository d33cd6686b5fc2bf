"""Build pycrdt's wheel for Pyodide without an emsdk: `python3 recipes/pycrdt/build.py --out dist`.

Rust compiles the source archive against the stable ABI of Python 3.11, so no Python of the target
is needed; wasm_linker.py makes it a side module; wasm-opt shrinks it by a quarter. The same inputs
give the same bytes, so the result is cached under a key made of them.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "source"), str(HERE.parent)]

import toolchain  # noqa: E402  its folder is on the path only now
from cache import cached  # noqa: E402
from fetch import fetch, pinned_version  # noqa: E402
from process import BuildError, failure, run  # noqa: E402
from wheel_file import wheel_metadata, write_wheel  # noqa: E402

TAG = "cp311-abi3-pyemscripten_2026_0_wasm32"
TARGET = "wasm32-unknown-emscripten"
CARGO_BUILD = (
    *("build", "--release", "--lib", "--locked", "--target", TARGET),
    "-Zbuild-std=std,panic_unwind",  # Debian has no compiled standard library for this target
    *("--features", "pyo3/extension-module,pyo3/abi3-py311"),
)
PROFILE = {"LTO": "fat", "CODEGEN_UNITS": "1", "OPT_LEVEL": "s"}
# Feature by feature: with --all-features the result does not load in Pyodide.
WASM_FEATURES = (
    "exception-handling",
    "mutable-globals",
    "bulk-memory",
    "nontrapping-float-to-int",
    "sign-ext",
    "reference-types",
    "multivalue",
    "extended-const",
)


def rust_flags(work: Path) -> list[str]:
    """Return rustc's flags: position-independent, linked by our script, no local path inside."""
    cargo_home = os.environ.get("CARGO_HOME") or Path.home() / ".cargo"
    return [
        "-Crelocation-model=pic",
        "-Clink-self-contained=no",  # else rustc looks for a linker of its own and fails
        f"--remap-path-prefix={work}=/build",
        f"--remap-path-prefix={cargo_home}=/cargo",
    ]


def compile_module(source: Path) -> Path:
    """Compile the Rust side and return the module as the linker wrote it."""
    settings = {
        "RUSTC": str(toolchain.RUSTC),
        "RUSTC_BOOTSTRAP": "1",  # allows -Zbuild-std in a released rustc
        "CARGO_ENCODED_RUSTFLAGS": "\x1f".join(rust_flags(source)),
        "CARGO_TARGET_DIR": str(source / "target"),
        "CARGO_TARGET_WASM32_UNKNOWN_EMSCRIPTEN_LINKER": str(HERE / "wasm_linker.py"),
        "PYO3_NO_PYTHON": "1",
        **{f"CARGO_PROFILE_RELEASE_{name}": value for name, value in PROFILE.items()},
    }
    environment = {**toolchain.clean_environment(), **settings}
    run([toolchain.CARGO, *CARGO_BUILD], cwd=source, env=environment)
    return source / "target" / TARGET / "release" / "pycrdt.wasm"


def shrink(module: Path, work: Path) -> Path:
    """Return the module optimised for size by the wasm-opt that tools/ pins."""
    shutil.copytree(HERE / "tools", work)
    run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=work)
    smaller = work / "_pycrdt.abi3.so"
    features = [f"--enable-{feature}" for feature in WASM_FEATURES]
    run([work / "node_modules/.bin/wasm-opt", "-O2", *features, module, "-o", smaller], cwd=work)
    return smaller


def wheel_files(source: Path, module: Path, dist_info: str) -> dict[str, bytes]:
    """Return the wheel's content by name, all but its RECORD."""
    python = source / "python"
    sources = [path for path in python.rglob("*") if path.suffix in (".py", ".pyi", ".typed")]
    return {
        **{path.relative_to(python).as_posix(): path.read_bytes() for path in sources},
        f"pycrdt/{module.name}": module.read_bytes(),
        f"{dist_info}/METADATA": (source / "PKG-INFO").read_bytes(),
        f"{dist_info}/WHEEL": wheel_metadata(TAG, "pyodide-rtc recipes/pycrdt"),
        f"{dist_info}/licenses/LICENSE": (source / "LICENSE").read_bytes(),
    }


def build(folder: Path) -> None:
    """Build the wheel into the folder, from nothing."""
    release = f"pycrdt-{pinned_version()}"
    with tempfile.TemporaryDirectory(dir=folder) as temporary:
        source = Path(temporary) / "source"
        try:
            fetch(source)
        except subprocess.CalledProcessError as error:
            raise BuildError(failure(["pip"], error.output)) from error
        module = shrink(compile_module(source), Path(temporary) / "tools")
        files = wheel_files(source, module, f"{release}.dist-info")
        write_wheel(folder / f"{release}-{TAG}.whl", files, f"{release}.dist-info")


def cached_wheel() -> Path:
    """Return the wheel in the cache, built there if these inputs are new.

    Raises:
        BuildError: a tool is missing or a step failed.
    """
    toolchain.check_tools()
    inputs: dict[str, str | Path] = {path.name: path for path in HERE.glob("*.py")}
    inputs |= {"source": HERE / "source", "tools": HERE / "tools" / "package-lock.json"}
    inputs |= {"rustc": toolchain.rustc_version(), "linker": toolchain.linker_version()}
    [wheel] = cached("pycrdt", inputs, build, takes="about 2 minutes").glob("*.whl")
    return wheel


def main() -> int:
    """Put the wheel into the folder that --out names."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, default=Path("dist"), help="where the wheel goes")
    out: Path = parser.parse_args().out
    try:
        wheel = cached_wheel()
        out.mkdir(parents=True, exist_ok=True)
        copy = Path(shutil.copy(wheel, out))
    except (BuildError, OSError) as error:
        print(f"pycrdt: {error}", file=sys.stderr)
        return 1
    digest = hashlib.sha256(copy.read_bytes()).hexdigest()
    print(f"pycrdt: {copy}, {copy.stat().st_size / 1000:.0f} kB, sha256 {digest}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
