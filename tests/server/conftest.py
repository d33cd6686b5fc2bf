from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from signaling_client import PATIENCE_S, Connect, SignalingClient, Start

from pyodide_rtc.server.app import RunningServer, serve


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start a server with these arguments; it stops with the test."""
    async with AsyncExitStack() as stack:

        async def start(**arguments: Any) -> RunningServer:
            return await stack.enter_async_context(serve(**arguments))

        yield start


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    timeout = aiohttp.ClientTimeout(total=PATIENCE_S)
    async with aiohttp.ClientSession(timeout=timeout) as session:
        yield session


@pytest.fixture
async def connect(http: aiohttp.ClientSession) -> AsyncIterator[Connect]:
    """Connect a client to this address; it closes with the test."""
    async with AsyncExitStack() as stack:

        async def connect(url: str, **arguments: Any) -> SignalingClient:
            socket = await stack.enter_async_context(http.ws_connect(url, **arguments))
            return SignalingClient(socket)

        yield connect
