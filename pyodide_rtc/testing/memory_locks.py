"""The locks of one browser in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyodide_rtc.testing.network import Network


class MemoryLock:
    """A lock that is held, or one that is watched."""

    def __init__(self, locks: MemoryLocks, name: str, on_free: Callable[[], None] | None) -> None:
        self.name = name
        self.on_free = on_free
        self._locks = locks

    def close(self) -> None:
        """Release the lock, or stop watching it."""
        self._locks.remove(self)


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
        """Hold a lock of our own."""
        lock = self._add(name, None)
        asyncio.get_running_loop().call_soon(on_held)
        return lock

    def watch(self, name: str, on_free: Callable[[], None]) -> MemoryLock:
        """Call back when nobody holds the lock any more."""
        lock = self._add(name, on_free)
        self._tell(name)
        return lock

    def remove(self, lock: MemoryLock) -> None:
        """Forget a lock, and call back all that watch it if it is free now."""
        if lock in self._all:
            self._all.remove(lock)
            self._tell(lock.name)

    def release_all(self) -> None:
        """Release everything, as the browser does for a host that dies."""
        for lock in self._own:
            self.remove(lock)

    def _add(self, name: str, on_free: Callable[[], None] | None) -> MemoryLock:
        lock = MemoryLock(self, name, on_free)
        self._own.append(lock)
        self._all.append(lock)
        return lock

    def _tell(self, name: str) -> None:
        same = [lock for lock in self._all if lock.name == name]
        if any(lock.on_free is None for lock in same):
            return
        for lock in same:
            self._all.remove(lock)
            assert lock.on_free is not None, "all of them watch"
            asyncio.get_running_loop().call_soon(lock.on_free)
