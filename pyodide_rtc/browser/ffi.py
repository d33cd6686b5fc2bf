"""The border to JavaScript: converts values, owns proxies, and gives errors a type.

`js` has no types, so its values are `Any`; they stay in this folder.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.resources import files
from typing import Any

import js
from pyodide.code import run_js
from pyodide.ffi import JsException, create_proxy, to_js

from pyodide_rtc import background
from pyodide_rtc.errors import QuotaExceededError, RtcError, StorageError

__all__ = [
    "ProxyScope",
    "as_js",
    "browser_script",
    "host_script",
    "js_function",
    "live_proxies",
    "raised_as",
    "storage_error",
    "thread",
]


class ProxyScope:
    """Owns the proxies through which JavaScript calls one object, and destroys them together."""

    live = 0
    """How many proxies of all scopes are not destroyed."""

    def __init__(self) -> None:
        self._proxies: list[Any] = []

    def proxy(self, function: Callable[..., object]) -> Any:
        """Make `function` callable from JavaScript until `close`; what it raises stays here."""
        proxy = create_proxy(background.quiet(function))
        self._proxies.append(proxy)
        ProxyScope.live += 1
        return proxy

    def close(self) -> None:
        """Destroy the proxies. JavaScript must not call them any more; twice is no error."""
        proxies, self._proxies = self._proxies, []
        ProxyScope.live -= len(proxies)
        for proxy in proxies:
            proxy.destroy()


def live_proxies() -> int:
    """Count the proxies that are not destroyed."""
    return ProxyScope.live


def as_js(value: object) -> Any:
    """Copy a Python value to JavaScript: dicts become objects, bytes a Uint8Array."""
    return to_js(value, dict_converter=js.Object.fromEntries)


@cache
def browser_script(name: str) -> str:
    """Read a JavaScript file of this folder."""
    return files("pyodide_rtc.browser").joinpath(name).read_text(encoding="utf-8")


def host_script() -> str:
    """Read host.js, the page's half."""
    return browser_script("host.js")


@cache
def js_function(source: str) -> Any:
    """Return the JavaScript function with this source; it is made once."""
    return run_js(source)


@cache
def thread() -> Any:
    """Return the functions of thread.js, for this thread."""
    return js_function(browser_script("thread.js"))(js_function(browser_script("gate.js")))


@contextmanager
def raised_as(error: Callable[[str], RtcError]) -> Iterator[None]:
    """Turn an exception that JavaScript throws into `error(sentence)`, and raise that."""
    try:
        yield
    except JsException as exc:
        raise error(f"{exc.name}: {exc.message}") from exc


def storage_error(name: str, message: str) -> StorageError:
    """Return the error for a refusal of `localStorage`.

    Args:
        name: the name of the DOMException; before 2025 browsers had several for a full storage.
        message: the browser's sentence, if it has one.
    """
    kind = QuotaExceededError if "quota" in name.lower() else StorageError
    return kind(f"{name}: {message}" if message else name)  # Chromium gives no sentence for a quota
