"""The engine's port to its page: arrays of text, numbers and bytes (engine/port.py)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pyodide_rtc.browser.ffi import ProxyScope, as_js

__all__ = ["PagePort"]


class PagePort:
    """A MessagePort at whose other end is the labextension.

    Args:
        port: it holds what the page sends until `hear` is called.
    """

    def __init__(self, port: Any) -> None:
        self._port = port
        self._scope = ProxyScope()

    def post(self, *message: object) -> None:
        """Send one message."""
        self._port.postMessage(as_js(message))

    def hear(self, receive: Callable[..., None]) -> None:
        """Call `receive` with the parts of each message, also of those that came before."""
        self._port.onmessage = self._scope.proxy(
            lambda event: receive(*(_part(part) for part in event.data))
        )


def _part(value: Any) -> Any:
    """Copy bytes; everything else is a Python value already."""
    return value.to_bytes() if hasattr(value, "to_bytes") and not isinstance(value, int) else value
