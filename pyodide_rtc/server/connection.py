"""One client's WebSocket: reads for the relay, writes for it, and ends with a reason.

Owns the socket, its two tasks and its backlog. Knows nothing of topics or of other clients: a slow,
broken or hostile client costs the others nothing.
"""

from __future__ import annotations

__all__ = ["Connection", "ServerSocket"]

import asyncio
import json
import logging
from typing import Literal, TypeAlias

from aiohttp import WSMsgType, web

from pyodide_rtc.server.relay import CloseCode, Limits, RefusedError, Relay

_log = logging.getLogger("pyodide_rtc.server")

# Text arrives as bytes: its size can be checked and bad utf-8 be told to the client.
ServerSocket: TypeAlias = web.WebSocketResponse[Literal[False]]

CLOSE_TIMEOUT_S = 5.0
_MAX_REASON_BYTES = 123  # RFC 6455, section 5.5: 125 bytes of a control frame, 2 are the code


class Connection:
    """A client from its handshake to its end.

    Args:
        socket: the WebSocket, after its handshake.
        request: the request that opened it.
        relay: receives the client's frames.
        limits: what the client may do.
    """

    def __init__(
        self, socket: ServerSocket, request: web.Request, relay: Relay, limits: Limits
    ) -> None:
        self._socket = socket
        self._transport = request.transport
        self._remote = request.remote
        self._relay = relay
        self._limits = limits
        self._loop = asyncio.get_running_loop()
        self._client = relay.join(self._deliver, self._loop.time())
        self._outbox: asyncio.Queue[bytes] = asyncio.Queue()
        self._backlog_bytes = 0
        self._received = 0
        self._sent = 0
        self._ending: asyncio.Future[RefusedError | None] = self._loop.create_future()

    async def run(self) -> None:
        """Serve the client until it goes or has to go."""
        self._log_event(logging.INFO, "joined")
        refusal: RefusedError | None = None
        try:
            async with asyncio.TaskGroup() as tasks:
                workers = [tasks.create_task(self._read()), tasks.create_task(self._write())]
                refusal = await self._ending
                for worker in workers:
                    worker.cancel()
        finally:
            self._relay.leave(self._client)
        if refusal is not None:
            level = logging.INFO if refusal.code is CloseCode.GOING_AWAY else logging.WARNING
            self._log_event(level, "refused", code=int(refusal.code), reason=refusal.reason)
        await self._close(refusal)
        self._log_event(
            logging.INFO,
            "left",
            code=self._socket.close_code,
            received=self._received,
            sent=self._sent,
        )

    def end(self, refusal: RefusedError | None) -> None:
        """End the connection; the first reason counts.

        Args:
            refusal: the reason that the client gets; None when it has gone by itself.
        """
        if not self._ending.done():
            self._ending.set_result(refusal)

    def _deliver(self, frame: bytes) -> None:
        self._backlog_bytes += len(frame)
        if self._backlog_bytes > self._limits.max_backlog_bytes:
            limit = f"{self._limits.max_backlog_bytes} bytes were waiting"
            self.end(RefusedError(CloseCode.POLICY_VIOLATION, f"reading too slowly: {limit}"))
        else:
            self._outbox.put_nowait(frame)

    async def _write(self) -> None:
        try:
            while True:
                frame = await self._outbox.get()
                await self._socket.send_frame(frame, WSMsgType.TEXT)
                self._backlog_bytes -= len(frame)
                self._sent += 1
        except ConnectionError:
            self.end(None)

    async def _read(self) -> None:
        try:
            async for message in self._socket:
                if message.type is WSMsgType.ERROR:
                    # aiohttp has closed the socket already: no pong, or not a WebSocket frame.
                    self._log_event(logging.WARNING, "broken", reason=str(message.data))
                elif message.type is WSMsgType.BINARY:
                    raise RefusedError(
                        CloseCode.UNSUPPORTED_DATA, "binary message: expected JSON text"
                    )
                elif (wait_s := self._receive(message.data)) > 0:
                    await asyncio.sleep(wait_s)  # what it sends meanwhile waits on its side
        except RefusedError as refusal:
            self.end(refusal)
        else:
            self.end(None)

    def _receive(self, frame: bytes) -> float:
        """Handle a frame; return for how many seconds nothing more should be read."""
        self._received += 1
        self._log_event(logging.DEBUG, "message", bytes=len(frame))
        if len(frame) > self._limits.max_frame_bytes:
            size = f"{len(frame)} bytes, the limit is {self._limits.max_frame_bytes} bytes"
            raise RefusedError(CloseCode.MESSAGE_TOO_BIG, f"message too big: {size}")
        try:
            text = frame.decode()
        except UnicodeDecodeError as exc:
            raise RefusedError(CloseCode.INVALID_DATA, "text message is not utf-8") from exc
        return self._relay.receive(self._client, text, self._loop.time())

    async def _close(self, refusal: RefusedError | None) -> None:
        code, reason = (refusal.code, refusal.reason) if refusal else (CloseCode.NORMAL, "")
        try:
            async with asyncio.timeout(CLOSE_TIMEOUT_S):
                # No drain: the cancelled writer has left aiohttp a cancelled future to wait for,
                # and the wait for the client's answer is wait enough.
                await self._socket.close(code=code, message=_cut(reason), drain=False)
        except TimeoutError:
            # It reads nothing any more: without this the socket and its buffer would stay.
            if self._transport is not None:
                self._transport.abort()

    def _log_event(self, level: int, event: str, **fields: int | str | None) -> None:
        if not _log.isEnabledFor(level):
            return
        fields = {
            "client": self._client.number,
            "remote": self._remote,
            **fields,
            "clients": self._relay.client_count,
            "topics": self._relay.topic_count,
        }
        pairs = (f"{key}={json.dumps(value)}" for key, value in fields.items())
        _log.log(level, "%s %s", event, " ".join(pairs))


def _cut(reason: str) -> bytes:
    return reason.encode()[:_MAX_REASON_BYTES].decode(errors="ignore").encode()
