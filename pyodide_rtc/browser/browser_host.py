"""The browser as a host: `ports.Host` by host.js on the page and by the thread's own APIs."""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable, Sequence
from random import SystemRandom
from typing import Any, Protocol
from weakref import WeakSet

import js
from pyodide.ffi import create_once_callable

from pyodide_rtc import background
from pyodide_rtc.browser.crypto import SubtleCrypto
from pyodide_rtc.browser.ffi import storage_error
from pyodide_rtc.browser.page_bridge import PageBridge, PageRefusalError
from pyodide_rtc.browser.page_peer import PagePeer
from pyodide_rtc.browser.page_version import read_facts
from pyodide_rtc.browser.record_store import BrowserStores
from pyodide_rtc.browser.sockets import BrowserSocket, BrowserTabChannel, answers_http
from pyodide_rtc.browser.web_locks import BrowserLocks
from pyodide_rtc.errors import BridgeError, StorageError
from pyodide_rtc.ports import (
    Abilities,
    IceServer,
    PageFacts,
    PeerTransportHandler,
    SignalingSocketHandler,
    Store,
    TabChannelHandler,
)

__all__ = ["BrowserHost"]


_USER_KEY = "pyodide-rtc user"
"""As `USER_KEY` of host.js, which tells all pages of it."""


class _Part(Protocol):
    def close(self) -> None: ...


class PageStorage:
    """The page's `localStorage`."""

    def __init__(self, bridge: PageBridge) -> None:
        self._bridge = bridge

    async def get(self, key: str) -> str | None:
        """Read a value; None where there is none."""
        value: str | None = await self._ask("get", key)
        return value

    async def set(self, key: str, value: str) -> None:
        """Write a value."""
        await self._ask("set", key, value)

    async def remove(self, key: str) -> None:
        """Remove a value; no error where there is none."""
        await self._ask("remove", key)

    async def _ask(self, operation: str, *args: str) -> Any:
        try:
            return await self._bridge.ask(operation, *args)
        except PageRefusalError as exc:
            raise storage_error(exc.name, exc.message) from exc
        except BridgeError as exc:
            raise StorageError(str(exc)) from exc


class _PageLife:
    """Receives from the page that it is put away or there again, and that its user has changed."""

    def __init__(self) -> None:
        self.on_away: Callable[[], None] = lambda: None
        self.on_woken: Callable[[], None] = lambda: None
        self.on_user: list[Callable[[], None]] = []

    def receive(self, operation: str, *_args: Any) -> None:
        """Take one message of host.js."""
        if operation == "away":
            self.on_away()
        elif operation == "user":
            for callback in tuple(self.on_user):
                callback()
        else:
            self.on_woken()


class _Alive:
    """Answers the page, which asks for a sign of life to tell the others.

    Args:
        bridge: the way to host.js.
    """

    def __init__(self, bridge: PageBridge) -> None:
        self._bridge = bridge

    def receive(self, _operation: str, *_args: Any) -> None:
        """Take one message of host.js."""
        self._bridge.send("alive", None)


class BrowserNetwork:
    """Sockets and tab channels of the browser, and the page's peer connections.

    Args:
        bridge: the way to host.js.
    """

    abilities = Abilities(rollback=True, ice_restart=True)

    def __init__(self, bridge: PageBridge) -> None:
        self._bridge = bridge
        # Their callbacks keep them alive as long as they are open.
        self._parts: WeakSet[_Part] = WeakSet()

    def open_socket(self, url: str, handler: SignalingSocketHandler) -> BrowserSocket:
        """Open a WebSocket; if that fails, `on_close` is called."""
        socket = BrowserSocket(url, handler)
        self._parts.add(socket)
        return socket

    async def answers_http(self, url: str) -> bool:
        """Ask by HTTP whether anything answers at the address of a signaling server."""
        return await answers_http(url)

    def open_peer(
        self, handler: PeerTransportHandler, *, ice_servers: Sequence[IceServer], is_offering: bool
    ) -> PagePeer:
        """Open a peer connection."""
        peer = PagePeer(self._bridge, handler, ice_servers=ice_servers, is_offering=is_offering)
        self._parts.add(peer)
        return peer

    def open_tab_channel(self, name: str, handler: TabChannelHandler) -> BrowserTabChannel:
        """Join the tab channel of that name."""
        channel = BrowserTabChannel(name, handler)
        self._parts.add(channel)
        return channel

    def close(self) -> None:
        """Close everything that was opened."""
        for part in tuple(self._parts):
            part.close()


class BrowserPage:
    """The page at the end of the bridge to host.js, and the locks of its browser.

    Args:
        bridge: the way to host.js.
    """

    def __init__(self, bridge: PageBridge) -> None:
        self._bridge = bridge
        self.route = bridge.route
        self.storage = PageStorage(bridge)
        self.locks = BrowserLocks()
        self._life = _PageLife()
        bridge.add("page", self._life)
        bridge.add("kernel", _Alive(bridge))

    async def facts(self) -> PageFacts:
        """Ask the page about itself.

        Raises:
            BrowserUnsupportedError: the page says too little: it is of another version.
            BridgeTimeoutError: the page did not answer.
            BridgeError: the page's configuration is not a JSON object, or the page has failed.
        """
        try:
            told = await self._bridge.ask("facts")
        except PageRefusalError as exc:
            problem = f"the page failed when it was asked for its address ({exc}). Reload it"
            raise BridgeError(problem) from exc
        return read_facts(told)

    def on_life(self, on_away: Callable[[], None], on_woken: Callable[[], None]) -> None:
        """Call back when the page is put away, and when it is there again."""
        self._life.on_away, self._life.on_woken = on_away, on_woken

    def on_user(self, callback: Callable[[], None]) -> None:
        """Call back when `facts` may say something else of who sits there."""
        self._life.on_user.append(callback)

    async def keep_user(self, name: str | None, color: str | None) -> None:
        """Keep the name and colour that a person gave, for all pages of this origin."""
        await self.storage.set(_USER_KEY, json.dumps({"name": name, "color": color}))

    def forget_room(self) -> None:
        """Forget the room that this tab remembers."""
        self._bridge.send("forget-room", None)


class BrowserMachine:
    """What the thread that runs Python has by itself, without the page.

    Args:
        stores: finds where logs are kept.
    """

    def __init__(self, stores: BrowserStores) -> None:
        self.crypto = SubtleCrypto()
        self._stores = stores

    async def open_store(self) -> Store:
        """Open what is kept in this browser."""
        return await self._stores.open()

    def soon(self, callback: Callable[[], None]) -> None:
        """Call back once Python gives the thread back to the browser, as a microtask."""
        js.queueMicrotask(create_once_callable(background.quiet(callback)))

    def wall_time_s(self) -> float:
        """Give the seconds since 1970."""
        return time.time()

    def random(self) -> float:
        """Give a random number, at least 0 and below 1."""
        return SystemRandom().random()

    def random_bytes(self, count: int) -> bytes:
        """Give random bytes: Emscripten takes them from `crypto.getRandomValues`."""
        return os.urandom(count)


class BrowserHost:
    """A host in the browser, on the page or in a worker.

    Args:
        bridge: the way to host.js.
        disconnect: releases the page, after everything else is closed.
    """

    def __init__(self, bridge: PageBridge, disconnect: Callable[[], None]) -> None:
        self._bridge = bridge
        self._disconnect = disconnect
        self.network = BrowserNetwork(bridge)
        self.page = BrowserPage(bridge)
        self._stores = BrowserStores(self.page.storage, self.page.locks)
        self.machine = BrowserMachine(self._stores)
        self._is_closed = False

    async def aclose(self) -> None:
        """Close everything that was opened, and release the page; twice is no error."""
        if self._is_closed:
            return
        self._is_closed = True
        self.machine.crypto.close()
        self._stores.close()
        self.network.close()
        self._bridge.close()
        self._disconnect()
