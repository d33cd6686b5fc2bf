"""Signaling servers that go and come, and what they get to see."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from aiohttp import ClientSession, WSMsgType
from harness.browsers import Kind, open_browser
from harness.people import Cast, Person

from pyodide_rtc.testing.browsers import SignalingServer, eventually, serve_site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def leave(*people: Person) -> None:
    for person in people:
        person.run("room.leave()")


# In 20 s browsers come to hold back sockets that keep failing, Firefox by up to a minute.
@pytest.mark.parametrize(
    ("outage_s", "newcomer"), [(3, "chromium"), (20, "chromium"), (20, "firefox")]
)
def test_newcomers_get_in_soon_after_an_outage(
    cast: Cast,
    room_name: str,
    outage_s: float,
    newcomer: Kind,
    capsys: pytest.CaptureFixture[str],
) -> None:
    one, two = cast.person("one"), cast.person("two", newcomer)
    with serve_site(None) as relay:
        signaling = f"signaling={relay.signaling_url!r}"
        one.join(repr(room_name), signaling)
        one.eventually("[s.state for s in room.servers]", ["open"])
        relay.stop()
        end_s = time.monotonic() + outage_s
        two.join(repr(room_name), signaling)
        one.run("state['meanwhile'] = 1")
        one.eventually("[s.state for s in room.servers] != ['open']", True)
        assert "No signaling server is reached" in one.run("room")
        eventually(lambda: time.monotonic() >= end_s, outage_s + 5, "the outage is over")
        relay.start()
        start_s = time.monotonic()
        two.eventually("[room.synced, state.to_py()]", [True, {"meanwhile": 1}], timeout_s=5)
        with capsys.disabled():
            later_s = time.monotonic() - start_s
            print(f"\noutage of {outage_s} s, {newcomer}: together {later_s:.1f} s later")
        leave(one, two)


def test_one_of_two_servers_is_killed(cast: Cast, room_name: str) -> None:
    one, two = cast.person("one"), cast.person("two")
    with ExitStack() as stack:
        relays = [stack.enter_context(serve_site(None)) for _ in range(2)]
        signaling = f"signaling={[relay.signaling_url for relay in relays]!r}"
        one.join(repr(room_name), signaling)
        one.eventually("[s.state for s in room.servers]", ["open", "open"])
        relays[0].kill()
        one.eventually("[s.state == 'open' for s in room.servers]", [False, True])
        two.join(repr(room_name), signaling)
        for person in (one, two):
            person.eventually("[p.is_synced for p in room.peers]", [True])
        leave(one, two)


class Gateway(BaseHTTPRequestHandler):
    """Answers by the status that the path names, as if what is behind it were in that state."""

    def do_GET(self) -> None:
        self.send_response(int(self.path.strip("/")))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing on the test's output."""


@contextmanager
def gateway(port: int) -> Iterator[int]:
    with ThreadingHTTPServer(("localhost", port), Gateway) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()


def test_a_gateway_of_the_site_that_tells_its_server_is_away(site: Path) -> None:
    statuses = [404, 426, 500, 502, 503, 504]
    with serve_site(site) as own, open_browser("chromium") as driver:
        person = Person(driver, own)
        person.open(room="demo")
        person.run("from pyodide_rtc.browser import open_host\nhost = await open_host()")
        own.stop()
        told = {}
        with gateway(own.port), gateway(0) as foreign_port:
            for port in (own.port, foreign_port):
                urls = [f"ws://localhost:{port}/{status}" for status in statuses]
                person.run(f"answers = [await host.network.answers_http(url) for url in {urls}]")
                told[port] = person.value("answers")
        assert told[own.port] == [True, True, True, False, False, False]
        assert told[foreign_port] == [True] * 6, "browsers do not show what others answer"


def test_with_two_servers_everything_counts_once(cast: Cast, room_name: str) -> None:
    one, two = cast.person("one"), cast.person("two")
    with ExitStack() as stack:
        relays = [stack.enter_context(serve_site(None)) for _ in range(2)]
        signaling = f"signaling={[relay.signaling_url for relay in relays]!r}"
        for person in (one, two):
            person.join(repr(room_name), signaling)
        for person in (one, two):
            person.eventually("[p.is_synced for p in room.peers]", [True])
            assert person.value("[str(f) for f in room.faults]") == []
        leave(one, two)


def test_another_password_is_told_to_both_within_5_s(
    cast: Cast, server: SignalingServer, room_name: str
) -> None:
    one, two = cast.person("one"), cast.person("two")
    one.join(repr(room_name), "password='right'")
    one.run("state['secret'] = 1")
    one.eventually("[s.state for s in room.servers]", ["open"])
    two.join(repr(room_name), "password='wrong'")
    for person in (one, two):
        person.eventually("room.has_strangers", True, timeout_s=5)
        assert "another password" in person.run("room")
        assert person.value("len(room.peers)") == 0
    assert two.value("state.to_py()") == {}
    leave(one, two)


@pytest.mark.parametrize("password", ["secret", None])
async def test_what_a_signaling_server_sees(
    cast: Cast, server: SignalingServer, room_name: str, password: str | None
) -> None:
    one, two = cast.person("one"), cast.person("two")
    seen: list[object] = []
    async with ClientSession() as session, session.ws_connect(server.signaling_url) as socket:
        topic = f"{server.host}/{room_name}"
        await socket.send_json({"type": "subscribe", "topics": [topic]})
        await socket.send_json({"type": "ping"})
        assert (await socket.receive_json()) == {"type": "pong"}, "it listens"
        for person in (one, two):
            person.join(repr(room_name), f"password={password!r}")
        for person in (one, two):
            person.eventually("room.synced", True)
        await socket.send_json({"type": "ping"})
        async for message in socket:
            assert message.type is WSMsgType.TEXT
            frame = json.loads(message.data)
            if frame["type"] == "pong":
                break
            seen.append(frame["data"])
    assert len(seen) >= 4, "announces, an offer and an answer at least"
    if password is None:
        assert any("fingerprint" in str(data) for data in seen), "or the test looks at nothing"
    else:
        assert all(isinstance(data, str) for data in seen)
        assert not any(word in str(data) for data in seen for word in ("sdp", "candidate", "from"))
    leave(one, two)
