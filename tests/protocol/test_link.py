from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise

import pytest
from pycrdt import Array, Doc, Map

from pyodide_rtc.errors import DecodeError, MessageTooBigError
from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.link import (
    CHUNK_BYTES,
    MAX_WAITING_BYTES,
    RESUME_BYTES,
    SHOW_INTERVAL_S,
)
from pyodide_rtc.protocol.room_machine import RoomMachine
from pyodide_rtc.wire.awareness_update import AwarenessEntry
from pyodide_rtc.wire.chunks import CHUNK_TYPE, Chunk, cut, encode_chunk
from pyodide_rtc.wire.messages import (
    Message,
    QueryAwareness,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
    TabPeer,
    UnknownMessage,
    decode,
    encode,
)

from .machine_helpers import (
    LIMIT,
    PEER,
    PEER_CLIENT,
    awareness_frame,
    entries_in,
    frames,
    link_peer,
    make_mesh,
    make_room,
    only,
)

MB = 1_000_000


@pytest.fixture
def room() -> RoomMachine:
    return make_room()


@pytest.fixture
def own(room: RoomMachine) -> ev.LinkId:
    """A link to a peer of our own kind."""
    return link_peer(room, client_id=PEER_CLIENT)


@pytest.fixture
def stock(room: RoomMachine) -> ev.LinkId:
    return link_peer(room)


def change(room: RoomMachine, size: int, before: bytes = b"\0") -> list[fx.Effect]:
    return room.handle(ev.DocumentChanged(ev.MAIN, bytes(size), None, before), 0.0)


def gone(
    room: RoomMachine, link: ev.LinkId, small: int = 0, bulk: int = 0, now_s: float = 0.0
) -> list[fx.Effect]:
    return room.handle(ev.FramesGone(link, small, bulk), now_s)


def receive(
    room: RoomMachine, link: ev.LinkId, message: Message | bytes, now_s: float = 0.0
) -> list[fx.Effect]:
    data = message if isinstance(message, bytes) else encode(message)
    return room.handle(ev.FrameReceived(link, data), now_s)


def bulk_size(effects: Iterable[object]) -> int:
    [bulk] = only(fx.SendBulk, effects)
    return sum(map(len, bulk.frames))


def messages(effects: Iterable[object]) -> list[Message]:
    """What goes as bulk."""
    return [
        decode(frame, max_bytes=1 << 30) for e in only(fx.SendBulk, effects) for frame in e.frames
    ]


class TestLanes:
    def test_small_and_large_frames_are_told_apart(self, room: RoomMachine, own: ev.LinkId) -> None:
        fits = CHUNK_BYTES - 5
        [small] = change(room, fits)
        [large] = change(room, fits + 1)

        assert isinstance(small, fx.SendFrame)
        assert large == fx.SendBulk(
            own, "local", (encode(SyncUpdate(bytes(fits + 1))),), CHUNK_BYTES
        )

    def test_to_a_stock_peer_they_go_whole(self, room: RoomMachine, stock: ev.LinkId) -> None:
        [large] = change(room, CHUNK_BYTES)

        assert isinstance(large, fx.SendBulk)
        assert large.chunk_bytes is None

    def test_no_chunk_is_above_the_peers_limit(self, room: RoomMachine) -> None:
        link_peer(room, client_id=PEER_CLIENT, limit=1000)
        [bulk] = change(room, 1000)

        assert isinstance(bulk, fx.SendBulk)
        assert bulk.chunk_bytes == 1000

    def test_a_peer_that_takes_next_to_nothing_is_told_of(self, room: RoomMachine) -> None:
        link_peer(room, client_id=PEER_CLIENT, limit=63)
        [report] = change(room, 100)

        assert isinstance(report, fx.Report)
        assert isinstance(report.error, MessageTooBigError)


class TestCongestion:
    def test_small_changes_are_held_back_from_a_mebibyte_on(
        self, room: RoomMachine, own: ev.LinkId
    ) -> None:
        sent = 0
        while only(fx.SendFrame, change(room, 60_000, b"before %d" % sent)):
            sent += 1
        assert sent == MAX_WAITING_BYTES // 60_005
        assert change(room, 1, b"later") == [], "what is small enough does not slip past"

        waiting = sent * 60_005
        assert gone(room, own, waiting - RESUME_BYTES - 1) == []
        assert change(room, 1) == [], "nothing goes before there is room for the difference"
        assert gone(room, own, 1) == [
            fx.AskDiff(ev.MAIN, own, b"before %d" % sent, is_answer=False)
        ]
        assert only(fx.SendFrame, change(room, 1)), "and then all is as before"

    def test_large_changes_are_held_back_and_small_ones_are_not(
        self, room: RoomMachine, own: ev.LinkId
    ) -> None:
        waiting = bulk_size(change(room, 50 * MB))
        assert change(room, 200_000, b"first") == []
        assert only(fx.SendFrame, change(room, 10, b"second"))
        assert gone(room, own, 0, waiting - 1)[1:] == []
        assert gone(room, own, 0, 1)[1:] == [fx.AskDiff(ev.MAIN, own, b"first", is_answer=False)]

    def test_one_large_change_goes_whatever_its_size(
        self, room: RoomMachine, own: ev.LinkId
    ) -> None:
        assert bulk_size(change(room, 50 * MB)) > 50 * MB

    def test_a_difference_goes_as_an_update(self, room: RoomMachine, own: ev.LinkId) -> None:
        effects = room.handle(ev.DiffRead(ev.MAIN, own, b"merged", is_answer=False), 0.0)

        assert frames(effects, own) == [SyncUpdate(b"merged")]

    def test_small_changes_that_overtook_a_large_one_are_said_again_after_it(
        self, room: RoomMachine, own: ev.LinkId
    ) -> None:
        waiting = bulk_size(change(room, 500_000))
        overtaking = change(room, 10) + change(room, 20)
        assert len(overtaking) == 2

        assert gone(room, own, 0, waiting) == overtaking
        assert gone(room, own, 30, 0) == [], "once"

    def test_many_that_overtook_are_said_as_a_difference(
        self, room: RoomMachine, own: ev.LinkId
    ) -> None:
        waiting = bulk_size(change(room, 500_000))
        for i in range(10):
            assert len(change(room, 60_000, b"before %d" % i)) == 1
        gone(room, own, 600_050, 0)

        assert gone(room, own, 0, waiting) == [
            fx.AskDiff(ev.MAIN, own, b"before 0", is_answer=False)
        ]

    def test_a_change_that_is_not_at_hand_goes_as_a_difference(
        self, room: RoomMachine, own: ev.LinkId
    ) -> None:
        event = ev.DocumentChanged(ev.MAIN, None, None, b"before")
        assert room.handle(event, 0.0) == [fx.AskDiff(ev.MAIN, own, b"before", is_answer=False)]
        waiting = bulk_size(
            room.handle(ev.DiffRead(ev.MAIN, own, bytes(2 * MB), is_answer=False), 0.0)
        )

        assert room.handle(event, 0.0) == []
        assert only(fx.AskDiff, gone(room, own, 0, waiting)) == [
            fx.AskDiff(ev.MAIN, own, b"before", is_answer=False)
        ]

    def test_to_the_tabs_too(self, room: RoomMachine) -> None:
        room.handle(ev.TabOpened(), 0.0)
        receive(room, ev.TABS, TabPeer(PEER, True))
        wish = fx.AskDiff(ev.MAIN, ev.TABS, b"before", is_answer=False)
        assert room.handle(ev.DocumentChanged(ev.MAIN, None, None, b"before"), 0.0) == [wish]
        answer = room.handle(ev.DiffRead(ev.MAIN, ev.TABS, b"u", is_answer=False), 0.0)

        assert frames(answer, ev.TABS) == [SyncUpdate(b"u")]

    def test_a_question_waits_and_only_the_latest_is_answered(
        self, room: RoomMachine, own: ev.LinkId
    ) -> None:
        waiting = bulk_size(change(room, 500_000))
        assert receive(room, own, SyncStep1(b"old")) == []
        assert receive(room, own, SyncStep1(b"new")) == []
        change(room, 10, b"missed")

        assert gone(room, own, 0, waiting) == [fx.AskDiff(ev.MAIN, own, b"new", is_answer=True)]
        assert gone(room, own, 10, 0) == [], "the answer has what was missed, too"

    def test_awareness_is_held_back_and_told_once(self, room: RoomMachine, own: ev.LinkId) -> None:
        sent = 0
        while only(fx.SendFrame, change(room, 60_000)):
            sent += 1
        for value in range(3):
            state = {"value": value}
            assert only(fx.SendFrame, room.handle(ev.LocalStateSet(ev.MAIN, state), 0.0)) == []
        sign_of_life = frames(receive(room, own, QueryAwareness()), own)
        assert entries_in(sign_of_life) == [], "and no more"
        assert only(fx.SendFrame, gone(room, own, 1)) == [], "still full"

        effects = gone(room, own, sent * 60_005 - 1)
        [entry] = entries_in(frames(effects, own))
        assert entry.state == {"value": 2}
        assert only(fx.SendFrame, gone(room, own, 0)) == []

    def test_who_went_meanwhile_is_told_as_gone(self, room: RoomMachine, own: ev.LinkId) -> None:
        other = link_peer(room, "id-x", 9)
        while len(only(fx.SendFrame, change(room, 60_000))) == 2:
            pass
        receive(room, other, awareness_frame(AwarenessEntry(9, 1, {"user": 1})))
        receive(room, other, awareness_frame(AwarenessEntry(9, 2, None)))

        [entry] = entries_in(frames(gone(room, own, MAX_WAITING_BYTES), own))
        assert (entry.client_id, entry.state) == (9, None)

    def test_a_full_link_slows_no_other(self, room: RoomMachine, own: ev.LinkId) -> None:
        while only(fx.SendFrame, change(room, 60_000)):
            pass
        other = link_peer(room, "id-x", 9)

        assert [e.conn for e in only(fx.SendFrame, change(room, 10))] == [other]

    def test_what_went_by_a_closed_link_is_no_news(self, room: RoomMachine, own: ev.LinkId) -> None:
        change(room, 10)
        room.handle(ev.ChannelClosed(own, "local", "test"), 0.0)

        assert gone(room, own, 10) == []


def document(size: int) -> Doc:  # type: ignore[type-arg]
    doc = Doc()  # type: ignore[var-annotated]
    items = doc.get("items", type=Array)
    for i in range(size // 100):
        items.insert(0, f"{i:0100}")
    return doc


class TestStockPeers:
    def test_a_state_above_the_limit_goes_in_plain_updates(
        self, room: RoomMachine, stock: ev.LinkId
    ) -> None:
        doc = document(600_000)
        effects = room.handle(ev.DiffRead(ev.MAIN, stock, doc.get_update()), 0.0)

        [bulk] = effects
        assert isinstance(bulk, fx.SendBulk)
        assert bulk.chunk_bytes is None
        assert max(map(len, bulk.frames)) <= LIMIT
        *updates, last = messages(effects)
        assert len(updates) == 3
        assert isinstance(last, SyncStep2), "which makes the peer say that it is synced"
        copy = Doc()  # type: ignore[var-annotated]
        for message in updates:
            assert isinstance(message, SyncUpdate)
            copy.apply_update(message.update)
        copy.apply_update(last.update)
        assert copy.get_update() == doc.get_update()

    def test_a_change_above_the_limit_goes_in_plain_updates_only(
        self, room: RoomMachine, stock: ev.LinkId
    ) -> None:
        update = document(600_000).get_update()
        effects = room.handle(ev.DocumentChanged(ev.MAIN, update, None), 0.0)

        assert [type(m) for m in messages(effects)] == [SyncUpdate] * 3

    def test_what_cannot_be_cut_is_reported_and_all_else_goes(
        self, room: RoomMachine, stock: ev.LinkId
    ) -> None:
        doc = document(1000)
        shared = doc.get("map", type=Map)
        shared["large"] = bytes(300_000)
        shared["small"] = 1
        effects = room.handle(ev.DiffRead(ev.MAIN, stock, doc.get_update()), 0.0)

        [report] = only(fx.Report, effects)
        error = report.error
        assert isinstance(error, MessageTooBigError)
        assert 300_000 < error.size_bytes < 300_100
        assert (error.limit_bytes, error.direction, error.peer_id) == (LIMIT, "out", PEER)
        *updates, last = messages(effects)
        assert isinstance(last, SyncStep2)
        assert sum(len(encode(m)) for m in updates) < 3000

    def test_a_change_that_cannot_be_cut_at_all_is_only_reported(
        self, room: RoomMachine, stock: ev.LinkId
    ) -> None:
        doc = Doc()  # type: ignore[var-annotated]
        doc.get("map", type=Map)["large"] = bytes(300_000)

        [report] = room.handle(ev.DocumentChanged(ev.MAIN, doc.get_update(), None), 0.0)
        assert isinstance(report, fx.Report)

    def test_its_chunks_are_what_we_do_not_know(self, room: RoomMachine, stock: ev.LinkId) -> None:
        assert receive(room, stock, encode_chunk(Chunk(1, 5, 0, b"x"))) == []


class TestReceiving:
    def test_a_message_in_chunks_is_taken_when_it_is_whole(
        self, room: RoomMachine, own: ev.LinkId
    ) -> None:
        frame = encode(SyncStep2(bytes(300)))
        *first, last = map(encode_chunk, cut(1, frame, max_bytes=100))
        assert [e for data in first for e in receive(room, own, data)] == []

        assert receive(room, own, last) == [
            fx.ApplyUpdate(ev.MAIN, own, bytes(300), is_answer=True)
        ]

    def test_small_messages_go_between(self, room: RoomMachine, own: ev.LinkId) -> None:
        first, *rest = map(encode_chunk, cut(1, encode(SyncUpdate(bytes(300))), max_bytes=200))
        receive(room, own, first)
        assert receive(room, own, SyncUpdate(b"u")) == [fx.ApplyUpdate(ev.MAIN, own, b"u")]
        assert [e for data in rest for e in receive(room, own, data)] == [
            fx.ApplyUpdate(ev.MAIN, own, bytes(300))
        ]

    def test_too_much_closes_that_peer_with_the_reason(self) -> None:
        room = RoomMachine(make_mesh(max_received_bytes=100_000))
        link = link_peer(room, client_id=PEER_CLIENT)
        other = link_peer(room, "id-x", 9)
        effects = receive(room, link, encode_chunk(Chunk(1, 100_001, 0, b"x")))

        [report] = only(fx.Report, effects)
        error = report.error
        assert isinstance(error, MessageTooBigError)
        assert (error.size_bytes, error.limit_bytes, error.direction) == (100_001, 100_000, "in")
        assert error.peer_id == PEER
        assert [e.conn for e in only(fx.CloseTransport, effects)] == [link]
        [left] = only(fx.PeersChanged, effects)
        assert "100001 bytes" in left.reason
        assert only(fx.SendFrame, change(room, 10))[0].conn == other, "the room goes on"

    @pytest.mark.parametrize(
        "chunks",
        [
            [Chunk(1, 10, 5, b"x")],
            [Chunk(1, 10, 0, b"x"), Chunk(2, 10, 1, b"x")],
            [Chunk(1, 9, 0, encode(UnknownMessage(CHUNK_TYPE, b"\x01\x05\x00abcde")))],
        ],
        ids=["a gap", "two at once", "a chunk of a chunk"],
    )
    def test_chunks_that_make_no_sense_close_that_peer(
        self, room: RoomMachine, own: ev.LinkId, chunks: list[Chunk]
    ) -> None:
        effects = [e for chunk in chunks for e in receive(room, own, encode_chunk(chunk))]

        [report] = only(fx.Report, effects)
        assert isinstance(report.error, DecodeError)
        assert len(only(fx.CloseTransport, effects)) == 1

    def test_a_transfer_ends_with_its_connection(self, room: RoomMachine, own: ev.LinkId) -> None:
        receive(room, own, encode_chunk(Chunk(1, 10, 0, b"x")))
        room.handle(ev.ChannelClosed(own, "local", "test"), 0.0)
        again = link_peer(room, client_id=PEER_CLIENT)
        frame = encode(SyncUpdate(b"u"))

        assert receive(room, again, encode_chunk(Chunk(1, len(frame), 0, frame))) == [
            fx.ApplyUpdate(ev.MAIN, again, b"u")
        ]

    def test_the_tab_channel_has_no_chunks(self, room: RoomMachine) -> None:
        room.handle(ev.TabOpened(), 0.0)
        assert receive(room, ev.TABS, encode_chunk(Chunk(1, 10, 0, b"x"))) == []


class TestProgress:
    def test_receiving_is_told_ten_times_a_second_and_at_the_end(
        self, room: RoomMachine, own: ev.LinkId
    ) -> None:
        frame = encode(SyncUpdate(bytes(10 * MB)))
        chunks = list(cut(1, frame, max_bytes=CHUNK_BYTES))
        told: list[tuple[float, fx.Transfer]] = []
        for i, chunk in enumerate(chunks):
            effects = receive(room, own, encode_chunk(chunk), i * 0.03)
            told += [(i * 0.03, e.transfer) for e in only(fx.TransferMoved, effects)]
            if i == 5:
                assert room.peers(0.0)[0].transfers == (
                    fx.Transfer("receiving", chunk.offset + len(chunk.data), len(frame)),
                )

        gaps = [b - a for (a, _), (b, _) in pairwise(told)]
        assert min(gaps[:-1]) >= SHOW_INTERVAL_S
        assert max(gaps) < SHOW_INTERVAL_S + 0.04
        assert told[-1][1] == fx.Transfer("receiving", len(frame), len(frame))
        assert room.peers(0.0)[0].transfers == ()

    def test_sending_is_told_for_each_transfer(self, room: RoomMachine, own: ev.LinkId) -> None:
        first = bulk_size(change(room, 2 * MB))
        second = bulk_size(room.handle(ev.DiffRead(ev.MAIN, own, bytes(3 * MB)), 0.0))
        assert room.peers(0.0)[0].transfers == (
            fx.Transfer("sending", 0, first),
            fx.Transfer("sending", 0, second),
        )

        effects = gone(room, own, 0, first + 5)

        assert only(fx.TransferMoved, effects) == [
            fx.TransferMoved(PEER, fx.Transfer("sending", first, first)),
            fx.TransferMoved(PEER, fx.Transfer("sending", 5, second)),
        ]
        assert only(fx.TransferMoved, gone(room, own, 0, 5, 0.05)) == [], "too soon"
        [late] = only(fx.TransferMoved, gone(room, own, 0, 5, 0.1))
        assert late.transfer.done_bytes == 15
        [last] = only(fx.TransferMoved, gone(room, own, 0, second - 15, 0.11))
        assert last.transfer == fx.Transfer("sending", second, second)

    def test_below_a_megabyte_nothing_is_shown(self, room: RoomMachine, own: ev.LinkId) -> None:
        waiting = bulk_size(change(room, 900_000))
        receive(room, own, encode_chunk(Chunk(1, 900_000, 0, bytes(9))))

        assert room.peers(0.0)[0].transfers == ()
        assert only(fx.TransferMoved, gone(room, own, 0, waiting)) == []


def test_awareness_above_a_stock_peers_limit_is_reported(room: RoomMachine) -> None:
    link_peer(room, limit=100)
    effects = room.handle(ev.LocalStateSet(ev.MAIN, {"text": "x" * 200}), 0.0)

    [report] = only(fx.Report, effects)
    assert isinstance(report.error, MessageTooBigError)
