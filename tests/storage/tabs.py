"""Tabs of one browser in memory, each with one document that is kept."""

from __future__ import annotations

import asyncio
from typing import Any

from pycrdt import Doc, Map, Text

from pyodide_rtc.ports import RoomKey
from pyodide_rtc.session.document_binding import DocumentBinding
from pyodide_rtc.storage import Event, Keeper, LogName
from pyodide_rtc.testing import MemoryDisk, MemoryHost, MemoryStore, Network

STORE_LINK = -1
TOPIC = "example.org/demo"
NAME = LogName(TOPIC, "")
LOG = str(NAME)


class Browser:
    """One browser: what is kept in it, and its tabs."""

    def __init__(self, seed: int = 0) -> None:
        self.network = Network(seed)

    @property
    def disk(self) -> MemoryDisk:
        return self.network.disks["one"]

    def host(self) -> MemoryHost:
        return self.network.host(browser="one")

    async def tab(
        self, *, password: str | None = None, name: LogName = NAME, doc: Doc[Any] | None = None
    ) -> Tab:
        tab = Tab(self.host(), password, name, doc)
        await tab.load()
        return tab

    def records(self, log: str = LOG) -> list[bytes]:
        return [record for _, record in self.disk.read(log).records]


class Tab:
    """A document, bound as a room binds it, and its keeper."""

    def __init__(
        self,
        host: MemoryHost,
        password: str | None = None,
        name: LogName = NAME,
        doc: Doc[Any] | None = None,
    ) -> None:
        self.host = host
        self.doc: Doc[Any] = doc or Doc()
        self.map: Map[Any] = self.doc.get("map", type=Map)
        self.text: Text = self.doc.get("text", type=Text)
        self.events: list[Event] = []
        self.refused: list[str] = []
        self.binding = DocumentBinding(self.doc, asyncio.get_running_loop().call_soon, self)
        self.key = self.derive(password)
        self.keeper = Keeper(
            host.machine.open_store,
            host.page.locks,
            name,
            key=self.key,
            source=self.binding,
            holder="a notebook",
            on_event=self.events.append,
        )

    @property
    def store(self) -> MemoryStore:
        return self.host.machine.store

    @property
    def values(self) -> dict[str, Any]:
        values: dict[str, Any] = self.map.to_py() or {}
        return values

    def derive(self, password: str | None) -> RoomKey | None:
        if password is None:
            return None
        return self.host.machine.crypto.derive_key(password, TOPIC)

    async def load(self) -> None:
        for update in await self.keeper.load():
            self.binding.apply(STORE_LINK, update)
        self.binding.flush_applied()

    def receive(self, update: bytes) -> None:
        """Get an update from a peer."""
        self.binding.apply(1, update)
        self.binding.flush_applied()

    def die(self) -> None:
        """End without notice."""
        self.host.fabric.kill(self.host)
        self.binding.close()

    async def close(self) -> None:
        await asyncio.sleep(0)  # the binding tells what was changed in this turn
        await self.keeper.aclose()
        self.binding.close()

    def on_change(self, update: bytes | None, source: int | None, before_state: bytes) -> None:
        if source != STORE_LINK:
            self.keeper.on_change(update, before_state)

    def on_answered(self, link: int) -> None: ...

    def on_refused(self, link: int, reason: str) -> None:
        self.refused.append(reason)

    def on_failed(self, link: int, reason: str) -> None:
        self.refused.append(reason)

    def on_blocked(self, link: int, waiting_bytes: int) -> None: ...

    def on_fault(self, error: BaseException) -> None:
        self.refused.append(str(error))
