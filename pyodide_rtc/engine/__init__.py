"""The engine: it shares a page's open documents with others, in a worker of its own.

For each page that is in a room the labextension starts one worker (engine.js). The worker runs
Pyodide without IPython, and in it this package, which joins rooms for the page. So a notebook
kernel that computes or is restarted does not matter. The page is at the end of a port (`port.py`).

The engine decides everything; the page shows documents, seeds and keeps them.
"""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from pyodide_rtc import browser
from pyodide_rtc.engine.engine_server import Engine

logger = logging.getLogger("pyodide_rtc.engine")

_running: set[asyncio.Task[None]] = set()
"""Keeps the running tasks: one that nobody keeps may be collected before its end."""


def start(port: Any, room: str) -> None:
    """Serve the page at the other end of a port, for as long as the worker lives.

    Args:
        port: a JavaScript MessagePort.
        room: the name of the page's room.
    """
    task = asyncio.ensure_future(_serve(port, room))
    _running.add(task)
    task.add_done_callback(_running.discard)


async def _serve(port: Any, room: str) -> None:
    page = browser.open_page_port(port)
    try:
        host = await browser.open_host()
        engine = Engine(host, await host.page.facts(), room, page.post)
    except Exception as error:  # whatever it is: the page is to know that nothing is shared
        logger.exception("! the engine could not be started")
        page.post("stopped", "", str(error))
        raise
    page.hear(engine.receive)
