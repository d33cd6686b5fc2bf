"""Write a wheel whose bytes depend on its content alone: no clock, no user, no folder order."""

import base64
import hashlib
import zipfile
from collections.abc import Mapping
from pathlib import Path

ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
REGULAR_FILE = 0o100644


def write_wheel(path: Path, files: Mapping[str, bytes], dist_info: str) -> None:
    """Write the files, by name inside the wheel, and the RECORD of them all.

    Args:
        path: the wheel.
        files: everything but RECORD.
        dist_info: the folder of metadata in the wheel, `<name>-<version>.dist-info`.
    """
    record = f"{dist_info}/RECORD"
    everything = {**files, record: _record(files, record).encode()}
    with zipfile.ZipFile(path, "w") as archive:
        # Metadata last, as the wheel specification advises: readers find it at the archive's end.
        for name in sorted(everything, key=lambda name: (name.startswith(dist_info), name)):
            entry = zipfile.ZipInfo(name, ZIP_EPOCH)
            entry.external_attr = REGULAR_FILE << 16
            entry.create_system = 3  # Unix, also when written elsewhere
            archive.writestr(entry, everything[name], zipfile.ZIP_DEFLATED, compresslevel=9)


def _record(files: Mapping[str, bytes], record: str) -> str:
    lines = [f"{name},sha256={_digest(files[name])},{len(files[name])}" for name in sorted(files)]
    return "\n".join([*lines, f"{record},,", ""])


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()


def wheel_metadata(tag: str, generator: str) -> bytes:
    """Return the content of a WHEEL file of a platform wheel with one tag."""
    lines = ["Wheel-Version: 1.0", f"Generator: {generator}", "Root-Is-Purelib: false"]
    return "\n".join([*lines, f"Tag: {tag}", ""]).encode()
