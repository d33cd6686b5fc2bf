"""What the engine tells people: how far a document is shared, and what stands in the way."""

from __future__ import annotations

import asyncio
import json

import pytest

from pyodide_rtc.causes import Cause
from pyodide_rtc.engine.people import in_words
from pyodide_rtc.engine.troubles import Troubles
from pyodide_rtc.errors import ChangesMissingError, PeerLimitError
from pyodide_rtc.ports import PageFacts

from .engine_helpers import KEY, OTHER_SEED, ROOM, SEED, Page, World, candidate, with_world

RELAY = "wss://relay.example.org/"


def document(page: Page, key: str = KEY) -> tuple[str, str]:
    """The last that was told of a document."""
    told = [about[1:] for about in page.all_told("document", "") if about[0] == key]
    word, sentence = told[-1]
    return word, sentence


def troubles(page: Page) -> dict[str, str]:
    return dict(json.loads(page.all_told("troubles", "")[-1][0]))


def why(page: Page) -> str:
    sentence: str = page.all_told("room", "")[-1][0]
    return sentence


def show(page: Page, username: str, name: str, key: str = KEY) -> None:
    user = {"user": {"username": username, "display_name": name}}
    page.send("presence", len(name), json.dumps(user), key=key)


class TestDocument:
    @with_world
    async def test_alone_and_together(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        one.open(SEED, 1, "same")
        await asyncio.sleep(5)
        assert document(one) == ("alone", "Nobody else has it open.")
        other.open(SEED, 1, "same")
        await asyncio.sleep(5)
        assert document(one) == ("synced", "It is in sync with another page.")
        show(one, "a", "Ada")
        show(other, "b", "Bob")
        await asyncio.sleep(1)
        assert document(one) == ("synced", "It is in sync with Bob.")
        other.send("close")
        await asyncio.sleep(1)
        assert document(one) == ("alone", "Nobody else has it open.")

    @with_world
    async def test_another_tab_of_mine(self, world: World) -> None:
        one, tab = await world.page(), await world.page()
        for page in (one, tab):
            show(page, "a", "Ada", key="")
            page.open(SEED, 1, "same")
            show(page, "a", "Ada")
        await asyncio.sleep(5)
        assert document(one) == ("synced", "It is in sync with your other tab.")

    @with_world
    async def test_what_is_not_here_yet(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        one.send("open")
        await asyncio.sleep(0.5)
        assert document(one)[0] == "looking"
        one.send("close")
        one.open(OTHER_SEED, 2, "mine")
        other.open(SEED, 1, "theirs")
        await asyncio.sleep(5)
        words = [about[1] for about in one.all_told("document", "")]
        assert words[-1] == "synced"
        assert "syncing" in words, "while the other version is on its way"

    @with_world
    async def test_one_that_was_closed_is_told_again_when_it_is_opened(self, world: World) -> None:
        one = await world.page()
        for _ in range(2):
            one.open(SEED, 1, "same")
            await asyncio.sleep(1)
            one.send("close")
            await asyncio.sleep(1)
        assert len(one.all_told("document", "")) == 2

    @with_world
    async def test_nothing_is_told_twice(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        for page in (one, other):
            page.open(SEED, 1, "same")
        await asyncio.sleep(5)
        told = len(one.told)
        for number in range(20):
            one.write(f"{number}")
            await asyncio.sleep(0.1)
        await asyncio.sleep(20)
        assert one.told[told:] == []

    @pytest.mark.parametrize(
        ("names", "pages", "words"),
        [
            ([], 1, "another page"),
            ([], 3, "3 other pages"),
            (["Bob"], 2, "Bob"),
            (["Bob", "Eve"], 2, "Bob and Eve"),
            (["Bob", "Eve", "Ida"], 3, "Bob, Eve and Ida"),
            (["Bob", "Eve", "Ida", "Joe"], 4, "Bob, Eve and 2 others"),
        ],
    )
    def test_who_it_is(self, names: list[str], pages: int, words: str) -> None:
        assert in_words(names, pages) == words


class TestTroubles:
    @with_world
    async def test_there_are_none(self, world: World) -> None:
        one = await world.page()
        assert troubles(one) == {}
        await asyncio.sleep(30)
        assert one.all_told("troubles", "") == [("[]",)]
        assert why(one) == "You are alone in the room: nobody else has joined it yet."

    @with_world
    async def test_the_server_is_away_at_the_start_and_comes(self, world: World) -> None:
        world.network.relays[RELAY].stop()
        one = await world.page()
        await asyncio.sleep(10)
        assert set(troubles(one)) == {"signaling"}
        assert troubles(one)["signaling"].startswith(
            f"{Cause.NO_SERVER.value} Go on working: your edits reach the others later. ({RELAY}: "
        )
        assert why(one).startswith(Cause.NO_SERVER.value)
        world.network.relays[RELAY].start()
        await asyncio.sleep(10)
        assert troubles(one) == {}
        assert len(one.all_told("troubles", "")) == 3, "it has come once, and gone"

    @with_world
    async def test_the_server_goes_while_others_are_here(self, world: World) -> None:
        one, other = await world.page(), await world.page()
        for page in (one, other):
            page.open(SEED, 1, "same")
        await asyncio.sleep(5)
        world.network.relays[RELAY].stop()
        await asyncio.sleep(60)
        assert "You stay connected with those who are here." in troubles(one)["signaling"]
        assert why(one) == "1 peer is connected and synced."
        assert document(one)[0] == "synced"

    @with_world
    async def test_a_server_that_is_back_at_once_was_never_away(self, world: World) -> None:
        one = await world.page()
        await asyncio.sleep(5)
        world.network.relays[RELAY].stop()
        await asyncio.sleep(0.2)
        world.network.relays[RELAY].start()
        await asyncio.sleep(20)
        assert one.all_told("troubles", "") == [("[]",)]

    @with_world
    async def test_somebody_has_another_password(self, world: World) -> None:
        one = await world.page()
        stranger = world.network.host().join(f"{ROOM}/files", password="secret")
        await asyncio.sleep(10)
        assert troubles(one) == {"password": Cause.STRANGERS.value}
        assert why(one) == Cause.STRANGERS.value
        other = await world.page()
        await asyncio.sleep(5)
        assert why(one) == "1 peer is connected and synced."
        assert "password" in troubles(one), "it is so all the same"
        other.engine.close()
        stranger.leave()
        await asyncio.sleep(90)
        assert troubles(one) == {}

    @with_world
    async def test_a_browser_blocks_webrtc(self, world: World) -> None:
        one = await world.page()
        blocked = world.network.host()
        blocked.network.blocked = "ReferenceError: RTCPeerConnection is not defined"
        stranger = blocked.join(f"{ROOM}/files")
        await asyncio.sleep(5)
        assert troubles(one) == {"webrtc": Cause.NO_WEBRTC_THERE.value}
        assert why(one) == Cause.NO_WEBRTC_THERE.value
        stranger.leave()
        await asyncio.sleep(10)
        assert troubles(one) == {}

    @with_world
    async def test_a_site_without_servers(self, world: World) -> None:
        host = world.network.host()
        host.facts = PageFacts(host.facts.href, {"collaborative": True})
        one = await Page(host).start()
        await asyncio.sleep(1)
        assert "fullWebRtcSignalingUrls" in troubles(one)["failed"]
        assert why(one) == troubles(one)["failed"]

    @with_world
    async def test_a_document_that_cannot_be_shared(self, world: World) -> None:
        one = await world.page()
        one.open(SEED, 1, "one")
        one.send("update", SEED, b"no update")
        await asyncio.sleep(1)
        [cause] = troubles(one)
        assert cause == f"merge {KEY}"
        assert troubles(one)[cause].startswith(
            "a.ipynb could not be merged with that of the others"
        )
        one.send("close")
        await asyncio.sleep(1)
        assert troubles(one) == {}
        one.send("open", candidate(SEED, 1), b"no update")
        await asyncio.sleep(1)
        assert set(troubles(one)) == {cause}
        one.open(SEED, 1, "one")
        await asyncio.sleep(1)
        assert troubles(one) == {}

    @with_world
    async def test_what_the_room_cannot_merge_is_told_until_all_is_well(self, world: World) -> None:
        room, looks = world.files_room(), []
        is_settled = False
        told = Troubles(room, lambda: is_settled, lambda: looks.append(told.now()))
        await asyncio.sleep(5)
        told.note_fault(PeerLimitError("bytes", 2, 1))
        assert told.now() == []
        told.note_fault(ChangesMissingError(3))
        [(cause, sentence)] = told.now()
        assert cause == "merge"
        assert sentence.startswith("Something could not be merged: 3 changes are missing")
        await asyncio.sleep(120)
        assert told.now() == [(cause, sentence)]
        is_settled = True
        await asyncio.sleep(10)
        assert looks[-1] == []
        told.close()


def test_what_a_notice_shows_is_not_cut() -> None:
    """JupyterLab cuts a notice to 140 characters."""
    shown = [Cause.NO_PATH, Cause.STRANGERS, Cause.NO_WEBRTC_HERE, Cause.NO_WEBRTC_THERE]
    shown += [Cause.NO_ADDRESS_HERE, Cause.NO_ADDRESS_THERE]
    assert all(len(cause.value) <= 140 for cause in shown)
