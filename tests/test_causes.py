"""Each cause follows from the facts of a room alone, and has its sentence."""

from __future__ import annotations

import re
from typing import Literal

import pytest

from pyodide_rtc import causes
from pyodide_rtc.causes import LEFT_BY_USER, Cause, Facts
from pyodide_rtc.errors import ConfigError, RoomClosedError
from pyodide_rtc.snapshot import SOCKETS_REFUSED, Obstacle, Peer, Server, Snapshot

URL = "wss://relay.example.org/"
OPEN = Server(URL, "open", "")
FIRST_ATTEMPT = Server(URL, "connecting", "")
AWAY = Server(URL, "waiting", "nothing answers at its address", 2.0)
AWAY_AND_TRIED = Server(URL, "connecting", "nothing answers at its address")
REFUSED = Server(URL, "waiting", SOCKETS_REFUSED, 2.0)


def peer(
    via: Literal["webrtc", "tab"] = "webrtc", *, is_connected: bool = True, is_synced: bool = True
) -> Peer:
    return Peer("p" * 36, None, via, is_connected, is_synced)


def room(
    *peers: Peer,
    servers: tuple[Server, ...] = (OPEN,),
    obstacle: Obstacle | None = None,
    has_strangers: bool = False,
    is_looking: bool = False,
) -> Facts:
    """An open room."""
    snapshot = Snapshot(
        "me",
        peers,
        servers,
        has_strangers=has_strangers,
        obstacle=obstacle,
        is_looking=is_looking,
    )
    return Facts("open", snapshot)


NOBODY = Snapshot("")
TAB = peer("tab")
CONNECTING = peer(is_connected=False, is_synced=False)

TABLE: list[tuple[Facts, tuple[Cause, ...]]] = [
    (Facts("opening", NOBODY, is_page_known=False), (Cause.ASKING_PAGE,)),
    (Facts("opening", NOBODY), (Cause.READING,)),
    (Facts("failed", NOBODY, ConfigError("It is so", "Do this.")), (Cause.FAILED,)),
    (Facts("left", NOBODY, RoomClosedError("x", LEFT_BY_USER)), (Cause.LEFT,)),
    (Facts("left", NOBODY, RoomClosedError("x", "it was imported again")), (Cause.LEFT_FOR,)),
    (room(servers=(FIRST_ATTEMPT,)), (Cause.TRYING_SERVER,)),
    (room(servers=(Server(URL, "closed", ""),)), (Cause.TRYING_SERVER,)),
    (room(servers=(FIRST_ATTEMPT, AWAY)), (Cause.TRYING_SERVER,)),
    (room(servers=(AWAY,)), (Cause.NO_SERVER,)),
    (room(servers=(AWAY_AND_TRIED,)), (Cause.NO_SERVER,)),
    (room(servers=(AWAY, REFUSED)), (Cause.NO_SERVER,)),
    (room(servers=(REFUSED,)), (Cause.SOCKETS_REFUSED,)),
    (room(servers=(REFUSED, OPEN)), (Cause.ALONE,)),
    (room(), (Cause.ALONE,)),
    (room(has_strangers=True), (Cause.STRANGERS,)),
    (room(CONNECTING), (Cause.CONNECTING,)),
    (room(is_looking=True), (Cause.CONNECTING,)),
    (room(CONNECTING, obstacle=Obstacle.NO_PATH), (Cause.NO_PATH,)),
    (room(obstacle=Obstacle.NO_PATH), (Cause.NO_PATH,)),
    (room(obstacle=Obstacle.NO_ADDRESS_HERE), (Cause.NO_ADDRESS_HERE,)),
    (room(obstacle=Obstacle.NO_ADDRESS_THERE), (Cause.NO_ADDRESS_THERE,)),
    (room(obstacle=Obstacle.NO_WEBRTC_THERE), (Cause.NO_WEBRTC_THERE,)),
    (room(obstacle=Obstacle.NO_WEBRTC_HERE, servers=(AWAY,)), (Cause.NO_WEBRTC_HERE,)),
    (room(peer()), (Cause.TOGETHER,)),
    (room(peer(), CONNECTING), (Cause.TOGETHER,)),
    (room(peer(), servers=(AWAY,)), (Cause.TOGETHER,)),
    (room(peer(), peer(is_synced=False)), (Cause.SYNCING,)),
    (room(TAB, servers=(FIRST_ATTEMPT,)), (Cause.TOGETHER,)),
    (room(TAB, servers=(AWAY,)), (Cause.TOGETHER, Cause.ONLY_TABS, Cause.NO_SERVER)),
    (room(TAB, servers=(REFUSED,)), (Cause.TOGETHER, Cause.ONLY_TABS, Cause.SOCKETS_REFUSED)),
    (room(TAB, peer(), servers=(AWAY,)), (Cause.TOGETHER,)),
    (
        room(TAB, obstacle=Obstacle.NO_WEBRTC_HERE, servers=(AWAY,)),
        (Cause.TOGETHER, Cause.NO_WEBRTC_HERE),
    ),
    (room(peer(), obstacle=Obstacle.NO_WEBRTC_THERE), (Cause.TOGETHER, Cause.NO_WEBRTC_THERE)),
]


@pytest.mark.parametrize(("facts", "expected"), TABLE)
def test_the_facts_decide(facts: Facts, expected: tuple[Cause, ...]) -> None:
    assert causes.causes(facts) == expected


@pytest.mark.parametrize("cause", Cause)
def test_each_cause_can_be(cause: Cause) -> None:
    assert any(cause in found for _, found in TABLE)


@pytest.mark.parametrize(("facts", "expected"), TABLE)
def test_each_cause_is_said(facts: Facts, expected: tuple[Cause, ...]) -> None:
    said = causes.sentence(facts)

    assert not re.search(r"[{}]", said), "each fact has its place"
    for cause in expected:
        assert re.search(re.sub(r"\\\{\w+\\\}", ".+", re.escape(cause.value)), said)


def test_what_happened_at_each_server_is_said() -> None:
    said = causes.sentence(room(servers=(AWAY, REFUSED)))

    assert f"({URL}: nothing answers at its address; {URL}: {SOCKETS_REFUSED})" in said
    assert said == causes.sentence(room(servers=(AWAY_AND_TRIED, REFUSED))), "the same meanwhile"


@pytest.mark.parametrize(("obstacle"), Obstacle)
def test_each_obstacle_has_its_cause(obstacle: Obstacle) -> None:
    found = causes.obstacle(Snapshot("me", obstacle=obstacle))

    assert found is not None
    assert found.name == obstacle.name
