"""The server on its port: WebSockets to the relay, plain HTTP to the site or the health check.

Owns the port and the list of connections. A WebSocket is signaling at any path, as with y-webrtc's
own server, so that both ``ws://host/`` and ``ws://host/signaling`` work.
"""

from __future__ import annotations

__all__ = ["SIGNALING_PATH", "RunningServer", "serve"]

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from aiohttp import web

from pyodide_rtc.server.connection import Connection, ServerSocket
from pyodide_rtc.server.relay import CloseCode, Limits, RefusedError, Relay
from pyodide_rtc.server.static_files import StaticSite

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Collection
    from pathlib import Path

SIGNALING_PATH = "/signaling"

_PING_INTERVAL_S = 30.0
_IDLE_HTTP_S = 75.0  # how long a browser may keep a connection that it does not use
_STOP_TIMEOUT_S = 6.0  # a little more than a connection takes at most to close


class RunningServer:
    """A server that listens.

    Args:
        host: the address that it listens at.
        port: its port.
    """

    def __init__(self, host: str, port: int) -> None:
        self.host = host
        self.port = port
        self._authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    @property
    def url(self) -> str:
        """Address of the signaling."""
        return f"ws://{self._authority}{SIGNALING_PATH}"

    @property
    def site_url(self) -> str:
        """Address of the site; without a site it is the health check."""
        return f"http://{self._authority}/"


class _Handlers:
    def __init__(
        self,
        *,
        site: StaticSite | None,
        limits: Limits,
        origins: Collection[str] | None,
        ping_interval_s: float,
    ) -> None:
        self._site = site
        self._limits = limits
        self._origins = origins
        self._ping_interval_s = ping_interval_s
        self._relay = Relay(limits)
        self._connections: set[Connection] = set()
        self._all_gone = asyncio.Event()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return await self._signaling(request)
        if self._site is None or request.path == SIGNALING_PATH:
            return web.Response(text="okay")
        return await self._site.respond(request)

    async def stop(self) -> None:
        """End all connections, and wait for the close frames of their clients.

        This is done before aiohttp shuts down, as it reads nothing any more from then on: a browser
        whose close frame is not read keeps its end open for two seconds.
        """
        while self._connections:
            self._all_gone.clear()
            for connection in self._connections:
                connection.end(RefusedError(CloseCode.GOING_AWAY, "the server stops"))
            await self._all_gone.wait()

    async def _signaling(self, request: web.Request) -> ServerSocket:
        if self._origins is not None and request.headers.get("Origin") not in self._origins:
            raise web.HTTPForbidden(text="403: signaling is not open to pages of this origin\n")
        socket = ServerSocket(
            heartbeat=self._ping_interval_s,
            # Above this limit aiohttp ends the connection in mid-frame, and sends only the code.
            # Our own limit is lower, and we send the reason, too.
            max_msg_size=16 * self._limits.max_frame_bytes,
            compress=False,  # frames are short, and each client's compressor costs 300 kB
            decode_text=False,
        )
        await socket.prepare(request)
        connection = Connection(socket, request, self._relay, self._limits)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.remove(connection)
            if not self._connections:
                self._all_gone.set()
        return socket


@asynccontextmanager
async def serve(
    *,
    host: str = "127.0.0.1",
    port: int = 0,
    site: Path | None = None,
    limits: Limits | None = None,
    origins: Collection[str] | None = None,
    ping_interval_s: float = _PING_INTERVAL_S,
) -> AsyncIterator[RunningServer]:
    """Run a signaling server; at the end all clients are closed with code 1001.

    Args:
        host: name or address to listen at.
        port: 0 takes any free one.
        site: folder of a static site to serve on the same port.
        limits: what one client may do.
        origins: pages that may use the signaling, as ``https://host``; None: all.
        ping_interval_s: seconds between pings; a client without a pong half of it later is gone.

    Raises:
        OSError: the address cannot be listened at.
    """
    handlers = _Handlers(
        site=None if site is None else StaticSite(site),
        limits=limits or Limits(),
        origins=origins,
        ping_interval_s=ping_interval_s,
    )
    app = web.Application()
    app.router.add_get("/{path:.*}", handlers.handle)
    runner = web.AppRunner(
        app, access_log=None, keepalive_timeout=_IDLE_HTTP_S, shutdown_timeout=_STOP_TIMEOUT_S
    )
    await runner.setup()
    try:
        listener = web.TCPSite(runner, host, port)
        await listener.start()
        try:
            yield RunningServer(host, runner.addresses[0][1])
        finally:
            await listener.stop()
            await handlers.stop()
    finally:
        await runner.cleanup()
