"""The browser's Web Locks: how tabs and workers of one browser see each other die."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import js

from pyodide_rtc.browser.ffi import ProxyScope, thread

__all__ = ["BrowserLock", "BrowserLocks"]


class BrowserLock:
    """A request for a lock: waits, then has it, until it is closed."""

    def __init__(self, name: str, on_held: Callable[[], None]) -> None:
        self._scope = ProxyScope()
        self._release: Any = thread().holdLock(name, self._scope.proxy(on_held))

    def close(self) -> None:
        """Give the lock up, or wait for it no longer; twice is no error."""
        self._release()
        self._scope.close()


class _NoLock:
    def close(self) -> None:
        pass


class BrowserLocks:
    """`navigator.locks`, or on an insecure page what stands for it: nobody is ever seen to die."""

    def __init__(self) -> None:
        self._has_locks = getattr(js.navigator, "locks", None) is not None

    def claim(self, name: str, on_held: Callable[[], None]) -> BrowserLock | _NoLock:
        """Take a lock of our own."""
        if self._has_locks:
            return BrowserLock(name, on_held)
        asyncio.get_running_loop().call_soon(on_held)
        return _NoLock()

    def watch(self, name: str, on_free: Callable[[], None]) -> BrowserLock | _NoLock:
        """Tell when nobody holds the lock any more: then it is ours, and given back."""
        if not self._has_locks:
            return _NoLock()

        def on_held() -> None:
            asyncio.get_running_loop().call_soon(lock.close)
            on_free()

        lock = BrowserLock(name, on_held)
        return lock
