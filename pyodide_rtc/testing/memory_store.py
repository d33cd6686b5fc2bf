"""What one browser keeps, in memory, with the faults that browsers have."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import count
from typing import Literal, TypeAlias, TypeVar

from pyodide_rtc.errors import QuotaExceededError, StorageError
from pyodide_rtc.ports import Keeping, LogContents, LogSize

T = TypeVar("T")

Fault: TypeAlias = Literal["refused", "full", "late", "dies before", "dies after"]
"""What can happen to one operation of a `MemoryStore`:

- "refused": it is not done, and a `StorageError` says so.
- "full": it is not done, and a `QuotaExceededError` says so. A browser may refuse one write so and
  do the next one, which is smaller.
- "late": it is done, and a `StorageError` says that it is not.
- "dies before", "dies after": our tab or worker ends, just before or just after it is done. This
  operation and all later ones of the same `MemoryStore` never end, and the later ones do nothing.
"""


@dataclass(slots=True)
class _MemoryLog:
    life: str
    records: dict[int, bytes] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=lambda: count(1))
    changed_s: float = 0.0

    def size(self) -> LogSize:
        size_bytes = sum(map(len, self.records.values()))
        return LogSize(self.life, len(self.records), size_bytes, self.changed_s)


class MemoryDisk:
    """What all stores of one browser share: the logs, and how much room there is.

    Args:
        quota_bytes: how many bytes all records together may have.
    """

    def __init__(self, quota_bytes: float = math.inf) -> None:
        self.quota_bytes = quota_bytes
        self.logs: dict[str, _MemoryLog] = {}
        self._lives = count(1)

    @property
    def size_bytes(self) -> int:
        """How many bytes all records have."""
        return sum(log.size().size_bytes for log in self.logs.values())

    def clear(self) -> None:
        """Remove everything, as people can in the settings of their browser."""
        self.logs.clear()

    def damage(self, log: str, number: int, record: bytes) -> None:
        """Put other bytes in the place of a record."""
        self.logs[log].records[number] = record

    def read(self, name: str) -> LogContents:
        """Read all records of a log."""
        log = self.logs.get(name)
        return (
            LogContents("", ()) if log is None else LogContents(log.life, (*log.records.items(),))
        )

    def append(self, name: str, records: Sequence[bytes], life: str) -> LogSize | None:
        """Append records."""
        log = self.logs.get(name)
        if life and (log is None or log.life != life):
            return None
        self._require(sum(map(len, records)))
        if log is None:
            log = self.logs[name] = _MemoryLog(f"life {next(self._lives)}")
        log.records |= {next(log.numbers): record for record in records}
        log.changed_s = asyncio.get_running_loop().time()
        return log.size()

    def take(self, name: str, life: str, numbers: Sequence[int]) -> list[bytes] | None:
        """Take records out of a log; None if one of them is gone."""
        log = self.logs.get(name)
        if log is None or log.life != life or not log.records.keys() >= set(numbers):
            return None
        taken = [log.records.pop(number) for number in numbers]
        if not log.records:
            del self.logs[name]
        return taken

    def replace(
        self, name: str, life: str, numbers: Sequence[int], record: bytes
    ) -> LogSize | None:
        """Put one record in the place of several."""
        before = self.read(name)
        freed = sum(len(data) for number, data in before.records if number in numbers)
        self._require(len(record) - freed)
        log = self.logs.get(name)
        if self.take(name, life, numbers) is None or log is None:
            return None
        self.logs[name] = log  # it lives on, if these were all of its records
        return self.append(name, [record], life)

    def move(self, name: str, life: str, numbers: Sequence[int], to: str) -> bool:
        """Move records to the end of another log."""
        taken = self.take(name, life, numbers)
        if taken is not None:
            self.append(to, taken, "")
        return taken is not None

    def _require(self, more_bytes: int) -> None:
        if more_bytes > 0 and self.size_bytes + more_bytes > self.quota_bytes:
            raise QuotaExceededError("QuotaExceededError: the disk is full")


class MemoryStore:
    """The store of one tab or worker.

    Args:
        disk: what all stores of the same browser share; by default it has its own.
    """

    keeping = Keeping("browser")

    def __init__(self, disk: MemoryDisk | None = None) -> None:
        self.disk = disk or MemoryDisk()
        self.delay_s = 0.0
        """How long each operation takes, in seconds."""
        self.refusal = ""
        """Why every operation is refused; empty if none is."""
        self.operations = 0
        """How many operations there were, the unfinished ones included."""
        self._faults: dict[int, Fault] = {}
        self.is_dead = False
        """Whether our tab has ended."""

    def plan(self, fault: Fault, *, after: int = 0) -> None:
        """Plan a fault.

        Args:
            fault: what is to happen.
            after: how many operations go well before it.
        """
        self._faults[self.operations + after] = fault

    def die(self) -> None:
        """End, as a tab does: no operation does anything any more, or ends."""
        self.is_dead = True

    async def read(self, log: str) -> LogContents:
        """Read all records of a log."""
        return await self._run(lambda: self.disk.read(log))

    async def append(self, log: str, record: bytes, life: str) -> LogSize | None:
        """Append a record."""
        return await self._run(lambda: self.disk.append(log, [record], life))

    async def replace(
        self, log: str, life: str, numbers: Sequence[int], record: bytes
    ) -> LogSize | None:
        """Put one record in the place of several."""
        return await self._run(lambda: self.disk.replace(log, life, numbers, record))

    async def move(self, log: str, life: str, numbers: Sequence[int], to: str) -> bool:
        """Move records to the end of another log."""
        return await self._run(lambda: self.disk.move(log, life, numbers, to))

    async def remove(self, log: str) -> None:
        """Remove a log."""
        await self._run(lambda: self.disk.logs.pop(log, None))

    async def logs(self) -> Mapping[str, LogSize]:
        """List all logs."""
        return await self._run(lambda: {name: log.size() for name, log in self.disk.logs.items()})

    async def _run(self, step: Callable[[], T]) -> T:
        fault = self._faults.pop(self.operations, None)
        self.operations += 1
        await asyncio.sleep(self.delay_s)
        if fault == "dies before":
            self.die()
        await self._unless_dead()
        if self.refusal or fault == "refused":
            raise StorageError(self.refusal or "InvalidStateError: the connection is closed")
        if fault == "full":
            raise QuotaExceededError("QuotaExceededError: the disk is full")
        result = step()
        if fault == "late":
            raise StorageError("AbortError: the connection was lost")
        if fault == "dies after":
            self.die()
        await self._unless_dead()
        return result

    async def _unless_dead(self) -> None:
        if self.is_dead:
            await asyncio.get_running_loop().create_future()
