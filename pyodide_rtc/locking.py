"""Waiting for the browser's locks, but never for ever."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from pyodide_rtc.ports import Lock, Locks

__all__ = ["held", "until_free"]


@asynccontextmanager
async def held(locks: Locks, name: str, timeout_s: float) -> AsyncIterator[None]:
    """Hold a lock.

    Args:
        locks: the browser's locks.
        name: the lock's name.
        timeout_s: how many seconds to wait for it.

    Raises:
        TimeoutError: somebody else holds it for so long.
    """
    lock = await _called(lambda tell: locks.claim(name, tell), timeout_s)
    try:
        yield
    finally:
        lock.close()


async def until_free(locks: Locks, name: str, timeout_s: float) -> None:
    """Wait until nobody holds a lock.

    Args:
        locks: the browser's locks.
        name: the lock's name.
        timeout_s: how many seconds to wait.

    Raises:
        TimeoutError: somebody holds it for so long.
    """
    lock = await _called(lambda tell: locks.watch(name, tell), timeout_s)
    lock.close()


async def _called(ask: Callable[[Callable[[], None]], Lock], timeout_s: float) -> Lock:
    called = asyncio.Event()
    lock = ask(called.set)
    try:
        await asyncio.wait_for(called.wait(), timeout_s)
    except BaseException:  # too late, or cancelled: nobody waits for the lock any more
        lock.close()
        raise
    return lock
