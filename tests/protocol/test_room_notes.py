"""What the room's machine notes of its connections beside what it does at once."""

from __future__ import annotations

import pytest

from pyodide_rtc.errors import IceFailedError, SameClientError
from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.room_machine import RoomMachine

from .machine_helpers import (
    ANSWER,
    MY_CLIENT,
    OTHER,
    PEER,
    URL,
    announce,
    link_peer,
    make_room,
    only,
    signal,
)


@pytest.fixture
def room() -> RoomMachine:
    return make_room()


def test_a_document_with_our_client_id_is_told(room: RoomMachine) -> None:
    room.handle(ev.PayloadReceived(URL, announce(PEER, MY_CLIENT)), 0.0)
    room.handle(ev.PayloadReceived(URL, signal(ANSWER, PEER, client_id=MY_CLIENT)), 0.0)

    effects = room.handle(ev.ChannelOpened(1, "local", 262_144), 0.0)

    [report] = only(fx.Report, effects)
    assert isinstance(report.error, SameClientError)
    assert (report.error.peer_id, report.error.client_id) == (PEER, MY_CLIENT)


def test_the_way_to_a_peer_is_shown(room: RoomMachine) -> None:
    conn = link_peer(room)
    room.handle(ev.PathFound(conn, is_relayed=True), 0.0)

    assert [peer.is_relayed for peer in room.peers(0.0)] == [True]


def test_how_long_the_network_takes_is_shown(room: RoomMachine) -> None:
    conn = link_peer(room)
    assert [peer.round_trip_ms for peer in room.peers(0.0)] == [None]

    assert room.handle(ev.PathMeasured(conn, 0.25), 0.0) == []
    assert [peer.round_trip_ms for peer in room.peers(0.0)] == [250.0]


def test_who_is_not_reached_is_kept_in_mind_until_somebody_is(room: RoomMachine) -> None:
    conn = link_peer(room)
    again = room.handle(ev.TransportFailed(conn, "no path", is_ice=True), 50.0)
    [transport] = only(fx.OpenTransport, again)
    room.handle(ev.PayloadReceived(URL, signal(ANSWER)), 51.0)

    effects = room.handle(ev.TransportFailed(transport.conn, "no path", is_ice=True), 70.0)

    [report] = only(fx.Report, effects)
    assert isinstance(report.error, IceFailedError)
    assert room.connections.unreached.error(70.0) is report.error
    link_peer(room, OTHER)
    assert room.connections.unreached.error(70.0) is None
