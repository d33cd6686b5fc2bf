"""The host for Pyodide on the page itself: host.js is loaded here, and called without messages."""

from __future__ import annotations

import js
from pyodide.code import run_js

from pyodide_rtc.browser.browser_host import BrowserHost
from pyodide_rtc.browser.ffi import ProxyScope, as_js, host_script, raised_as
from pyodide_rtc.browser.page_bridge import PageBridge
from pyodide_rtc.errors import BridgeError

__all__ = ["open_direct"]


async def open_direct() -> BrowserHost:
    """Load host.js as a module of this page, and open a host on it.

    Raises:
        BridgeError: the page forbids it, as a content security policy without `blob:` does.
    """
    source = js.Blob.new(as_js([host_script()]), as_js({"type": "text/javascript"}))
    url = js.URL.createObjectURL(source)
    try:
        with raised_as(_as_refusal):
            module = await run_js("url => import(url)")(url)
    finally:
        js.URL.revokeObjectURL(url)
    scope = ProxyScope()
    bridge = PageBridge("direct", lambda *message: page.receive(as_js(message)))
    page = module.createHost(scope.proxy(lambda message, _transfer=None: bridge.receive(*message)))

    def disconnect() -> None:
        page.close()
        scope.close()

    return BrowserHost(bridge, disconnect)


def _as_refusal(sentence: str) -> BridgeError:
    remedy = "Its content security policy has to allow blob: as a source of scripts"
    return BridgeError(f"the page does not let host.js be loaded ({sentence}). {remedy}")
