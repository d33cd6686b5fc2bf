"""Signaling servers that go and come, and what they get to see."""

from __future__ import annotations

import json
import time
from contextlib import ExitStack

import pytest
from aiohttp import ClientSession, WSMsgType
from harness.browsers import Kind
from harness.people import Cast, Person
from harness.served import SignalingServer, serve_site
from harness.waiting import eventually

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
        relays[0].process.kill()
        one.eventually("[s.state == 'open' for s in room.servers]", [False, True])
        two.join(repr(room_name), signaling)
        for person in (one, two):
            person.eventually("[p.is_synced for p in room.peers]", [True])
        leave(one, two)


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
