from __future__ import annotations

import asyncio

import pytest

from pyodide_rtc.errors import RtcError, SignalingClosedError, SignalingError
from pyodide_rtc.protocol.signaling_machine import CONNECT_TIMEOUT_S, ServerState
from pyodide_rtc.session.signaling_connection import SignalingConnection
from pyodide_rtc.testing import MemoryHost, Network, run_virtual
from pyodide_rtc.testing.memory_host import MemoryNetwork

URL = "wss://relay.example.org/"


class Listener:
    """A room, as the link sees it."""

    def __init__(self) -> None:
        self.opened = 0
        self.changes = 0
        self.faults: list[RtcError] = []
        self.heard: list[object] = []

    def on_server_opened(self, url: str) -> None:
        self.opened += 1

    def on_server_changed(self, url: str) -> None:
        self.changes += 1

    def on_server_fault(self, url: str, error: RtcError, *, is_news: bool) -> None:
        self.faults.append(error)

    def on_published(self, url: str, data: object) -> None:
        self.heard.append(data)


def link_of(host: MemoryHost) -> SignalingConnection:
    return SignalingConnection(host.network, URL, host.machine.random)


class World:
    """A relay with one link, and another that talks back."""

    def __init__(self) -> None:
        self.network = Network(max_delay_s=0.01)
        self.relay = self.network.relays[URL]
        self.link = link_of(self.network.host())
        self.far = link_of(self.network.host())
        self.far.subscribe("a", Listener())
        self.far.subscribe("b", Listener())

    async def say(self, topic: str, data: object) -> None:
        self.far.publish(topic, data)
        await asyncio.sleep(1)


def test_rooms_share_one_socket_and_hear_their_own_topic() -> None:
    async def main() -> None:
        world = World()
        a, b = Listener(), Listener()
        world.link.subscribe("a", a)
        world.link.subscribe("b", b)
        await asyncio.sleep(1)
        await world.say("a", "to a")
        await world.say("b", "to b")

        assert (a.heard, b.heard) == (["to a"], ["to b"])
        assert (a.opened, b.opened) == (1, 1)
        assert len(world.relay.sockets) == 2, "one of each link"

    run_virtual(main())


def test_publishing_comes_back_and_reaches_the_others() -> None:
    async def main() -> None:
        world = World()
        mine, other = Listener(), Listener()
        world.link.subscribe("c", mine)
        world.far.subscribe("c", other)
        await asyncio.sleep(1)
        world.link.publish("c", {"x": 1})
        await asyncio.sleep(1)

        assert mine.heard == other.heard == [{"x": 1}]

    run_virtual(main())


def test_a_server_that_goes_and_comes_is_found_again() -> None:
    async def main() -> None:
        world = World()
        listener = Listener()
        world.link.subscribe("a", listener)
        await asyncio.sleep(1)
        world.relay.stop()
        await asyncio.sleep(20)
        assert world.link.machine.state is not ServerState.OPEN
        assert isinstance(listener.faults[0], SignalingClosedError)
        assert 5 < len(listener.faults) < 30, "tried again and again, ever more rarely"
        world.relay.start()
        await asyncio.sleep(5)
        await world.say("a", "again")

        assert listener.opened == 2
        assert listener.heard == ["again"]

    run_virtual(main())


@pytest.mark.parametrize("text", ["<html>502 Bad Gateway</html>", "{}", "\0", '{"type":"publish"}'])
def test_a_relay_that_talks_nonsense_is_told_and_heard_on(text: str) -> None:
    async def main() -> None:
        world = World()
        listener = Listener()
        world.link.subscribe("a", listener)
        await asyncio.sleep(1)
        for socket in world.relay.sockets:
            socket.give(text)
        await world.say("a", "sense")

        [fault] = listener.faults
        assert isinstance(fault, SignalingError)
        assert URL in str(fault)
        assert listener.heard == ["sense"]

    run_virtual(main())


def test_the_last_topic_closes_the_socket() -> None:
    async def main() -> None:
        world = World()
        a, b = Listener(), Listener()
        world.link.subscribe("a", a)
        world.link.subscribe("b", b)
        await asyncio.sleep(1)
        world.link.unsubscribe("a", a)
        await asyncio.sleep(1)
        await world.say("a", "unheard")
        await world.say("b", "heard")
        assert (a.heard, b.heard) == ([], ["heard"])
        assert not world.link.is_idle
        world.link.unsubscribe("b", b)
        await asyncio.sleep(1)

        assert world.link.is_idle
        assert len(world.relay.sockets) == 1, "that of the other link"

    run_virtual(main())


def test_a_listener_that_takes_over_is_told_and_not_unsubscribed_by_the_old_one() -> None:
    async def main() -> None:
        world = World()
        old, new = Listener(), Listener()
        world.link.subscribe("a", old)
        await asyncio.sleep(1)
        world.link.subscribe("a", new)
        world.link.unsubscribe("a", old)
        await asyncio.sleep(1)
        await world.say("a", "to the new one")

        assert new.opened == 1
        assert new.heard == ["to the new one"]
        assert old.heard == []
        world.link.unsubscribe("a", new)
        assert world.link.is_idle

    run_virtual(main())


def test_a_socket_that_was_given_up_is_not_heard_any_more() -> None:
    class Deaf(MemoryNetwork):
        """A network whose sockets neither open nor fail."""

        def open_socket(self, url: str, handler: object) -> object:  # type: ignore[override]
            handlers.append(handler)
            return Socket()

    class Socket:
        def send(self, text: str) -> None: ...

        def close(self) -> None:
            closed.append(self)

    handlers: list[object] = []
    closed: list[Socket] = []

    async def main() -> None:
        host = Network().host()
        host.network.__class__ = Deaf
        link = link_of(host)
        listener = Listener()
        link.subscribe("a", listener)
        await asyncio.sleep(CONNECT_TIMEOUT_S + 3)
        assert len(handlers) == 2
        assert len(closed) == 1
        handlers[0].on_open()  # type: ignore[attr-defined]
        handlers[0].on_text("{")  # type: ignore[attr-defined]
        handlers[0].on_close("late")  # type: ignore[attr-defined]

        assert listener.opened == 0
        assert len(listener.faults) == 1, "that it did not open in time"
        assert link.machine.state is ServerState.CONNECTING

    run_virtual(main())


def test_probes_end_with_the_last_topic() -> None:
    class Unanswered(MemoryNetwork):
        """A network whose requests get no answer."""

        async def answers_http(self, url: str) -> bool:
            try:
                return await asyncio.get_running_loop().create_future()
            except asyncio.CancelledError:
                ended.append(url)
                raise

    ended: list[str] = []

    async def main() -> None:
        network = Network()
        network.relays[URL].stop()
        host = network.host()
        host.network.__class__ = Unanswered
        link = link_of(host)
        listener = Listener()
        link.subscribe("a", listener)
        await asyncio.sleep(5)
        assert link.machine.state is ServerState.CONNECTING
        link.unsubscribe("a", listener)
        await asyncio.sleep(1)

        assert ended == [URL]
        assert link.machine.state is ServerState.CLOSED

    run_virtual(main())
