"""The host for Pyodide in a worker: finds a page that runs host.js, by one of three routes.

1. *port*: the worker posts a hello. Our labextension on the page answers with a MessagePort. So
   does any page that called `attachWorker(worker)` of host.js, because it runs Pyodide in a worker
   of its own.
2. *anywidget*: a widget that is never displayed brings host.js to the page, which answers likewise.
3. *broadcast*: displayed JavaScript brings host.js to the page, and both meet on a BroadcastChannel
   whose random name only they know.

The first answer is used, from whichever route; later ones are told to end. By the first route the
page has a host.js of its own, which may be older or newer than this wheel: page_version.py.
Comms cannot be used: what the page sends by comm waits behind the running cell.

A worker can be terminated without notice, as JupyterLite does to restart a kernel. So it holds a
Web Lock for which the page waits in line: the browser gives it to the page when the worker is gone.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from secrets import token_hex
from typing import Any

import js

from pyodide_rtc.browser.browser_host import BrowserHost
from pyodide_rtc.browser.ffi import ProxyScope, as_js, host_script, thread
from pyodide_rtc.browser.page_bridge import PageBridge
from pyodide_rtc.browser.page_version import OPERATIONS, VERSION, check_page
from pyodide_rtc.browser.web_locks import BrowserLock, BrowserLocks
from pyodide_rtc.errors import BrowserUnsupportedError
from pyodide_rtc.ports import Lock

__all__ = ["open_bridge"]


class _RouteMissingError(Exception):
    """A route cannot even be tried here; the message says why."""


@dataclass(frozen=True, slots=True)
class _Answer:
    """The page's answer: a MessagePort or BroadcastChannel with host.js at its other end."""

    endpoint: Any
    route: str
    version: int | None  # None if that host.js does not say it
    operations: frozenset[str]  # the messages that it knows

    def end(self) -> None:
        """Tell the page that this endpoint is not needed."""
        self.endpoint.postMessage(as_js(["end"]))
        self.endpoint.close()


class _Handshake:
    """One worker's search for a page; by the nonce it knows the answers that are for it."""

    def __init__(self) -> None:
        self.nonce = token_hex(16)
        self.lock: str | None = None
        self.answer: asyncio.Future[_Answer] = asyncio.get_running_loop().create_future()
        self._scope = ProxyScope()
        self._lock: Lock | None = None
        self._listener = self._scope.proxy(self._on_message)
        js.self.addEventListener("message", self._listener)

    async def hold_lock(self) -> None:
        """Hold the lock that the page gets when this worker dies; insecure pages have no locks."""
        name = f"pyodide-rtc {self.nonce}"
        held = asyncio.Event()
        self._lock = BrowserLocks().claim(name, held.set)
        await held.wait()
        if isinstance(self._lock, BrowserLock):
            self.lock = name

    @property
    def hello(self) -> dict[str, str | None]:
        """The message to which the page answers."""
        return {"pyodideRtc": "hello", "nonce": self.nonce, "lock": self.lock}

    def take(self, answer: _Answer) -> None:
        """Use an answer, or end it if it is not the first one."""
        if self.answer.done():
            answer.end()
        else:
            self.answer.set_result(answer)

    def close(self) -> None:
        """Receive no more answers, and release the lock: so the page notices that we are gone."""
        js.self.removeEventListener("message", self._listener)
        if self._lock is not None:
            self._lock.close()
        self._scope.close()

    def _on_message(self, event: Any) -> None:
        data = event.data
        if getattr(data, "pyodideRtc", None) == "port" and data.nonce == self.nonce:
            known = frozenset(getattr(data, "operations", None) or ())
            version = getattr(data, "version", None)
            self.take(_Answer(data.port, data.route, version, known))


@contextmanager
def _by_port(handshake: _Handshake) -> Iterator[None]:
    js.self.postMessage(as_js(handshake.hello))
    yield


_WIDGET_SCRIPT = """
export default {
  initialize({ model }) {
    const { kernel } = model.widget_manager;
    const { _worker } = kernel._kernelAPIClient._kernels.get(kernel.id);
    givePort(_worker, model.get("hello"), "anywidget");
  },
};
"""
"""Is appended to host.js. The underscored names are private to JupyterLite and JupyterLab."""


@contextmanager
def _by_widget(handshake: _Handshake) -> Iterator[None]:
    if find_spec("anywidget") is None:
        raise _RouteMissingError("not installed in the kernel")
    import anywidget
    import traitlets

    members = {
        "_esm": host_script() + _WIDGET_SCRIPT,
        "hello": traitlets.Dict().tag(sync=True),
    }
    widget = type("HostCourier", (anywidget.AnyWidget,), members)(hello=handshake.hello)
    try:
        yield
    finally:
        widget.close()


DISPLAY_SCRIPT = """
const url = URL.createObjectURL(new Blob([%s], { type: "text/javascript" }));
import(url).then((host) => host.attachBroadcast(%s)).finally(() => URL.revokeObjectURL(url));
"""


@contextmanager
def _by_display(handshake: _Handshake) -> Iterator[None]:
    if find_spec("IPython") is None:
        raise _RouteMissingError("this is no notebook kernel")
    from IPython.display import Javascript, display

    name = f"pyodide-rtc {token_hex(16)}"
    channel = js.BroadcastChannel.new(name)
    scope = ProxyScope()

    def on_greeting(event: Any) -> None:
        operation, page = event.data
        if operation == "greeting" and not handshake.answer.done():
            channel.postMessage(as_js(["chosen", page, handshake.lock]))
            # This host.js came with this wheel, so it has our version.
            handshake.take(_Answer(channel, "broadcast", VERSION, OPERATIONS))

    channel.onmessage = scope.proxy(on_greeting)
    script = DISPLAY_SCRIPT % (json.dumps(host_script()), json.dumps(name))
    handle = display(Javascript(script), display_id=True)
    try:
        yield
    finally:
        handle.update({}, raw=True)  # so that the script is not saved with the notebook
        channel.onmessage = None
        scope.close()
        if not (handshake.answer.done() and handshake.answer.result().endpoint is channel):
            channel.close()


@dataclass(frozen=True, slots=True)
class _Route:
    name: str
    open: Callable[[_Handshake], AbstractContextManager[None]]
    patience_s: float


_ROUTES = (
    _Route("port", _by_port, 0.5),
    _Route("anywidget", _by_widget, 5.0),
    _Route("broadcast", _by_display, 5.0),
)

_ONLY_ROUTE_PATIENCE_S = 10.0
"""How long we wait more if only one route can be tried: the page may still build its interface."""


async def open_bridge() -> BrowserHost:
    """Find a page that runs host.js.

    Raises:
        BrowserUnsupportedError: no route led to one; the message says which were tried. Or the
            page has a host.js that does not understand us.
    """
    handshake = _Handshake()
    try:
        await handshake.hold_lock()
        answer = await _first_answer(handshake)
        try:
            check_page(answer.version, answer.operations)
        except BrowserUnsupportedError:
            answer.end()
            raise
    except BaseException:
        handshake.close()
        raise
    return _host_at(answer, handshake)


async def _first_answer(handshake: _Handshake) -> _Answer:
    tried = []
    is_open = 0
    for route in _ROUTES:
        try:
            with route.open(handshake):
                is_open += 1
                await asyncio.wait([handshake.answer], timeout=route.patience_s)
        except _RouteMissingError as exc:
            tried.append(f"{route.name}: {exc}")
            continue
        except Exception as exc:  # of anywidget or IPython, whatever it is: the next one is tried
            tried.append(f"{route.name}: {type(exc).__name__}: {exc}")
            continue
        if handshake.answer.done():
            return handshake.answer.result()
        tried.append(f"{route.name}: no answer within {route.patience_s:g} s")
    if is_open == 1:
        await asyncio.wait([handshake.answer], timeout=_ONLY_ROUTE_PATIENCE_S)
        if handshake.answer.done():
            return handshake.answer.result()
    raise BrowserUnsupportedError(
        f"no way from Python to the page; {'; '.join(tried)}",
        "worker",
        "Build the site with pyodide-rtc's labextension (install pyodide-rtc where "
        "`jupyter lite build` runs), or %pip install anywidget in a site that has it; a page that "
        "runs Pyodide in a worker of its own calls attachWorker(worker) of its host.js.",
    )


def _host_at(answer: _Answer, handshake: _Handshake) -> BrowserHost:
    endpoint = answer.endpoint
    scope = ProxyScope()
    bridge = PageBridge(answer.route, lambda *message: post(*message))
    post = thread().hearPage(endpoint, scope.proxy(bridge.receive))

    def disconnect() -> None:
        endpoint.postMessage(as_js(["end"]))
        endpoint.onmessage = None
        endpoint.close()
        scope.close()
        handshake.close()

    return BrowserHost(bridge, disconnect)
