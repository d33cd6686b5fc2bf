"""A signaling server that goes and comes at the moment that it is told to.

A process of its own takes seconds to start on a busy machine, which would be part of the outage.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from threading import Thread
from typing import Any, TypeVar

from pyodide_rtc.server.app import RunningServer, serve

_T = TypeVar("_T")


class SuddenRelay:
    """Signaling at one port, in a thread with this loop.

    Args:
        loop: goes on in that thread.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._port = 0
        self._serving: AbstractAsyncContextManager[RunningServer] | None = None

    @property
    def url(self) -> str:
        """Its address, once it has been there."""
        return f"ws://localhost:{self._port}/signaling"

    def start(self) -> None:
        """Be there."""
        self._serving = serve(port=self._port)
        self._port = self._do(self._serving.__aenter__()).port

    def stop(self) -> None:
        """Be gone; open sockets close."""
        serving, self._serving = self._serving, None
        if serving is not None:
            self._do(serving.__aexit__(None, None, None))

    def _do(self, work: Coroutine[Any, Any, _T]) -> _T:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=10)


@contextmanager
def sudden_relay() -> Iterator[SuddenRelay]:
    """Have one, started."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    relay = SuddenRelay(loop)
    relay.start()
    try:
        yield relay
    finally:
        relay.stop()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()
