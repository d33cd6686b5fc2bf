"""Files whose pages close, are killed and come back: what the engine keeps in this browser."""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from pycrdt import Doc
from seeds import seeds

from .engine_helpers import SEED, Page, World, candidate, seed_state, with_world


class Desk:
    """A browser in which one file is opened again and again.

    Its page keeps the document when it is saved. What is edited later is lost with the page.
    """

    def __init__(self, world: World, name: str) -> None:
        self.world, self.name = world, name
        self.saved = seed_state("same")
        self.page: Page | None = None

    async def open(self) -> Page:
        self.page = page = await self.world.page(self.name)
        page.seed, page.doc = SEED, Doc()
        page.doc.apply_update(self.saved)
        page.send("open", candidate(SEED, 1), self.saved)
        return page

    def save(self) -> None:
        assert self.page is not None, "it is open"
        self.saved = self.page.doc.get_update()

    def kill(self) -> None:
        assert self.page is not None, "it is open"
        self.world.network.kill(self.page.host)
        self.page = None


@with_world
async def test_what_the_page_had_no_time_to_save_is_there(world: World) -> None:
    desk = Desk(world, "ada")
    page = await desk.open()
    await asyncio.sleep(5)
    page.write("unsaved")
    await asyncio.sleep(0.3)
    desk.kill()
    page = await desk.open()
    await asyncio.sleep(1)
    assert page.cells == {"same", "unsaved"}
    assert not page.all_told("adopt")


@with_world
async def test_hours_apart_are_merged(world: World) -> None:
    ada, bob = Desk(world, "ada"), Desk(world, "bob")
    for desk in (ada, bob):
        (await desk.open()).write(f"by {desk.name}")
    await asyncio.sleep(10)
    for desk in (ada, bob):
        desk.save()
        desk.kill()
        page = await desk.open()
        page.write(f"by {desk.name}, alone")
        await asyncio.sleep(14_400)
        desk.kill()
    pages = [await ada.open(), await bob.open()]
    await asyncio.sleep(10)
    expected = {"same", "by ada", "by bob", "by ada, alone", "by bob, alone"}
    assert [page.cells for page in pages] == [expected, expected]
    assert not [told for page in pages for told in page.all_told("adopt")]


@pytest.mark.parametrize("seed", seeds(60))
def test_pages_come_and_go(seed: int) -> None:
    @with_world
    async def run(world: World) -> None:
        random = Random(seed)
        desks = [Desk(world, f"browser {n}") for n in range(random.randint(2, 4))]
        written = {"same"}
        for number in range(random.randint(5, 40)):
            desk = random.choice(desks)
            if desk.page is None:
                await desk.open()
            match random.randrange(6):
                case 0:
                    await asyncio.sleep(0.3)  # what was written is kept
                    desk.kill()
                case 1:
                    desk.save()
                case 2:
                    await asyncio.sleep(random.choice([0.01, 1, 60]))
                case _:
                    assert desk.page is not None, "it was opened"
                    desk.page.write(f"{number}")
                    written.add(f"{number}")
        pages = [desk.page or await desk.open() for desk in desks]
        await asyncio.sleep(60)
        assert [page.cells for page in pages] == [written] * len(pages)
        assert not [told for page in pages for told in page.all_told("adopt")]

    run()
