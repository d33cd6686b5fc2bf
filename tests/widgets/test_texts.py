"""Texts that people type: merged character by character."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import ipywidgets as widgets
import pytest
from seeds import seeds

from pyodide_rtc.widgets.page_texts import RECENT_S
from widgets.people import Company, Person, in_company


def areas(*people: Person, text: str = "") -> list[Any]:
    return [each.room.share(widgets.Textarea(text), "notes") for each in people]


async def areas_of_pair(company: Company, text: str = "") -> list[Any]:
    """Hers and his, once Ada and Bob know that they share it."""
    both = areas(*await company.pair(), text=text)
    await asyncio.sleep(1)
    return both


def from_page(widget: Any, text: str) -> None:
    """Change a text as a message of the page does."""
    widget.set_state({"value": text})


@in_company
async def test_what_two_type_at_once_is_all_there(company: Company) -> None:
    hers, his = await areas_of_pair(company, "the cat sat")
    hers.value = "the black cat sat"
    his.value = "the cat sat down"
    await asyncio.sleep(1)

    assert hers.value == his.value == "the black cat sat down"


@in_company
async def test_two_typists_lose_no_character(company: Company) -> None:
    hers, his = await areas_of_pair(company, "|")

    async def type_text(area: Any, text: str, *, is_before: bool) -> None:
        for character in text:
            before, _, after = area.value.partition("|")
            area.value = f"{before}{character}|{after}" if is_before else f"{area.value}{character}"
            await asyncio.sleep(0.013)

    front, back = "abcdefghij" * 10, "0123456789" * 10
    await asyncio.gather(
        type_text(hers, front, is_before=True), type_text(his, back, is_before=False)
    )
    await asyncio.sleep(2)

    assert hers.value == his.value == f"{front}|{back}"


@in_company
async def test_the_same_text_of_two_notebooks_is_there_once(company: Company) -> None:
    """Both have shared it, and both have typed, before they hear of each other."""
    ada, bob = company.person("Ada"), company.person("Bob")
    company.part(ada, bob)
    hers, his = areas(ada, bob, text="dear all, bye")
    hers.value = "dear all, hello, bye"
    his.value = "dear all, bye!"
    await asyncio.sleep(1)
    company.network.heal()
    await company.meet()

    assert hers.value == his.value == "dear all, hello, bye!"


@in_company
async def test_who_has_not_typed_takes_the_text_that_was_first(company: Company) -> None:
    ada, bob = company.person("Ada"), company.person("Bob")
    company.part(ada, bob)
    [hers], [his] = areas(ada, text="hers"), areas(bob, text="his")
    hers.value += "!"
    await asyncio.sleep(1)
    company.network.heal()
    await company.meet()

    assert hers.value == his.value == "hers!"


@in_company
async def test_an_emptied_text_stays_empty(company: Company) -> None:
    ada, bob = await company.pair()
    [hers] = areas(ada, text="something")
    hers.value = ""
    await asyncio.sleep(1)
    [his] = areas(bob, text="something")
    await asyncio.sleep(1)

    assert hers.value == his.value == ""


@in_company
async def test_only_what_differs_is_sent(company: Company) -> None:
    ada, bob = await company.pair()
    hers, _ = areas(ada, bob, text="x" * 100_000)
    hers.value += "y"
    await asyncio.sleep(1)
    sizes: list[int] = []
    bob.room.doc.observe(lambda event: sizes.append(len(event.update)))
    hers.value = "z" + hers.value
    await asyncio.sleep(1)

    assert 0 < sum(sizes) < 100


@in_company
async def test_an_edit_of_a_page_that_is_behind_deletes_nothing(company: Company) -> None:
    """Bob's text comes while Ada's kernel is busy; what she typed then waits behind the cell."""
    hers, his = await areas_of_pair(company)
    his.value = "from Bob. "
    await asyncio.sleep(1)
    assert hers.value == "from Bob. "

    for typed in ("f", "fr", "fro", "from A"):  # her page had not shown what Bob wrote
        from_page(hers, typed)
    await asyncio.sleep(1)

    assert hers.value == his.value
    assert "from Bob. " in hers.value
    assert "from A" in hers.value.replace("from Bob. ", "")


@in_company
async def test_what_another_has_just_typed_can_be_deleted(company: Company) -> None:
    hers, his = await areas_of_pair(company, "one")
    his.value = "one two"
    await asyncio.sleep(1)
    from_page(hers, "one")
    await asyncio.sleep(1)

    assert hers.value == his.value == "one"


@in_company
async def test_a_text_that_is_selected_and_typed_over_is_replaced(company: Company) -> None:
    """The empty text was there before as well, and nearer: but the page has it no more."""
    hers, his = await areas_of_pair(company)
    for typed in ("h", "he", "hel", "hell", "hello", "x"):
        from_page(hers, typed)
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    assert hers.value == his.value == "x"


@in_company
async def test_what_another_typed_long_ago_can_be_typed_over(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = areas(ada, bob)
    his.value = "a long text of Bob"
    await asyncio.sleep(3 * RECENT_S)
    his.value += "!"
    await asyncio.sleep(2 * RECENT_S)
    from_page(hers, "new")
    await asyncio.sleep(1)
    assert hers.value == his.value == "new"


@in_company
async def test_code_sets_the_whole_text(company: Company) -> None:
    hers, his = await areas_of_pair(company)
    his.value = "typed by Bob"
    await asyncio.sleep(1)
    hers.value = "done"
    await asyncio.sleep(1)

    assert hers.value == his.value == "done"


@in_company
async def test_half_an_emoji_is_told(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = areas(ada, bob)
    await asyncio.sleep(1)
    hers.value = "a\ud83d"
    await asyncio.sleep(1)
    assert "half a character" in ada.faults[0]
    hers.value = "a📊"
    await asyncio.sleep(1)
    assert his.value == "a📊"


@in_company
async def test_a_large_text_arrives(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = areas(ada, bob)
    await asyncio.sleep(1)
    hers.value = "0123456789" * 500_000
    await asyncio.sleep(5)

    assert his.value == hers.value
    assert ada.faults == bob.faults == []


@in_company
async def test_a_colour_and_a_choice_are_no_texts(company: Company) -> None:
    """Two of them merged by characters would be neither."""
    ada, bob = await company.pair()
    pairs = [
        [p.room.share(make(), name) for p in (ada, bob)]
        for name, make in {"c": widgets.ColorPicker, "b": widgets.Combobox}.items()
    ]
    await asyncio.sleep(1)
    for hers, his in pairs:
        hers.value, his.value = "red", "blue"
    await asyncio.sleep(1)

    for hers, his in pairs:
        assert hers.value == his.value
        assert hers.value in ("red", "blue")


@pytest.mark.parametrize("seed", seeds(6))
@in_company
async def test_random_typing_converges(seed: int, company: Company) -> None:
    random = Random(seed)
    ada, bob = await company.pair()
    both = areas(ada, bob, text="start")
    for _ in range(60):
        area = random.choice(both)
        at = random.randint(0, len(area.value))
        gone = random.choice([0, 0, 1, 3])
        new = random.choice(["x", "📊", "word ", ""])
        area.value = area.value[:at] + new + area.value[at + gone :]
        await asyncio.sleep(random.choice([0, 0.01, 0.1]))
    await asyncio.sleep(5)

    assert both[0].value == both[1].value
