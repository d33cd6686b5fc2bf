"""Rooms as files, to take along or to keep elsewhere.

Layout: a ZIP file with

- "index.json": {"format": "pyodide-rtc room", "version": 1, "room": name of the room, "documents":
  [{"name": name of the document, empty for the main one, "file": name of its file}, ...]},
- one file for each document, "0.ydoc" and so on: a plain Yjs update, format v1. Stock Yjs reads it
  by `Y.applyUpdate(doc, bytes)`.

Nothing in it is encrypted, also if the room has a password.
"""

from __future__ import annotations

import io
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass

from pyodide_rtc.errors import DecodeError, MessageTooBigError
from pyodide_rtc.wire.json_text import decode_json, encode_json
from pyodide_rtc.wire.update_extent import nests_too_deep
from pyodide_rtc.yrs import is_readable

__all__ = ["MAX_EXPORT_BYTES", "RoomExport", "pack_room", "unpack_room"]

MAX_EXPORT_BYTES = 256 * 1024 * 1024
"""The largest file that is read, and the most that all documents in it may have."""

_FORMAT = "pyodide-rtc room"
_VERSION = 1
_INDEX = "index.json"
_MAX_INDEX_BYTES = 4 * 1024 * 1024
_MAX_DOCUMENTS = 1_000

_DAMAGED = (
    zipfile.BadZipFile,
    zlib.error,
    KeyError,  # a file is missing
    EOFError,
    OSError,  # an offset that cannot be
    NotImplementedError,  # a compression that we do not write
    RuntimeError,  # encrypted
    ValueError,
)
"""What `zipfile` raises on files that are no ZIP, or damaged."""


@dataclass(frozen=True, slots=True)
class RoomExport:
    """What a file has of a room.

    Args:
        room: the room's name.
        documents: name to Yjs update, format v1.
    """

    room: str
    documents: Mapping[str, bytes]


def pack_room(export: RoomExport) -> bytes:
    """Make a file of a room's documents."""
    data = io.BytesIO()
    files = {name: f"{i}.ydoc" for i, name in enumerate(export.documents)}
    listed = [{"name": name, "file": file} for name, file in files.items()]
    index = {"format": _FORMAT, "version": _VERSION, "room": export.room, "documents": listed}
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(_INDEX, encode_json(index))
        for name, file in files.items():
            archive.writestr(file, export.documents[name])
    return data.getvalue()


def unpack_room(data: bytes) -> RoomExport:
    """Read such a file, which anybody may have made.

    Raises:
        DecodeError: it is no such file, or damaged.
        MessageTooBigError: it is larger than `MAX_EXPORT_BYTES`, or would be.
    """
    if len(data) > MAX_EXPORT_BYTES:
        raise MessageTooBigError(len(data), MAX_EXPORT_BYTES, "in")
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return _read(archive)
    except _DAMAGED as exc:
        raise DecodeError(f"a file of a room ({exc})", excerpt=data) from exc


def _read(archive: zipfile.ZipFile) -> RoomExport:
    room, files = _read_index(_bounded(archive, _INDEX, _MAX_INDEX_BYTES))
    documents: dict[str, bytes] = {}
    left = MAX_EXPORT_BYTES
    for name, file in files.items():
        update = _bounded(archive, file, left)
        left -= len(update)
        if nests_too_deep(update) or not is_readable(update):
            raise DecodeError(f"a Yjs update in {file!r}", excerpt=update)
        documents[name] = update
    return RoomExport(room, documents)


def _bounded(archive: zipfile.ZipFile, file: str, max_bytes: int) -> bytes:
    """Read a file of the archive, which may say anything of its size."""
    if archive.getinfo(file).compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise DecodeError("a file that is compressed as in ours")
    with archive.open(file) as opened:
        data = opened.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise MessageTooBigError(len(data), max_bytes, "in")
    return data


def _read_index(data: bytes) -> tuple[str, dict[str, str]]:
    match decode_json(data.decode()):
        case {"format": str(kind), "version": version} if kind == _FORMAT and version != _VERSION:
            raise DecodeError(f"version {_VERSION} of the format, not {version!r}", excerpt=data)
        case {"format": str(kind), "room": str(room), "documents": list(listed)} if (
            kind == _FORMAT and len(listed) <= _MAX_DOCUMENTS
        ):
            return room, dict(_read_entry(entry) for entry in listed)
    raise DecodeError("the index of a room", excerpt=data)


def _read_entry(entry: object) -> tuple[str, str]:
    match entry:
        case {"name": str(name), "file": str(file)}:
            return name, file
    raise DecodeError("a document of the index", excerpt=repr(entry).encode())
