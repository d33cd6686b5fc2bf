"""What a keeper tells: things that a person may want to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from pyodide_rtc.errors import RtcError

__all__ = [
    "CompactionFailed",
    "Event",
    "KeptAgain",
    "NewerRecords",
    "NotKept",
    "RecordsSetAside",
]


@dataclass(frozen=True, slots=True)
class NotKept:
    """A change could not be written. This is told once, until it works again (`KeptAgain`).

    Args:
        error: why, and what to do: a `QuotaExceededError` if there is no room, else mostly another
            `StorageError`. Its sentence names room and document.
    """

    error: RtcError


@dataclass(frozen=True, slots=True)
class KeptAgain:
    """What could not be written is written."""


@dataclass(frozen=True, slots=True)
class RecordsSetAside:
    """Damaged records were found. What could be read is used.

    Args:
        records: how many they are.
        log: the log that they were moved to; empty if that could not be done.
    """

    records: int
    log: str


@dataclass(frozen=True, slots=True)
class NewerRecords:
    """A later version of the package has written records. They are left alone.

    Args:
        records: how many they are.
    """

    records: int


@dataclass(frozen=True, slots=True)
class CompactionFailed:
    """The log could not be made smaller. Nothing is lost; it is tried again when it has grown.

    A keeper that lacks the room for it does not tell this: it tells the first change that it has no
    room for (`NotKept`).

    Args:
        error: why.
    """

    error: RtcError


Event: TypeAlias = NotKept | KeptAgain | RecordsSetAside | NewerRecords | CompactionFailed
