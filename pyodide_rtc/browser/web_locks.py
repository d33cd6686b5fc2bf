"""The browser's Web Locks: by them tabs and workers of one browser notice when another one dies."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import js

from pyodide_rtc import background
from pyodide_rtc.browser.ffi import ProxyScope, thread

__all__ = ["BrowserLock", "BrowserLocks"]


class BrowserLock:
    """A request for a lock: it waits, and then holds the lock until it is closed."""

    def __init__(self, name: str, on_held: Callable[[], None]) -> None:
        self._scope = ProxyScope()
        self._release: Any = thread().holdLock(name, self._scope.proxy(on_held))

    def close(self) -> None:
        """Release the lock, or stop waiting for it; twice is no error."""
        self._release()
        self._scope.close()


class _NoLock:
    def close(self) -> None:
        pass


class BrowserLocks:
    """`navigator.locks`; an insecure page has none, and every lock counts as held for ever."""

    def __init__(self) -> None:
        self._has_locks = getattr(js.navigator, "locks", None) is not None

    def claim(self, name: str, on_held: Callable[[], None]) -> BrowserLock | _NoLock:
        """Hold a lock of our own."""
        if self._has_locks:
            return BrowserLock(name, on_held)
        background.soon(on_held)
        return _NoLock()

    def watch(self, name: str, on_free: Callable[[], None]) -> BrowserLock | _NoLock:
        """Call back when nobody holds the lock any more: then we get it, and release it at once."""
        if not self._has_locks:
            return _NoLock()

        def on_held() -> None:
            background.soon(lock.close)
            on_free()

        lock = BrowserLock(name, on_held)
        return lock

    async def names(self) -> Sequence[str]:
        """Return the names of the locks that tabs and workers of this browser hold."""
        if not self._has_locks:
            return ()
        found = await js.navigator.locks.query()
        return [lock.name for lock in found.held]
