"""WebSockets, HTTP requests and tab channels: workers have them, too, so Python holds them."""

from __future__ import annotations

import logging
from typing import Any, Literal

import js
from pyodide.ffi import JsException, to_js

from pyodide_rtc import background
from pyodide_rtc.browser.ffi import ProxyScope, as_js, thread
from pyodide_rtc.ports import SignalingSocketHandler, TabChannelHandler

__all__ = ["BrowserSocket", "BrowserTabChannel", "answers_http"]

_GATEWAY_FAULTS = frozenset({502, 503, 504})
"""The status codes of a gateway that does not reach its server (RFC 9110, 15.6.3 to 15.6.5)."""

_log = logging.getLogger("pyodide_rtc.bridge")


class BrowserSocket:
    """A `WebSocket` to a signaling server."""

    def __init__(self, url: str, handler: SignalingSocketHandler) -> None:
        self._handler = handler
        self._scope = ProxyScope()
        self._is_closed = False
        try:
            self._socket: Any = thread().openSocket(url, self._scope.proxy(self._hear))
        except JsException as exc:  # not a URL of a WebSocket, or insecure on a secure page
            reason = f"{exc.name}: {exc.message}"
            self._socket = None
            background.soon(self._end, reason)

    def send(self, text: str) -> None:
        """Send one text frame; does nothing once the socket has closed."""
        if self._socket is not None:
            self._socket.send(text)

    def close(self) -> None:
        """Close; twice is no error."""
        if self._is_closed:
            return
        self._is_closed = True
        if self._socket is not None:
            self._socket.close()
        self._scope.close()

    def _end(self, reason: str) -> None:
        if not self._is_closed:
            self.close()
            self._handler.on_close(reason)

    def _hear(self, event: Literal["open", "text", "close"], about: str = "") -> None:
        match event:
            case "open":
                self._handler.on_open()
            case "text":
                self._handler.on_text(about)
            case "close":
                self._end(about)


async def answers_http(url: str) -> bool:
    """Ask whether anything answers by HTTP at the address of a WebSocket.

    Any status counts as an answer, except those by which a gateway says that the server behind it
    is away. From another origin the status cannot be seen ("no-cors"), and counts.
    """
    abort = js.AbortController.new()
    request = {
        "mode": "no-cors",
        "cache": "no-store",
        "credentials": "omit",
        "signal": abort.signal,
    }
    try:
        response = await js.fetch("http" + url.removeprefix("ws"), as_js(request))
        return response.status not in _GATEWAY_FAULTS
    except JsException:  # refused, no such host, no network: a page is not told which
        return False
    finally:
        abort.abort()  # the body of the answer is not needed


class BrowserTabChannel:
    """A `BroadcastChannel` between the tabs and workers of this browser."""

    def __init__(self, name: str, handler: TabChannelHandler) -> None:
        self._handler = handler
        self._scope = ProxyScope()
        self._channel: Any = thread().openTabs(name, self._scope.proxy(self._hear))

    def send(self, data: bytes) -> None:
        """Send one frame to all others; does nothing once the channel is closed."""
        if self._channel is not None:
            self._channel.postMessage(to_js(data))

    def close(self) -> None:
        """Leave the channel; twice is no error."""
        if self._channel is None:
            return
        self._channel.onmessage = None
        self._channel.close()
        self._channel = None
        self._scope.close()

    def _hear(self, data: Any = None) -> None:
        if data is None:  # other code uses a channel of the same name
            _log.warning("tab channel: a message that is not binary was dropped")
            return
        self._handler.on_message(data.to_bytes())
