"""Whatever is missing or wrong: a typed error or an event with what to do, and the room goes on."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from aiohttp import web
from harness.people import Cast, Person, StockPage
from harness.site import CellError, serve_folder

from pyodide_rtc.testing.browsers import SignalingServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FAULTS = "[type(f).__name__ for f in room.faults]"


@pytest.fixture
def alone(cast: Cast) -> Iterator[Person]:
    person = cast.person("one")
    yield person
    person.run("room.leave()")


def refused(person: Person, *arguments: str) -> str:
    with pytest.raises(CellError) as caught:
        person.join(*arguments)
    return str(caught.value)


def test_no_room_then_no_collaborative(cast: Cast, server: SignalingServer) -> None:
    person = Person(cast.driver("visitor"), server)
    person.open()
    message = refused(person)
    assert "ConfigError" in message and "Add ?room=NAME to the address" in message

    person.notebook.js(
        "const element = document.getElementById('jupyter-config-data');"
        "const { collaborative, ...rest } = JSON.parse(element.textContent);"
        "element.textContent = JSON.stringify(rest);"
        "history.replaceState(null, '', location.href + '&room=demo');"
    )
    person.restart()
    message = refused(person)
    assert "ConfigError" in message and '"collaborative": true' in message
    # What is said in the call needs nothing of the page.
    person.join("'demo'")
    person.eventually("[s.state for s in room.servers]", ["open"])
    person.run("room.leave()")


OLDER_PAGE = """
    const { postMessage } = Worker.prototype;
    Worker.prototype.postMessage = function (message, ...rest) {
        if (message?.pyodideRtc === "port") message = { ...message, version: 0 };
        return postMessage.call(this, message, ...rest);
    };
"""
CATCH = """
try:
    pyodide_rtc.join("x")
except Exception as error:
    print("caught", type(error).__name__, error)
"""


def test_what_join_raises_can_be_caught_and_run_all_goes_on(cast: Cast) -> None:
    """Reproduces: the code had caught it, and the cell failed all the same."""
    person = cast.person("one")
    person.notebook.js(OLDER_PAGE)
    person.restart()
    for _ in range(2):
        text = person.run(CATCH)
        assert text.startswith("caught BrowserUnsupportedError The page has version 0")
        assert "Reload the page" in text
        assert text.count("\n") == 1, "nothing else comes out in the cell"
    assert person.run("print('and on')") == "and on\n"
    person.open(room="demo")


def test_an_address_that_is_no_server(cast: Cast) -> None:
    message = refused(cast.person("one"), "'x'", "signaling=['ftp://example.org']")
    assert "ConfigError" in message and "ws://" in message


def test_no_server_is_reached(alone: Person, room_name: str) -> None:
    alone.join(repr(room_name), "signaling=['ws://localhost:9/']")
    alone.eventually(f"{FAULTS}[:1]", ["SignalingUnavailableError"])
    assert "No signaling server is reached" in alone.run("room")
    alone.run("state['x'] = 1")


def test_a_relay_that_answers_html(alone: Person, room_name: str, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("<h1>hello</h1>")
    with serve_folder(tmp_path) as url:
        alone.join(repr(room_name), f"signaling=[{url!r}]")
        alone.eventually(f"{FAULTS}[:1]", ["SignalingUnavailableError"])


@contextmanager
def garbage_relay() -> Iterator[str]:
    """A server that sends what no client understands, whatever it is asked."""

    async def answer(request: web.Request) -> web.WebSocketResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for frame in ("<html>", "[]", '{"type":"publish"}', '{"type":"publish","topic":1}'):
            await socket.send_str(frame)
        await socket.send_bytes(b"\xff\x00")
        async for _ in socket:
            pass
        return socket

    async def serve() -> None:
        app = web.Application()
        app.router.add_get("/", answer)
        runner = web.AppRunner(app, shutdown_timeout=0.1)
        await runner.setup()
        site = web.TCPSite(runner, "localhost", 0)
        await site.start()
        ports.append(runner.addresses[0][1])
        started.set()
        await stop.wait()
        await runner.cleanup()

    ports: list[int] = []
    started, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    started.wait()
    try:
        yield f"ws://localhost:{ports[0]}/"
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()
        loop.close()


def test_garbage_from_a_server_beside_a_good_one(
    cast: Cast, alone: Person, server: SignalingServer, room_name: str
) -> None:
    page = StockPage(cast.driver("stock"), server)
    with garbage_relay() as url:
        alone.join(repr(room_name), f"signaling=[{url!r}, {server.signaling_url!r}]")
        alone.eventually("sum(map(room.faults.count, room.faults))", 5)
        assert set(alone.value(FAULTS)) == {"SignalingError"}
        page.join(room_name)
        page.run("me.map.set('x', 1)")
        alone.eventually("state.to_py()", {"x": 1})
        page.run("me.provider.destroy()")


def test_a_wrong_type_in_a_map(alone: Person, room_name: str) -> None:
    alone.join(repr(room_name))
    with pytest.raises(CellError, match="ValueRefusedError"):
        alone.run("state['bad'] = object()")
    alone.run("state['good'] = 1")
    assert alone.value("state.to_py()") == {"good": 1}


@pytest.mark.parametrize("frame", ["0, 9, 9", "0, 2, 3, 255, 255, 255", "0, 0, 2, 255, 255"])
def test_garbage_from_a_peer_harms_that_peer_alone(
    cast: Cast, alone: Person, server: SignalingServer, room_name: str, frame: str
) -> None:
    friend = cast.person("two")
    page = StockPage(cast.driver("stock"), server)
    alone.join(repr(room_name))
    friend.join(repr(room_name))
    alone.eventually("[p.is_synced for p in room.peers]", [True])
    page.join(room_name)
    alone.eventually("[p.is_synced for p in room.peers]", [True, True])
    page.run(
        "for (const { peer } of me.provider.room.webrtcConns.values())"
        f"  peer._channel.send(new Uint8Array([{frame}]))"
    )
    for person in (alone, friend):
        person.eventually("[p.is_synced for p in room.peers]", [True])
        assert person.value(FAULTS) in (["DecodeError"], ["RemoteProtocolError"])
    alone.run("state['still'] = 1")
    friend.eventually("state.get('still')", 1)
    page.run("me.provider.destroy()")
    friend.run("room.leave()")
