"""Pages at the ends of their engines, on a network in memory, in virtual time."""

from __future__ import annotations

import asyncio
import functools
import inspect
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

from pycrdt import Doc, Map

from pyodide_rtc.engine.engine_server import Engine
from pyodide_rtc.room import Room
from pyodide_rtc.testing import MemoryHost, Network, run_virtual

ROOM = "demo"
KEY = "notebook:a.ipynb"
SEED, OTHER_SEED = "a" * 64, "b" * 64


def seed_state(text: str) -> bytes:
    """The state of a document that somebody has begun with this text, the same for all who do."""
    doc: Doc[Any] = Doc(client_id=len(text) + 1000)
    doc.get("words", type=Map)[text] = True
    return doc.get_update()


@dataclass(eq=False)
class Page:
    """What documents.js does, as far as the engine can tell: it shows a document, and adopts."""

    host: MemoryHost
    engine: Engine = field(init=False)
    told: list[tuple[Any, ...]] = field(default_factory=list)
    doc: Doc[Any] = field(default_factory=Doc)
    seed: str = ""
    opened_again: bool = True

    async def start(self, room: str = ROOM) -> Page:
        self.engine = Engine(self.host, await self.host.page.facts(), room, self._hear)
        return self

    def open(self, seed: str, seeded_at: float, text: str, *, placeholder: bool = False) -> None:
        self.seed = seed
        self.doc = Doc()
        self.doc.apply_update(seed_state(text))
        self._reopen(candidate(seed, seeded_at, placeholder=placeholder))

    def write(self, text: str) -> None:
        before = self.doc.get_state()
        self.doc.get("words", type=Map)[text] = True
        self.send("update", self.seed, self.doc.get_update(before))

    def send(self, operation: str, *about: Any, key: str = KEY) -> None:
        self.engine.receive(operation, key, *about)

    @property
    def cells(self) -> set[str]:
        return set(self.doc.get("words", type=Map).keys())

    def all_told(self, operation: str, key: str = KEY) -> list[tuple[Any, ...]]:
        return [
            tuple(about) for kind, name, *about in self.told if (kind, name) == (operation, key)
        ]

    def _hear(self, operation: str, key: str, *about: Any) -> None:
        self.told.append((operation, key, *about))
        if operation == "update" and about[0] == self.seed:
            self.doc.apply_update(about[1])
        if operation == "adopt":
            told, state = about
            self.seed = json.loads(told)["seed"]
            self.doc = Doc()
            self.doc.apply_update(state)
            if self.opened_again:
                asyncio.get_running_loop().call_soon(self._reopen, told)

    def _reopen(self, told: str) -> None:
        self.send("open", told, self.doc.get_update())


def candidate(seed: str, seeded_at: float, *, placeholder: bool = False) -> str:
    return json.dumps({"seed": seed, "seeded_at": seeded_at, "placeholder": placeholder})


class World:
    """A network with pages."""

    def __init__(self) -> None:
        self.network = Network(max_delay_s=0.01)

    async def page(self, browser: str | None = None) -> Page:
        return await Page(self.network.host(browser=browser)).start()

    def files_room(self) -> Room:
        """The room in which pages share files, joined without a page."""
        return self.network.host().join(f"{ROOM}/files")


def with_world(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test on virtual time, in a new world, its last argument."""

    @functools.wraps(test)
    def run(*args: Any, **kwargs: Any) -> None:
        async def main() -> None:
            await test(*args, world=World(), **kwargs)

        run_virtual(main())

    signature = inspect.signature(test)
    others = [p for p in signature.parameters.values() if p.name != "world"]
    run.__signature__ = signature.replace(parameters=others)  # type: ignore[attr-defined]
    return run
