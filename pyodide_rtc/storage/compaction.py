"""Puts one record in the place of all that a log has of a document."""

from __future__ import annotations

from dataclasses import dataclass

from pyodide_rtc.errors import InternalError
from pyodide_rtc.locking import held
from pyodide_rtc.ports import Locks, LogSize, Store
from pyodide_rtc.storage.log_reader import read_records
from pyodide_rtc.storage.names import compaction_lock
from pyodide_rtc.storage.records import RecordSealer

__all__ = ["Compacted", "CompactionPlan", "compact"]

MAX_RECORDS = 500
"""A log with so many records is compacted: to read them all takes long."""

_MIN_BYTES = 64 * 1024
"""A log below this size is not worth the work, unless it has many records."""

_GROWTH = 2
_LOCK_TIMEOUT_S = 1.0


@dataclass(frozen=True, slots=True)
class Compacted:
    """A log after its compaction.

    Args:
        size: the log.
        left: how many records were left as they were.
    """

    size: LogSize
    left: int


@dataclass(slots=True)
class CompactionPlan:
    """Decides when a log is compacted.

    Args:
        size_bytes: how large the log is, or would be, when it is compacted.
        left: how many of its records a compaction leaves as they are.
    """

    size_bytes: int = 0
    left: int = 0

    def is_due(self, size: LogSize) -> bool:
        """Return whether a log of this size should be compacted."""
        grown_bytes = max(_GROWTH * self.size_bytes, _MIN_BYTES)
        return size.records - self.left >= MAX_RECORDS or size.size_bytes >= grown_bytes


async def compact(store: Store, locks: Locks, log: str, sealer: RecordSealer) -> Compacted | None:
    """Compact a log, with what other tabs have written to it.

    Records that cannot be read, wait for others, or belong to somebody else stay as they are. The
    new record is there as soon as the old ones are gone.

    Returns:
        None if another tab compacts it, did so just now, or there is nothing to do.

    Raises:
        BrowserUnsupportedError: there is no key, as the browser has no cryptography.
        InternalError: Yrs cannot read the merged document. The log stays as it is.
        StorageError: the browser refused. The log is as it was, or compacted.
    """
    try:
        async with held(locks, compaction_lock(log), _LOCK_TIMEOUT_S):
            return await _compact(store, log, sealer)
    except TimeoutError:
        return None


async def _compact(store: Store, log: str, sealer: RecordSealer) -> Compacted | None:
    found = await read_records(await store.read(log), sealer)
    if len(found.whole) < 2:
        return None
    if found.state is None:
        raise InternalError("compacting a log", "Yrs cannot read the merged document")
    record = await sealer.seal(found.state)
    size = await store.replace(log, found.life, found.whole, record)
    return None if size is None else Compacted(size, found.left)
