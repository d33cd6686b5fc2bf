"""The locks of one browser in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyodide_rtc.testing.network import Network


@dataclass(eq=False, slots=True)
class MemoryLock:
    """A lock that is held or waited for, or one that is watched.

    Args:
        locks: where it belongs.
        name: its name.
        then: called when it is held, or found free.
        is_watched: whether it is only watched.
        is_held: whether it is held.
    """

    locks: MemoryLocks
    name: str
    then: Callable[[], None]
    is_watched: bool
    is_held: bool = False

    def close(self) -> None:
        """Release the lock, or stop waiting for it or watching it."""
        self.locks.remove(self)


class MemoryLocks:
    """The locks of one host's browser, as the host uses them.

    Args:
        network: keeps the locks of all browsers.
        browser: hosts of the same browser share locks.
    """

    def __init__(self, network: Network, browser: str) -> None:
        self._all = network.locks[browser]
        self._own: list[MemoryLock] = []

    def claim(self, name: str, on_held: Callable[[], None]) -> MemoryLock:
        """Hold a lock of our own, as soon as nobody else does."""
        return self._add(MemoryLock(self, name, on_held, is_watched=False))

    def watch(self, name: str, on_free: Callable[[], None]) -> MemoryLock:
        """Call back when nobody holds the lock any more."""
        return self._add(MemoryLock(self, name, on_free, is_watched=True))

    async def names(self) -> Sequence[str]:
        """Return the names of the locks that are held."""
        return [lock.name for lock in self._all if lock.is_held]

    def remove(self, lock: MemoryLock) -> None:
        """Forget a lock; who waits for it has it now."""
        if lock in self._all:
            self._all.remove(lock)
            self._tell(lock.name)

    def release_all(self) -> None:
        """Release everything, as the browser does for a host that dies."""
        for lock in self._own:
            self.remove(lock)

    def _add(self, lock: MemoryLock) -> MemoryLock:
        self._own.append(lock)
        self._all.append(lock)
        self._tell(lock.name)
        return lock

    def _tell(self, name: str) -> None:
        """Call back all that watch a free lock, else the first that waits for it."""
        same = [lock for lock in self._all if lock.name == name]
        for lock in same:
            if lock.is_held:
                return
            asyncio.get_running_loop().call_soon(self._call, lock)
            if not lock.is_watched:
                lock.is_held = True
                return
            self._all.remove(lock)

    def _call(self, lock: MemoryLock) -> None:
        if lock.is_watched or lock in self._all:  # else it was closed a moment ago
            lock.then()
