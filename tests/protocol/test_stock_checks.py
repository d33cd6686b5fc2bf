from __future__ import annotations

from typing import Any

import pytest

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.document.comparison import QUIET_S
from pyodide_rtc.protocol.document.stock_checks import (
    BUSY_RETRY_S,
    IDLE_BYTES_PER_S,
    INTERVAL_S,
    MAX_INTERVAL_S,
    MAX_REPEATS,
    MAX_SPAN,
    Finding,
    StockView,
)
from pyodide_rtc.protocol.room_machine import RoomMachine
from pyodide_rtc.wire.lib0 import encode_var_bytes, encode_var_uint
from pyodide_rtc.wire.messages import SyncStep1, SyncStep2, SyncUpdate, encode
from pyodide_rtc.wire.state import decode_state_vector, encode_state_vector
from tests.wire.helpers import load_vectors

from .helpers import PEER_CLIENT, frames, link_peer, make_room, only

CASES = load_vectors("yjs-answers")["cases"]
NOTHING = b"\0\0"


def gc(client: int, start: int, end: int) -> bytes:
    """An update with one struct: collected garbage says no more than its length."""
    numbers = (1, 1, client, start, 0, end - start, 0)
    return b"".join(map(encode_var_uint, numbers))


class TestAgainstYjs:
    """What a document of yjs says that has lost updates, and what we make of it."""

    @pytest.mark.parametrize("case", CASES, ids=map(str, range(len(CASES))))
    @pytest.mark.parametrize("is_tail", [False, True])
    def test_the_truth_is_found(self, case: dict[str, Any], is_tail: bool) -> None:
        view = StockView(1, 0.0)
        for echo in case["echoes"]:
            view.learn(bytes.fromhex(echo))
        clocks, real = dict(case["clocks"]), dict(case["real"])
        assert all(real.get(i, 0) >= clock for i, clock in view.proven.items())

        if is_tail:
            view.ask(clocks, None, 0.0)  # without an answer
        frame = encode(view.ask(clocks, bytes.fromhex(case["deletions"])[1:], INTERVAL_S))
        asked = {i: clock for i, clock in case["tail" if is_tail else "asked"] if clock}
        assert frame == encode(SyncStep1(encode_state_vector(asked)))
        finding = view.take(bytes.fromhex(case["tailAnswer" if is_tail else "answer"]))

        assert finding is not None
        missing = sum(clock - real.get(i, 0) for i, clock in clocks.items())
        is_undeleted = case["undeleted"] > 0
        assert is_undeleted or not finding.lacks_deletions
        if case["pending"]:
            assert finding.missing <= missing or is_tail
            assert finding.is_lack or finding.unproven
        else:
            assert finding.lacks_deletions == is_undeleted
            assert (finding.missing == missing) or is_tail
            assert (finding.missing > 0) == (missing > 0)
        is_sent_again = view.conclude(finding, 0, INTERVAL_S)
        assert is_sent_again or not (missing or is_undeleted)

    def test_the_vectors_have_all_of_it(self) -> None:
        assert any(c["pending"] for c in CASES)
        assert any(c["undeleted"] for c in CASES)
        assert any(c["clocks"] == c["real"] for c in CASES)


def told(view: StockView, client: int, clock: int) -> StockView:
    view.learn_vector({client: clock})
    return view


class TestProof:
    def test_a_state_vector_an_echo_and_its_order(self) -> None:
        view = told(StockView(1, 0.0), 7, 2)
        view.learn(gc(7, 3, 5))
        assert view.proven == {7: 2}, "what is in between may be lost"
        view.learn(gc(7, 1, 5))
        assert view.proven == {7: 5}
        told(view, 7, 3).learn(gc(7, 0, 1))
        assert view.proven == {7: 5}, "what it had once it has"

    def test_what_cannot_be_read_proves_nothing(self) -> None:
        view = StockView(1, 0.0)
        view.learn(b"\x01\x01")
        assert view.proven == {}
        view.ask({7: 1}, None, 0.0)
        assert view.take(b"\x01\x01") is None

    def test_an_answer_to_no_question_tells_nothing(self) -> None:
        assert StockView(1, 0.0).take(NOTHING) is None

    @pytest.mark.parametrize(("size", "heard"), [(1, {7: 3}), (20_000, {})])
    def test_but_a_small_one_how_far_clients_go(self, size: int, heard: dict[int, int]) -> None:
        skip, binary = 10, 3
        parts = (bytes([1, 2, 7, 0, skip, 2, binary, 1, 1, 97]), encode_var_bytes(bytes(size)))
        view = StockView(1, 0.0)

        assert view.take(b"".join((*parts, b"\0"))) is None
        assert view.heard.ends == heard

    def test_what_is_proven_is_asked_for_and_no_more(self) -> None:
        view = told(told(StockView(1, 0.0), 7, 5), 8, 9)
        frame = encode(view.ask({7: 5, 8: 12, 9: 1}, None, 0.0))
        assert decode_state_vector(frame[3:]) == {7: 5, 8: 9}

    def test_of_too_much_only_the_ends_are_asked_for(self) -> None:
        view = told(StockView(1, 0.0), 7, 5)
        frame = encode(view.ask({7: 5, 8: MAX_SPAN + 1, 9: 1}, None, 0.0))
        assert decode_state_vector(frame[3:]) == {7: 5, 8: MAX_SPAN}

        finding = view.take(gc(8, MAX_SPAN, MAX_SPAN + 1))

        assert finding == Finding(1, {9: 0}, False, {8: MAX_SPAN + 1})


class TestConclusion:
    def conclude(self, view: StockView, answer: bytes, now_s: float, *, clock: int = 2) -> bool:
        view.ask({7: clock}, b"\0", now_s)
        finding = view.take(answer)
        assert finding is not None
        return view.conclude(finding, len(answer), now_s)

    def test_a_peer_that_has_everything_is_asked_again_later(self) -> None:
        view = told(StockView(1, 0.0), 7, 2)
        assert not self.conclude(view, NOTHING, 10.0)
        assert view.due_s == 10.0 + INTERVAL_S
        view.hurry()
        assert view.due_s == 10.0 + INTERVAL_S

    def test_after_a_large_answer_it_takes_longer_unless_something_changes(self) -> None:
        view = told(StockView(1, 0.0), 7, 2)
        many = b"\0\x01\x07" + encode_var_uint(20_000) + b"\x00\x01" * 20_000
        assert not self.conclude(view, many, 10.0)
        assert view.due_s == 10.0 + len(many) / IDLE_BYTES_PER_S
        view.hurry()
        assert view.due_s == 10.0 + INTERVAL_S

    def test_what_does_not_help_is_tried_less_and_less_often(self) -> None:
        view, now_s, waits = StockView(1, 0.0), 10.0, []
        for _ in range(9):
            assert self.conclude(view, NOTHING, now_s)
            waits.append(view.due_s - now_s)
            now_s = view.due_s
        assert waits == [8, 16, 32, 64, 128, 256, 300, 300, 300]
        assert MAX_INTERVAL_S == 300

        told(view, 7, 1)
        assert self.conclude(view, NOTHING, now_s)
        assert view.due_s == now_s + INTERVAL_S, "something helped"

    def test_what_comes_after_something_that_does_not_go_in_is_no_progress(self) -> None:
        view = StockView(1, 0.0)
        for clock in (2, 3, 4):
            assert self.conclude(view, NOTHING, 10.0, clock=clock)
        assert view.interval_s == 4 * INTERVAL_S

    def test_a_peer_that_does_not_answer_is_asked_less_and_less_often(self) -> None:
        view = told(StockView(1, 0.0), 7, 2)
        view.ask({7: 2}, None, 10.0)
        assert view.due_s == 10.0 + INTERVAL_S
        view.ask({7: 2}, None, view.due_s)
        assert view.due_s == 18.0 + 2 * INTERVAL_S

    def test_what_it_holds_and_does_not_echo_is_sent_again_but_not_for_ever(self) -> None:
        view = StockView(1, 0.0)
        again = [self.conclude(view, gc(7, 0, 2), 10.0 * i) for i in range(MAX_REPEATS + 1)]
        assert again == [True] * MAX_REPEATS + [False]
        assert view.proven == {7: 2}

        assert self.conclude(view, gc(7, 2, 3), 100.0, clock=3), "what is new is in doubt again"


def inventory(clock: int, deletions: bytes = NOTHING) -> ev.InventoryRead:
    return ev.InventoryRead(ev.MAIN, encode_state_vector({7: clock}), deletions)


@pytest.fixture
def room() -> RoomMachine:
    return make_room()


def meet(room: RoomMachine, clock: int = 0, *, client_id: int | None = None) -> int:
    """Link a peer that has this clock."""
    conn = link_peer(room, client_id=client_id)
    room.handle(ev.StateVectorRead(ev.MAIN, conn, b"\0"), 0.0)
    hear(room, conn, SyncStep1(encode_state_vector({7: clock})), 0.0)
    return conn


def hear(
    room: RoomMachine, conn: int, message: SyncStep1 | SyncStep2 | SyncUpdate, now_s: float
) -> list[fx.Effect]:
    return room.handle(ev.FrameReceived(conn, encode(message)), now_s)


class TestInARoom:
    def test_a_peer_is_asked_and_sent_what_it_lacks(self, room: RoomMachine) -> None:
        conn = meet(room, 2)
        hear(room, conn, SyncUpdate(gc(7, 2, 3)), 1.0)
        assert room.deadline_s == INTERVAL_S
        assert room.handle(ev.TimePassed(), INTERVAL_S) == [fx.AskInventory(ev.MAIN)]

        asked = room.handle(inventory(5), INTERVAL_S)
        assert frames(asked, conn) == [SyncStep1(encode_state_vector({7: 3}))]
        effects = hear(room, conn, SyncStep2(NOTHING), 9.0)

        assert effects == [
            fx.ApplyUpdate(ev.MAIN, conn, NOTHING, is_answer=True),
            fx.SyncChanged(ev.MAIN, "id-peer", "changed"),
            fx.AskDiff(ev.MAIN, conn, encode_state_vector({7: 3})),
        ]
        assert [p.behind for p in room.peers] == [2]
        assert room.handle(ev.TimePassed(), 2 * INTERVAL_S) == [fx.AskInventory(ev.MAIN)]
        room.handle(inventory(5), 2 * INTERVAL_S)
        hear(room, conn, SyncUpdate(gc(7, 3, 5)), 17.0)
        healed = hear(room, conn, SyncStep2(NOTHING), 17.0)
        assert only(fx.AskDiff, healed) == []
        assert [p.behind for p in room.peers] == [0]

    def test_a_peer_that_lacks_deletions_gets_them(self, room: RoomMachine) -> None:
        conn = meet(room, 2)
        room.handle(ev.TimePassed(), INTERVAL_S)
        room.handle(inventory(2, b"\0\x01\x07\x01\0\x01"), INTERVAL_S)

        effects = hear(room, conn, SyncStep2(NOTHING), 9.0)

        assert only(fx.AskDiff, effects) == [fx.AskDiff(ev.MAIN, conn, encode_state_vector({7: 2}))]

    def test_nobody_is_told_to_delete_what_waits_with_us_for_something_lost(
        self, room: RoomMachine
    ) -> None:
        conn = meet(room, 2)
        room.handle(ev.TimePassed(), INTERVAL_S)
        room.handle(inventory(2, gc(9, 1, 2)), INTERVAL_S)

        assert only(fx.AskDiff, hear(room, conn, SyncStep2(NOTHING), 9.0)) == []

    def test_our_own_kind_is_not_asked(self, room: RoomMachine) -> None:
        conn = meet(room, client_id=PEER_CLIENT)
        room.handle(ev.DocumentChanged(ev.MAIN, b"u", None), 100.0)

        assert room.handle(ev.TimePassed(), 100.0 + QUIET_S) == [fx.AskCheck(ev.MAIN)]
        assert frames(room.handle(inventory(1), 103.0), conn) == []

    def test_a_change_makes_it_sooner(self, room: RoomMachine) -> None:
        conn = meet(room)
        many = b"\0\x01\x07" + encode_var_uint(20_000) + b"\x00\x01" * 20_000
        room.handle(ev.TimePassed(), INTERVAL_S)
        room.handle(inventory(0), INTERVAL_S)
        hear(room, conn, SyncStep2(many), INTERVAL_S)
        assert room.deadline_s is not None
        assert room.deadline_s > 40.0

        room.handle(ev.DocumentChanged(ev.MAIN, b"u", None), 20.0)

        assert room.handle(ev.TimePassed(), 20.0 + QUIET_S) == [
            fx.AskCheck(ev.MAIN),
            fx.AskInventory(ev.MAIN),
        ]

    def test_a_question_never_overtakes_what_is_to_go_before(self, room: RoomMachine) -> None:
        conn = meet(room)
        room.handle(ev.DiffRead(ev.MAIN, conn, b"x" * 100_000), 0.0)
        room.handle(ev.TimePassed(), INTERVAL_S)

        assert room.handle(inventory(1), INTERVAL_S) == []
        assert room.deadline_s == INTERVAL_S + BUSY_RETRY_S
        room.handle(ev.FramesGone(conn, 0, 100_005), INTERVAL_S)
        room.handle(ev.TimePassed(), INTERVAL_S + BUSY_RETRY_S)
        assert len(frames(room.handle(inventory(1), 9.0), conn)) == 1

    def test_nothing_is_sent_again_while_more_waits(self, room: RoomMachine) -> None:
        conn = meet(room)
        room.handle(ev.TimePassed(), INTERVAL_S)
        room.handle(inventory(1), INTERVAL_S)
        room.handle(ev.DiffRead(ev.MAIN, conn, b"x" * 100_000), 8.0)

        effects = hear(room, conn, SyncStep2(NOTHING), 9.0)

        assert only(fx.AskDiff, effects) == []
        assert room.deadline_s == 2 * INTERVAL_S, "later it is"

    def test_one_of_two_is_asked(self, room: RoomMachine) -> None:
        meet(room)
        other = link_peer(room, "id-other")
        room.handle(ev.StateVectorRead(ev.MAIN, other, b"\0"), 4.0)
        room.handle(ev.TimePassed(), INTERVAL_S)

        assert frames(room.handle(inventory(1), INTERVAL_S), other) == []

    def test_what_is_no_state_vector_ends_that_peer(self, room: RoomMachine) -> None:
        conn = meet(room)

        effects = hear(room, conn, SyncStep1(b"\x05"), 1.0)

        assert [type(e.error) for e in only(fx.Report, effects)] == [DecodeError]
        assert room.peers == ()

    def test_with_its_connection_it_is_forgotten(self, room: RoomMachine) -> None:
        conn = meet(room)
        room.handle(ev.TimePassed(), INTERVAL_S)
        lost = room.handle(ev.ChannelClosed(conn, "local", "test"), INTERVAL_S)
        assert fx.CloseTransport(conn) in lost

        assert room.handle(inventory(1), INTERVAL_S) == []
