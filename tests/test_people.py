"""Who is in a room: people, what they show, and who has come and gone."""

from __future__ import annotations

import asyncio
import dataclasses
from typing import Any

import pytest

from pyodide_rtc.activity import IDLE_S
from pyodide_rtc.errors import ConfigError
from pyodide_rtc.people import MAX_PLACE_CHARS, RETURN_S
from pyodide_rtc.room import Room
from pyodide_rtc.room_status import RoomEvent
from pyodide_rtc.testing import MemoryHost, Network, peer_id_of, run_virtual


def host_of(network: Network, browser: str) -> MemoryHost:
    """A kernel in a browser that keeps what it is known by."""
    host = network.host(browser=browser)
    host.facts = dataclasses.replace(host.facts, browser_id=f"the browser of {browser}")
    return host


def join(network: Network, name: str, browser: str | None = None) -> Room:
    return host_of(network, browser or name).join(user=name)


async def met(*rooms: Room) -> None:
    await asyncio.gather(*(room.until_synced(10) for room in rooms))
    await asyncio.sleep(1)


async def ada_and_bob(network: Network, browser_of_bob: str = "Bob") -> tuple[Room, Room]:
    """Two who have met."""
    ada, bob = join(network, "Ada"), join(network, "Bob", browser_of_bob)
    await met(ada, bob)
    return ada, bob


async def ada_and_eve(shown: dict[str, object]) -> tuple[Room, Room]:
    """Two who have met; Eve shows this, as a stock page does, and nothing else."""
    network = Network()
    ada, eve = join(network, "Ada"), join(network, "Eve")
    await eve.until_loaded(10)
    eve.awareness.set_local_state(shown)
    await met(ada, eve)
    return ada, eve


def heard_in(room: Room) -> list[RoomEvent]:
    """What the room tells from now on."""
    events: list[RoomEvent] = []
    room.observe(events.append)
    return events


def comings(events: list[RoomEvent]) -> list[str]:
    return [repr(one) for one in events if one.kind.startswith("person-")]


def by_name(room: Room) -> dict[str, Any]:
    return {one.name: one for one in room.people}


class TestWhoIsThere:
    def test_people_are_those_who_show_a_name(self) -> None:
        async def main() -> None:
            network = Network()
            ada, bob = join(network, "Ada Lovelace"), join(network, "bob")
            assert ada.people == (), "nothing is known before the room is open"
            await met(ada, bob)

            assert [repr(one) for one in ada.people] == [
                "<Person Ada Lovelace (me): active>",
                "<Person bob: active>",
            ]
            me, other = ada.people
            assert (me.initials, other.initials) == ("AL", "B")
            assert (me.is_me, other.is_me) == (True, False)
            assert me.peer_id == peer_id_of(ada)
            assert [other.peer_id] == [peer.peer_id for peer in ada.peers]
            assert me.color == ada.me.color and other.color == bob.me.color

            bob.awareness.set_local_state({"cursor": 7})
            await asyncio.sleep(1)
            assert [one.name for one in ada.people] == ["Ada Lovelace"], "a peer is no person"
            bob.awareness.set_local_state(None)
            ada.leave()
            assert ada.people == ()

        run_virtual(main())

    def test_two_tabs_of_one_person_are_two(self) -> None:
        async def main() -> None:
            network = Network()
            bob = join(network, "Bob")
            tabs = join(network, "Ada", "hers"), join(network, "Ada", "hers")
            await met(bob, *tabs)

            assert [one.name for one in bob.people] == ["Bob", "Ada", "Ada (2)"]
            for room in (bob, *tabs):
                assert {one.name for one in room.people} == {"Ada", "Ada (2)", "Bob"}
                assert [one.name for one in room.people if one.is_me] == [room.people[0].name]

        run_virtual(main())

    @pytest.mark.parametrize(
        ("user", "name", "color"),
        [
            ({"name": "Eve", "color": "#30bced"}, "Eve", "#30bced"),
            ({"name": "Eve", "color": "#0BF"}, "Eve", "#00bbff"),
            ({"name": "Eve"}, "Eve", "#808080"),
            ({"name": "Eve", "color": "url(https://example.org)"}, "Eve", "#808080"),
            ({"name": "Eve", "color": 7}, "Eve", "#808080"),
            ({"name": "E\nv\x1b[2Je \u202e"}, "E v [2Je", "#808080"),
            ({"name": "E" * 5000}, "E" * 66, "#808080"),
        ],
    )
    def test_what_others_show_is_bounded(
        self, user: dict[str, object], name: str, color: str
    ) -> None:
        """As a stock page shows it: name and colour, nothing else."""

        async def main() -> None:
            ada, _ = await ada_and_eve({"user": user})

            _, other = ada.people
            assert (other.name, other.color, other.looking_at) == (name, color, "")
            assert other.state == "active"

        run_virtual(main())

    @pytest.mark.parametrize("ours", [7, "x", [], {"idle": "yes", "lookingAt": 7, "person": []}])
    def test_claims_that_are_none_are_ignored(self, ours: object) -> None:
        async def main() -> None:
            ada, _ = await ada_and_eve({"user": {"name": "Eve"}, "pyodideRtc": ours})

            assert repr(ada.people[1]) == "<Person Eve: active>"

        run_virtual(main())

    @pytest.mark.parametrize("user", [7, None, {"name": 7}, {"name": " \t"}, {}])
    def test_who_shows_no_name_is_nobody(self, user: object) -> None:
        async def main() -> None:
            ada, _ = await ada_and_eve({"user": user})

            assert [one.name for one in ada.people] == ["Ada"]

        run_virtual(main())


class TestActivity:
    def test_who_does_nothing_becomes_idle_and_an_edit_ends_it(self) -> None:
        async def main() -> None:
            ada, bob = await ada_and_bob(Network())
            await asyncio.sleep(IDLE_S / 2)
            bob.map("state")["n"] = 1
            await asyncio.sleep(IDLE_S / 2 + 10)

            assert {n: p.state for n, p in by_name(ada).items()} == {"Ada": "idle", "Bob": "active"}
            assert by_name(bob)["Ada"].state == "idle", "others see the same"
            bob.me.set(looking_at="cell 3")
            await asyncio.sleep(IDLE_S + 10)
            assert repr(by_name(ada)["Bob"]) == "<Person Bob: idle, looks at cell 3>"

            ada.document("board").map("m")["x"] = 1
            await asyncio.sleep(1)
            assert by_name(bob)["Ada"].state == "active", "edits of other documents count as well"

        run_virtual(main())

    def test_edits_of_others_are_no_sign_of_ours(self) -> None:
        async def main() -> None:
            ada, bob = await ada_and_bob(Network())
            for n in range(20):
                bob.map("state")["n"] = n
                await asyncio.sleep(IDLE_S / 10)

            assert by_name(bob)["Ada"].state == "idle"
            assert by_name(ada)["Bob"].state == "active"

        run_virtual(main())

    def test_it_costs_one_message_to_become_idle(self) -> None:
        async def main() -> None:
            _, bob = await ada_and_bob(Network())
            seen: list[object] = []
            bob.awareness.observe(seen.append)
            await asyncio.sleep(10 * IDLE_S)

            assert len(seen) == 2, "Ada is idle, and Bob"

        run_virtual(main())

    def test_who_computes_is_busy_and_a_frozen_page_is_away(self) -> None:
        async def main() -> None:
            network = Network()
            ada = join(network, "Ada")
            host = host_of(network, "Bob")
            bob = host.join(user="Bob")
            await met(ada, bob)
            for is_asleep, state in ((False, "busy"), (True, "away")):
                host.be_busy(is_asleep=is_asleep)
                await asyncio.sleep(7)
                assert by_name(ada)["Bob"].state == state
                host.be_free()
                await asyncio.sleep(1)
                assert by_name(ada)["Bob"].state == "active"

        run_virtual(main())


class TestComingAndGoing:
    def test_people_come_and_go(self) -> None:
        async def main() -> None:
            network = Network()
            ada = join(network, "Ada")
            events = heard_in(ada)
            bob = join(network, "Bob")
            await met(ada, bob)
            assert comings(events) == ["<Bob has come>"]
            bob.leave()
            await asyncio.sleep(RETURN_S - 1)
            assert comings(events) == ["<Bob has come>"], "he may be back"
            await asyncio.sleep(2)

            assert comings(events) == ["<Bob has come>", "<Bob has gone>"]
            assert [one.person.name for one in events if one.person] == ["Bob", "Bob"]
            await asyncio.sleep(60)
            assert len(comings(events)) == 2

        run_virtual(main())

    @pytest.mark.parametrize("away_s", [0.5, 5.0, RETURN_S - 3])
    @pytest.mark.parametrize("name_after", ["Bob", "Robert"])
    def test_a_reload_is_neither(self, away_s: float, name_after: str) -> None:
        async def main() -> None:
            network = Network()
            ada, bob = await ada_and_bob(network, "his")
            events = heard_in(ada)
            bob.leave()
            await asyncio.sleep(away_s)
            bob = join(network, name_after, "his")
            await met(ada, bob)
            await asyncio.sleep(60)

            assert comings(events) == []
            assert [one.name for one in ada.people] == ["Ada", name_after]
            bob.leave()
            await asyncio.sleep(RETURN_S + 2)
            assert comings(events) == [f"<{name_after} has gone>"]

        run_virtual(main())

    def test_who_is_back_too_late_has_left_and_joined(self) -> None:
        async def main() -> None:
            network = Network()
            ada, bob = await ada_and_bob(network, "his")
            events = heard_in(ada)
            bob.leave()
            await asyncio.sleep(RETURN_S + 2)
            await met(ada, join(network, "Bob", "his"))

            assert comings(events) == ["<Bob has gone>", "<Bob has come>"]

        run_virtual(main())

    def test_somebody_else_of_that_name_is_somebody_else(self) -> None:
        async def main() -> None:
            network = Network()
            ada, bob = await ada_and_bob(network, "his")
            events = heard_in(ada)
            bob.leave()
            await asyncio.sleep(2)
            await met(ada, join(network, "Bob", "another"))
            await asyncio.sleep(60)

            assert comings(events) == ["<Bob has come>", "<Bob has gone>"]

        run_virtual(main())

    def test_one_of_two_tabs_reloads(self) -> None:
        async def main() -> None:
            network = Network()
            ada = join(network, "Ada")
            tabs = join(network, "Bob", "his"), join(network, "Bob", "his")
            await met(ada, *tabs)
            events = heard_in(ada)
            tabs[0].leave()
            await asyncio.sleep(2)
            await met(ada, join(network, "Bob", "his"))
            await asyncio.sleep(60)
            assert comings(events) == []
            tabs[1].leave()
            await asyncio.sleep(60)

            assert len(comings(events)) == 1

        run_virtual(main())

    def test_a_stock_page_that_reloads_is_known_by_its_name(self) -> None:
        async def main() -> None:
            ada, eve = await ada_and_eve({"user": {"name": "Eve"}})
            events = heard_in(ada)
            eve.awareness.set_local_state(None)
            await asyncio.sleep(3)
            eve.awareness.set_local_state({"user": {"name": "Eve"}})
            await asyncio.sleep(60)

            assert comings(events) == []

        run_virtual(main())

    def test_who_leaves_hears_of_nobody_afterwards(self) -> None:
        async def main() -> None:
            ada, bob = await ada_and_bob(Network())
            events = heard_in(ada)
            bob.leave()
            await asyncio.sleep(1)
            ada.leave()
            await asyncio.sleep(60)

            assert comings(events) == []

        run_virtual(main())

    def test_what_a_person_is_known_by_is_another_one_in_each_room(self) -> None:
        async def main() -> None:
            network = Network()
            rooms = host_of(network, "hers")
            shown = []
            for name in ("one", "two"):
                room = rooms.join(name, user="Ada")
                await room.until_loaded(10)
                shown.append(room.awareness.local_state["pyodideRtc"]["person"])  # type: ignore[index]

            assert len({*shown}) == 2
            assert not any("browser of hers" in one for one in shown)

        run_virtual(main())


class TestMe:
    def test_others_see_what_is_set(self) -> None:
        async def main() -> None:
            ada, bob = await ada_and_bob(Network())
            ada.me.set(name=" Ada  L. ", color="E65100", looking_at="cell\n3")
            await asyncio.sleep(1)

            other = by_name(bob)["Ada L."]
            assert (other.color, other.looking_at) == ("#e65100", "cell 3")
            assert repr(ada.me) == "<Me: Ada L. (#e65100), looking at cell 3>"
            ada.me.set(looking_at="")
            await asyncio.sleep(1)
            assert by_name(bob)["Ada L."].looking_at == ""
            assert (ada.me.name, ada.me.color, ada.me.looking_at) == ("Ada L.", "#e65100", "")

        run_virtual(main())

    def test_other_fields_of_the_awareness_stay(self) -> None:
        async def main() -> None:
            ada = join(Network(), "Ada")
            await ada.until_loaded(10)
            ada.awareness.set_local_state_field("cursor", 7)
            ada.awareness.set_local_state_field("user", {"name": "Ada", "avatar": "x"})
            ada.me.set(color="#00f", looking_at="the plot")

            state = ada.awareness.local_state
            assert state is not None
            assert state["cursor"] == 7
            assert state["user"] == {"name": "Ada", "avatar": "x", "color": "#0000ff"}
            assert set(state["pyodideRtc"]) == {"person", "lookingAt"}  # type: ignore[call-overload]

        run_virtual(main())

    @pytest.mark.parametrize("is_early", [True, False])
    def test_name_and_colour_survive_a_reload(self, is_early: bool) -> None:
        async def main() -> None:
            network = Network()
            host = host_of(network, "hers")
            rooms = host
            room, other = rooms.join(), rooms.join("other")
            if not is_early:
                await room.until_loaded(10)
            room.me.set(name="Ada")
            room.me.set(color="#e65100")
            await asyncio.sleep(1)
            assert (room.me.name, room.me.color) == ("Ada", "#e65100")
            assert other.me.name == "Ada", "it is the name of the browser, for all rooms"

            reloaded = host_of(network, "hers")
            kept = {"kept_name": host.facts.kept_name, "kept_color": host.facts.kept_color}
            reloaded.facts = dataclasses.replace(reloaded.facts, **kept)
            room = reloaded.join()
            await room.until_loaded(10)
            assert (room.me.name, room.me.color) == ("Ada", "#e65100")
            assert room.faults == ()

        run_virtual(main())

    def test_a_colour_alone_keeps_the_made_up_name(self) -> None:
        async def main() -> None:
            host = host_of(Network(), "hers")
            room = host.join()
            await room.until_loaded(10)
            name = room.me.name
            room.me.set(color="#e65100")
            await asyncio.sleep(1)

            assert room.me.name == name
            assert (host.facts.kept_name, host.facts.kept_color) == (None, "#e65100")

        run_virtual(main())

    @pytest.mark.parametrize(
        "given",
        [
            {"name": ""},
            {"name": " \n\u202e"},
            {"name": 7},
            {"name": "x" * 61},
            {"color": "red"},
            {"color": ""},
            {"color": 7},
            {"color": "url(x)"},
            {"looking_at": 7},
            {"looking_at": "x" * (MAX_PLACE_CHARS + 1)},
        ],
    )
    def test_bad_input_changes_nothing(self, given: dict[str, Any]) -> None:
        async def main() -> None:
            host = host_of(Network(), "hers")
            room = host.join(user="Ada")
            await room.until_loaded(10)
            before = room.awareness.local_state
            with pytest.raises(ConfigError, match="Give "):
                room.me.set(**{"looking_at": "cell 1", **given})
            with pytest.raises(ConfigError, match="Give "):
                room.me.set(**{"name": "Bob", **given})

            assert room.awareness.local_state == before
            await asyncio.sleep(1)
            assert host.facts.kept_name is None

        run_virtual(main())

    def test_before_anything_is_known(self) -> None:
        async def main() -> None:
            room = Network().host().join()

            assert (room.me.name, room.me.color, room.me.looking_at) == (None, None, "")
            assert repr(room.me) == "<Me: without a name>"

        run_virtual(main())
