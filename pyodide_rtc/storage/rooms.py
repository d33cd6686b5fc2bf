"""What is kept in this browser, by room: listed, read, written and forgotten without opening it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from pycrdt import merge_updates

from pyodide_rtc.errors import StorageError
from pyodide_rtc.locking import held, until_free
from pyodide_rtc.ports import Locks, LogSize, RoomKey, Store
from pyodide_rtc.storage.log_reader import read_records
from pyodide_rtc.storage.names import LogName, compaction_lock, room_locks
from pyodide_rtc.storage.records import RecordSealer

__all__ = [
    "StoredDocument",
    "StoredRoom",
    "forget_room",
    "read_room",
    "stored_rooms",
    "write_room",
]

FORGET_TIMEOUT_S = 5.0
"""So long `forget_room` waits for others to close the room."""

REMOVE_TIMEOUT_S = 30.0
"""So long it waits for the browser."""


@dataclass(frozen=True, slots=True)
class StoredDocument:
    """One log.

    Args:
        name: the document's name; empty for the room's main document.
        is_aside: whether these are records of the document that could not be read.
        records: how many records there are, those of other passwords included.
        size_bytes: their bytes.
        changed_s: when the last one was written, in seconds since 1970.
    """

    name: str
    is_aside: bool
    records: int
    size_bytes: int
    changed_s: float

    def __repr__(self) -> str:
        name = f"document {self.name!r}" if self.name else "the room's own document"
        aside = ", not readable" if self.is_aside else ""
        return f"<{name}: {_size_and_time(self.size_bytes, self.changed_s)}{aside}>"


@dataclass(frozen=True, slots=True)
class StoredRoom:
    """What is kept of one room.

    Args:
        topic: its topic: host, "/" and room.
        documents: what is kept, by name.
    """

    topic: str
    documents: tuple[StoredDocument, ...]

    @property
    def host(self) -> str:
        """The host of the site that the room belongs to."""
        return self.topic.partition("/")[0]

    @property
    def room(self) -> str:
        """The room's name."""
        return self.topic.partition("/")[2]

    @property
    def size_bytes(self) -> int:
        """The bytes of all its records."""
        return sum(document.size_bytes for document in self.documents)

    @property
    def changed_s(self) -> float:
        """When something of it was written last, in seconds since 1970."""
        return max(document.changed_s for document in self.documents)

    def __str__(self) -> str:
        count = "1 document" if len(self.documents) == 1 else f"{len(self.documents)} documents"
        what = _size_and_time(self.size_bytes, self.changed_s, f" in {count}")
        return f"room {self.room!r} at {self.host}: {what}"

    def __repr__(self) -> str:
        return f"<{self}>"


def _size_and_time(size_bytes: int, changed_s: float, where: str = "") -> str:
    changed = datetime.fromtimestamp(changed_s, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return f"{max(1, round(size_bytes / 1000))} kB{where}, changed {changed}"


def stored_rooms(logs: Mapping[str, LogSize]) -> tuple[list[StoredRoom], list[str]]:
    """Sort logs by room.

    Returns:
        the rooms, by topic; and the names of logs that are none of ours, or of a later version.
    """
    rooms: dict[str, list[StoredDocument]] = {}
    others: list[str] = []
    for log, size in sorted(logs.items()):
        name = LogName.parse(log)
        if name is None:
            others.append(log)
            continue
        document = StoredDocument(
            name.document, name.is_aside, size.records, size.size_bytes, size.changed_s
        )
        rooms.setdefault(name.topic, []).append(document)
    return [StoredRoom(topic, tuple(rooms[topic])) for topic in sorted(rooms)], others


async def forget_room(store: Store, locks: Locks, topic: str) -> None:
    """Remove all that is kept of a room, whatever its password.

    Nobody may have it open, neither this kernel: what is changed later builds upon what is removed.

    Raises:
        StorageError: the browser refused; or somebody still has it open after 5 s, and the sentence
            says who.
    """
    room = topic.partition("/")[2]
    try:
        async with asyncio.timeout(FORGET_TIMEOUT_S):
            for lock in room_locks(topic, [*await locks.names()]):
                await until_free(locks, lock, FORGET_TIMEOUT_S)
    except TimeoutError as exc:
        who = ", ".join(sorted({*room_locks(topic, [*await locks.names()]).values()}))
        remedy = "Leave it there, or close that page, and try again"
        if room.endswith("/files"):  # its documents are on a page, which cannot leave it
            remedy = "A page that is opened in a room holds it: forget it from another room's page"
        raise StorageError(
            f"room {room!r} is not forgotten: it is open elsewhere in this browser ({who}). "
            f"{remedy}"
        ) from exc
    try:
        async with asyncio.timeout(REMOVE_TIMEOUT_S):
            for log in await _logs_of(store, topic):
                async with held(locks, compaction_lock(log), REMOVE_TIMEOUT_S):
                    await store.remove(log)
    except TimeoutError as exc:
        raise StorageError(
            f"room {room!r} is not forgotten: the browser has not done it within "
            f"{REMOVE_TIMEOUT_S:g} s. Try again"
        ) from exc


async def read_room(store: Store, topic: str, key: RoomKey | None) -> dict[str, bytes]:
    """Read all documents of a room that can be read with its key: name to one Yjs update.

    Raises:
        BrowserUnsupportedError: there is no key, as the browser has no cryptography.
        StorageError: the browser refused.
    """
    documents = {}
    for log, name in (await _logs_of(store, topic)).items():
        if name.is_aside:
            continue
        updates = (await read_records(await store.read(log), RecordSealer(key))).updates()
        if updates:
            documents[name.document] = merge_updates(*updates)
    return documents


async def write_room(
    store: Store, topic: str, key: RoomKey | None, documents: Mapping[str, bytes]
) -> None:
    """Add documents to what is kept of a room; what is there already is merged with them.

    Who has the room open sees it when it is opened again.

    Args:
        store: where it is kept.
        topic: the room's topic.
        key: the room's key; None for a room without password.
        documents: name to Yjs update.

    Raises:
        BrowserUnsupportedError: there is no key, as the browser has no cryptography.
        StorageError: the browser refused; some documents may be there.
    """
    for name, update in documents.items():
        record = await RecordSealer(key).seal(update)
        await store.append(str(LogName(topic, name)), record, "")


async def _logs_of(store: Store, topic: str) -> dict[str, LogName]:
    names = {log: LogName.parse(log) for log in await store.logs()}
    return {log: name for log, name in names.items() if name is not None and name.topic == topic}
