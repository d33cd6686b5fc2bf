from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from pyodide_rtc.ports import PageFacts
from pyodide_rtc.protocol.document.awareness_limits import MAX_STATE_BYTES

from .engine_helpers import KEY, OTHER_SEED, SEED, Page, World, candidate, seed_state, with_world


class TestOneLineage:
    @with_world
    async def test_what_one_edits_the_other_has(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        one.open(SEED, 1, "same")
        other.open(SEED, 2, "same")
        await asyncio.sleep(5)
        one.write("from one")
        other.write("from other")
        await asyncio.sleep(1)
        assert one.cells == other.cells == {"same", "from one", "from other"}
        assert not one.all_told("adopt") and not other.all_told("adopt")

    @with_world
    async def test_nothing_comes_back_to_who_wrote_it(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        one.open(SEED, 1, "same")
        other.open(SEED, 2, "same")
        await asyncio.sleep(5)
        one.told.clear()
        for number in range(10):
            one.write(f"{number}")
            await asyncio.sleep(0.1)
        assert len(other.cells) == 11
        assert not one.all_told("update")

    @with_world
    async def test_updates_of_one_turn_are_told_together(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        one.open(SEED, 1, "same")
        other.open(SEED, 2, "same")
        await asyncio.sleep(5)
        other.told.clear()
        for number in range(100):
            one.write(f"{number}")
        await asyncio.sleep(1)
        assert len(other.cells) == 101
        assert len(other.all_told("update")) == 1

    @with_world
    async def test_edits_made_before_anybody_was_found_are_merged(self, world: World) -> None:
        one = await world.page()
        one.open(SEED, 1, "same")
        one.write("alone")
        await asyncio.sleep(5)
        other = await world.page()
        other.open(SEED, 2, "same")
        other.write("too early to be shared")
        await asyncio.sleep(5)
        assert one.cells == other.cells == {"same", "alone", "too early to be shared"}

    @with_world
    async def test_of_equal_seeds_the_earlier_time_counts(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        one.open(SEED, 1, "same")
        other.open(SEED, 50, "same")
        await asyncio.sleep(5)
        one.send("close")
        third = await world.page()
        third.open(OTHER_SEED, 20, "third")
        await asyncio.sleep(5)
        assert third.cells == other.cells == {"same"}


class TestSeveralLineages:
    @with_world
    async def test_the_later_one_takes_the_earlier_ones(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        one.open(OTHER_SEED, 1, "one")
        other.open(SEED, 2, "other")
        await asyncio.sleep(5)
        assert one.cells == other.cells == {"one"}
        assert not one.all_told("adopt")
        [(told, _state)] = other.all_told("adopt")
        assert json.loads(told) == {"seed": OTHER_SEED, "seeded_at": 1, "placeholder": False}
        one.write("on")
        other.write("and on")
        await asyncio.sleep(1)
        assert one.cells == other.cells == {"one", "on", "and on"}

    @with_world
    async def test_a_placeholder_gives_way(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        one.open(SEED, 1, "", placeholder=True)
        other.open(OTHER_SEED, 2, "other")
        await asyncio.sleep(5)
        assert one.cells == other.cells == {"other"}

    @with_world
    async def test_five_at_once_have_one(self, world: World) -> None:
        pages = [await world.page() for _ in range(5)]
        for number, page in enumerate(pages):
            page.open(f"{number}" * 64, 7, f"{number}")
        await asyncio.sleep(20)
        for page in pages:
            page.write(f"by {pages.index(page)}")
        await asyncio.sleep(2)
        expected = {"0", *(f"by {number}" for number in range(5))}
        assert [page.cells for page in pages] == [expected] * 5

    @with_world
    async def test_what_is_edited_between_is_not_mixed_in(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        one.open(SEED, 1, "one")
        other.open(OTHER_SEED, 2, "other")
        other.opened_again = False
        await asyncio.sleep(5)
        late = seed_state("late")
        other.send("update", OTHER_SEED, late)
        await asyncio.sleep(1)
        assert one.cells == {"one"}

    @with_world
    async def test_one_that_nobody_has_any_more_is_not_waited_for(self, world: World) -> None:
        other, somebody = await world.page(), world.files_room()
        other.open(OTHER_SEED, 2, "other")
        await asyncio.sleep(5)
        # The first lineage is told of, and gone before its content could be had.
        front = somebody.document(KEY)
        front.awareness.set_local_state_field("lineage", json.loads(candidate(SEED, 1)))
        await asyncio.sleep(5)
        assert f"{KEY}/{SEED}" in somebody.documents
        front.close()
        await asyncio.sleep(2)
        assert f"{KEY}/{SEED}" not in somebody.documents
        third = await world.page()
        third.open("c" * 64, 3, "third")
        await asyncio.sleep(5)
        assert other.cells == third.cells == {"other"}
        assert not other.all_told("adopt")

    @with_world
    async def test_what_others_tell_may_be_anything(self, world: World) -> None:
        one, liar = await world.page(), world.files_room().document(KEY)
        one.open(SEED, 1, "one")
        for value in ({"seed": 5}, "text", None, [1], {"seed": SEED, "seeded_at": "soon"}):
            liar.awareness.set_local_state_field("lineage", value)
            await asyncio.sleep(1)
        one.write("on")
        assert one.cells == {"one", "on"}
        assert not one.all_told("fault")


class TestMissing:
    @with_world
    async def test_what_this_browser_lacks_is_had_from_the_room(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        one.open(SEED, 1, "one")
        await asyncio.sleep(5)
        other.send("open")
        await asyncio.sleep(5)
        assert other.cells == {"one"}
        assert not other.all_told("missing")

    @with_world
    async def test_nobody_has_it(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        one.send("open")
        other.send("open")
        await asyncio.sleep(11)
        assert one.all_told("missing") == other.all_told("missing") == [()]

    @with_world
    async def test_alone_it_is_said_soon(self, world: World) -> None:
        one = await world.page()
        one.send("open")
        await asyncio.sleep(4)
        assert one.all_told("missing") == [()]

    @with_world
    async def test_without_a_server_it_is_said_later(self, world: World) -> None:
        world.network.relays["wss://relay.example.org/"].stop()
        one = await world.page()
        one.send("open")
        await asyncio.sleep(4)
        assert not one.all_told("missing")
        await asyncio.sleep(8)
        assert one.all_told("missing") == [()]

    @with_world
    async def test_a_site_without_servers_says_it_at_once(self, world: World) -> None:
        host = world.network.host()
        host.facts = PageFacts(host.facts.href, {"collaborative": True})
        one = await Page(host).start()
        one.send("open")
        await asyncio.sleep(1)
        assert one.all_told("missing") == [()]


class TestPresence:
    @with_world
    async def test_what_a_page_shows_the_others_see(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        one.open(SEED, 1, "same")
        other.open(SEED, 1, "same")
        await asyncio.sleep(5)
        state = {"user": {"display_name": "Ada"}, "cursors": [{"head": {"assoc": 0}}]}
        one.send("presence", 77, json.dumps(state))
        await asyncio.sleep(1)
        assert json.loads(other.all_told("presence")[-1][0]) == [[77, state]]
        assert [json.loads(told) for (told,) in one.all_told("presence")] in ([], [[]])
        one.send("presence", 77, None)
        await asyncio.sleep(1)
        assert json.loads(other.all_told("presence")[-1][0]) == []

    @with_world
    async def test_only_known_facts_of_a_person_are_passed_on(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        user = {"name": "A" * 500, "avatar_url": "https://example.org/", "color": 5}
        one.send("presence", 1, json.dumps({"user": user}), key="")
        await asyncio.sleep(5)
        assert json.loads(other.all_told("presence", "")[-1][0]) == [
            [1, {"user": {"name": "A" * 100}}]
        ]

    @with_world
    async def test_people_are_counted_not_tabs(self, world: World) -> None:
        one, two, tab = [await world.page(browser) for browser in ("first", "second", "second")]
        tab.host.facts = two.host.facts
        for number, page in enumerate((one, two, tab)):
            user = {"username": "Ada" if page is one else "Bob"}
            page.send("presence", number, json.dumps({"user": user}), key="")
        await asyncio.sleep(5)
        own = 1  # it knows itself by another name than those above
        assert one.all_told("room", "")[-1][1] == own + 1
        assert "connected" in one.all_told("room", "")[-1][0]

    @with_world
    async def test_a_page_is_told_who_sits_there(self, world: World) -> None:
        one = await world.page()
        [(told,)] = one.all_told("user", "")
        assert set(json.loads(told)) == {"username", "name", "display_name", "initials", "color"}


class TestBadMessages:
    @pytest.mark.parametrize(
        ("operation", "about"),
        [
            ("open", ("no JSON", b"\0\0")),
            ("open", ('{"seed": "x"}', b"\0\0")),
            ("open", (candidate(SEED, 1), b"no update")),
            ("presence", (1, json.dumps("x" * 2 * MAX_STATE_BYTES))),
        ],
    )
    @with_world
    async def test_they_are_told_and_the_engine_goes_on(
        self, operation: str, about: tuple[Any, ...], world: World
    ) -> None:
        one, other = await world.page(), await world.page()
        one.open(SEED, 1, "one")
        one.send(operation, *about)
        assert len(one.all_told("fault")) == 1
        one.open(SEED, 1, "one")
        one.write("on")
        other.open(SEED, 1, "one")
        await asyncio.sleep(5)
        assert other.cells == {"one", "on"}

    @with_world
    async def test_a_document_that_is_not_open_is_none(self, world: World) -> None:
        one = await world.page()
        one.send("update", SEED, seed_state("x"))
        one.send("presence", 1, "{}")
        one.send("close")
        assert not one.all_told("fault")
