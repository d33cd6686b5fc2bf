"""What a peer wrote and closed its page: taken when its connection is gone already."""

from __future__ import annotations

import pytest

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.room_machine import RoomMachine
from pyodide_rtc.wire.awareness_update import AwarenessEntry
from pyodide_rtc.wire.chunks import cut, encode_chunk
from pyodide_rtc.wire.messages import SyncStep1, SyncStep2, SyncUpdate, encode

from .machine_helpers import PEER_CLIENT, awareness_frame, link_peer, make_room, only

LARGE = SyncUpdate(b"x" * 400)
CHUNKS = [encode_chunk(chunk) for chunk in cut(1, encode(LARGE), max_bytes=128)]


@pytest.fixture
def room() -> RoomMachine:
    return make_room()


def gone_link(room: RoomMachine, *before: bytes, client_id: int | None = PEER_CLIENT) -> ev.LinkId:
    """A link that has ended after it brought some frames."""
    link = link_peer(room, client_id=client_id)
    room.handle(ev.FramesReceived(link, before), 0.0)
    room.handle(ev.ChannelClosed(link, "local", "the page was closed"), 0.0)
    return link


def test_changes_of_the_document_are_taken_and_nothing_else(room: RoomMachine) -> None:
    link = gone_link(room)
    frames = (
        encode(SyncStep1(b"\0")),
        encode(SyncUpdate(b"one")),
        awareness_frame(AwarenessEntry(PEER_CLIENT, 1, {})),
        encode(SyncStep2(b"two")),
    )

    effects = room.handle(ev.FramesReceived(link, frames), 0.0)

    assert effects == [fx.ApplyUpdate(ev.MAIN, link, b"one"), fx.ApplyUpdate(ev.MAIN, link, b"two")]


def test_the_rest_of_a_message_in_chunks_completes_it(room: RoomMachine) -> None:
    first, *rest = CHUNKS
    link = gone_link(room, first)

    effects = room.handle(ev.FramesReceived(link, tuple(rest)), 0.0)

    assert effects == [fx.ApplyUpdate(ev.MAIN, link, LARGE.update)]


def test_a_small_message_between_chunks_is_taken_as_it_is(room: RoomMachine) -> None:
    link = gone_link(room, CHUNKS[0])

    effects = room.handle(ev.FramesReceived(link, (encode(SyncUpdate(b"whole")),)), 0.0)

    assert effects == [fx.ApplyUpdate(ev.MAIN, link, b"whole")]


def test_of_a_stock_peer_there_are_no_chunks(room: RoomMachine) -> None:
    link = gone_link(room, client_id=None)

    assert room.handle(ev.FramesReceived(link, tuple(CHUNKS)), 0.0) == []


def test_when_nothing_waits_any_more_half_a_message_is_forgotten(room: RoomMachine) -> None:
    first, *rest = CHUNKS
    link = gone_link(room, first)

    assert room.handle(ev.FramesEnded(link), 0.0) == []
    assert room.handle(ev.FramesReceived(link, tuple(rest)), 0.0) == []


def test_what_cannot_be_read_is_told_and_the_next_frame_taken(room: RoomMachine) -> None:
    link = gone_link(room)
    frames = (b"\0\1\5half", encode(SyncUpdate(b"next")))

    effects = room.handle(ev.FramesReceived(link, frames), 0.0)

    [report] = only(fx.Report, effects)
    assert isinstance(report.error, DecodeError)
    assert only(fx.ApplyUpdate, effects) == [fx.ApplyUpdate(ev.MAIN, link, b"next")]
