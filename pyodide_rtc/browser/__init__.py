"""The browser as a host: the only folder that imports `js`.

What this thread has decides which adapter is used: with a `document`, Pyodide is on the page
(direct.py); a worker reaches the page by a bridge (routes.py). To import this module has no effect.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, TypeVar

from pyodide_rtc import background
from pyodide_rtc.errors import BrowserUnsupportedError
from pyodide_rtc.ports import Host

if TYPE_CHECKING:
    from pyodide_rtc.browser.page_port import PagePort

__all__ = ["block", "can_block", "live_proxies", "open_host", "open_page_port"]

_T = TypeVar("_T")
_IS_PYODIDE: bool = sys.platform == "emscripten"


async def open_host() -> Host:
    """Open the way to this browser's page.

    Raises:
        BrowserUnsupportedError: this is no browser, or no page can be reached; says what to do.
        BridgeError: the page forbids what is needed.
    """
    if _IS_PYODIDE:
        import js

        if hasattr(js, "document"):
            from pyodide_rtc.browser.direct import open_direct

            return await open_direct()
        if hasattr(js, "WorkerGlobalScope"):
            from pyodide_rtc.browser.routes import open_bridge

            return await open_bridge()
    raise BrowserUnsupportedError(
        "there is no browser", "process", "Run this in JupyterLite, or in Pyodide on a page."
    )


def open_page_port(port: Any) -> PagePort:
    """Wrap the port by which an engine's worker reaches its page."""
    from pyodide_rtc.browser.page_port import PagePort

    return PagePort(port)


def can_block() -> bool:
    """Return whether `block` works now: in a browser with JSPI, and not within its callbacks."""
    if not _IS_PYODIDE:
        return False
    from pyodide.ffi import can_run_sync

    return bool(can_run_sync())


def block(awaitable: Awaitable[_T], timeout_s: float) -> _T:
    """Wait for an awaitable within a plain call, while everything else goes on. See `can_block`.

    Raises:
        TimeoutError: it took longer; `awaitable` goes on.
        BaseException: what `awaitable` raises.
    """
    from pyodide.ffi import run_sync

    async def outcome() -> _T:
        return await awaitable

    async def wait() -> None:
        await asyncio.wait([task], timeout=timeout_s)

    task = background.begin(outcome())
    # JavaScript waits, so it gets no exception: the cell would fail even if its code caught that.
    run_sync(wait())
    if not task.done():
        raise TimeoutError
    return task.result()


def live_proxies() -> int:
    """Count the functions that JavaScript can still call: 0 after every host was closed."""
    if not _IS_PYODIDE:
        return 0
    from pyodide_rtc.browser import ffi

    return ffi.live_proxies()
