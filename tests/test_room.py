from __future__ import annotations

import asyncio
import re
import traceback
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import pytest
from cells import blocking
from pycrdt import Doc, Map
from seeds import seeds
from simulation.play_helpers import put_away

from pyodide_rtc import rooms as rooms_module
from pyodide_rtc.awareness import AwarenessEvent
from pyodide_rtc.errors import (
    BridgeError,
    BridgeTimeoutError,
    BrowserUnsupportedError,
    ConfigError,
    DecodeError,
    DecryptionError,
    InternalError,
    LocalProtocolError,
    RoomClosedError,
    SameClientError,
    SignalingUnavailableError,
    SyncTimeoutError,
)
from pyodide_rtc.ports import PageFacts
from pyodide_rtc.room import Room
from pyodide_rtc.room_status import RoomEvent, Server
from pyodide_rtc.rooms import Rooms
from pyodide_rtc.session.document_binding import DocumentBinding
from pyodide_rtc.testing import MemoryHost, Network, run_virtual
from pyodide_rtc.testing.memory_host import MemoryNetwork, MemoryPage
from pyodide_rtc.testing.memory_locks import MemoryLocks
from pyodide_rtc.testing.memory_peer import MemoryDataChannel
from pyodide_rtc.wire.messages import Message, SyncUpdate, decode

URL = "wss://relay.example.org/"
HREF = "https://example.org/lab/index.html?room=demo"


class World:
    """A network, and kernels on it."""

    def __init__(self) -> None:
        self.network = Network(max_delay_s=0.01)
        self.relay = self.network.relays[URL]
        self.hosts: list[MemoryHost] = []

    def kernel(self, *, browser: str | None = None, blocks: bool = False) -> Rooms:
        host = self.network.host(browser=browser)
        self.hosts.append(host)

        async def open_host() -> MemoryHost:
            return host

        return Rooms(open_host, lambda: blocking if blocks else None)

    async def pair(self, **wish: Any) -> tuple[Room, Room]:
        """Two rooms that are synced."""
        one, other = self.kernel().join(user="Ada", **wish), self.kernel().join(user="Bob", **wish)
        await asyncio.gather(one.until_synced(10), other.until_synced(10))
        await asyncio.sleep(1)
        return one, other


def shows(room: Room) -> object:
    """The user that a room shows of us; beside it lies what we are known by after a reload."""
    state = room.awareness.local_state
    assert state is not None
    return state["user"]


def kinds(events: list[RoomEvent]) -> list[str]:
    return [e.kind for e in events]


def with_world(test: Callable[[World], Awaitable[None]]) -> Callable[[], None]:
    """Run a test on virtual time, in a new world."""

    def run() -> None:
        async def main() -> None:
            await test(World())

        run_virtual(main())

    run.__name__ = test.__name__
    return run


class TestJoining:
    def test_the_same_room_is_given_again(self) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel()
            room = rooms.join()
            assert rooms.join() is room, "while it opens"
            await asyncio.sleep(1)
            assert room.stage == "open"
            assert rooms.join() is room
            assert rooms.join("demo") is room
            assert rooms.join("other") is not room

        run()

    def test_the_document_can_be_used_at_once(self) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join()
            room.map("m")["x"] = 1
            room.text("t").insert(0, "hello")
            room.list("a").append([1])
            other = world.kernel().join()
            await other.until_synced(10)

            assert other.map("m").to_py() == {"x": 1}
            assert str(other.text("t")) == "hello"
            assert other.list("a").to_py() == [[1]]

        run()

    def test_an_own_document_may_be_given(self) -> None:
        @with_world
        async def run(world: World) -> None:
            doc: Doc[Any] = Doc()
            rooms = world.kernel()
            room = rooms.join(doc=doc)
            await asyncio.sleep(1)
            assert room.doc is doc
            assert rooms.join(doc=doc) is room
            with pytest.raises(ConfigError, match="leave"):
                rooms.join(doc=Doc())

        run()

    @pytest.mark.parametrize("waits_s", [0, 1], ids=["opening", "open"])
    def test_another_password_is_refused(self, waits_s: float) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel()
            rooms.join(password="one")
            await asyncio.sleep(waits_s)
            with pytest.raises(ConfigError, match=r"password.*leave\(\)"):
                rooms.join(password="two")

        run()

    @pytest.mark.parametrize("waits_s", [0, 1], ids=["opening", "open"])
    @pytest.mark.parametrize(
        ("first", "then"),
        [
            ({}, {"signaling": "wss://another.example.org/"}),
            ({"signaling": [URL]}, {"signaling": [URL, "wss://another.example.org/"]}),
            ({}, {"ice_servers": [{"urls": "stun:stun.example.org"}]}),
            ({}, {"max_received_bytes": 1_000_000}),
        ],
        ids=lambda wish: "+".join(wish) or "nothing",
    )
    def test_what_cannot_be_changed_is_told(
        self, first: dict[str, Any], then: dict[str, Any], waits_s: float
    ) -> None:
        """Reproduces: the cell gave the room as it was before, without a word."""

        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel()
            room = rooms.join(**first)
            await asyncio.sleep(waits_s)
            with pytest.raises(ConfigError, match=rf"another {next(iter(then))}\. Give the same"):
                rooms.join(**then)
            assert rooms.join(**first) is room, "as it is"
            assert rooms.join() is room, "or with nothing said of it"

        run()

    def test_a_page_that_is_waited_for_no_longer_is_asked_once(self) -> None:
        """Reproduces: each cell that gave up waiting left a host behind."""

        @with_world
        async def run(world: World) -> None:
            asked: list[None] = []
            host = world.network.host()

            async def open_slowly() -> MemoryHost:
                asked.append(None)
                await asyncio.sleep(30)
                return host

            def give_up(awaitable: Awaitable[Any], timeout_s: float) -> Any:
                return blocking(asyncio.wait_for(awaitable, 0.1), timeout_s)

            rooms = Rooms(open_slowly, lambda: give_up)
            rooms.join("one")
            room = rooms.join("two")
            await asyncio.sleep(60)
            assert room.stage == "open"
            assert len(asked) == 1

        run()

    def test_what_is_used_anyway_may_be_named(self) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel()
            room = rooms.join()
            await asyncio.sleep(1)
            assert rooms.join(signaling=iter([URL]), ice_servers=[]) is room
            other = "wss://another.example.org/"
            one = {"urls": "stun:stun.example.org"}
            rooms.join("three", ice_servers=[one])
            rooms.join("three", ice_servers=[{"urls": ["stun:stun.example.org"]}])
            room = rooms.join("two", signaling=[URL, other])
            for same in ((URL, other), [other, URL], {URL, other}, iter([URL, other])):
                assert rooms.join("two", signaling=same) is room
            opening = world.kernel()
            room = opening.join("two", signaling=URL)
            assert opening.join("two", signaling=[URL]) is room
            with pytest.raises(ConfigError, match="signaling"):
                opening.join("two", signaling=5)  # type: ignore[arg-type]

        run()

    @pytest.mark.parametrize("waits_s", [0, 1], ids=["opening", "open"])
    def test_another_user_is_shown(self, waits_s: float) -> None:
        """Reproduces: a cell that was run again with another user changed nothing."""

        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel()
            host = world.hosts[0]
            host.facts = replace(host.facts, href=f"{HREF}&usercolor=e65100", browser_id="x")
            room = rooms.join(user={"name": "Ada", "color": "#ff0000"})
            other = world.kernel().join()
            await asyncio.sleep(waits_s)
            assert rooms.join(user="Bob") is room
            await other.until_synced(10)
            await asyncio.sleep(1)
            shown = other.awareness.states[room.doc.client_id]["user"]
            assert shown == {"name": "Bob", "color": "#e65100"}, "completed as at the start"
            with pytest.raises(ConfigError, match="user"):
                rooms.join(user=5)  # type: ignore[arg-type]

        run()

    @pytest.mark.parametrize("password", ["", 5, b"secret"])
    def test_a_password_that_is_none_is_refused(self, password: Any) -> None:
        @with_world
        async def run(world: World) -> None:
            with pytest.raises(ConfigError, match="password"):
                world.kernel().join(password=password)

        run()

    @pytest.mark.parametrize("user", [5, ["Ada"], {"name": object()}, {"name": float("nan")}])
    def test_a_user_that_cannot_be_shown_is_refused(self, user: Any) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel(blocks=True)
            with pytest.raises(ConfigError, match="user"):
                rooms.join(user=user)
            assert rooms.join(user="Ada").stage == "open", "and leaves nothing half open"

        run()

    def test_the_same_room_under_two_names_opens_once(self) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel()
            by_page, by_name = rooms.join(), rooms.join("demo")
            await asyncio.sleep(1)
            assert by_page.stage == "open"
            assert by_name.stage == "failed"
            assert "joined already" in by_name.why

        run()

    def test_the_sites_ice_servers_are_used_unless_others_are_given(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        site, mine = [{"urls": "stun:site.example.org"}], [{"urls": "stun:mine.example.org"}]
        used: list[object] = []
        open_peer = MemoryNetwork.open_peer

        def noted(
            network: MemoryNetwork, handler: Any, *, ice_servers: Any, is_offering: bool
        ) -> Any:
            used.append(ice_servers)
            return open_peer(network, handler, ice_servers=ice_servers, is_offering=is_offering)

        monkeypatch.setattr(MemoryNetwork, "open_peer", noted)

        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel(blocks=True)
            host = world.hosts[0]
            config = {**host.facts.config, "webRtcIceServers": site}
            host.facts = replace(host.facts, config=config)
            for name, wished in (("one", None), ("two", mine), ("three", [])):
                rooms.join(name, ice_servers=wished)
                await asyncio.sleep(1)
            assert used == [site, mine, []]

        run()

    def test_the_topic_is_what_a_page_gives_to_y_webrtc(self) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join()
            assert (room.name, room.topic) == (None, None)
            await asyncio.sleep(1)
            assert (room.name, room.topic, room.route) == ("demo", "example.org/demo", "memory")

        run()


class TestWhereTheKernelCanWait:
    def test_the_room_is_open_when_join_returns(self) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel(blocks=True)
            room = rooms.join()
            assert room.stage == "open"
            assert rooms.join() is room

        run()

    def test_what_is_missing_raises_there(self) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel(blocks=True)
            world.hosts[0].facts = PageFacts("https://example.org/lab/", {})
            with pytest.raises(ConfigError, match=r"\?room="):
                rooms.join()
            with pytest.raises(ConfigError, match="signaling"):
                rooms.join("demo")
            assert rooms.join("demo", signaling=URL).stage == "open"

        run()

    def test_a_page_that_does_not_answer_is_waited_for_in_the_background(self) -> None:
        @with_world
        async def run(world: World) -> None:
            host = world.network.host()

            async def open_slowly() -> MemoryHost:
                await asyncio.sleep(20)
                return host

            def gives_up(awaitable: Awaitable[Any], timeout_s: float) -> Any:
                task = asyncio.ensure_future(awaitable)  # goes on, as with `browser.block`
                task.add_done_callback(lambda t: t.exception())
                raise TimeoutError

            room = Rooms(open_slowly, lambda: gives_up).join()
            assert room.stage == "opening"
            await asyncio.sleep(21)
            assert room.stage == "open"

        run()


class TestWhereItCannot:
    def test_what_is_missing_is_told_by_the_room(self) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel()
            world.hosts[0].facts = PageFacts("https://example.org/lab/", {})
            events: list[RoomEvent] = []
            room = rooms.join()
            room.observe(events.append)
            with pytest.raises(ConfigError, match=r"\?room="):
                await room.until_synced(10)

            assert room.stage == "failed"
            assert "?room=" in room.why
            assert "?room=" in repr(room)
            assert kinds(events) == ["fault", "left"]
            assert rooms.join("demo", signaling=URL) is not room, "the next try is a new room"

        run()

    @pytest.mark.parametrize("blocks", [True, False])
    def test_a_password_needs_cryptography(self, blocks: bool) -> None:
        # On an insecure page there is none: the room would say for ever that nobody is here.
        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel(blocks=blocks)
            world.hosts[0].machine.crypto.is_missing = True
            with pytest.raises(BrowserUnsupportedError, match="https"):
                await rooms.join(password="secret").until_synced(10)

            assert rooms.join().stage in ("open", "opening"), "without one"

        run()

    @pytest.mark.parametrize(
        "error",
        [
            BrowserUnsupportedError("no way to the page", "worker", "Install the labextension."),
            BridgeError("the page refused"),
            BridgeTimeoutError("the page did not answer"),
        ],
        ids=lambda e: type(e).__name__,
    )
    def test_a_host_that_cannot_be_opened_is_told(self, error: BridgeError) -> None:
        @with_world
        async def run(world: World) -> None:
            attempts = 0

            async def fail_once() -> MemoryHost:
                nonlocal attempts
                attempts += 1
                if attempts == 1:
                    raise error
                return world.network.host()

            rooms = Rooms(fail_once)
            room = rooms.join()
            with pytest.raises(type(error)):
                await room.until_synced(10)
            assert (room.stage, room.why) == ("failed", str(error))
            again = rooms.join()
            await asyncio.sleep(1)
            assert again.stage == "open", "joining again tries again"

        run()

    @pytest.mark.parametrize("blocks", [True, False], ids=["waits", "cannot wait"])
    @pytest.mark.parametrize(
        ("broken", "name"),
        [
            (MemoryPage, "facts"),
            (MemoryNetwork, "open_tab_channel"),
            (MemoryNetwork, "open_socket"),
            (MemoryLocks, "claim"),
            (DocumentBinding, "__init__"),
            (rooms_module, "complete_user"),
        ],
        ids=lambda value: getattr(value, "__name__", value),
    )
    def test_a_failure_that_nobody_foresaw_ends_it(
        self,
        monkeypatch: pytest.MonkeyPatch,
        background_faults: list[BaseException],
        broken: object,
        name: str,
        blocks: bool,
    ) -> None:
        """Reproduces: the room was "opening" for ever, with a socket open."""

        def fail(*_: object, **__: object) -> Any:
            raise IndexError("nobody foresaw this")

        @with_world
        async def run(world: World) -> None:
            before = asyncio.all_tasks()
            rooms = world.kernel(blocks=blocks)
            with monkeypatch.context() as patch:
                patch.setattr(broken, name, fail)
                with pytest.raises(InternalError, match="nobody foresaw") as caught:
                    room = rooms.join()
                    try:
                        await room.until_synced(10)
                    finally:
                        assert room.stage == "failed"
                assert isinstance(caught.value.__cause__, IndexError)
                await asyncio.sleep(5)
            assert world.relay.sockets == []
            assert not any(world.network.tabs.values())
            assert not any(peer.is_connected for peer in world.hosts[0].peers)
            assert asyncio.all_tasks() == before
            again = rooms.join()
            await asyncio.sleep(1)
            assert again.stage == "open", "the same cell can be run again"

        run()
        background_faults.clear()

    def test_a_users_callback_that_fails_does_not_hide_the_reason(self) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel()
            world.hosts[0].facts = PageFacts("https://example.org/lab/", {})
            room = rooms.join()
            room.observe(lambda _: 1 / 0)
            await asyncio.sleep(1)
            assert "?room=" in room.why

        run()

    def test_leaving_before_it_is_open_opens_nothing(self) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel()
            room = rooms.join()
            room.leave()
            again = rooms.join()
            assert again is not room
            assert rooms.join() is again
            await asyncio.sleep(1)
            assert (room.stage, again.stage) == ("left", "open")
            assert rooms.join() is again
            assert len(world.relay.sockets) == 1

        run()


def test_where_no_loop_runs_it_is_told_at_once() -> None:
    """Reproduces: a plain script had a room that is "opening" for ever."""
    network = Network()

    async def open_host() -> MemoryHost:
        return network.host()

    with pytest.raises(ConfigError, match=r"asyncio\.run"):
        Rooms(open_host).join()


class TestLeaving:
    def test_twice_is_no_error_and_the_document_stays(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            one.map("m")["x"] = 1
            one.leave()
            one.leave()
            assert one.stage == "left"
            assert one.peers == ()
            await asyncio.sleep(1)
            assert other.map("m")["x"] == 1, "what was edited just before has gone out"
            one.map("m")["x"] = 2
            await asyncio.sleep(1)
            assert other.map("m")["x"] == 1

        run()

    def test_what_it_refuses_afterwards_shows_its_own_lines_alone(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one, _ = await world.pair()
            one.leave()
            refused: list[Callable[[], object]] = [
                lambda: one.document("board"),
                lambda: one.observe(print),
                lambda: one.expose(print),
                lambda: one.document("board"),
            ]
            for ask in refused:
                with pytest.raises(RoomClosedError) as caught:
                    ask()
                lines = [frame.name for frame in traceback.extract_tb(caught.tb)]
                assert lines.count("<lambda>") == 1, lines

        run()

    def test_the_others_see_it(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            events: list[RoomEvent] = []
            other.observe(events.append)
            one.leave()
            await asyncio.sleep(1)

            assert kinds(events) == ["peer-left"]
            assert other.peers == ()
            assert set(other.awareness.states) == {other.doc.client_id}

        run()

    def test_nothing_is_left_behind(self) -> None:
        @with_world
        async def run(world: World) -> None:
            before = asyncio.all_tasks()
            one, other = await world.pair(password="secret")
            one.leave()
            other.leave()
            await asyncio.sleep(5)

            assert world.relay.sockets == []
            assert not any(world.network.tabs.values())
            assert asyncio.all_tasks() == before
            assert not any(p.is_open for host in world.hosts for p in host.peers)

        run()

    def test_joining_again_in_the_same_cell_is_a_new_room_that_works(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one_kernel, other = world.kernel(), world.kernel().join(user="Bob")
            first = one_kernel.join(user="Ada")
            await first.until_synced(10)
            first.leave()
            second = one_kernel.join(user="Ada", doc=first.doc)
            assert second is not first
            await second.until_synced(10)
            second.map("m")["x"] = 1
            await asyncio.sleep(5)

            assert other.map("m")["x"] == 1
            assert [p.name for p in other.peers] == ["Ada"]
            assert len(other.awareness.states) == 2

        run()

    def test_joining_again_later_works_too(self) -> None:
        @with_world
        async def run(world: World) -> None:
            kernel, other = world.kernel(), world.kernel().join()
            for i in range(3):
                room = kernel.join(user="Ada")
                await room.until_synced(10)
                room.map("m")[f"k{i}"] = i
                await asyncio.sleep(2)
                room.leave()
                await asyncio.sleep(2)

            assert other.map("m").to_py() == {"k0": 0, "k1": 1, "k2": 2}
            assert other.peers == ()

        run()

    def test_waiting_for_a_room_that_is_left_ends(self) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join()
            waiting = asyncio.ensure_future(room.until_synced())
            await asyncio.sleep(1)
            room.leave()
            with pytest.raises(RoomClosedError, match="demo"):
                await waiting

        run()


class TestRememberedRoom:
    """The room of the page from which people came; the page keeps it, `leave` has it forgotten."""

    @staticmethod
    def walked(world: World, *, blocks: bool = False) -> tuple[Rooms, MemoryHost]:
        rooms = world.kernel(blocks=blocks)
        host = world.hosts[-1]
        href = "https://example.org/notebooks/?path=a.ipynb"
        host.facts = replace(host.facts, href=href, remembered_room="walk%201")
        return rooms, host

    def test_it_is_joined_and_leaving_forgets_it(self) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms, host = self.walked(world)
            room = rooms.join()
            await asyncio.sleep(1)
            assert room.topic == "example.org/walk 1"
            room.leave()
            assert host.facts.remembered_room is None
            with pytest.raises(ConfigError, match="No room is named"):
                rooms.join()

        run()

    def test_leaving_before_it_is_open_forgets_it_too(self) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms, host = self.walked(world)
            rooms.join().leave()
            await asyncio.sleep(1)
            assert host.facts.remembered_room is None

        run()

    def test_leaving_another_room_does_not(self) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms, host = self.walked(world, blocks=True)
            rooms.join("other").leave()
            assert host.facts.remembered_room == "walk%201"
            assert rooms.join().name == "walk 1"

        run()


class TestSyncing:
    def test_alone_it_times_out_and_tells_why(self) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join()
            with pytest.raises(SyncTimeoutError, match="alone") as caught:
                await room.until_synced(5)
            assert isinstance(caught.value, TimeoutError)
            assert not room.synced

        run()

    def test_without_server_it_tells_that(self) -> None:
        @with_world
        async def run(world: World) -> None:
            world.relay.stop()
            room = world.kernel().join()
            with pytest.raises(SyncTimeoutError, match="nothing answers"):
                await room.until_synced(5)
            assert isinstance(room.faults[0], SignalingUnavailableError)

        run()

    def test_another_password_is_told_to_both(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one = world.kernel().join(password="one")
            await asyncio.sleep(1)
            world.kernel().join(password="two")
            with pytest.raises(SyncTimeoutError, match="another password"):
                await one.until_synced(5)
            assert isinstance(one.faults[0], DecryptionError)

        run()

    def test_it_returns_at_once_when_it_is(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one, _ = await world.pair()
            now_s = asyncio.get_running_loop().time()
            await one.until_synced(0.5)
            await one.until_synced()
            assert asyncio.get_running_loop().time() == now_s

        run()

    @pytest.mark.parametrize("dead", [(), (URL,), ("wss://second.example.org/",)])
    def test_several_servers_are_used_at_once_and_a_dead_one_harms_nothing(
        self, dead: tuple[str, ...]
    ) -> None:
        servers = [URL, "wss://second.example.org/"]

        @with_world
        async def run(world: World) -> None:
            for url in dead:
                world.network.relays[url].stop()
            one, other = await world.pair(signaling=servers)
            one.map("m")["x"] = 1
            await asyncio.sleep(1)

            assert other.map("m").to_py() == {"x": 1}
            states = {s.url: s.state == "open" for s in one.servers}
            assert states == {url: url not in dead for url in servers}
            # What both servers carry is heard twice and counts once.
            assert [len(room.peers) for room in (one, other)] == [1, 1]
            assert [len(host.connected) for host in world.hosts] == [1, 1]

        run()

    def test_two_tabs_of_a_browser_need_no_server(self) -> None:
        @with_world
        async def run(world: World) -> None:
            world.relay.stop()
            one = world.kernel(browser="same").join()
            one.map("m")["x"] = 1
            await asyncio.sleep(1)
            other = world.kernel(browser="same").join()
            await other.until_synced(5)
            assert other.map("m")["x"] == 1
            assert [p.via for p in other.peers] == ["tab"]
            assert "this browser" in repr(other)
            one.leave()
            await asyncio.sleep(1)
            assert other.peers == ()

        run()


def losing(patch: pytest.MonkeyPatch, kind: type[Message], count: int) -> list[Message]:
    """Let the network lose the next messages of a kind without a word; gives those lost."""
    lost: list[Message] = []
    send = MemoryDataChannel.send

    def lose(channel: MemoryDataChannel, data: bytes) -> None:
        message = decode(data, max_bytes=1 << 24)
        if isinstance(message, kind) and len(lost) < count:
            lost.append(message)
        else:
            send(channel, data)

    patch.setattr(MemoryDataChannel, "send", lose)
    return lost


class TestComparing:
    @pytest.mark.parametrize("edits", [1, 3])
    def test_a_lost_update_is_found_within_10_s(
        self, monkeypatch: pytest.MonkeyPatch, edits: int
    ) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            lost = losing(monkeypatch, SyncUpdate, 1)
            for number in range(edits):
                one.map("m")[f"k{number}"] = number
                await asyncio.sleep(0.5)
            assert len(lost) == 1
            await asyncio.sleep(10 - 0.5 * edits)

            assert other.map("m").to_py() == {f"k{number}": number for number in range(edits)}
            assert [(p.ahead, p.behind) for r in (one, other) for p in r.peers] == [(0, 0)] * 2

        run()

    def test_a_lost_deletion_is_found_too(self, monkeypatch: pytest.MonkeyPatch) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            one.map("m").update({"x": 1, "y": 2})
            await asyncio.sleep(20)
            lost = losing(monkeypatch, SyncUpdate, 1)
            del one.map("m")["x"]
            await asyncio.sleep(10)

            assert len(lost) == 1
            assert other.map("m").to_py() == {"y": 2}

        run()

    def test_what_an_idle_side_lost_is_found_by_the_other(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            await asyncio.sleep(30)
            losing(monkeypatch, SyncUpdate, 1)
            one.map("m")["x"] = 1
            events: list[RoomEvent] = []
            other.observe(events.append)
            await asyncio.sleep(10)

            assert other.map("m").to_py() == {"x": 1}
            assert "peer-changed" in kinds(events), "and that it was behind was told"

        run()


class TestWaking:
    def test_a_socket_that_is_dead_is_noticed_at_once(self) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join()
            await asyncio.sleep(1)
            for socket in list(world.relay.sockets):
                socket.topics.clear()
                world.relay.sockets.remove(socket)  # it hears nothing, and says nothing
            world.hosts[0].wake()
            await asyncio.sleep(5)

            assert [s.state for s in room.servers] == ["open"]
            assert len(world.relay.sockets) == 1, "a new one"

        run()

    def test_who_waited_for_a_server_tries_at_once(self) -> None:
        @with_world
        async def run(world: World) -> None:
            world.relay.stop()
            room = world.kernel().join()
            await asyncio.sleep(60)
            world.relay.start()
            [server] = room.servers
            assert server.state == "waiting"
            assert server.retry_in_s is not None and 0 <= server.retry_in_s <= 2.5
            world.hosts[0].wake()
            await asyncio.sleep(0.1)

            assert [(s.state, s.retry_in_s) for s in room.servers] == [("open", None)]

        run()


async def is_away(room: Room, for_s: float) -> bool:
    """Tell whether nobody is listed soon, and it stays so."""
    is_gone = False
    for _ in range(int(for_s / 0.01)):
        await asyncio.sleep(0.01)
        if is_gone and room.peers:
            return False
        is_gone = not room.peers
    return is_gone


class TestBeingPutAway:
    @pytest.mark.parametrize("seed", seeds(10))
    @pytest.mark.parametrize("password", [None, "secret"])
    def test_nobody_lists_the_page_until_it_is_back(self, seed: int, password: str | None) -> None:
        @with_world
        async def run(world: World) -> None:
            world.network.random.seed(seed)
            one, other = await world.pair(password=password)
            events: list[RoomEvent] = []
            one.observe(events.append)
            put_away(world.hosts[0], heard_s=0)
            assert await is_away(other, for_s=20)
            assert [s.state for s in one.servers] == ["waiting"]
            assert one.peers == ()
            assert len(other.awareness.states) == 1
            one.map("m")["by one"], other.map("m")["by other"] = 1, 2
            await asyncio.sleep(1)
            world.hosts[0].wake()
            await asyncio.sleep(1)

            assert (one.synced, other.synced) == (True, True)
            assert one.map("m").to_py() == other.map("m").to_py() == {"by one": 1, "by other": 2}
            assert [p.name for p in (*one.peers, *other.peers)] == ["Bob", "Ada"]
            assert one.faults == ()

        run()

    @pytest.mark.parametrize("seed", seeds(10))
    def test_who_hears_of_it_late_is_back_all_the_same(self, seed: int) -> None:
        # A busy kernel: it was frozen before it heard, and begins with what is dead.
        @with_world
        async def run(world: World) -> None:
            world.network.random.seed(seed)
            one, other = await world.pair()
            put_away(world.hosts[0], heard_s=0.2)
            await asyncio.sleep(0.2)
            world.hosts[0].wake()
            # Mostly 1 s is enough. In 2 of 150 plays the first call meets what is dead; the second
            # comes after 3 s.
            await asyncio.sleep(5)

            assert (one.synced, other.synced) == (True, True)

        run()

    def test_tabs_list_it_no_more_and_again(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one = world.kernel(browser="b").join(user="Ada")
            two = world.kernel(browser="b").join(user="Bob")
            await one.until_synced(10)
            await asyncio.sleep(1)
            world.hosts[1].put_away()
            assert await is_away(one, for_s=20)
            assert len(one.awareness.states) == 1
            one.map("m")["while"] = "away"
            await asyncio.sleep(1)
            world.hosts[1].wake()
            await asyncio.sleep(1)

            assert [(p.name, p.via, p.is_synced) for p in one.peers] == [("Bob", "tab", True)]
            assert [(p.name, p.via, p.is_synced) for p in two.peers] == [("Ada", "tab", True)]
            assert two.map("m").to_py() == {"while": "away"}

        run()

    def test_a_page_that_does_not_come_back_has_gone_like_any_other(self) -> None:
        @with_world
        async def run(world: World) -> None:
            _, other = await world.pair()
            put_away(world.hosts[0], heard_s=0)
            await asyncio.sleep(0.01)
            world.network.kill(world.hosts[0])

            assert await is_away(other, for_s=20)
            assert other.faults == ()

        run()

    def test_a_room_can_be_left_meanwhile(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            world.hosts[0].put_away()
            one.leave()
            await asyncio.sleep(1)
            world.hosts[0].wake()

            assert await is_away(other, for_s=5)
            assert not any(peer.is_open for peer in world.hosts[0].peers)

        run()


class TestTheOwnNetwork:
    def test_that_it_is_gone_is_told_of_the_servers_too(self) -> None:
        # Their sockets say nothing when a network goes away: a lost peer is reason to ask.
        @with_world
        async def run(world: World) -> None:
            one, _ = await world.pair()
            world.network.cut(world.hosts[:1], [world.hosts[1], URL])
            await asyncio.sleep(15)

            assert one.peers == ()
            assert "No signaling server is reached" in one.why

        run()


class TestTabsThatDie:
    def test_one_that_says_nothing_is_gone_at_once_with_its_presence(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one = world.kernel(browser="b").join(user="Ada")
            world.kernel(browser="b").join(user="Bob")
            await one.until_synced(10)
            await asyncio.sleep(1)
            assert [(p.name, p.via) for p in one.peers] == [("Bob", "tab")]
            world.hosts[1].page.locks.release_all()
            await asyncio.sleep(0.1)

            assert one.peers == ()
            assert len(one.awareness.states) == 1

        run()

    def test_who_leaves_and_joins_again_is_one_peer(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one = world.kernel(browser="b").join()
            rooms = world.kernel(browser="b")
            for _ in range(3):
                rooms.join().leave()
            rooms.join()
            await asyncio.sleep(2)

            assert len(one.peers) == 1

        run()


@pytest.mark.parametrize("browser", [None, "one"], ids=["by WebRTC", "by tab"])
def test_a_document_with_the_same_client_id_is_told_and_never_synced(browser: str | None) -> None:
    """Reproduces: texts differed for ever, and both said that they were synced."""

    @with_world
    async def run(world: World) -> None:
        rooms = [world.kernel(browser=browser).join(doc=Doc(client_id=7)) for _ in range(2)]
        for room, letter in zip(rooms, "ab", strict=True):
            room.text("t").insert(0, letter)
        await asyncio.sleep(10)
        for room in rooms:
            assert len(room.peers) == 1
            assert not room.synced
            assert [type(fault) for fault in room.faults] == [SameClientError]
            assert room.peers[0].name is None

    run()


class TestStrangers:
    @pytest.mark.parametrize(
        ("mine", "theirs"), [("secret", "other"), ("secret", None), (None, "secret")]
    )
    @pytest.mark.parametrize("browser", [None, "the same"], ids=["far", "tabs"])
    def test_another_password_is_told_on_both_sides_within_5_s(
        self, mine: str | None, theirs: str | None, browser: str | None
    ) -> None:
        @with_world
        async def run(world: World) -> None:
            one = world.kernel(browser=browser).join(password=mine)
            await asyncio.sleep(20)
            assert one.why.startswith("You are alone")
            other = world.kernel(browser=browser).join(password=theirs)
            one.map("m")["mine"] = 1
            await asyncio.sleep(5)

            for room in (one, other):
                assert room.has_strangers
                assert "another password" in room.why
                assert [type(f) for f in room.faults] == [DecryptionError]
                assert room.peers == ()
                assert not room.synced
            assert len(other.map("m")) == 0
            await asyncio.sleep(600)
            assert not one.has_strangers, "they have long said nothing"
            assert len(one.faults) == 1

        run()

    def test_somebody_with_the_right_password_is_met_all_the_same(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one = world.kernel().join(password="secret")
            world.kernel().join(password="other")
            friend = world.kernel().join(password="secret")
            await asyncio.gather(one.until_synced(10), friend.until_synced(10))

            assert one.why == "1 peer is connected and synced."

        run()


class TestStatus:
    def test_it_holds_everything_at_once(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one, _ = await world.pair()
            status = one.status

            assert (status.stage, status.synced) == ("open", True)
            assert status.servers == (Server(URL, "open", ""),)
            assert status.peers == one.peers
            assert status.why == "1 peer is connected and synced."

        run()

    def test_a_path_by_a_relay_is_told(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            [peer] = world.hosts[0].connected
            assert peer.handler is not None
            peer.handler.on_path(True)

            assert [p.is_relayed for p in (*one.peers, *other.peers)] == [True, None]
            assert "relayed by TURN" in repr(one)

        run()

    def test_a_peer_without_a_path_is_told_with_what_to_do(self) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join()
            world.kernel().join()
            world.network.cut(*[[host] for host in world.hosts])
            await asyncio.sleep(60)

            assert room.ice_failure is not None
            assert "ice_servers=" in room.why

        run()

    def test_a_path_that_is_looked_for_again_is_told_before_it_is_given_up(self) -> None:
        # Three attempts take 45 s: nobody should wait for so long to hear of TURN.
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join()
            world.kernel().join()
            events: list[RoomEvent] = []
            room.observe(events.append)
            world.network.cut(*[[host] for host in world.hosts])
            await asyncio.sleep(10)
            assert "Connecting" in room.why
            assert [p.retries for p in room.peers] == [0]
            await asyncio.sleep(12)

            assert "TURN" in room.why
            assert [p.retries > 0 for p in room.peers] == [True]
            assert "peer-changed" in kinds(events)
            assert room.ice_failure is None, "it goes on"

        run()

    def test_the_states_of_a_server_are_told_once_for_each_cause(self) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join()
            await asyncio.sleep(1)
            told: list[tuple[str, str]] = []

            def note(event: RoomEvent) -> None:
                if event.kind == "fault":
                    told.append(("fault", type(event.error).__name__))
                elif event.server is not None:
                    told.append((event.server.state, event.server.reason))

            room.observe(note)
            world.relay.stop()
            await asyncio.sleep(60)
            world.relay.start()
            await asyncio.sleep(3)

            assert told == [
                ("fault", "SignalingClosedError"),
                ("waiting", "the server went away"),
                ("fault", "SignalingUnavailableError"),
                ("waiting", "nothing answers at its address"),
                ("open", ""),
            ]
            assert room.faults.count(room.faults[-1]) > 20, "each attempt counts"

        run()


class TestHealing:
    def test_a_lost_network_path_is_found_again(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            events: list[RoomEvent] = []
            one.observe(events.append)
            world.hosts[0].connected[-1].fail()
            one.map("m")["x"] = "made while apart"
            await asyncio.sleep(5)

            assert kinds(events) == ["peer-left", "peer-joined", "peer-synced"]
            assert events[0].reason == "no network path"
            assert other.map("m")["x"] == "made while apart"
            assert len(other.awareness.states) == 2

        run()

    def test_a_frame_that_the_browser_refuses_heals_by_a_new_connection(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            with monkeypatch.context() as patch:
                patch.setattr(MemoryDataChannel, "send", refuse)
                one.map("m")["x"] = 1
                await asyncio.sleep(0)
                await asyncio.sleep(0)
            await asyncio.sleep(5)

            assert other.map("m")["x"] == 1
            assert one.synced
            assert other.synced

        def refuse(channel: MemoryDataChannel, data: bytes) -> None:
            refused.append(data)
            raise BridgeError("the buffer is full")

        refused: list[bytes] = []
        run()
        assert refused


class TestEvents:
    def test_a_life_is_told_in_order(self) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join()
            events: list[RoomEvent] = []
            room.observe(events.append)
            await asyncio.sleep(1)
            other = world.kernel().join()
            await asyncio.sleep(1)
            other.leave()
            await asyncio.sleep(1)
            room.leave()
            assert kinds(events) == [
                "opened",
                "server-open",
                "peer-joined",
                "peer-synced",
                "peer-left",
                "left",
            ]
            assert events[2].peer_id == events[4].peer_id is not None

        run()

    def test_an_observation_ends(self) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join()
            events: list[object] = []
            kept: list[object] = []
            for observe in (room.observe, room.awareness.observe):
                with observe(events.append) as observation:
                    observe(kept.append)
                    assert observation.is_active
                observation.cancel()  # twice is no error, and ends no other
                assert not observation.is_active
            await asyncio.sleep(1)
            assert events == []
            assert {type(event) for event in kept} == {RoomEvent, AwarenessEvent}

        run()

    def test_events_are_lines_with_names(self) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join(user="Ada")
            lines: list[str] = []
            told: list[str] = []
            room.observe(lambda event: lines.append(str(event)))
            room.awareness.observe(lambda event: told.append(str(event)))
            await asyncio.sleep(1)
            other = world.kernel().join(user="Bob")
            await asyncio.sleep(1)
            other.document("board")
            room.document("board")
            await asyncio.sleep(1)
            other.awareness.set_local_state_field("cursor", 7)
            await asyncio.sleep(1)
            other.leave()
            await asyncio.sleep(1)
            room.leave()

            said = "\n".join(lines)
            peer = re.search("peer [0-9a-f]{8}", said)
            assert peer, "its name comes a moment later"
            assert lines == [
                "<the room is open>",
                f"<server {URL} is reached>",
                f"<{peer[0]} is connected>",
                f"<{peer[0]} is synced>",
                f"<{peer[0]} is Bob>",
                "<Bob has come>",
                "<what is kept is here in 'board'>",
                "<Bob opened 'board'>",
                "<Bob is synced in 'board'>",
                "<Bob closed 'board'>",
                "<Bob left: the data channel closed>",
                "<room 'demo' is closed: it was left>",
            ]
            assert told == [
                "<Ada came>",
                "<Bob came>",
                "<Bob changed>",
                "<Bob went>",
                "<Ada went>",
            ]

        run()

    def test_an_observation_says_what_it_is(self) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join()
            opening = room.observe(print)
            assert repr(opening) == "<Observation of the room: cancel() ends it>"
            await asyncio.sleep(1)
            board = room.document("board")
            observation = board.awareness.observe(print)
            where = "who is in document 'board' of room 'demo'"
            assert repr(observation) == f"<Observation of {where}: cancel() ends it>"
            observation.cancel()
            assert repr(observation) == f"<Observation of {where}: cancelled>"

        run()

    def test_a_callback_that_fails_harms_nobody(self, caplog: pytest.LogCaptureFixture) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join()
            events: list[RoomEvent] = []
            room.observe(lambda _: 1 / 0)
            room.observe(events.append)
            room.awareness.observe(lambda _: [][0])
            other = world.kernel().join(user="Bob")
            await room.until_synced(10)
            other.map("m")["x"] = 1
            await asyncio.sleep(1)

            assert room.map("m")["x"] == 1
            assert "peer-synced" in kinds(events)
            assert {type(f) for f in room.faults} == {ZeroDivisionError, IndexError}

        run()
        assert "a callback failed" in caplog.text

    def test_a_callback_may_leave(self) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join()
            room.observe(lambda e: room.leave() if e.kind == "peer-synced" else None)
            other = world.kernel().join()
            await asyncio.sleep(5)
            assert room.stage == "left"
            assert other.peers == ()
            assert room.faults == ()

        run()

    def test_an_observer_of_the_document_may_leave(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            shared = one.map("m").raw  # pycrdt's own observers are called within the transaction
            subscription = shared.observe(lambda _: one.leave())
            other.map("m")["x"] = 1
            await asyncio.sleep(5)
            assert one.stage == "left"
            assert one.map("m")["x"] == 1
            assert other.peers == ()
            shared.unobserve(subscription)

        run()

    @pytest.mark.parametrize("size", [1_000, 1_200_000])
    def test_what_an_observer_leaves_at_is_taken_whole(self, size: int) -> None:
        """Reproduces: leaving in a callback lost a large update that waited, without a word."""

        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            shared = one.text("t").raw
            subscription = shared.observe(lambda _: one.leave())
            other.text("t").insert(0, "first")
            other.map("m")["large"] = "x" * size
            await asyncio.sleep(5)
            assert str(one.text("t")) == "first"
            assert one.map("m").to_py() in ({}, {"large": "x" * size}), "what came is whole"
            assert one.faults == ()
            shared.unobserve(subscription)

        run()

    def test_an_observer_of_the_document_that_fails_is_told(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            shared = one.map("m").raw  # pycrdt's own observers are called within the transaction
            subscription = shared.observe(lambda _: 1 / 0)
            other.map("m")["x"] = 1
            await asyncio.sleep(1)
            other.map("m")["y"] = 2
            await asyncio.sleep(1)

            assert one.map("m").to_py() == {"x": 1, "y": 2}
            [fault] = one.faults
            assert one.faults.count(fault) == 2
            assert "ZeroDivisionError: division by zero (2 times)" in repr(one.faults)
            assert one.synced
            shared.unobserve(subscription)

        run()

    def test_a_fault_that_comes_again_is_counted(self) -> None:
        @with_world
        async def run(world: World) -> None:
            world.relay.stop()
            room = world.kernel().join()
            await asyncio.sleep(200)
            fault = room.faults[-1]
            assert isinstance(fault, SignalingUnavailableError)
            assert fault.attempt > 60, "it is the latest"
            assert len(room.faults) == 1
            assert room.faults.count(fault) == fault.attempt

        run()


class TestAwareness:
    def test_who_is_here_is_seen_by_all(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            users = {s["user"]["name"] for s in one.awareness.states.values()}  # type: ignore[index]
            assert users == {"Ada", "Bob"}
            assert [p.name for p in one.peers] == ["Bob"]
            assert other.awareness.local_state == {"user": {"name": "Bob"}}

        run()

    def test_the_pages_user_is_shown_and_the_argument_overrides_it(self) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel(blocks=True)
            host = world.hosts[0]
            href = f"{HREF}&username=Eve&usercolor=e65100"
            host.facts = replace(host.facts, href=href, browser_id="x")
            eve = {"name": "Eve", "color": "#e65100"}
            given: list[tuple[Any, object]] = [
                (None, eve),
                ("Ada", eve | {"name": "Ada"}),
                ({"color": "#000000"}, eve | {"color": "#000000"}),
                ({"name": "Ada", "color": None, "x": 1}, {"name": "Ada", "color": None, "x": 1}),
            ]
            for user, shown in given:
                room = rooms.join(user=user)
                assert shows(room) == shown
                assert {*room.awareness.states} == {room.doc.client_id}
                room.leave()

        run()

    def test_a_person_who_takes_another_name_shows_it_in_all_rooms(self) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel(blocks=True)
            host = world.hosts[0]
            host.facts = replace(host.facts, browser_id="x")
            one, two, three = rooms.join("one"), rooms.join("two", user="Ada"), rooms.join("three")
            three.awareness.set_local_state(None)
            color = one.awareness.local_state["user"]["color"]  # type: ignore[index]
            host.page.change_user("Eve")
            await asyncio.sleep(1)
            eve = {"name": "Eve", "color": color}
            assert shows(one) == eve
            assert shows(two) == eve | {"name": "Ada"}
            assert three.awareness.local_state is None
            assert shows(rooms.join("four")) == eve
            host.page.change_user("Eve", "#e65100")
            await asyncio.sleep(1)
            assert shows(one) == eve | {"color": "#e65100"}
            two.awareness.set_local_state({"user": 5})
            host.page.change_user("Ida")
            await asyncio.sleep(1)
            assert shows(two) == 5

        run()

    @pytest.mark.parametrize("state", [None, {"user": 5, "x": 1}])
    def test_what_was_set_while_opening_is_not_touched(
        self, state: dict[str, object] | None
    ) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join()
            world.hosts[0].facts = replace(world.hosts[0].facts, browser_id="x")
            room.awareness.set_local_state(state)
            await asyncio.sleep(1)
            assert room.stage == "open"
            assert room.awareness.local_state == state

        run()

    def test_a_colour_of_the_address_that_is_none_is_told(self) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel(blocks=True)
            world.hosts[0].facts = replace(world.hosts[0].facts, href=f"{HREF}&usercolor=red")
            room = rooms.join()
            assert room.stage == "open"
            assert ["usercolor" in str(fault) for fault in room.faults] == [True]

        run()

    def test_changes_are_observed(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            changes: list[AwarenessEvent] = []
            observation = one.awareness.observe(changes.append)
            other.awareness.set_local_state_field("cursor", 7)
            await asyncio.sleep(1)
            other.awareness.set_local_state(None)
            await asyncio.sleep(1)
            observation.cancel()
            other.awareness.set_local_state({})
            await asyncio.sleep(1)

            theirs = (other.doc.client_id,)
            assert [(c.updated, c.removed) for c in changes] == [(theirs, ()), ((), theirs)]
            assert one.awareness.states[other.doc.client_id] == {}

        run()

    def test_what_is_set_while_opening_is_shown_later(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one = world.kernel().join()
            one.awareness.set_local_state_field("x", 1)
            other = world.kernel().join()
            await other.until_synced(10)
            await asyncio.sleep(1)
            assert other.awareness.states[one.doc.client_id] == {"x": 1}

        run()

    @pytest.mark.parametrize(
        "value", [object(), {1, 2}, float("nan"), b"bytes", "x" * 65_536], ids=lambda v: repr(v)[:9]
    )
    def test_what_is_not_json_or_too_big_raises_there_and_changes_nothing(
        self, value: object
    ) -> None:
        @with_world
        async def run(world: World) -> None:
            one, _ = await world.pair()
            with pytest.raises(LocalProtocolError):
                one.awareness.set_local_state_field("x", value)
            assert one.awareness.local_state == {"user": {"name": "Ada"}}
            assert one.synced

        run()


class TestBadInput:
    @pytest.mark.parametrize("value", [object(), {1, 2}, print], ids=["object", "set", "function"])
    def test_a_wrong_type_raises_in_the_users_code_and_the_room_goes_on(self, value: Any) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            with pytest.raises(TypeError):
                one.map("m")["x"] = value
            one.map("m")["y"] = 1
            await asyncio.sleep(1)
            assert other.doc.get("m", type=Map).to_py() == {"y": 1}
            assert one.faults == other.faults == ()

        run()

    @pytest.mark.parametrize(
        "frame", [b"", b"\0\0\2\xff\xff", b"\0\2\1\xff", b"\0\x09", b"\xff" * 20], ids=repr
    )
    def test_garbage_of_a_peer_ends_that_peer_only(self, frame: bytes) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            third = world.kernel().join(user="Eve")
            await third.until_synced(10)
            await asyncio.sleep(1)
            for peer in world.hosts[2].connected:
                for channel in peer.channels:
                    channel.send(frame)
            await asyncio.sleep(5)

            for room in (one, other):
                assert [p.name for p in room.peers if p.is_connected] == [
                    "Bob" if room is one else "Ada"
                ]
                assert room.faults, "and it is told"
            one.map("m")["x"] = 1
            await asyncio.sleep(1)
            assert other.map("m")["x"] == 1

        run()

    def test_what_makes_no_sense_is_told_once_a_minute_with_its_count(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            events: list[RoomEvent] = []
            one.observe(events.append)
            [channel] = [c for p in world.hosts[1].connected for c in p.channels if c.is_open]
            for _ in range(3):
                for _ in range(50):
                    channel.send(b"\x01\x01\x05")
                await asyncio.sleep(31)

            faults = [e.reason for e in events if e.kind == "fault"]
            assert len(faults) == 2
            assert [one.faults.count(fault) for fault in one.faults] == [101]
            assert "expected a byte" in faults[0]
            assert faults[1] == f"{faults[0]} (100 times)"
            assert one.synced
            assert other.faults == ()

        run()

    def test_garbage_published_by_somebody_is_told_and_passed_over(self) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            for data in ("5", '"text"', "null", "{}", '{"type":"signal","from":"x"}'):
                frame = f'{{"type":"publish","topic":"example.org/demo","data":{data}}}'
                world.relay.receive(world.relay.sockets[0], frame)
            await asyncio.sleep(1)

            assert {type(f) for f in one.faults} == {DecodeError, DecryptionError}
            one.map("m")["x"] = 1
            await asyncio.sleep(1)
            assert other.map("m")["x"] == 1

        run()


class TestRepr:
    def text(self, room: Room) -> str:
        return f"{room!r}\n{room._repr_html_()}"

    def test_each_state_is_told_honestly(self) -> None:
        @with_world
        async def run(world: World) -> None:
            rooms = world.kernel()
            room = rooms.join(user="Ada")
            assert "Waiting for the page" in self.text(room)
            assert not room.synced
            world.relay.stop()
            await asyncio.sleep(1)
            assert "No signaling server is reached" in self.text(room)
            assert "nothing answers at its address" in self.text(room)
            world.relay.start()
            await asyncio.sleep(5)
            assert "alone in the room" in self.text(room)
            other = world.kernel().join(user="Bob")
            await room.until_synced(10)
            await asyncio.sleep(1)
            assert "1 peer is connected and synced" in self.text(room)
            assert "Bob: synced by WebRTC" in self.text(room)
            assert f"{URL} open" in self.text(room)
            other.leave()
            await asyncio.sleep(1)
            assert "alone in the room" in self.text(room)
            room.leave()
            assert "was left" in self.text(room)

        run()

    def test_connecting_and_half_synced_are_told(self) -> None:
        @with_world
        async def run(world: World) -> None:
            world.network.max_delay_s = 1.0
            seen: set[str] = set()
            room = world.kernel().join()
            for _ in range(4):
                world.kernel().join()
            for _ in range(1500):
                await asyncio.sleep(0.02)
                seen.add(room.why)

            assert "Connecting to a peer." in seen
            assert "1 peer is connected, 0 synced." in seen
            assert any(re.fullmatch(r"\d peers are connected, [1-3] synced\.", s) for s in seen)
            assert "4 peers are connected and synced." in seen
            assert room.synced

        run()

    @pytest.mark.parametrize("name", ["<script>alert(1)</script>", '"><img src=x>', "&lt;"])
    def test_names_of_peers_are_text(self, name: str) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join(f"room{name}")
            world.kernel().join(f"room{name}", user=name)
            await room.until_synced(10)
            await asyncio.sleep(1)
            html = room._repr_html_()
            assert "<script" not in html
            assert "<img" not in html
            assert name not in html
            assert name in repr(room)

        run()

    def test_names_cannot_forge_lines(self) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join()
            world.kernel().join(user="Eve\n  server     wss://evil.example.org/ open\x1b[2J")
            await room.until_synced(10)
            await asyncio.sleep(1)
            assert "\n  server     wss://evil" not in repr(room)
            assert "\x1b" not in repr(room)
            assert "Eve" in repr(room)

        run()

    def test_long_names_are_cut(self) -> None:
        @with_world
        async def run(world: World) -> None:
            room = world.kernel().join()
            world.kernel().join(user="x" * 10_000)
            await room.until_synced(10)
            await asyncio.sleep(1)
            assert len(repr(room)) < 1000

        run()

    @pytest.mark.parametrize("state", [{}, {"user": 5}, {"user": {"name": 5}}, {"user": None}])
    def test_a_name_that_is_none_is_not_shown(self, state: dict[str, object]) -> None:
        @with_world
        async def run(world: World) -> None:
            one, other = await world.pair()
            other.awareness.set_local_state(state)
            await asyncio.sleep(1)
            [peer] = one.peers
            assert peer.name is None
            assert peer.peer_id[:8] in repr(one)

        run()
