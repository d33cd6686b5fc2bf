"""What the build of pycrdt needs from the machine: Debian's Rust and linker, npm and pip.

Debian's Rust is taken by its full path, since a rustup in the user's PATH has no source of the
standard library that fits.
"""

import importlib.util
import os
import re
import shutil
from pathlib import Path

from process import BuildError, run
from wasm_linker import WASM_LD

RUSTC = Path("/usr/bin/rustc")
CARGO = Path("/usr/bin/cargo")
RUST_NEEDED = (1, 96)
"""The first version that this build was made with; older ones are untried."""

RUST_SOURCE = "lib/rustlib/src/rust/library/std/Cargo.toml"
CHANGES_THE_CODE = (
    *("CARGO_BUILD_", "CARGO_ENCODED_", "CARGO_INCREMENTAL", "CARGO_PROFILE_", "CARGO_TARGET_"),
    *("CARGO_UNSTABLE_", "PYO3_", "RUST"),
)


def missing_packages() -> dict[str, str]:
    """Return what is missing on this machine: Debian package to what it would give."""
    needs = {
        "rustc-web": (f"{RUSTC} {RUST_NEEDED[0]}.{RUST_NEEDED[1]} or newer", _has_rustc()),
        "cargo-web": (str(CARGO), CARGO.exists()),
        "rust-web-src": ("the source of Rust's standard library", _has_rust_source()),
        "lld-19": (WASM_LD, shutil.which(WASM_LD) is not None),
        "nodejs": ("node", shutil.which("node") is not None),
        "npm": ("npm", shutil.which("npm") is not None),
        "python3-pip": ("Python's module pip", importlib.util.find_spec("pip") is not None),
    }
    return {package: gives for package, (gives, is_there) in needs.items() if not is_there}


def check_tools() -> None:
    """Make sure that everything is there.

    Raises:
        BuildError: with all that is missing and the command that installs it.
    """
    missing = missing_packages()
    if missing:
        lines = [f"  {gives} (Debian package {package})" for package, gives in missing.items()]
        install = f"install with: apt-get install {' '.join(missing)}"
        raise BuildError("\n".join(["missing on this machine:", *lines, install]))


def _has_rustc() -> bool:
    return RUSTC.exists() and rust_version(rustc_version()) >= RUST_NEEDED


def _has_rust_source() -> bool:
    if not RUSTC.exists():
        return False
    sysroot = run([RUSTC, "--print", "sysroot"], cwd=Path("/")).strip()
    return (Path(sysroot) / RUST_SOURCE).exists()


def rustc_version() -> str:
    """Return what rustc says of itself, all lines."""
    return run([RUSTC, "--version", "--verbose"], cwd=Path("/"))


def rust_version(said: str) -> tuple[int, int]:
    """Return major and minor version in the first line of `rustc --version`."""
    found = re.match(r"rustc (\d+)\.(\d+)", said)
    return (int(found[1]), int(found[2])) if found else (0, 0)


def linker_version() -> str:
    """Return what the linker says of itself."""
    return run([WASM_LD, "--version"], cwd=Path("/"))


def clean_environment() -> dict[str, str]:
    """Return the environment without what would change the compiled code; mirrors stay."""
    return {k: v for k, v in os.environ.items() if not k.startswith(CHANGES_THE_CODE)}
