"""The logs of `ports.Store` in a storage of texts: the page's `localStorage`, where it must do.

A log is one text, written anew with each record: so it changes as a whole or not at all. Who
changes something holds a Web Lock meanwhile.

Layout: under "pyodide-rtc logs" a JSON list of the names of logs. Under "pyodide-rtc log " and the
name a JSON object: "life", "next" (the number of the next record), "changed" (seconds since 1970),
and "records", by number in base64.
"""

from __future__ import annotations

import base64
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass, field

from pyodide_rtc.errors import StorageError
from pyodide_rtc.locking import held
from pyodide_rtc.ports import Keeping, KeyValueStore, Locks, LogContents, LogSize

__all__ = ["MemoryValues", "PageStore"]

_NAMES_KEY = "pyodide-rtc logs"
_LOG_KEY = "pyodide-rtc log "
_LOCK = "pyodide-rtc logs of the page"
_LOCK_TIMEOUT_S = 5.0


class MemoryValues:
    """Texts that are kept nowhere: for browsers that refuse every storage."""

    def __init__(self) -> None:
        self._values: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        """Read a value; None where there is none."""
        return self._values.get(key)

    async def set(self, key: str, value: str) -> None:
        """Write a value."""
        self._values[key] = value

    async def remove(self, key: str) -> None:
        """Remove a value; no error where there is none."""
        self._values.pop(key, None)


@dataclass(slots=True)
class _Log:
    life: str
    next: int = 1
    changed: float = 0.0
    records: dict[str, str] = field(default_factory=dict)

    def add(self, records: Sequence[str]) -> None:
        for record in records:
            self.records[str(self.next)] = record
            self.next += 1
        self.changed = time.time()

    def take(self, numbers: Sequence[int]) -> list[str] | None:
        """Take records out; None if one of them is gone."""
        keys = [str(number) for number in numbers]
        if not self.records.keys() >= set(keys):
            return None
        return [self.records.pop(key) for key in keys]

    def contents(self) -> list[tuple[int, bytes]]:
        return [(int(key), base64.b64decode(text)) for key, text in self.records.items()]

    def size(self) -> LogSize:
        size_bytes = sum(len(record) for _, record in self.contents())
        return LogSize(self.life, len(self.records), size_bytes, self.changed)


class PageStore:
    """Logs in texts under keys.

    Args:
        values: where the texts are kept.
        locks: the browser's locks.
        keeping: what to say of it.
    """

    def __init__(self, values: KeyValueStore, locks: Locks, keeping: Keeping) -> None:
        self._values = values
        self._locks = locks
        self.keeping = keeping

    async def read(self, log: str) -> LogContents:
        """Read all records of a log."""
        found = await self._load(log)
        return LogContents("", ()) if found is None else LogContents(found.life, found.contents())

    async def append(self, log: str, record: bytes, life: str) -> LogSize | None:
        """Append a record."""
        async with self._alone():
            found = await self._load(log)
            if life and (found is None or found.life != life):
                return None
            return await self._add(log, found, [_as_text(record)])

    async def replace(
        self, log: str, life: str, numbers: Sequence[int], record: bytes
    ) -> LogSize | None:
        """Put one record in the place of several."""
        async with self._alone():
            found = await self._load(log)
            if found is None or found.life != life or found.take(numbers) is None:
                return None
            return await self._add(log, found, [_as_text(record)])

    async def move(self, log: str, life: str, numbers: Sequence[int], to: str) -> bool:
        """Move records to the end of another log.

        They are there first: if we die in between, they are in both.
        """
        async with self._alone():
            found = await self._load(log)
            if found is None or found.life != life:
                return False
            taken = found.take(numbers)
            if taken is None:
                return False
            await self._add(to, await self._load(to), taken)
            await (self._save(log, found) if found.records else self._drop(log))
            return True

    async def remove(self, log: str) -> None:
        """Remove a log."""
        async with self._alone():
            await self._drop(log)

    async def logs(self) -> Mapping[str, LogSize]:
        """List all logs. Here this reads them: they cannot be large."""
        found = {name: await self._load(name) for name in await self._names()}
        return {name: log.size() for name, log in found.items() if log is not None}

    async def _add(self, name: str, log: _Log | None, records: Sequence[str]) -> LogSize:
        if log is None:
            log = _Log(uuid.uuid4().hex)
            await self._change_names(lambda names: names | {name})
        log.add(records)
        await self._save(name, log)
        return log.size()

    async def _drop(self, name: str) -> None:
        await self._values.remove(_LOG_KEY + name)
        await self._change_names(lambda names: names - {name})

    async def _names(self) -> set[str]:
        return set(json.loads(await self._values.get(_NAMES_KEY) or "[]"))

    async def _change_names(self, change: Callable[[set[str]], set[str]]) -> None:
        await self._values.set(_NAMES_KEY, json.dumps(sorted(change(await self._names()))))

    async def _load(self, name: str) -> _Log | None:
        text = await self._values.get(_LOG_KEY + name)
        try:
            return None if text is None else _Log(**json.loads(text))
        except (ValueError, TypeError) as exc:
            raise StorageError(f"what the page keeps of {name!r} cannot be read: {exc}") from exc

    async def _save(self, name: str, log: _Log) -> None:
        await self._values.set(_LOG_KEY + name, json.dumps(asdict(log)))

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Change something while nobody else does.

        Raises:
            StorageError: another tab does not come to an end.
        """
        async with AsyncExitStack() as stack:
            try:
                await stack.enter_async_context(held(self._locks, _LOCK, _LOCK_TIMEOUT_S))
            except TimeoutError as exc:
                problem = f"another tab writes for {_LOCK_TIMEOUT_S:g} s already"
                raise StorageError(problem) from exc
            yield


def _as_text(record: bytes) -> str:
    return base64.b64encode(record).decode()
