"""Kernels and pages that come and go: no leftovers, one peer each."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.people import Cast, Person

from pyodide_rtc.testing.browsers import SignalingServer, eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

COUNT_CONNECTIONS = """
    window.liveConnections = new Set();
    window.RTCPeerConnection = class extends RTCPeerConnection {
        constructor(...args) { super(...args); liveConnections.add(this); }
    };
"""
LIVE = """return [...liveConnections].filter(
    // One in reserve has nobody at its other end.
    (c) => c.connectionState !== 'closed' && c.remoteDescription).length"""
UNCLOSED = "return [...liveConnections].filter((c) => c.connectionState !== 'closed').length"


@pytest.fixture
def pair(cast: Cast, room_name: str) -> Iterator[tuple[Person, Person]]:
    one, two = cast.person("one"), cast.person("two")
    one.notebook.js(COUNT_CONNECTIONS)
    # Once, so that the way to the page is open: what it holds is held until the kernel ends.
    one.join("'warm'")
    one.run("room.leave()")
    eventually(lambda: one.notebook.js(UNCLOSED) == 0, 5, "the page has closed its connections")
    one.run("proxies = pyodide_rtc.browser.live_proxies()")
    for person in (one, two):
        person.join(repr(room_name))
    for person in (one, two):
        person.eventually("[p.is_synced for p in room.peers]", [True])
    yield one, two
    for person in (one, two):
        person.run("room.leave()")


def test_running_the_join_cell_again_gives_the_same_room(pair: tuple[Person, Person]) -> None:
    one, two = pair
    one.run("first = room")
    one.join("room.name")
    assert one.value("first is room")
    assert two.value("len(room.peers)") == 1
    assert one.notebook.js(LIVE) == 1


def test_leaving_leaves_nothing_behind(pair: tuple[Person, Person]) -> None:
    one, two = pair
    name = one.value("room.name")
    one.run("room.leave()")
    two.eventually("len(room.peers)", 0, timeout_s=5)
    eventually(lambda: one.notebook.js(UNCLOSED) == 0, 5, "the page has closed its connections")
    assert one.notebook.js(LIVE) == 0
    one.eventually("pyodide_rtc.browser.live_proxies()", one.value("proxies"))
    one.join(repr(name))
    two.eventually("[p.is_synced for p in room.peers]", [True])


def test_a_restarted_kernel_joins_again_as_one_peer(pair: tuple[Person, Person]) -> None:
    one, two = pair
    two.run("state['kept'] = 1")
    name = one.value("room.name")
    one.notebook.restart()
    eventually(lambda: one.notebook.js(UNCLOSED) == 0, 5, "the page has closed the dead kernel's")
    two.eventually("[len(room.peers), len(room.awareness.states)]", [0, 1], timeout_s=5)
    one.run("%pip install -q pyodide-rtc\nimport json, pyodide_rtc", timeout_s=60)
    one.join(repr(name))
    one.eventually("state.to_py()", {"kept": 1})
    two.eventually("[p.is_synced for p in room.peers]", [True])
    assert one.notebook.js(LIVE) == 1


def test_a_reloaded_page_joins_again_as_one_peer(pair: tuple[Person, Person]) -> None:
    one, two = pair
    two.run("state['kept'] = 1")
    name = one.value("room.name")
    one.open(room="demo")
    one.notebook.js(COUNT_CONNECTIONS)
    one.join(repr(name))
    one.eventually("state.to_py()", {"kept": 1})
    two.eventually("[p.is_synced for p in room.peers]", [True])
    two.eventually("len(room.awareness.states)", 2)


def test_edits_go_on_while_signaling_is_down(
    pair: tuple[Person, Person], server: SignalingServer
) -> None:
    one, two = pair
    server.stop()
    try:
        one.eventually("[s.state for s in room.servers]", ["waiting"])
        assert "signaling server" in one.value("str(room.faults[-1])")
        one.run("state['offline'] = 1")
        two.eventually("state.get('offline')", 1)
    finally:
        server.start()
    one.eventually("[s.state for s in room.servers]", ["open"])
