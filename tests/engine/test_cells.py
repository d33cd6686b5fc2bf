"""What a peer puts among the cells of a notebook reaches no page, unless it is a cell."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text

from .engine_helpers import KEY, SEED, Page, World, candidate, with_world


def cell(**other: Any) -> Map[Any]:
    parts: dict[str, Any] = {
        "id": "a",
        "cell_type": "code",
        "source": Text("one = 1"),
        "metadata": Map(),
        "outputs": Array(),
    }
    return Map({name: part for name, part in (parts | other).items() if part is not ...})


NONE_OF_THEM = {
    "number": lambda: 3,
    "nothing": lambda: None,
    "text": lambda: "one = 1",
    "plain object": lambda: {"id": "a", "cell_type": "code", "source": "one = 1"},
    "list": Array,
    "empty": Map,
    "unknown type": lambda: cell(cell_type="heading"),
    "type is a list": lambda: cell(cell_type=["code"]),
    "plain source": lambda: cell(source="one = 1"),
    "no source": lambda: cell(source=...),
    "no metadata": lambda: cell(metadata=...),
    "plain metadata": lambda: cell(metadata={}),
    "no outputs": lambda: cell(outputs=...),
    "plain outputs": lambda: cell(outputs=[]),
    "no id": lambda: cell(id=...),
    "id is a number": lambda: cell(id=3.0),
}


def cells_of(doc: Doc[Any]) -> Array[Any]:
    return doc.get("cells", type=Array)


def insert(page: Page, index: int, *values: object) -> None:
    before = page.doc.get_state()
    cells_of(page.doc)[index:index] = list(values)
    page.send("update", page.seed, page.doc.get_update(before))


async def together(world: World) -> tuple[Page, Page]:
    one, other = await world.page(), await world.page()
    for page in (one, other):
        page.open(SEED, 1, "same")
    await asyncio.sleep(5)
    return one, other


def faults(page: Page) -> list[str]:
    return [sentence for (sentence,) in page.all_told("fault")]


@pytest.mark.parametrize("make", NONE_OF_THEM.values(), ids=NONE_OF_THEM)
@with_world
async def test_what_is_no_cell_is_removed(make: Any, world: World) -> None:
    one, other = await together(world)
    told: list[Any] = []

    def hear(event: Any) -> None:
        told.extend(value for part in event.delta for value in part.get("insert", ()))

    watched = cells_of(other.doc)
    subscription = watched.observe(hear)
    insert(one, 0, cell(id="a"), make(), cell(id="b", cell_type="raw", outputs=...), make())
    await asyncio.sleep(1)
    assert [value["id"] for value in told] == ["a", "b"], "the other page has never had it"
    watched.unobserve(subscription)
    for page in (one, other):
        assert [value["id"] for value in cells_of(page.doc)] == ["a", "b"]
    assert faults(other) == [
        "a peer has put 2 things among the cells that are none; they were removed"
    ]


@with_world
async def test_a_newcomer_does_not_get_it_either(world: World) -> None:
    room = world.files_room()
    document = room.document(f"{KEY}/{SEED}")
    cells_of(document.doc).extend([cell(), 3])
    page = await world.page()
    page.open(SEED, 1, "same")
    await asyncio.sleep(5)
    assert [value["id"] for value in cells_of(page.doc)] == ["a"]
    room.leave()


@with_world
async def test_a_text_file_may_have_such_a_list(world: World) -> None:
    key = "file:a.txt"
    one, other = await world.page(), await world.page()
    state = Doc[Any](client_id=1)
    cells_of(state).append(3)
    for page in (one, other):
        page.seed = SEED
        page.send(
            "open",
            candidate(SEED, 1),
            state.get_update(),
            key=key,
        )
    await asyncio.sleep(5)
    assert not other.all_told("fault", key)
    assert not other.all_told("update", key)
