"""Leaving and joining again: the documents and all that was taken of them go on in one kernel."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import textwrap
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from cells import blocking
from pycrdt import Doc

from pyodide_rtc.errors import BridgeError, ConfigError
from pyodide_rtc.kernel import take_over
from pyodide_rtc.room import Room
from pyodide_rtc.rooms import Rooms
from pyodide_rtc.testing import MemoryHost, Network, run_virtual


class World:
    """A network with kernels on it; one of them, Bob's, is in the room "r" all the time."""

    def __init__(self) -> None:
        self.network = Network(max_delay_s=0.01)
        self.refusals = 0
        self.bob = self.kernel().join("r", user="Bob", store=False)

    def kernel(self, *, blocks: bool = False) -> Rooms:
        host = self.network.host()

        async def open_host() -> MemoryHost:
            await asyncio.sleep(0.1)
            if self.refusals:
                self.refusals -= 1
                raise BridgeError("the page refused")
            return host

        return Rooms(open_host, lambda: blocking if blocks else None)

    async def meet(self, room: Room) -> None:
        await asyncio.gather(room.until_synced(20), self.bob.until_synced(20))
        await asyncio.sleep(1)


def with_world(test: Callable[[World], Awaitable[None]]) -> None:
    async def main() -> None:
        await test(World())

    run_virtual(main())


@pytest.mark.parametrize("store", [True, False])
@pytest.mark.parametrize("blocks", [True, False])
def test_what_was_taken_of_a_room_goes_on_however_often_one_leaves(
    store: bool, blocks: bool
) -> None:
    """Reproduces: what was written by a value of before was written nowhere, in silence."""

    async def run(world: World) -> None:
        rooms = world.kernel(blocks=blocks)
        room = rooms.join("r", store=store)
        state, undo = room.map("state"), room.undo_manager(room.map("state"))
        board = room.document("board")
        words = board.text("words")
        await world.meet(room)
        for n in range(5):
            room.leave()
            state[f"between {n}"] = n
            words.append(f"{n} ")
            room = rooms.join("r", store=store)
            state[f"late {n}"] = n
            assert room.map("state") is state
            assert room.doc.client_id == state.raw.doc.client_id
            assert room.document("board") is board
            await world.meet(room)
            assert world.bob.map("state") == state
            assert len(state) == 2 * n + 2
        assert world.bob.document("board").text("words") == ""
        await asyncio.sleep(1)
        assert world.bob.document("board").text("words") == "0 1 2 3 4 "
        assert [peer.name for peer in board.peers] == ["Bob"]
        assert undo.undo()
        await asyncio.sleep(1)
        assert world.bob.map("state") == state
        assert len(state) < 10

    with_world(run)


def test_values_of_before_are_in_the_transactions_of_the_room() -> None:
    async def run(world: World) -> None:
        rooms = world.kernel()
        room = rooms.join("r")
        state = room.map("state")
        state["x"] = 1
        await world.meet(room)
        room.leave()
        room = rooms.join("r")
        with pytest.raises(ZeroDivisionError), room.transaction():
            state["x"] = 2
            1 / 0  # noqa: B018
        assert state == {"x": 1}

    with_world(run)


def test_what_is_wrong_is_told_to_the_room_that_is_joined() -> None:
    async def run(world: World) -> None:
        rooms = world.kernel()
        left = rooms.join("r")
        state = left.map("state")
        await world.meet(left)
        left.leave()
        room = rooms.join("r")
        await world.meet(room)
        authors: list[str] = []

        def fail(event: Any) -> None:
            authors.append(event.author)
            raise ZeroDivisionError

        state.observe(fail)
        world.bob.map("state")["x"] = 1
        await asyncio.sleep(1)
        assert authors == ["Bob"]
        assert [type(fault) for fault in room.faults] == [ZeroDivisionError]
        assert left.faults == ()

    with_world(run)


def test_who_observes_who_is_in_a_document_is_told_of_the_next_room() -> None:
    async def run(world: World) -> None:
        rooms = world.kernel()
        room = rooms.join("r")
        board = room.document("board")
        told: list[str] = []
        observation = board.awareness.observe(lambda event: told.append(str(event)))
        await world.meet(room)
        room.leave()
        room = rooms.join("r")
        assert room.document("board") is board
        await world.meet(room)
        told.clear()
        his = world.bob.document("board")
        his.awareness.set_local_state({"user": {"name": "Bob"}})
        await asyncio.sleep(1)
        assert told == ["<Bob came in 'board'>"]
        assert repr(observation) == (
            "<Observation of who is in document 'board' of room 'r': cancel() ends it>"
        )
        observation.cancel()
        his.close()
        await asyncio.sleep(1)
        assert len(told) == 1

    with_world(run)


@pytest.mark.parametrize("password", [None, "secret"])
def test_who_leaves_before_it_was_reached_leaves_nothing(password: str | None) -> None:
    """Reproduces: the others listed nine peers as connecting, for 20 s."""

    async def run(world: World) -> None:
        world.bob.leave()
        bob = world.bob = world.kernel().join("s", password=password, store=False)
        rooms = world.kernel(blocks=True)
        room = rooms.join("s", password=password)
        await world.meet(room)
        for _ in range(10):
            room.leave()
            await asyncio.sleep(0.02)
            room = rooms.join("s", password=password)
            await asyncio.sleep(0.02)
        await asyncio.sleep(1)
        assert [peer.is_synced for peer in bob.peers] == [True]
        assert [peer.is_synced for peer in room.peers] == [True]
        await asyncio.sleep(30)
        room.leave()
        await asyncio.sleep(1)
        assert bob.peers == ()
        assert bob.faults == ()

    with_world(run)


def test_a_page_that_is_closed_before_it_was_reached_leaves_nothing() -> None:
    async def run(world: World) -> None:
        await asyncio.sleep(1)
        host = world.network.host()

        async def open_host() -> MemoryHost:
            return host

        Rooms(open_host).join("r")
        for _ in range(1_000):
            await asyncio.sleep(0.001)
            if world.bob.peers:
                break
        assert [peer.is_connected for peer in world.bob.peers] == [False]
        host.put_away()
        await asyncio.sleep(0.1)
        assert world.bob.peers == ()
        host.wake()
        await asyncio.sleep(2)
        assert [peer.is_synced for peer in world.bob.peers] == [True]

    with_world(run)


def test_two_tabs_of_one_person_are_told_apart_by_everybody_in_the_same_way() -> None:
    """Reproduces: both had the same made-up name, and nothing told them apart."""

    async def run(world: World) -> None:
        one, two = world.kernel().join("r", user="Ada"), world.kernel().join("r", user="Ada")
        await world.meet(one)
        await world.meet(two)
        names = world.bob.awareness.names
        assert sorted(names.values()) == ["Ada", "Ada (2)", "Bob"]
        assert names == one.awareness.names == two.awareness.names
        assert sorted(str(peer.name) for peer in world.bob.peers) == ["Ada", "Ada (2)"]
        [other] = [peer.name for peer in one.peers if peer.name != "Bob"]
        assert other == names[two.doc.client_id]
        users = [state["user"]["name"] for state in world.bob.awareness.states.values()]  # type: ignore[index]
        assert sorted(users) == ["Ada", "Ada", "Bob"], "what is sent is as it was"
        two.leave()
        await asyncio.sleep(1)
        assert [peer.name for peer in world.bob.peers] == ["Ada"]

    with_world(run)


def test_events_call_no_two_people_by_one_name() -> None:
    """Reproduces: "Ada (2) is Ada", "Ada left", when the other one had left."""

    async def run(world: World) -> None:
        docs = sorted((Doc() for _ in range(2)), key=lambda doc: doc.client_id)
        first, second = (world.kernel().join("r", user="Ada", doc=doc) for doc in docs)
        await world.meet(first)
        await world.meet(second)
        told: list[str] = []
        world.bob.observe(lambda event: told.append(str(event)))
        world.bob.awareness.observe(lambda event: told.append(str(event)))
        second.awareness.set_local_state_field("cursor", 7)
        await asyncio.sleep(1)
        first.leave()
        await asyncio.sleep(1)
        second.leave()
        await asyncio.sleep(1)
        assert told == [
            "<Ada (2) changed>",
            "<Ada went>",
            "<Ada left: the data channel closed>",
            "<Ada (2) is Ada>",
            "<Ada went>",
            "<Ada left: the data channel closed>",
        ]

    with_world(run)


@pytest.mark.parametrize("waits_s", [0, 1], ids=["opening", "failed"])
def test_what_was_taken_before_the_page_had_answered_goes_on(waits_s: float) -> None:
    async def run(world: World) -> None:
        await asyncio.sleep(1)
        rooms = world.kernel()
        world.refusals = 1 if waits_s else 0
        room = rooms.join("r", store=False)
        state = room.map("state")
        state["x"] = 1
        await asyncio.sleep(waits_s)
        room.leave()
        state["y"] = 2
        room = rooms.join("r", store=False)
        await world.meet(room)
        state["z"] = 3
        await asyncio.sleep(1)
        assert world.bob.map("state") == {"x": 1, "y": 2, "z": 3}

    with_world(run)


def test_a_failed_room_gives_its_documents_to_the_next_cell_that_can_wait() -> None:
    async def run(world: World) -> None:
        await asyncio.sleep(1)
        world.refusals = 1
        can_wait: list[bool] = []
        host = world.network.host()

        async def open_host() -> MemoryHost:
            if world.refusals:
                world.refusals -= 1
                raise BridgeError("the page refused")
            return host

        rooms = Rooms(open_host, lambda: blocking if can_wait else None)
        room = rooms.join("r", store=False)
        state = room.map("state")
        await asyncio.sleep(1)
        assert room.stage == "failed"
        can_wait.append(True)
        room = rooms.join("r", store=False)
        state["x"] = 1
        await world.meet(room)
        assert world.bob.map("state") == {"x": 1}

    with_world(run)


def test_the_same_room_by_another_name_has_what_was_edited_before() -> None:
    async def run(world: World) -> None:
        rooms = world.kernel()
        room = rooms.join(store=False)  # the room "demo"
        room.map("state")["x"] = 1
        room.leave()
        room = rooms.join("demo", store=False)
        room.map("state")["y"] = 2
        await asyncio.sleep(1)
        assert room.map("state") == {"x": 1, "y": 2}

    with_world(run)


def test_another_document_may_be_given_once_it_was_left() -> None:
    async def run(world: World) -> None:
        rooms = world.kernel()
        room = rooms.join("r", store=False)
        state, board = room.map("state"), room.document("board")
        await world.meet(room)
        room.leave()
        mine: Doc[Any] = Doc()
        with pytest.raises(ConfigError):
            rooms.join("r", store=False, doc=mine, signaling="ftp://x")
        assert rooms.join("r", store=False).map("state") is state, "a refused call changes nothing"
        rooms.join("r", store=False).leave()
        room = rooms.join("r", store=False, doc=mine)
        assert room.doc is mine
        other = room.document("board", doc=Doc())
        assert other is not board
        board.close()
        assert room.documents["board"].is_open, "that of before closes nothing"

    with_world(run)


def test_a_room_of_another_import_is_left_and_says_so() -> None:
    async def run(world: World) -> None:
        first, second = world.kernel(), world.kernel()
        second.take_in(take_over(first))
        room = first.join("r", user="Ada")
        state = room.map("state")
        state["x"] = 1
        await world.meet(room)
        second.take_in(take_over(second))
        assert room.stage == "left"
        assert "imported again: join the room again" in room.why
        again = second.join("r", user="Ada")
        state["late"] = 2
        await world.meet(again)
        assert again.map("state") == world.bob.map("state") == {"x": 1, "late": 2}
        assert [peer.name for peer in again.peers] == ["Bob"]
        assert [peer.name for peer in world.bob.peers] == ["Ada"]

    with_world(run)


PURGED = """
    import asyncio, sys
    from pyodide_rtc.testing import Network, run_virtual

    network = Network()
    hosts = []

    def imported():
        for name in [name for name in sys.modules if name.startswith("pyodide_rtc")]:
            del sys.modules[name]
        import pyodide_rtc
        from pyodide_rtc import browser

        async def open_host():
            hosts.append(network.host(browser="one"))
            return hosts[-1]

        browser.open_host = open_host
        return pyodide_rtc

    async def main():
        first = imported()
        old = first.join("r", user="Ada", store=False)
        state = old.map("state")
        state["x"] = 1
        await asyncio.sleep(1)
        again = imported()
        assert again is not first
        room = again.join("r", user="Ada", store=False)
        await asyncio.sleep(5)
        print(old.stage, old.why)
        print(room.stage, len(room.peers), room.map("state"))
        state["late"] = 2
        print(sorted(room.map("state").to_py()), [host.is_closed for host in hosts])

    run_virtual(main())
"""


def test_a_package_that_was_purged_and_imported_again_is_in_the_room_once() -> None:
    """Reproduces: the same person was there twice, and oneself among one's peers."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", textwrap.dedent(PURGED)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    left, there, late = done.stdout.splitlines()
    assert left == ("left The room was left: pyodide_rtc was imported again: join the room again.")
    assert there == "open 0 SharedMap({'x': 1})"
    assert late == "['late', 'x'] [True, False]"
