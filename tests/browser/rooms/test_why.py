"""What a room says of itself is true, in real browsers, on both sides, and stays as it is.

One test for each cause that is no other test's: `NO_PATH` is in test_turn.py, `ONLY_TABS` and
`NO_SERVER` are in test_tabs.py, `STRANGERS` in test_signaling_servers.py.
`PYODIDE_RTC_STEADY_S=85` watches for so long that nothing else is said; 8 s by default.
"""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from aiohttp import web
from harness.browsers import open_browser
from harness.people import Cast, Person

from pyodide_rtc.causes import Cause
from pyodide_rtc.testing.browsers import SignalingServer, eventually

STEADY_S = float(os.environ.get("PYODIDE_RTC_STEADY_S", "8"))
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300 + STEADY_S)]

TOLD_S = 20.0
"""After so long at the latest, a cause is told."""

WATCH = """
import asyncio
said, told = [], []
async def watch():
    while True:
        if said[-1:] != [room.why]:
            said.append(room.why)
        await asyncio.sleep(0.05)
room.observe(lambda event: told.append(event.kind))
watching = asyncio.ensure_future(watch())
began_s = asyncio.get_running_loop().time()
"""
WATCHED_S = "asyncio.get_running_loop().time() - began_s"


def watch(person: Person, room_name: str, *arguments: str) -> None:
    """Join, and note whatever is said from now on."""
    person.join(repr(room_name), *arguments)
    person.run(WATCH)


def say_steadily(sentences: dict[Person, str]) -> None:
    """Wait until each room says its sentence, and see that it goes on to."""
    for person, sentence in sentences.items():
        person.eventually("room.why", sentence, timeout_s=TOLD_S)
    until_s = {person: person.value(WATCHED_S) + STEADY_S for person in sentences}
    for person, sentence in sentences.items():
        person.eventually(f"{WATCHED_S} > {until_s[person]}", True, timeout_s=STEADY_S + 10)
        said = person.value("said")
        assert said[-1] == sentence
        assert said.count(sentence) == 1, said


def faults(person: Person) -> Any:
    return person.value("[type(f).__name__ for f in room.faults]")


def end(*people: Person) -> None:
    for person in people:
        person.run("watching.cancel()\nroom.leave()")


def test_firefox_without_webrtc(cast: Cast, server: SignalingServer, room_name: str) -> None:
    healthy = cast.person("one")
    with open_browser("firefox", preferences={"media.peerconnection.enabled": False}) as driver:
        blocked = Person(driver, server)
        blocked.open(room="demo")
        watch(blocked, room_name)
        watch(healthy, room_name)
        say_steadily({blocked: Cause.NO_WEBRTC_HERE.value, healthy: Cause.NO_WEBRTC_THERE.value})
        assert faults(blocked) == ["BrowserUnsupportedError"]
        assert "RTCPeerConnection is not defined" in blocked.run("print(room.faults)")
        assert blocked.value("told.count('fault')") <= 1, "it may be told before we observe"
        assert faults(healthy) == ["NegotiationError"]
        blocked.run("room.leave()")
        healthy.eventually("room.why", Cause.ALONE.value)
        end(healthy)


def test_browsers_that_hide_their_addresses(server: SignalingServer, room_name: str) -> None:
    hidden = {"media.peerconnection.ice.no_host": True}
    with (
        open_browser("firefox", preferences=hidden) as one,
        open_browser("firefox", preferences=hidden) as two,
    ):
        people = Person(one, server), Person(two, server)
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda person: person.open(room="demo"), people))
        for person in people:
            watch(person, room_name)
        say_steadily(dict.fromkeys(people, Cause.NO_ADDRESS_HERE.value))
        for person in people:
            assert Cause.ALONE.value not in person.value("said")[1:]
            assert set(faults(person)) <= {"IceFailedError"}


class Proxy:
    """A proxy that passes on HTTP, and no WebSocket; it answers nothing before `begin`."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.url = ""
        self.sockets = 0
        self._loop = loop
        self._may_answer = asyncio.Event()

    def begin(self) -> None:
        self._loop.call_soon_threadsafe(self._may_answer.set)

    async def answer(self, request: web.Request) -> web.Response:
        await self._may_answer.wait()
        if request.headers.get("Upgrade", "").lower() != "websocket":
            return web.Response(text="okay")
        self.sockets += 1
        return web.Response(status=403)


@contextmanager
def open_proxy() -> Iterator[Proxy]:
    async def serve() -> None:
        app = web.Application()
        app.router.add_get("/", proxy.answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "localhost", 0).start()
        proxy.url = f"ws://localhost:{runner.addresses[0][1]}/"
        started.set()
        await stop.wait()
        await runner.cleanup()

    started, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    proxy = Proxy(loop)
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    started.wait()
    try:
        yield proxy
    finally:
        proxy.begin()
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


@pytest.mark.parametrize("kind", ["chromium", "firefox"])
def test_a_proxy_that_refuses_websockets(cast: Cast, room_name: str, kind: Any) -> None:
    person = cast.person("one" if kind == "chromium" else "two", kind)
    with open_proxy() as proxy:
        watch(person, room_name, f"signaling={proxy.url!r}")
        person.eventually("room.why", Cause.TRYING_SERVER.value)
        assert faults(person) == [], "nothing has failed yet"
        proxy.begin()
        say_steadily(
            {person: f"{Cause.SOCKETS_REFUSED.value} ({proxy.url}: WebSockets are refused)"}
        )
        assert faults(person) == ["SignalingUnavailableError"]
        assert person.value("told.count('fault')") == 1
        assert 2 <= proxy.sockets <= 8, "attempts slow down"
        end(person)


def test_a_room_that_is_shown_follows(cast: Cast, room_name: str) -> None:
    one, two = cast.person("one"), cast.person("two")
    one.join(repr(room_name))
    shown = one.start("room")
    one.start("'another cell'")

    def shows(sentence: str) -> None:
        eventually(lambda: sentence in one.notebook.text(shown), 20, f"it shows {sentence!r}")

    shows(Cause.ALONE.value)
    two.join(repr(room_name), "user='Bob'")
    shows("1 peer is connected and synced.")
    shows("Bob: synced by WebRTC")
    two.run("room.leave()")
    shows(Cause.ALONE.value)
    one.run("room.leave()")
    shows(Cause.LEFT.value)
