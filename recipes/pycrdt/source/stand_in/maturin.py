"""A stand-in for the build backend maturin while pip downloads pycrdt's source archive.

pip asks the build backend for a source archive's metadata even when it only downloads it. The
archive already holds them as PKG-INFO, so neither maturin nor a Rust compiler is needed for that.
"""

import email
import shutil
from pathlib import Path


def prepare_metadata_for_build_wheel(
    metadata_directory: str, config_settings: object = None
) -> str:
    """Answer pip's question of PEP 517; pip runs it in the unpacked source archive."""
    info = email.message_from_bytes(Path("PKG-INFO").read_bytes())
    folder = Path(metadata_directory) / f"{info['Name']}-{info['Version']}.dist-info"
    folder.mkdir()
    shutil.copy("PKG-INFO", folder / "METADATA")
    return folder.name
