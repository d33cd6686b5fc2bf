"""Calls between notebooks and batons, as users have them."""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import sys
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

import pyodide_rtc
from pyodide_rtc.errors import (
    BatonError,
    BatonLostError,
    BatonTimeoutError,
    CallLostError,
    CallRefusedError,
    CallTimeoutError,
    ConfigError,
    NotExposedError,
    RemoteCallError,
    RoomClosedError,
    RtcError,
    ValueRefusedError,
)
from pyodide_rtc.protocol.call_machine import MAX_OPEN_CALLS
from pyodide_rtc.room import Room
from pyodide_rtc.room_status import Peer
from pyodide_rtc.rooms import Rooms
from pyodide_rtc.testing import MemoryHost, Network, run_virtual
from pyodide_rtc.wire.call_messages import MAX_BATONS, MAX_EXPOSED, MAX_VALUE_BYTES

SOON_S = 1.0
"""In this network everybody has heard everything after so long, and nobody computes."""


class World:
    """A network with notebooks in one room."""

    def __init__(self) -> None:
        self.network = Network(max_delay_s=0.02)
        self.hosts: dict[str, MemoryHost] = {}

    def rooms(self, name: str, browser: str | None = None) -> Rooms:
        host = self.hosts[name] = self.network.host(browser=browser)

        async def open_host() -> MemoryHost:
            return host

        return Rooms(open_host)

    def join(self, name: str, *, browser: str | None = None, **wish: Any) -> Room:
        return self.rooms(name, browser).join("demo", user=name, store=False, **wish)

    async def meet(self, *rooms: Room) -> None:
        others = len(rooms) - 1
        for room in rooms:
            await room.until(lambda room=room: sum(p.is_synced for p in room.peers) == others, 20)
            await room.until(lambda room=room: all(p.name for p in room.peers), 20)

    async def pair(self, **wish: Any) -> tuple[Room, Room]:
        ada, bob = self.join("Ada", **wish), self.join("Bob", **wish)
        await self.meet(ada, bob)
        return ada, bob


def in_a_world(test: Callable[[World], Awaitable[None]]) -> Callable[[], None]:
    """Run a test on virtual time, in a new world."""

    def run() -> None:
        async def main() -> None:
            await test(World())

        run_virtual(main())

    run.__name__, run.__doc__ = test.__name__, test.__doc__
    return run


async def raised(work: Awaitable[object]) -> Exception:
    """Give what is raised."""
    try:
        result = await work
    except Exception as error:
        return error
    raise AssertionError(f"it gave {result!r}")


# What is called, and what comes back.


async def expose_wait(room: Room, other: Room) -> list[str]:
    """Expose `wait`, which never returns, and let the other know it; returns how its calls end."""
    ended: list[str] = []

    @room.expose
    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    await other.until(lambda: "wait" in other.exposed, 5)
    return ended


@in_a_world
async def test_a_function_of_another_notebook_is_called(world: World) -> None:
    ada, bob = await world.pair()

    @bob.expose
    def grade(answer: int, points: int = 1) -> dict[str, int]:
        return {"points": points if answer == 42 else 0}

    await ada.until(lambda: "grade" in ada.exposed, 5)
    assert await ada.call("grade", 42) == {"points": 1}
    assert await ada.call("grade", 42, peer="Bob", points=3) == {"points": 3}
    assert await ada.call("grade", 41, peer=ada.peers[0]) == {"points": 0}
    assert await ada.call("grade", answer=1, peer=ada.peers[0].peer_id) == {"points": 0}
    assert grade(42) == {"points": 1}, "it is a function as before"


@in_a_world
async def test_values_are_those_of_shared_values(world: World) -> None:
    ada, bob = await world.pair()
    bob.expose(lambda *args, **named: [args, named], name="echo")
    await ada.until(lambda: "echo" in ada.exposed, 5)
    sent = (3, 2.5, "ü🌍", b"\0x", None, True, [1, [2]], {"a": {"b": 2**53 - 1}})
    assert await ada.call("echo", *sent, x=(1, 2)) == [list(sent), {"x": [1, 2]}]
    for value, words in (
        ({1, 2}, r"echo\(\), argument 1: a set cannot be shared"),
        (2**53, "beyond 2"),
        (ada.map("m"), "is in the document already"),
        (print, "cannot be shared"),
        ({1: 2}, "of type int"),
    ):
        with pytest.raises(ValueRefusedError, match=words):
            await ada.call("echo", value)
    with pytest.raises(ValueRefusedError, match=r"echo\(\), x=: a set"):
        await ada.call("echo", x={1})
    deep: Any = 1
    for _ in range(70):
        deep = [deep]
    with pytest.raises(ValueRefusedError, match="nests deeper"):
        await ada.call("echo", deep)


@in_a_world
async def test_large_values_arrive_and_too_large_ones_are_refused(world: World) -> None:
    ada, bob = await world.pair()
    bob.expose(len)
    bob.expose(bytes, name="zeros")
    await ada.until(lambda: "zeros" in ada.exposed, 5)
    most = MAX_VALUE_BYTES - 20
    assert await ada.call("len", bytes(most)) == most
    assert await ada.call("zeros", most) == bytes(most)
    words = "5.0 MB, and a call takes 4 MiB. Put it into the room"
    with pytest.raises(ValueRefusedError, match=words):
        await ada.call("len", bytes(5_000_000))
    with pytest.raises(RemoteCallError, match=rf"ValueRefusedError: the result of .* {words}"):
        await ada.call("zeros", 5_000_000)
    assert await ada.call("len", b"123") == 3
    assert ada.faults == bob.faults == ()


@in_a_world
async def test_an_async_function_and_several_at_once(world: World) -> None:
    ada, bob = await world.pair()

    @bob.expose
    async def later(number: int) -> int:
        await asyncio.sleep(10 - number)
        return number

    await ada.until(lambda: "later" in ada.exposed, 5)
    assert await asyncio.gather(*(ada.call("later", n) for n in range(5))) == [0, 1, 2, 3, 4]


@in_a_world
async def test_the_same_works_between_two_tabs_and_with_a_password(world: World) -> None:
    ada, bob = (world.join(n, browser="one", password="secret") for n in ("Ada", "Bob"))
    eve = world.join("Eve", password="secret")
    await world.meet(ada, bob, eve)
    assert {p.via for p in ada.peers} == {"tab", "webrtc"}
    bob.expose(lambda: "Bob", name="name")
    await ada.until(lambda: "name" in ada.exposed, 5)
    await eve.until(lambda: "name" in eve.exposed, 5)
    assert await ada.call("name") == await eve.call("name") == "Bob"
    async with ada.baton("run"):
        with pytest.raises(BatonTimeoutError, match="Ada has it"):
            async with bob.baton("run", timeout_s=1):
                pass
        with pytest.raises(BatonTimeoutError, match="Ada has it"):
            async with eve.baton("run", timeout_s=1):
                pass
    async with bob.baton("run", timeout_s=1):
        pass


@in_a_world
async def test_the_page_shows_what_works(world: World) -> None:
    text = (Path(__file__).parents[1] / "docs/calls.md").read_text()
    bobs, adas, refusing, baton = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    moved: list[str] = []

    async def run(code: str, room: Room, **names: Any) -> dict[str, Any]:
        """Run a cell of somebody whose `join` gives this room; its last value is `_`."""
        tree = ast.parse(code)
        if isinstance(last := tree.body[-1], ast.Expr):
            tree.body[-1] = ast.parse("_ = 0").body[0]
            tree.body[-1].value = last.value  # type: ignore[attr-defined]
        cell = compile(tree, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        space = {"room": room, "pyodide_rtc": pyodide_rtc, **names}
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(pyodide_rtc, "join", lambda name: room)
            if cell.co_flags & inspect.CO_COROUTINE:
                await eval(cell, space)
            else:
                exec(cell, space)
        return space

    ada, bob, eve = (world.join(name) for name in ("Ada", "Bob", "Eve"))
    await run(bobs, bob)
    assert (await run(adas, ada))["_"] is True
    await run(refusing, bob)
    await eve.until(lambda: "grade" in eve.exposed, 5)
    await world.meet(ada, bob, eve)
    with pytest.raises(CallRefusedError, match="Bob refused grade"):
        await eve.call("grade", 42)
    assert await ada.call("grade", 42) is True
    shown = (await run(baton, ada, point_at=moved.append))["_"]
    assert repr(shown) == "<Baton 'telescope': free>"
    assert moved == ["Vega"]


# Who is called.


@in_a_world
async def test_it_is_clear_whose_function_is_meant(world: World) -> None:
    ada, bob, eve = (world.join(name) for name in ("Ada", "Bob", "Eve"))
    await world.meet(ada, bob, eve)
    for room, name in ((bob, "Bob"), (eve, "Eve")):
        room.expose(lambda name=name: name, name="who")
    bob.expose(len)
    await asyncio.sleep(SOON_S)
    with pytest.raises(ConfigError, match=r"who\(\) is exposed by (Bob, Eve|Eve, Bob)\. Say whose"):
        await ada.call("who")
    assert await ada.call("who", peer="Eve") == "Eve"
    assert await ada.call("len", "four") == 4
    assert await bob.call("who") == "Eve", "one's own does not count"
    error = await raised(ada.call("nothing"))
    assert isinstance(error, NotExposedError)
    assert "Bob has exposed len(), who()" in str(error)
    with pytest.raises(NotExposedError, match="'Bobby' is not here: "):
        await ada.call("who", peer="Bobby")
    with pytest.raises(NotExposedError, match=r"of Eve gave no result: Eve has exposed who\(\)"):
        await ada.call("len", "x", peer="Eve")
    gone = next(peer for peer in ada.peers if peer.name == "Bob")
    bob.leave()
    await ada.until(lambda: len(ada.peers) == 1, 5)
    with pytest.raises(NotExposedError, match="Bob is not here"):
        await ada.call("len", "x", peer=gone)
    eve.leave()
    await ada.until(lambda: not ada.peers, 5)
    with pytest.raises(NotExposedError, match="nobody else is connected"):
        await ada.call("len", "x")
    assert ada.exposed == {}


@in_a_world
async def test_what_is_exposed_is_shown(world: World) -> None:
    ada, bob = await world.pair()
    events: list[str] = []
    ada.observe(lambda event: events.append(repr(event)))
    ada.expose(len)
    bob.expose(len)
    bob.expose(max)
    await ada.until(lambda: "max" in ada.exposed, 5)
    assert repr(ada.exposed) == (
        "{'len': <len(), exposed by you, Bob>, 'max': <max(), exposed by Bob>}"
    )
    assert ada.exposed["max"].peers == ada.peers
    assert not ada.exposed["max"].is_here
    bob.unexpose("max")
    bob.unexpose(len)
    bob.unexpose("max")
    await ada.until(lambda: "max" not in ada.exposed, 5)
    await asyncio.sleep(SOON_S)
    assert repr(ada.exposed) == "{'len': <len(), exposed by you>}"
    assert "<Bob has exposed len(), max()>" in events
    assert events[-1] == "<Bob has exposed nothing>"


@in_a_world
async def test_running_the_cell_again_replaces_the_function(world: World) -> None:
    ada, bob = await world.pair()
    for number in (1, 2):
        bob.expose(lambda number=number: number, name="f")
        await ada.until(lambda: "f" in ada.exposed, 5)
        assert await ada.call("f") == number


@in_a_world
async def test_what_is_exposed_stays_when_one_leaves_and_joins_again(world: World) -> None:
    ada, rooms = world.join("Ada"), world.rooms("Bob")
    early = rooms.join("demo", user="Bob", store=False)
    early.expose(len)  # before the room is open
    await world.meet(ada, early)
    assert await ada.call("len", "four") == 4
    early.leave()
    await ada.until(lambda: not ada.peers, 5)
    with pytest.raises(RoomClosedError):
        early.expose(max)
    again = rooms.join("demo", user="Bob", store=False)
    await world.meet(ada, again)
    assert await ada.call("len", "four") == 4
    again.unexpose(len)
    await ada.until(lambda: "len" not in ada.exposed, 5)


# What goes wrong.


class StrangeError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("it has no text")


@in_a_world
async def test_what_a_function_raises_comes_as_text(world: World) -> None:
    ada, bob = await world.pair()

    @bob.expose
    def fail(how: str) -> object:
        match how:
            case "plain":
                raise ValueError("the answer is no number")
            case "strange":
                raise StrangeError
            case "long":
                raise KeyError("x" * 100_000)
            case "half":
                raise ValueError("\ud800 and \x1b[31m")
            case "exit":
                sys.exit(3)
            case "interrupt":
                raise KeyboardInterrupt
            case "cancel":
                raise asyncio.CancelledError
        return object()

    await ada.until(lambda: "fail" in ada.exposed, 5)
    for how, type_name, text in (
        ("plain", "ValueError", "the answer is no number"),
        ("strange", "StrangeError", "(its text cannot be shown)"),
        ("long", "KeyError", ("'" + "x" * 100_000)[:2_000]),
        ("half", "ValueError", "? and  [31m"),
        ("exit", "SystemExit", "3"),
        ("interrupt", "KeyboardInterrupt", ""),
        ("cancel", "CancelledError", ""),
    ):
        error = await raised(ada.call("fail", how))
        assert isinstance(error, RemoteCallError), how
        assert (error.type_name, error.text) == (type_name, text)
        assert str(error) == f"fail() of Bob raised {type_name}: {text}"
    with pytest.raises(RemoteCallError, match="raised ValueRefusedError: the result of fail"):
        await ada.call("fail", "object")
    with pytest.raises(RemoteCallError, match=r"raised TypeError: .*missing 1 required"):
        await ada.call("fail")
    assert ada.faults == bob.faults == ()


@in_a_world
async def test_a_function_refuses_its_caller(world: World) -> None:
    ada, bob = await world.pair()
    callers: list[Peer] = []

    @bob.expose
    def grade(answer: int, *, caller: Peer) -> bool:
        callers.append(caller)
        if caller.name != "Eve":
            raise CallRefusedError("only Eve is graded today")
        return answer == 42

    await ada.until(lambda: "grade" in ada.exposed, 5)
    error = await raised(ada.call("grade", 42))
    assert isinstance(error, CallRefusedError)
    assert str(error) == "Bob refused grade(): only Eve is graded today"
    assert (error.who, error.reason) == ("Bob", "only Eve is graded today")
    assert [caller.name for caller in callers] == ["Ada"]
    with pytest.raises(RemoteCallError, match=r"TypeError: grade\(\) is given its caller"):
        await ada.call("grade", 42, caller={"name": "Eve"})
    bob.expose(lambda caller: caller, name="echo")  # not keyword-only: an argument as any other
    await ada.until(lambda: "echo" in ada.exposed, 5)
    assert await ada.call("echo", caller=3) == 3


@in_a_world
async def test_a_person_sees_who_calls(world: World) -> None:
    ada, bob = await world.pair()
    events: list[str] = []
    bob.observe(lambda event: events.append(repr(event)) if event.kind == "call" else None)
    bob.expose(lambda *args, **named: None, name="f")
    await ada.until(lambda: "f" in ada.exposed, 5)
    await ada.call("f", 1, [2, "x\x1b[31m"], k=3)
    await ada.call("f", *range(9), "x" * 100_000)
    assert events == [
        r"<Ada calls f(1, [2, 'x\x1b[31m'], k=3)>",
        "<Ada calls f(0, 1, 2, 3, 4, 5, ...)>",
    ]


@in_a_world
async def test_a_call_that_never_returns_is_given_up_and_cancelled_there(world: World) -> None:
    ada, bob = await world.pair()
    ended = await expose_wait(bob, ada)
    began_s = asyncio.get_running_loop().time()
    error = await raised(ada.call("wait", timeout_s=2))
    assert asyncio.get_running_loop().time() == pytest.approx(began_s + 2)
    assert isinstance(error, CallTimeoutError)
    assert isinstance(error, TimeoutError)
    assert str(error) == (
        "wait() of Bob gave no result in 2 s: the function has not returned, or its kernel computes"
    )
    await asyncio.sleep(SOON_S)
    assert ended == ["cancelled"]
    task = asyncio.ensure_future(ada.call("wait"))
    await asyncio.sleep(SOON_S)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(SOON_S)
    assert ended == ["cancelled"] * 2
    task = asyncio.ensure_future(ada.call("wait", timeout_s=None))
    task.cancel()
    await asyncio.sleep(SOON_S)
    assert ended == ["cancelled"] * 2, "it was never called"


@in_a_world
async def test_a_time_out_tells_that_the_other_computes(world: World) -> None:
    ada, bob = await world.pair()
    bob.expose(len)
    await ada.until(lambda: "len" in ada.exposed, 5)
    world.hosts["Bob"].be_busy()
    error = await raised(ada.call("len", "x", timeout_s=20))
    assert isinstance(error, CallTimeoutError)
    assert error.reason == "that kernel is busy for 20 s, and cannot answer before it is done"
    call = asyncio.ensure_future(ada.call("len", "four"))
    world.hosts["Bob"].be_free()
    assert await call == 4


@in_a_world
async def test_a_peer_that_goes_ends_its_calls(world: World) -> None:
    ada, bob, eve = (world.join(name) for name in ("Ada", "Bob", "Eve"))
    await world.meet(ada, bob, eve)
    ended: list[str] = []

    async def wait() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append("cancelled")

    bob.expose(wait)
    eve.expose(wait)
    await asyncio.sleep(SOON_S)
    calls = [asyncio.ensure_future(raised(ada.call("wait", peer=p))) for p in ("Bob", "Eve")]
    await asyncio.sleep(SOON_S)
    bob.leave()
    error = await asyncio.wait_for(calls[0], SOON_S)
    assert isinstance(error, CallLostError)
    assert str(error) == "wait() of Bob gave no result: Bob has gone, or is not reached any more"
    assert ended == ["cancelled"], "his room is left"
    world.network.kill(world.hosts["Eve"])
    assert isinstance(await asyncio.wait_for(calls[1], 20), CallLostError)


@in_a_world
async def test_a_caller_that_goes_ends_what_it_has_called(world: World) -> None:
    ada, bob = await world.pair()
    ended = await expose_wait(bob, ada)
    call = asyncio.ensure_future(raised(ada.call("wait", timeout_s=None)))
    await asyncio.sleep(SOON_S)
    ada.leave()
    assert isinstance(await call, RoomClosedError)
    await asyncio.sleep(SOON_S)
    assert ended == ["cancelled"]
    assert isinstance(await raised(ada.call("wait")), RoomClosedError)


@in_a_world
async def test_many_calls_wait_at_home_and_hold_up_nobody(world: World) -> None:
    ada, bob, eve = (world.join(name) for name in ("Ada", "Bob", "Eve"))
    await world.meet(ada, bob, eve)
    running = most = 0

    @bob.expose
    async def work(number: int) -> int:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(1)
        running -= 1
        return number

    await asyncio.sleep(SOON_S)
    calls = asyncio.gather(*(ada.call("work", n, timeout_s=60) for n in range(200)))
    await asyncio.sleep(0.5)
    began_s = asyncio.get_running_loop().time()
    assert await eve.call("work", 7) == 7
    assert asyncio.get_running_loop().time() < began_s + 2
    assert await calls == list(range(200))
    assert most == MAX_OPEN_CALLS + 1


@in_a_world
async def test_a_function_that_is_taken_back_meanwhile(world: World) -> None:
    ada, bob = await world.pair()
    bob.expose(len)
    await ada.until(lambda: "len" in ada.exposed, 5)
    bob.unexpose(len)
    with pytest.raises(NotExposedError, match="Bob has not exposed it any more"):
        await ada.call("len", "x")  # she has not heard yet


@in_a_world
async def test_what_is_said_wrongly_is_refused_at_once(world: World) -> None:
    ada, bob = await world.pair()
    for wrong in (3, "grade", None):
        with pytest.raises(ConfigError):
            ada.expose(name=wrong)(print) if wrong == 3 else ada.expose(wrong or [])  # type: ignore[arg-type,call-overload]
    with pytest.raises(ConfigError, match="has no name"):
        ada.expose(lambda: 1)
    for label in ("", "x" * 201, "\ud800", 3):
        with pytest.raises(ConfigError, match="is no name of a function"):
            ada.expose(print, name=label)  # type: ignore[call-overload]
        with pytest.raises(ConfigError, match="is no name of a function"):
            await ada.call(label)
        with pytest.raises(ConfigError, match="is no name of a baton"):
            ada.baton(label)
    for timeout in (-1, "3", True):
        with pytest.raises(ConfigError, match="timeout_s is"):
            await ada.call("f", timeout_s=timeout)  # type: ignore[arg-type]
        with pytest.raises(ConfigError, match="timeout_s is"):
            ada.baton("b", timeout_s=timeout)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="3 is no peer"):
        await ada.call("f", peer=3)  # type: ignore[arg-type]
    for number in range(MAX_EXPOSED):
        ada.expose(print, name=f"f{number}")
    with pytest.raises(ConfigError, match="200 functions are exposed"):
        ada.expose(print)
    ada.expose(len, name="f0")
    await bob.until(lambda: len(bob.exposed) == MAX_EXPOSED, 5)
    assert bob.faults == ()


@in_a_world
async def test_a_room_that_is_still_opening_is_waited_for(world: World) -> None:
    bob = world.join("Bob")
    bob.expose(len)
    ada = world.join("Ada")
    error = await raised(ada.call("len", "x", timeout_s=0))
    assert isinstance(error, CallTimeoutError)
    assert error.reason == "the room is not open yet"
    assert isinstance(await raised(ada.call("len", "x")), NotExposedError)
    await world.meet(ada, bob)
    assert await ada.call("len", "x") == 1


# Batons.


@in_a_world
async def test_one_has_the_baton_at_a_time(world: World) -> None:
    ada, bob, eve = (world.join(name) for name in ("Ada", "Bob", "Eve"))
    await world.meet(ada, bob, eve)
    order: list[str] = []
    events: list[str] = []
    eve.observe(lambda event: events.append(repr(event)) if event.kind == "baton" else None)

    async def run(room: Room, name: str, after_s: float) -> None:
        await asyncio.sleep(after_s)
        async with room.baton("run") as baton:
            assert baton.is_mine
            assert baton.holder == "you"
            order.append(name)
            await asyncio.sleep(5)
            order.append(name)

    working = asyncio.gather(run(ada, "Ada", 0), run(bob, "Bob", 2), run(eve, "Eve", 1))
    await asyncio.sleep(3)
    assert repr(bob.baton("run")) == "<Baton 'run': Ada has it; next: Eve, you>"
    assert (bob.baton("run").holder, bob.baton("run").waiting) == ("Ada", ("Eve", "you"))
    assert not bob.baton("run").is_mine
    assert repr(bob.baton("other")) == "<Baton 'other': free>"
    async with bob.baton("other", timeout_s=1):
        pass
    await working
    assert order == ["Ada", "Ada", "Eve", "Eve", "Bob", "Bob"]
    await asyncio.sleep(SOON_S)
    assert ada.baton("run").holder is None
    assert [e for e in events if "'run'" in e and "free" not in e] == [
        "<baton 'run': Ada has it>",
        "<baton 'run': you have it; next: Bob>",
        "<baton 'run': Bob has it>",
    ]


@in_a_world
async def test_within_one_kernel_too(world: World) -> None:
    ada, bob = await world.pair()
    order: list[int] = []

    async def run(number: int) -> None:
        async with ada.baton("run"):
            order.append(number)
            await asyncio.sleep(1)
            order.append(number)

    await asyncio.gather(*map(run, range(4)))
    assert order == [0, 0, 1, 1, 2, 2, 3, 3]
    async with ada.baton("run"):
        with pytest.raises(BatonError, match="this code has it already"):
            async with ada.baton("run"):
                pass
    async with bob.baton("run", timeout_s=1):
        with pytest.raises(BatonTimeoutError):
            async with asyncio.timeout(5), ada.baton("run", timeout_s=1):
                pass


@in_a_world
async def test_a_wait_for_it_ends(world: World) -> None:
    ada, bob = await world.pair()
    async with ada.baton("run"):
        error = await raised(bob.baton("run", timeout_s=2).__aenter__())
        assert str(error) == "baton 'run': not had within 2 s: Ada has it"
        assert isinstance(error, TimeoutError)
        waiting = asyncio.ensure_future(bob.baton("run").__aenter__())
        second = asyncio.ensure_future(raised(bob.baton("run", timeout_s=None).__aenter__()))
        await asyncio.sleep(SOON_S)
        assert ada.baton("run").waiting == ("Bob",)
        waiting.cancel()
        with suppress(asyncio.CancelledError):
            await waiting
        await asyncio.sleep(SOON_S)
        assert ada.baton("run").waiting == ("Bob",), "the second one"
        bob.leave()
        assert isinstance(await second, RoomClosedError)
        await asyncio.sleep(SOON_S)
        assert ada.baton("run").waiting == ()
    assert isinstance(await raised(bob.baton("run").__aenter__()), RoomClosedError)


@pytest.mark.parametrize("how", ["leave", "kill"])
def test_a_holder_that_is_gone_lets_it_go(how: str) -> None:
    @in_a_world
    async def run(world: World) -> None:
        ada, bob = await world.pair()
        left: list[Exception] = []

        async def hold() -> None:
            try:
                async with ada.baton("run"):
                    await asyncio.sleep(100)
            except RtcError as error:
                left.append(error)

        holding = asyncio.ensure_future(hold())
        await asyncio.sleep(SOON_S)
        asked = asyncio.ensure_future(bob.baton("run", timeout_s=20).__aenter__())
        await asyncio.sleep(SOON_S)
        if how == "leave":
            ada.leave()
        else:
            world.network.kill(world.hosts["Ada"])
        assert (await asked).is_mine
        if how == "leave":
            await holding
            assert isinstance(left[0], BatonLostError)
            assert "is closed" in str(left[0])
        holding.cancel()

    run()


@in_a_world
async def test_a_kernel_that_computes_keeps_it_and_holds_up_nobody_else(world: World) -> None:
    ada, bob, eve = (world.join(name) for name in ("Ada", "Bob", "Eve"))
    await world.meet(ada, bob, eve)
    async with ada.baton("run"):
        await asyncio.sleep(SOON_S)
        world.hosts["Ada"].be_busy()
        error = await raised(bob.baton("run", timeout_s=20).__aenter__())
        assert str(error) == "baton 'run': not had within 20 s: Ada has it (busy for 20 s)"
        async with bob.baton("other", timeout_s=5):
            pass
        world.hosts["Ada"].be_free()
        await asyncio.sleep(SOON_S)
    world.hosts["Eve"].be_busy()
    error = await raised(bob.baton("run", timeout_s=4).__aenter__())
    assert str(error).startswith("baton 'run': not had within 4 s: not all of these have answered")
    assert "Eve" in str(error)
    async with bob.baton("run", timeout_s=10):
        pass


@in_a_world
async def test_two_halves_of_a_network_have_one_holder_each_and_then_one(world: World) -> None:
    ada, bob = await world.pair()
    hosts = [world.hosts[name] for name in ("Ada", "Bob")]
    told: list[str] = []
    ada.observe(lambda event: told.append(repr(event)) if event.kind == "baton" else None)
    error: Exception | None = None
    try:
        async with ada.baton("run") as hers:
            await asyncio.sleep(SOON_S)
            world.network.cut([hosts[0]], [hosts[1]])
            async with bob.baton("run", timeout_s=60) as his:
                assert hers.is_mine
                world.network.heal()
                await ada.until(lambda: not hers.is_mine, 60)
                assert his.is_mine
                await ada.until(lambda: hers.holder == "Bob", 5)
    except BatonLostError as caught:
        error = caught
    assert str(error) == "baton 'run': Bob had it as well, as you could not reach each other"
    assert any("lost to" in words for words in told)
    async with ada.baton("run", timeout_s=5):
        pass


@in_a_world
async def test_what_a_block_raises_comes_first(world: World) -> None:
    ada, bob = await world.pair()
    with pytest.raises(ZeroDivisionError):
        async with ada.baton("run"):
            ada.leave()
            raise ZeroDivisionError
    async with bob.baton("run", timeout_s=5):
        pass


@in_a_world
async def test_the_batons_of_a_kernel_are_bounded(world: World) -> None:
    ada, bob = await world.pair()
    for number in range(MAX_BATONS):
        await ada.baton(f"b{number}").__aenter__()
    with pytest.raises(BatonError, match="100 others are held"):
        await ada.baton("one more").__aenter__()
    await ada.baton("b0").__aexit__(None, None, None)
    async with ada.baton("one more"):
        pass
    await asyncio.sleep(SOON_S)
    assert bob.baton("b99").holder == "Ada"
    assert bob.faults == ()
