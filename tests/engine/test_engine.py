from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pycrdt import Doc, Text

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
    async def test_who_is_slow_to_tell_is_waited_for(self, world: World) -> None:
        one = await world.page()
        one.open(SEED, 1, "one")
        await asyncio.sleep(5)
        other = await world.page()
        other.send("open")
        await asyncio.sleep(0.05)  # they have heard of each other, no more
        one.host.is_busy = True
        await asyncio.sleep(20)
        assert not other.all_told("missing")
        one.host.is_busy = False
        world.network.go_on()
        await asyncio.sleep(5)
        assert other.cells == {"one"}

    @with_world
    async def test_who_does_not_tell_is_not_waited_for_for_ever(self, world: World) -> None:
        one = await world.page()
        await asyncio.sleep(5)
        other = await world.page()
        other.send("open")
        await asyncio.sleep(0.05)
        one.host.is_busy = True
        await asyncio.sleep(75)
        assert other.all_told("missing") == [()]

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
    async def test_two_tabs_of_one_person_of_the_site_are_one(self, world: World) -> None:
        one, tab = await world.page(), await world.page()
        for page in (one, tab):
            user = {"username": "grace", "display_name": "Grace Hopper"}
            page.send("presence", 1, json.dumps({"user": user}), key="")
        await asyncio.sleep(5)
        assert one.all_told("room", "")[-1][1] == 1
        assert people(one) == ["Grace Hopper"]

    @with_world
    async def test_the_people_are_told_with_names_and_colors(self, world: World) -> None:
        one, other, tab = await world.page(), await world.page(), await world.page()
        ada = {"username": "a", "display_name": "Ada", "color": "#e65100"}
        one.send("presence", 1, json.dumps({"user": ada}), key="")
        bad = {"username": "b", "display_name": "<b>\n" + "x" * 99, "color": "url(https://x/)"}
        for number, page in enumerate((other, tab)):
            page.send("presence", number, json.dumps({"user": bad}), key="")
        await asyncio.sleep(5)
        told = json.loads(one.all_told("people", "")[-1][0])
        assert told == [
            {"name": "Ada", "color": "#e65100"},
            {"name": "<b> " + "x" * 36, "color": "#808080"},
        ]

    @with_world
    async def test_a_person_takes_another_name(self, world: World) -> None:
        one = await world.page()
        [first] = users(one)
        assert first["name"] == people(one)[0]
        one.host.page.change_user("Ada Lovelace", "#e65100")
        await asyncio.sleep(1)
        [_, second] = users(one)
        assert second == {
            "username": first["username"],
            "name": "Ada Lovelace",
            "display_name": "Ada Lovelace",
            "initials": "AL",
            "color": "#e65100",
        }
        assert people(one) == ["Ada Lovelace"]
        one.host.page.change_user(None)
        await asyncio.sleep(1)
        assert users(one)[-1]["name"] != "Ada Lovelace"

    @with_world
    async def test_a_page_is_told_who_sits_there(self, world: World) -> None:
        one = await world.page()
        [(told,)] = one.all_told("user", "")
        assert set(json.loads(told)) == {"username", "name", "display_name", "initials", "color"}


def users(page: Page) -> list[dict[str, str]]:
    return [json.loads(told) for (told,) in page.all_told("user", "")]


def people(page: Page) -> list[str]:
    return [one["name"] for one in json.loads(page.all_told("people", "")[-1][0])]


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


NEW_KEY = "notebook:b.ipynb"


class TestRenaming:
    """What a page does by `move`, `close`, `open`: documents.js does it so."""

    @staticmethod
    def rename(page: Page, seed: str, key: str, new_key: str, told: str) -> None:
        page.send("move", seed, new_key, key=key)
        page.send("close", key=key)
        page.send("open", told, page.doc.get_update(), key=new_key)

    @with_world
    async def test_the_others_are_told_and_go_on_together(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        one.open(SEED, 1, "same")
        other.open(SEED, 1, "same")
        await asyncio.sleep(5)
        self.rename(one, SEED, KEY, NEW_KEY, candidate(SEED, 1))
        await asyncio.sleep(1)
        assert other.all_told("moved") == [(NEW_KEY,)]
        assert not one.all_told("moved")
        other.write("meanwhile")
        self.rename(other, SEED, KEY, NEW_KEY, candidate(SEED, 1))
        await asyncio.sleep(2)
        assert not one.all_told("moved", NEW_KEY)
        assert not other.all_told("moved", NEW_KEY)
        assert "meanwhile" in one.cells

    @with_world
    async def test_a_new_file_of_the_old_name_is_another_document(self, world: World) -> None:
        one, late = await world.page(), await world.page()
        one.open(SEED, 1, "old")
        late.open(SEED, 1, "old")
        await asyncio.sleep(5)
        self.rename(one, SEED, KEY, NEW_KEY, candidate(SEED, 1))
        one.open(OTHER_SEED, 50, "new")
        await asyncio.sleep(5)
        # The other still has the old tab: neither takes the other's content.
        assert late.all_told("moved") == [(NEW_KEY,)]
        assert not one.all_told("adopt")
        third = await world.page()
        third.open(OTHER_SEED, 60, "new")
        third.write("by the third")
        await asyncio.sleep(5)
        assert one.cells == {"new", "by the third"}

    @with_world
    async def test_to_and_fro(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        one.open(SEED, 1, "same")
        other.open(SEED, 1, "same")
        await asyncio.sleep(5)
        for key, new_key in ((KEY, NEW_KEY), (NEW_KEY, KEY), (KEY, NEW_KEY)):
            one.told.clear()
            other.told.clear()
            self.rename(one, SEED, key, new_key, candidate(SEED, 1))
            await asyncio.sleep(1)
            assert other.all_told("moved", key) == [(new_key,)]
            self.rename(other, SEED, key, new_key, candidate(SEED, 1))
            await asyncio.sleep(1)
            assert not [told for told in one.told if told[0] == "moved"]

    @pytest.mark.parametrize(
        "moved", [5, "x", {SEED: 5}, {SEED: [NEW_KEY]}, {SEED: [1, 1]}, {SEED: [NEW_KEY, 1e9]}]
    )
    @with_world
    async def test_what_others_tell_may_be_anything(self, moved: object, world: World) -> None:
        one, liar = await world.page(), world.files_room().document(KEY)
        one.open(SEED, 1, "one")
        liar.awareness.set_local_state_field("moved", moved)
        await asyncio.sleep(5)
        assert not one.all_told("moved")
        assert not one.all_told("fault")


class TestHalfCharacters:
    @with_world
    async def test_the_page_gets_the_other_half_deleted(self, world: World) -> None:
        """Yjs lets a page delete half an emoji, and Yrs deleted the "b" in its place."""
        one, other = await world.page(), await world.page()
        text: Text = Doc(client_id=5).get("t", type=Text)
        text += "a📊b"
        one.open(SEED, 1, "same")
        other.open(SEED, 1, "same")
        assert text.doc is not None
        one.send("update", SEED, text.doc.get_update())
        await asyncio.sleep(5)
        one.told.clear()
        one.send("update", SEED, bytes([0, 1, 5, 1, 2, 1]))
        await asyncio.sleep(5)
        assert str(other.doc.get("t", type=Text)) == "ab"
        assert one.all_told("update"), "so its text becomes the same"


class TestLife:
    @with_world
    async def test_it_answers_that_it_is_alive(self, world: World) -> None:
        one = await world.page()
        one.send("ping", key="")
        assert one.all_told("pong", "") == [()]

    @with_world
    async def test_what_is_written_into_an_empty_file_makes_it_count(self, world: World) -> None:
        one = await world.page()
        one.open(SEED, 1, "", placeholder=True)
        one.send("lineage", candidate(SEED, 1))
        await asyncio.sleep(5)
        other = await world.page()
        other.open(OTHER_SEED, 2, "other")
        await asyncio.sleep(5)
        assert not one.all_told("adopt")
        assert other.all_told("adopt")
