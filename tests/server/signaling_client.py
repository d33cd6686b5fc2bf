"""A client for the tests of this folder."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeAlias

import aiohttp

from pyodide_rtc.server.app import RunningServer

PATIENCE_S = 10.0


class Closing(NamedTuple):
    code: int
    reason: str


class SignalingClient:
    """A client that speaks JSON as y-webrtc does."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def say(self, **message: Any) -> None:
        await self.socket.send_str(json.dumps(message))

    async def hear(self) -> Any:
        async with asyncio.timeout(PATIENCE_S):
            return json.loads(await self.socket.receive_str())

    async def subscribe(self, *topics: str) -> None:
        """Subscribe, and wait until the server has seen it."""
        await self.say(type="subscribe", topics=topics)
        await self.check_alive()

    async def check_alive(self) -> None:
        await self.say(type="ping")
        assert await self.hear() == {"type": "pong"}

    async def closing(self) -> Closing:
        """Read to the end; what the server gave as reason."""
        async with asyncio.timeout(PATIENCE_S):
            while (message := await self.socket.receive()).type is not aiohttp.WSMsgType.CLOSE:
                assert message.type in {aiohttp.WSMsgType.TEXT, aiohttp.WSMsgType.PING}, message
        return Closing(message.data, message.extra)


Start: TypeAlias = Callable[..., Awaitable[RunningServer]]
Connect: TypeAlias = Callable[..., Awaitable[SignalingClient]]
