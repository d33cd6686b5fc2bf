from __future__ import annotations

import pytest

from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.document.comparison import QUIET_S
from pyodide_rtc.protocol.document.stock_checks import (
    AGAIN_S,
    BUSY_RETRY_S,
    INTERVAL_S,
    MAX_AGAIN_BYTES,
)
from pyodide_rtc.protocol.room_machine import RoomMachine
from pyodide_rtc.wire.messages import Message, StateCheck, SyncStep1, SyncUpdate, encode
from pyodide_rtc.wire.state import encode_state_vector

from .machine_helpers import OTHER, OTHER_CLIENT, PEER_CLIENT, frames, link_peer, make_room, only

OURS, THEIRS = encode_state_vector({7: 5}), encode_state_vector({7: 2})
QUESTION = SyncStep1(OURS)
LARGE = bytes(100_000)


@pytest.fixture
def room() -> RoomMachine:
    return make_room()


def change(room: RoomMachine, now_s: float) -> list[fx.Effect]:
    """Change something, and wait until it is quiet."""
    room.handle(ev.DocumentChanged(ev.MAIN, b"u", None), now_s)
    return room.handle(ev.TimePassed(), now_s + QUIET_S)


def tell(room: RoomMachine, conn: int, now_s: float) -> list[Message]:
    """Have the document read, and give what goes to a peer then."""
    return frames(room.handle(ev.CheckRead(ev.MAIN, StateCheck(OURS, bytes(8))), now_s), conn)


class TestAsking:
    def test_after_a_change_it_is_asked_for_what_we_lack(self, room: RoomMachine) -> None:
        conn = link_peer(room)
        assert change(room, 10.0) == [fx.AskCheck(ev.MAIN)]

        assert tell(room, conn, 12.0) == [QUESTION]
        assert tell(room, conn, 30.0) == [], "once"
        assert room.deadline_s is None, "nothing is asked while nothing changes"

    def test_an_update_that_changes_nothing_may_wait_for_what_was_lost(
        self, room: RoomMachine
    ) -> None:
        conn = link_peer(room)
        room.handle(ev.FrameReceived(conn, encode(SyncUpdate(b"u"))), 10.0)

        assert room.handle(ev.TimePassed(), 10.0 + QUIET_S) == [fx.AskCheck(ev.MAIN)]
        assert tell(room, conn, 12.0) == [QUESTION]

    def test_not_more_often_than_is_decent(self, room: RoomMachine) -> None:
        conn = link_peer(room)
        change(room, 10.0)
        assert tell(room, conn, 12.0) == [QUESTION]

        assert change(room, 12.5) == [fx.AskCheck(ev.MAIN)]
        assert tell(room, conn, 14.5) == []
        assert room.deadline_s == 12.0 + INTERVAL_S
        assert room.handle(ev.TimePassed(), 12.0 + INTERVAL_S) == [fx.AskCheck(ev.MAIN)]
        assert tell(room, conn, 12.0 + INTERVAL_S) == [QUESTION]

    def test_a_question_never_overtakes_what_is_to_go_before(self, room: RoomMachine) -> None:
        conn = link_peer(room)
        room.handle(ev.DiffRead(ev.MAIN, conn, LARGE), 0.0)
        change(room, 10.0)

        assert tell(room, conn, 12.0) == []
        assert room.deadline_s == 12.0 + BUSY_RETRY_S
        room.handle(ev.FramesGone(conn, 0, 100_005), 12.5)
        assert room.handle(ev.TimePassed(), 12.0 + BUSY_RETRY_S) == [fx.AskCheck(ev.MAIN)]
        assert tell(room, conn, 12.0 + BUSY_RETRY_S) == [QUESTION]

    def test_our_own_kind_is_told_instead(self, room: RoomMachine) -> None:
        conn = link_peer(room, client_id=PEER_CLIENT)
        change(room, 10.0)

        assert [type(m) for m in tell(room, conn, 12.0)] == [StateCheck]


class TestAnsweringAgain:
    def ask(self, room: RoomMachine, conn: int) -> None:
        asked = room.handle(ev.FrameReceived(conn, encode(SyncStep1(THEIRS))), 1.0)
        assert only(fx.AskDiff, asked) == [fx.AskDiff(ev.MAIN, conn, THEIRS)]

    def again(self, room: RoomMachine, now_s: float) -> list[fx.AskDiff]:
        return only(fx.AskDiff, room.handle(ev.TimePassed(), now_s))

    def test_what_it_asked_for_is_sent_once_more(self, room: RoomMachine) -> None:
        conn = link_peer(room)
        self.ask(room, conn)
        room.handle(ev.DiffRead(ev.MAIN, conn, b"u"), 1.0)

        assert room.deadline_s == 1.0 + AGAIN_S
        assert room.handle(ev.TimePassed(), 1.0 + AGAIN_S) == [
            fx.AskDiff(ev.MAIN, conn, THEIRS),
            fx.AskCheck(ev.MAIN),
        ]
        assert tell(room, conn, 1.0 + AGAIN_S) == [QUESTION], "and it is asked once more"
        assert room.deadline_s is None

    def test_not_before_the_first_time(self, room: RoomMachine) -> None:
        conn = link_peer(room)
        self.ask(room, conn)
        room.handle(ev.DiffRead(ev.MAIN, conn, LARGE), 1.0)

        assert self.again(room, 1.0 + AGAIN_S) == []
        room.handle(ev.FramesGone(conn, 0, 100_005), 6.5)
        assert self.again(room, 1.0 + AGAIN_S + BUSY_RETRY_S) == [fx.AskDiff(ev.MAIN, conn, THEIRS)]

    def test_a_large_answer_is_given_once(self, room: RoomMachine) -> None:
        conn = link_peer(room, limit=2 * MAX_AGAIN_BYTES)
        self.ask(room, conn)
        room.handle(ev.DiffRead(ev.MAIN, conn, bytes(MAX_AGAIN_BYTES + 1)), 1.0)
        room.handle(ev.FramesGone(conn, 0, MAX_AGAIN_BYTES + 6), 2.0)

        assert self.again(room, 1.0 + AGAIN_S) == []

    def test_our_own_kind_is_answered_once(self, room: RoomMachine) -> None:
        self.ask(room, link_peer(room, OTHER, OTHER_CLIENT))

        assert room.deadline_s is None

    def test_with_its_connection_a_peer_is_forgotten(self, room: RoomMachine) -> None:
        conn = link_peer(room)
        self.ask(room, conn)
        change(room, 2.0)
        room.handle(ev.ChannelClosed(conn, "local", "test"), 5.0)

        assert self.again(room, 100.0) == []
        assert tell(room, conn, 100.0) == []
