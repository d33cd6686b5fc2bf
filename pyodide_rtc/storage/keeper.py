"""Keeps one open document in this browser: writes its changes, and gives back what was kept.

It owns when something is written, and what happens if that fails. Its document does not know it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import TypeVar

from pyodide_rtc import background
from pyodide_rtc.errors import InternalError, QuotaExceededError, RtcError, StorageError
from pyodide_rtc.ports import Keeping, Lock, Locks, LogSize, RoomKey, Store
from pyodide_rtc.storage.compaction import CompactionPlan, compact
from pyodide_rtc.storage.events import (
    CompactionFailed,
    Event,
    KeptAgain,
    NewerRecords,
    NotKept,
    RecordsSetAside,
)
from pyodide_rtc.storage.log_reader import ReadLog, read_records
from pyodide_rtc.storage.names import LogName, open_lock
from pyodide_rtc.storage.records import RecordSealer
from pyodide_rtc.storage.unwritten import EMPTY_STATE, Source, Unwritten, earliest
from pyodide_rtc.yrs import is_panic

__all__ = ["Keeper", "KeeperStatus", "Source"]

T = TypeVar("T")

WRITE_AFTER_S = 0.2
"""A change is written so long after it was made, with those that were made meanwhile. The writing
itself takes some ms, so 250 ms later it is kept."""

OPERATION_TIMEOUT_S = 30.0
"""An operation that the browser has not ended by then counts as refused."""

_RETRY_S = 5.0
_MAX_RETRY_S = 60.0

_CALM = "You can go on, and who is here gets it; but it is lost when the last of you leaves"
_AGAIN = "It is tried again, and merged then; you can go on"
_FREE = "To have room, forget what you no longer need: pyodide_rtc.stored_rooms() lists it"


@dataclass(frozen=True, slots=True)
class KeeperStatus:
    """What a keeper says of itself.

    Args:
        keeping: where the document is kept; None if this is not known yet.
        records: how many records its log has, as far as this keeper knows.
        size_bytes: the bytes of these records.
        is_saved: whether all changes are written.
        error: why not, if that fails.
    """

    keeping: Keeping | None
    records: int
    size_bytes: int
    is_saved: bool
    error: RtcError | None


class Keeper:
    """Keeps one open document. There may be more than one for its log: other tabs have theirs.

    Args:
        open_store: opens the store; see `Machine.open_store`.
        locks: the browser's locks.
        name: the log's name.
        key: the room's key; None for a room without password. It has to live until `aclose`.
        source: the document.
        holder: says to people who has the document open, if it cannot be forgotten for that reason.
        on_event: called with what a person may want to know.
    """

    def __init__(
        self,
        open_store: Callable[[], Awaitable[Store]],
        locks: Locks,
        name: LogName,
        *,
        key: RoomKey | None,
        source: Source,
        holder: str,
        on_event: Callable[[Event], None],
    ) -> None:
        self._open_store = open_store
        self._locks = locks
        self._name = name
        self._log = str(name)
        self._sealer = RecordSealer(key)
        self._source = source
        self._on_event = on_event
        self._loop = asyncio.get_running_loop()
        self._keeping: Keeping | None = None
        self._life = ""
        self._records = 0
        self._size_bytes = 0
        self._error: RtcError | None = None
        # What the document has may not be in the log: `load` finds out.
        is_empty = source.state_vector == EMPTY_STATE
        self._unwritten: Unwritten | None = None if is_empty else Unwritten(EMPTY_STATE, True)
        self._is_read = False  # or reading has failed
        self._plan = CompactionPlan()
        self._timer: asyncio.TimerHandle | None = None
        self._retry_s = _RETRY_S
        self._writing: asyncio.Task[None] | None = None
        self._compacting: asyncio.Task[None] | None = None
        self._is_closed = False
        self._open_lock: Lock = locks.claim(open_lock(self._log, holder), lambda: None)

    @property
    def status(self) -> KeeperStatus:
        """What is known of the log, and of the changes that are not written yet."""
        is_saved = self._is_read and self._unwritten is None and self._writing is None
        return KeeperStatus(self._keeping, self._records, self._size_bytes, is_saved, self._error)

    async def load(self) -> list[bytes]:
        """Read what was kept. What the document has and the log lacks is written.

        Damaged records are moved to a log of their own, which nobody reads.

        Returns:
            the updates to apply, which mostly is one; empty if nothing was kept. The keeper is not
            to be told of the changes that they make.

        Raises:
            BrowserUnsupportedError: there is no key, as the browser has no cryptography.
            StorageError: the browser refused. Changes are kept, if that works.
        """
        try:
            found = await _in_time(self._read())
        except StorageError as error:
            raise self._unread(error) from error
        finally:
            self._is_read = True
            self._schedule()
        self._plan = CompactionPlan(found.left_bytes + len(found.state or b""), found.left)
        await self._tell_what_is_left(found)
        self._keep_what_lacks(found)
        return found.updates()

    def on_change(self, update: bytes | None, before_state: bytes) -> None:
        """Keep a change of the document, made here or by others: within 250 ms.

        Args:
            update: the change; None for a large one, which is read from the document.
            before_state: the document's state vector before it.
        """
        if self._is_closed:
            return
        if self._unwritten is None:
            self._unwritten = Unwritten(before_state)
        self._unwritten.add(update)
        self._schedule()

    async def flush(self) -> None:
        """Write all changes now, and return once that is done, or has failed."""
        await _end_of(self._writing)
        self._begin()
        await _end_of(self._writing)

    async def aclose(self) -> None:
        """Write all changes, and end; twice is no error. What fails now is not tried again."""
        self._is_closed = True
        await self.flush()
        self._cancel_timer()
        if self._compacting is not None:
            self._compacting.cancel()
        await _end_of(self._compacting)
        self._open_lock.close()

    async def _read(self) -> ReadLog:
        store = await self._opened()
        contents = await store.read(self._log)
        self._life = self._life or contents.life
        self._records = len(contents.records)
        self._size_bytes = sum(len(record) for _, record in contents.records)
        return await read_records(contents, self._sealer)

    async def _opened(self) -> Store:
        store = await self._open_store()
        self._keeping = store.keeping
        return store

    async def _tell_what_is_left(self, found: ReadLog) -> None:
        if found.newer:
            self._on_event(NewerRecords(found.newer))
        if not found.damaged:
            return
        aside = str(LogName(self._name.topic, self._name.document, is_aside=True))
        try:
            store = await self._opened()
            await _in_time(store.move(self._log, found.life, found.damaged, aside))
        except StorageError:  # they stay, and are passed over each time
            aside = ""
        self._on_event(RecordsSetAside(len(found.damaged), aside))

    def _keep_what_lacks(self, found: ReadLog) -> None:
        """Write what the document has, unless the log has it."""
        if self._unwritten is None or self._writing is not None:
            return
        known = found.scratch.state_vector
        # Into an empty log all is written: to try that out first takes thrice as much memory.
        if known == EMPTY_STATE or found.scratch.gains_by(self._source.diff(known)):
            self._unwritten = Unwritten(known, True)
        else:
            self._unwritten = None
            self._cancel_timer()

    def _schedule(self) -> None:
        """Write when it is time, unless that is under way or due already."""
        if self._unwritten is None or not self._is_read or self._is_closed:
            return
        if self._timer is None and self._writing is None:
            delay_s = WRITE_AFTER_S if self._error is None else self._retry_s
            self._timer = background.later(delay_s, self._begin)

    def _cancel_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _begin(self) -> None:
        self._cancel_timer()
        if self._unwritten is not None and self._writing is None:
            changes, self._unwritten = self._unwritten, None
            self._writing = background.begin(self._write(changes))

    async def _write(self, changes: Unwritten) -> None:
        is_written = False
        try:
            size = await _in_time(self._append(changes))
            is_written = True
        except BaseException as error:
            self._fail(_as_told("keeping a document", error))
        finally:
            self._writing = None
            if not is_written:
                self._put_back(changes)
        if is_written:
            self._succeed(size)
        self._schedule()

    def _put_back(self, changes: Unwritten) -> None:
        """Remember what was not written, by its beginning alone: memory does not grow."""
        changes.let_go()
        if self._unwritten is not None:
            changes.since = earliest(changes.since, self._unwritten.since)
        self._unwritten = changes

    async def _append(self, changes: Unwritten) -> LogSize:
        store = await self._opened()
        record = await self._sealer.seal(changes.read(self._source))
        size = await store.append(self._log, record, self._life)
        if size is None:
            # Somebody has removed the log. Our changes build upon what was in it: all is written.
            record = await self._sealer.seal(self._source.diff(EMPTY_STATE))
            size = await store.append(self._log, record, "")
        if size is None:
            raise StorageError("the log can neither be continued nor begun")
        return size

    def _succeed(self, size: LogSize) -> None:
        self._take_size(size)
        if self._error is not None:
            self._error = None
            self._on_event(KeptAgain())
        if self._compacting is None and self._plan.is_due(size) and not self._is_closed:
            self._compacting = background.begin(self._compact(size))

    def _take_size(self, size: LogSize) -> None:
        self._life = size.life
        self._records, self._size_bytes = size.records, size.size_bytes

    async def _compact(self, size: LogSize) -> None:
        try:
            store = await self._opened()
            done = await _in_time(compact(store, self._locks, self._log, self._sealer))
        except BaseException as error:
            told = _as_told("compacting a log", error)
            self._plan = CompactionPlan(size.size_bytes, size.records)
            # Where there is no room for both forms, the log is complete: the next write says more.
            if not isinstance(told, QuotaExceededError):
                self._on_event(CompactionFailed(told))
        else:
            if done is not None:
                self._take_size(done.size)
                self._plan = CompactionPlan(done.size.size_bytes, done.left)
        finally:
            self._compacting = None

    def _fail(self, error: RtcError) -> None:
        is_first = self._error is None
        self._error = self._described(error)
        self._retry_s = _RETRY_S if is_first else min(2 * self._retry_s, _MAX_RETRY_S)
        if is_first:
            self._on_event(NotKept(self._error))

    def _unread(self, error: StorageError) -> StorageError:
        kind = type(error)
        return kind(
            f"what this browser keeps of {self._what} cannot be read now: {error}. {_AGAIN}"
        )

    @property
    def _what(self) -> str:
        """The document, as people know it."""
        room = f"room {self._name.room!r}"
        document = self._name.document
        return f"{room}, document {document!r}" if document else room

    def _described(self, error: RtcError) -> RtcError:
        """Say which document is not kept, and what to do."""
        problem = f"what you change in {self._what} is not kept: {error}"
        match error:
            case QuotaExceededError():
                described: RtcError = QuotaExceededError(f"{problem}. {_CALM}. {_FREE}")
            case StorageError():
                described = StorageError(f"{problem}. {_CALM}")
            case _:
                return error
        described.__cause__ = error
        return described


def _as_told(task: str, error: BaseException) -> RtcError:
    """Return the error to tell of what was raised.

    Raises:
        BaseException: it is one that ends the task.
    """
    if isinstance(error, RtcError):
        return error
    if isinstance(error, Exception) or is_panic(error):
        return InternalError.of(task, error)
    raise error


async def _end_of(task: asyncio.Task[None] | None) -> None:
    """Wait until a task has ended; if we are cancelled meanwhile, it goes on."""
    if task is not None:
        await asyncio.wait([task])


async def _in_time(work: Coroutine[None, None, T]) -> T:
    """Do what the browser may never end.

    Raises:
        StorageError: it has not ended in time.
    """
    try:
        return await asyncio.wait_for(work, OPERATION_TIMEOUT_S)
    except TimeoutError as exc:
        problem = f"the browser has not answered for {OPERATION_TIMEOUT_S:g} s"
        raise StorageError(problem) from exc
