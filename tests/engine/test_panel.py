"""What the dialog of the status item is told, while it is open."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from .engine_helpers import SEED, Page, World, with_world


def facts(page: Page) -> Any:
    """The last that was told."""
    return json.loads(page.all_told("panel", "")[-1][0])


def show_user(page: Page, name: str) -> None:
    user = {"username": name.lower(), "display_name": name, "color": "#e65100"}
    page.send("presence", len(name), json.dumps({"user": user}), key="")


@with_world
async def test_it_tells_how_people_are_reached(world: World) -> None:
    ada, bob, tab = await world.page("hers"), await world.page("his"), await world.page("his")
    for page, name in ((ada, "Ada"), (bob, "Bob"), (tab, "Bob")):
        show_user(page, name)
    await asyncio.sleep(5)
    assert ada.all_told("panel", "") == [], "nobody looks"
    ada.send("panel", True, key="")
    await asyncio.sleep(5)

    told = facts(ada)
    me, other = told["people"]
    assert (me["name"], me["is_me"], me["connection"]) == ("Ada", True, "")
    assert (other["name"], other["initials"], other["color"]) == ("Bob", "B", "#e65100")
    assert other["connection"] == "synced · 20 ms"
    assert told["tone"] == "good"
    assert told["kept"]["about"].startswith("This browser keeps it")
    assert [row["about"] for row in told["servers"]] == ["reached"]


@with_world
async def test_it_tells_how_large_the_documents_are(world: World) -> None:
    ada = await world.page("hers")
    ada.open(SEED, 1, "same")
    ada.send("panel", True, key="")
    await asyncio.sleep(5)
    assert list(facts(ada)["sizes"].values()) == ["1 kB"]


@with_world
async def test_it_is_told_only_while_the_dialog_is_open(world: World) -> None:
    ada, bob = await world.page(), await world.page()
    show_user(bob, "Bob")
    ada.open(SEED, 1, "same")
    ada.send("panel", True, key="")
    await asyncio.sleep(10)
    count = len(ada.all_told("panel", ""))
    await asyncio.sleep(60)
    assert len(ada.all_told("panel", "")) == count, "nothing has changed"
    ada.send("panel", False, key="")
    bob.engine.close()
    await asyncio.sleep(60)
    assert len(ada.all_told("panel", "")) == count
    ada.send("panel", True, key="")
    await asyncio.sleep(1)
    assert facts(ada)["tone"] == "alone"
    ada.engine.close()


@with_world
async def test_what_others_show_is_bounded(world: World) -> None:
    ada = await world.page()
    room = world.files_room()
    evil = {"username": "e", "display_name": "<b>\n" + "x" * 5000, "color": "url(x)"}
    shown = {"client": 7, "state": {"user": evil}}
    room.awareness.set_local_state({"page": shown})
    await room.until_synced(10)
    ada.send("panel", True, key="")
    await asyncio.sleep(5)

    other = facts(ada)["people"][1]
    assert len(other["name"]) <= 40
    assert "\n" not in other["name"]
    assert other["color"] == "#808080"
