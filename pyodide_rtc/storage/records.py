"""The bytes of a record: one Yjs update, plain or sealed with the key of a room with a password."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from pyodide_rtc.errors import DecodeError, DecryptionError, RtcError
from pyodide_rtc.ports import RoomKey, Sealed

__all__ = ["NewerRecord", "PlainRecord", "RecordSealer", "SealedRecord", "decode", "encode"]

T = TypeVar("T")

_VERSION = 1
_PLAIN, _SEALED = 0, 1
_HEAD_BYTES = 2
_IV_BYTES = 12
_TAG_BYTES = 16

_AT_ONCE = 16
"""So many records are decrypted at the same time: each takes about a millisecond of waiting."""


@dataclass(frozen=True, slots=True)
class PlainRecord:
    """A record that everybody can read.

    Args:
        update: a Yjs update, format v1.
    """

    update: bytes


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """A record that needs the room's key.

    Args:
        iv: 12 bytes.
        ciphertext: the AES-GCM ciphertext of a Yjs update, with its tag of 16 bytes.
    """

    iv: bytes
    ciphertext: bytes


@dataclass(frozen=True, slots=True)
class NewerRecord:
    """A record in a format that this version of the package does not know.

    Args:
        version: the version of its format.
    """

    version: int


def encode(record: PlainRecord | SealedRecord) -> bytes:
    """Write a record.

    Layout: uint8(1) • uint8(0) • update, or uint8(1) • uint8(1) • iv of 12 bytes • ciphertext. The
    first number is the version of the format.
    """
    if isinstance(record, PlainRecord):
        return bytes((_VERSION, _PLAIN)) + record.update
    return bytes((_VERSION, _SEALED)) + record.iv + record.ciphertext


def decode(data: bytes) -> PlainRecord | SealedRecord | NewerRecord:
    """Read a record.

    Raises:
        DecodeError: it is damaged.
    """
    if data[:1] and data[0] > _VERSION:
        return NewerRecord(data[0])
    match data[:_HEAD_BYTES]:
        case b"\x01\x00":
            return PlainRecord(data[_HEAD_BYTES:])
        case b"\x01\x01" if len(data) >= _HEAD_BYTES + _IV_BYTES + _TAG_BYTES:
            end = _HEAD_BYTES + _IV_BYTES
            return SealedRecord(data[_HEAD_BYTES:end], data[end:])
    raise DecodeError("a record", 0, data)


class RecordSealer:
    """Makes records of updates, and updates of records.

    Args:
        key: the room's key; None for a room without password.
    """

    def __init__(self, key: RoomKey | None) -> None:
        self._key = key

    async def seal(self, update: bytes) -> bytes:
        """Make a record.

        Raises:
            BrowserUnsupportedError: there is no key, as the browser has no cryptography.
        """
        if self._key is None:
            return encode(PlainRecord(update))
        answer: asyncio.Future[Sealed] = asyncio.get_running_loop().create_future()
        self._key.encrypt(update, partial(_settle, answer))
        return encode(SealedRecord(*await answer))

    async def unseal(self, records: Sequence[PlainRecord | SealedRecord]) -> list[bytes | None]:
        """Read the updates of records.

        Returns:
            an update for each; None if it is of somebody else: of a room of the same name with
            another password, or with none where we have one, or the other way round.

        Raises:
            BrowserUnsupportedError: there is no key, as the browser has no cryptography.
        """
        if self._key is None:
            return [each.update if isinstance(each, PlainRecord) else None for each in records]
        updates: list[bytes | None] = []
        for start in range(0, len(records), _AT_ONCE):
            some = records[start : start + _AT_ONCE]
            updates += await asyncio.gather(*(self._begin(self._key, each) for each in some))
        return updates

    def _begin(
        self, key: RoomKey, record: PlainRecord | SealedRecord
    ) -> asyncio.Future[bytes | None]:
        answer: asyncio.Future[bytes | None] = asyncio.get_running_loop().create_future()

        def done(result: bytes | RtcError) -> None:
            _settle(answer, None if isinstance(result, DecryptionError) else result)

        if isinstance(record, PlainRecord):
            answer.set_result(None)
        else:
            key.decrypt(record.iv, record.ciphertext, done)
        return answer


def _settle(answer: asyncio.Future[T], result: T | RtcError) -> None:
    if answer.done():  # who asked was cancelled meanwhile
        return
    if isinstance(result, RtcError):
        answer.set_exception(result)
    else:
        answer.set_result(result)
