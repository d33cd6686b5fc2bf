"""Two people type in their pages, which know of the room only by messages."""

from __future__ import annotations

import asyncio
from random import Random
from string import ascii_uppercase, digits
from typing import Any

import ipywidgets as widgets
import pytest
from seeds import seeds

from widgets.page import Page
from widgets.people import Company, in_company


async def open_pages(company: Company, delay_s: float) -> tuple[list[Any], list[Page]]:
    ada, bob = await company.pair()
    areas = [p.room.share(widgets.Textarea("<>|"), "notes") for p in (ada, bob)]
    await asyncio.sleep(1)
    return areas, [Page(area, delay_s) for area in areas]


async def type_each(page: Page, characters: str, before: str, random: Random) -> None:
    for character in characters:
        page.type(character, before)
        await asyncio.sleep(random.uniform(0.05, 0.25))


@pytest.mark.parametrize("seed", seeds(12))
@in_company
async def test_no_character_is_lost_and_all_see_the_same(seed: int, company: Company) -> None:
    random = Random(seed)
    areas, pages = await open_pages(company, random.choice([0.005, 0.03, 0.1]))
    await asyncio.gather(
        type_each(pages[0], ascii_uppercase, ">", random),
        type_each(pages[1], digits * 2, "", random),
    )
    await asyncio.sleep(5)

    assert pages[0].text == pages[1].text == areas[0].value == areas[1].value
    assert sorted(pages[0].text) == sorted("<>|" + ascii_uppercase + digits * 2)


@pytest.mark.parametrize("seed", seeds(6))
@in_company
async def test_what_was_typed_behind_a_running_cell_takes_nothing_away(
    seed: int, company: Company
) -> None:
    """And the cell then sets the text itself."""
    random = Random(seed)
    areas, pages = await open_pages(company, 0.02)
    pages[0].run_cell()
    typing = asyncio.gather(
        type_each(pages[0], ascii_uppercase, ">", random),
        type_each(pages[1], digits * 2, "|", random),
    )
    await asyncio.sleep(6)
    areas[0].value += "done"
    pages[0].end_cell()
    await typing
    await asyncio.sleep(5)

    assert pages[0].text == pages[1].text == areas[0].value == areas[1].value
    assert sorted(pages[0].text) == sorted("<>|done" + ascii_uppercase + digits * 2)
