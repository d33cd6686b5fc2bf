"""Random edits in several tabs that end without notice, in the middle of whatever they do.

Nothing is ever missing but the last quarter of a second of a tab that died, and nothing of the rest
is unreadable.
"""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from seeds import seeds

from pyodide_rtc.storage import CompactionFailed, KeptAgain, NotKept, compaction
from pyodide_rtc.testing import Fault, run_virtual

from .tabs import Browser, Tab

WRITTEN_AFTER_S = 0.3
"""The quarter of a second, and what the store of this test takes."""


class Play:
    """Edits, deaths and faults in one browser, and what must be there afterwards."""

    def __init__(self, seed: int, password: str | None) -> None:
        self.random = Random(seed)
        self.password = password
        self.browser = Browser(seed)
        self.tabs: list[Tab] = []
        self.edits: dict[str, tuple[Tab, float]] = {}
        self.certain: set[str] = set()

    async def run(self) -> None:
        for step in range(80):
            if not self.tabs or (len(self.tabs) < 3 and self.random.random() < 0.1):
                await self.open()
            tab = self.random.choice(self.tabs)
            match self.random.random():
                case chance if chance < 0.7:
                    self.edit(tab, f"{step}")
                case chance if chance < 0.8:
                    self.plan(tab)
                case chance if chance < 0.87:
                    self.end(tab)
                case chance if chance < 0.92:
                    await self.close(tab)
            await asyncio.sleep(self.random.choice((0, 0.01, 0.1, 0.5)))
            for other in self.tabs:
                self.note(other)
        for tab in [*self.tabs]:
            self.end(tab)
        await self.check()

    async def open(self) -> None:
        self.tabs.append(await self.browser.tab(password=self.password))
        self.tabs[-1].store.delay_s = self.random.choice((0, 0.02))

    def edit(self, tab: Tab, key: str) -> None:
        """Set a key, and write and delete in the text."""
        text = tab.text
        text.insert(self.random.randint(0, len(text)), f"[{key}]")
        if len(text) > 40:
            del text[:20]
        tab.map[key] = key
        self.edits[key] = tab, asyncio.get_running_loop().time()

    def plan(self, tab: Tab) -> None:
        faults: tuple[Fault, ...] = ("dies before", "dies after", "refused", "late")
        tab.store.plan(self.random.choice(faults), after=self.random.randrange(4))

    def end(self, tab: Tab) -> None:
        """End a tab without notice."""
        tab.die()
        self.tabs.remove(tab)

    def note(self, tab: Tab) -> None:
        """Note what a tab must have written by now: this has to be there for ever."""
        if not tab.store.is_dead and self.writes(tab):
            latest_s = asyncio.get_running_loop().time() - WRITTEN_AFTER_S
            own = {key: at for key, (who, at) in self.edits.items() if who is tab}
            self.certain |= {key for key, at in own.items() if at < latest_s}

    def writes(self, tab: Tab) -> bool:
        told = [event for event in tab.events if not isinstance(event, CompactionFailed)]
        assert all(isinstance(event, NotKept | KeptAgain) for event in told)
        return not told or isinstance(told[-1], KeptAgain)

    async def close(self, tab: Tab) -> None:
        """Leave: all of it is there, unless the browser refuses it."""
        self.tabs.remove(tab)
        try:
            await asyncio.wait_for(tab.close(), 5)
        except TimeoutError:  # it died meanwhile
            tab.die()
            return
        if tab.keeper.status.is_saved:
            self.certain |= {key for key, (who, _) in self.edits.items() if who is tab}
        tab.die()

    async def check(self) -> None:
        found = await self.browser.tab(password=self.password)
        assert found.refused == []
        assert found.events == []
        missing = self.certain - found.values.keys()
        assert not missing
        assert found.values.keys() <= self.edits.keys()
        before = found.doc.get_state()
        again = await self.browser.tab(password=self.password)
        assert again.doc.get_state() == before
        assert str(again.text) == str(found.text)


@pytest.mark.parametrize("password", [None, "secret"])
@pytest.mark.parametrize("max_records", [4, 25])
@pytest.mark.parametrize("seed", seeds(60))
def test_nothing_is_lost(
    monkeypatch: pytest.MonkeyPatch, seed: int, max_records: int, password: Any
) -> None:
    monkeypatch.setattr(compaction, "MAX_RECORDS", max_records)
    run_virtual(Play(seed, password).run())
