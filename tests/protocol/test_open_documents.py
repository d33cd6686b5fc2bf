"""Documents beside the main one, in a room's machine."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pyodide_rtc.errors import PeerLimitError
from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.document.comparison import QUIET_S
from pyodide_rtc.protocol.document.replica import NO_STATE
from pyodide_rtc.protocol.open_documents import MAX_DOCUMENTS
from pyodide_rtc.protocol.room_machine import RoomMachine
from pyodide_rtc.wire.awareness_update import AwarenessEntry
from pyodide_rtc.wire.messages import (
    DocumentPeer,
    InDocument,
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
    ME,
    OTHER,
    OTHER_CLIENT,
    PEER,
    PEER_CLIENT,
    URL,
    awareness_frame,
    frames,
    link_peer,
    make_room,
    only,
    sdp,
    signal,
)

BOARD = "board"
MINE, ITS = 11, 12
"""Our client id in the board, and the peer's."""

OPEN = DocumentPeer(PEER, True, ITS)
CLOSED = DocumentPeer(PEER, False, ITS)


@pytest.fixture
def room() -> RoomMachine:
    return make_room()


@pytest.fixture
def link(room: RoomMachine) -> ev.LinkId:
    """A peer of our own kind."""
    return link_peer(room, client_id=PEER_CLIENT)


def open_board(room: RoomMachine, now_s: float = 0.0) -> list[fx.Effect]:
    return room.handle(ev.DocumentOpened(BOARD, MINE), now_s)


def hear(
    room: RoomMachine, link: ev.LinkId, message: Message, document: str = BOARD, now_s: float = 0.0
) -> list[fx.Effect]:
    return room.handle(ev.FrameReceived(link, encode(message, document)), now_s)


def said(effects: Iterable[object], link: ev.LinkId) -> list[Message]:
    """What goes by a link about the board."""
    envelopes = frames(effects, link)
    return [m.message for m in envelopes if isinstance(m, InDocument) and m.document == BOARD]


def link_tab(room: RoomMachine) -> None:
    room.handle(ev.TabOpened(), 0.0)
    frame = encode(TabPeer(OTHER, True, OTHER_CLIENT))
    room.handle(ev.FrameReceived(ev.TABS, frame), 0.0)


class TestPeers:
    def test_who_opens_one_tells_all(self, room: RoomMachine, link: ev.LinkId) -> None:
        effects = open_board(room)

        assert said(effects, link) == [DocumentPeer(ME, True, MINE)]
        assert said(effects, ev.TABS) == [DocumentPeer(ME, True, MINE)]
        assert all(e.is_own_kind for e in only(fx.SendTabFrame, effects))
        assert [e.link for e in only(fx.AskState, effects)] == [ev.TABS]

    def test_a_newcomer_is_told(self, room: RoomMachine) -> None:
        open_board(room)
        greeted: list[fx.Effect] = []

        link = link_peer(room, client_id=PEER_CLIENT, heard=greeted)

        assert said(greeted, link) == [DocumentPeer(ME, True, MINE)]

    def test_those_who_have_it_open_are_greeted(self, room: RoomMachine, link: ev.LinkId) -> None:
        told = hear(room, link, OPEN)
        assert told == [fx.DocumentAtPeer(BOARD, PEER, is_open=True)]
        assert room.documents.elsewhere == {BOARD: [PEER]}

        effects = open_board(room)

        assert [e.link for e in only(fx.AskState, effects)] == [link, ev.TABS]
        greeting = room.handle(ev.StateVectorRead(BOARD, link, NO_STATE, b"\0\0"), 0.0)
        assert said(greeting, link) == [SyncStep2(b"\0\0"), SyncStep1(NO_STATE)]

    def test_one_that_opens_it_later_is_greeted_then(
        self, room: RoomMachine, link: ev.LinkId
    ) -> None:
        open_board(room)

        effects = hear(room, link, OPEN)

        assert [e.link for e in only(fx.AskState, effects)] == [link]
        assert hear(room, link, OPEN) == [], "it is known"

    def test_changes_go_to_who_has_it_open(self, room: RoomMachine, link: ev.LinkId) -> None:
        open_board(room)
        changed = ev.DocumentChanged(BOARD, b"u", None)
        assert said(room.handle(changed, 0.0), link) == []
        hear(room, link, OPEN)

        assert said(room.handle(changed, 0.0), link) == [SyncUpdate(b"u")]
        assert hear(room, link, SyncUpdate(b"v")) == [fx.ApplyUpdate(BOARD, link, b"v")]
        due_s = room.deadline_s
        assert due_s is not None
        assert due_s <= QUIET_S
        assert only(fx.AskCheck, room.handle(ev.TimePassed(), QUIET_S)) != []

    def test_who_closes_it_is_forgotten(self, room: RoomMachine, link: ev.LinkId) -> None:
        open_board(room)
        hear(room, link, OPEN)
        hear(room, link, SyncStep2(b"\0\0"))
        room.handle(ev.AnswerApplied(BOARD, link), 0.0)
        assert [p.is_synced for p in room.peers_in(BOARD, 0.0)] == [True]

        effects = hear(room, link, CLOSED)

        assert effects == [fx.DocumentAtPeer(BOARD, PEER, is_open=False)]
        assert room.peers_in(BOARD, 0.0) == ()
        assert said(room.handle(ev.DocumentChanged(BOARD, b"u", None), 0.0), link) == []
        assert hear(room, link, CLOSED) == []

    def test_who_closes_one_tells_all(self, room: RoomMachine, link: ev.LinkId) -> None:
        open_board(room)
        hear(room, link, OPEN)
        room.handle(ev.LocalStateSet(BOARD, {"cursor": 1}), 0.0)

        effects = room.handle(ev.DocumentClosed(BOARD), 0.0)

        last = said(effects, link)[-1]
        assert last == DocumentPeer(ME, False, MINE)
        assert len(said(effects, link)) == 2, "its presence ends as well"
        assert room.handle(ev.DocumentChanged(BOARD, b"u", None), 0.0) == []
        assert room.documents.elsewhere == {BOARD: [PEER]}

    def test_who_is_lost_has_nothing_open(self, room: RoomMachine, link: ev.LinkId) -> None:
        open_board(room)
        hear(room, link, OPEN)
        hear(room, link, OPEN, "notes")

        effects = room.handle(ev.ChannelClosed(link, "local", "gone"), 0.0)

        assert only(fx.DocumentAtPeer, effects) == [
            fx.DocumentAtPeer(BOARD, PEER, is_open=False),
            fx.DocumentAtPeer("notes", PEER, is_open=False),
        ]
        assert room.peers_in(BOARD, 0.0) == ()
        assert room.documents.elsewhere == {}
        late = ev.FramesReceived(link, (encode(SyncUpdate(b"late"), BOARD),))
        assert room.handle(late, 0.0) == [fx.ApplyUpdate(BOARD, link, b"late")]
        not_open = ev.FramesReceived(link, (encode(SyncUpdate(b"late"), "notes"),))
        assert room.handle(not_open, 0.0) == []

    def test_a_path_that_is_back_is_greeted_in_all(
        self, room: RoomMachine, link: ev.LinkId
    ) -> None:
        open_board(room)
        hear(room, link, OPEN)
        room.handle(ev.TransportFailed(link, "no path", is_ice=True), 0.0)
        room.handle(ev.DocumentOpened("notes", 7), 0.0)
        hear(room, link, OPEN, "notes")
        assert room.documents.elsewhere == {}
        assert room.peers_in(BOARD, 0.0) == ()

        effects = room.handle(ev.PathRestored(link), 1.0)

        asked = {e.document for e in only(fx.AskState, effects)}
        assert asked == {ev.MAIN, BOARD, "notes"}
        assert {e.document for e in only(fx.AskCheck, effects)} == {ev.MAIN, BOARD}
        assert room.documents.elsewhere == {BOARD: [PEER], "notes": [PEER]}
        assert [p.peer_id for p in room.peers_in(BOARD, 0.0)] == [PEER]

    def test_a_peer_that_restarts_ice_is_greeted_again(self, room: RoomMachine) -> None:
        link = link_peer(room, client_id=PEER_CLIENT, answer=sdp("answer", 7))
        open_board(room)
        hear(room, link, OPEN)

        restart = signal(sdp("offer", 7), client_id=PEER_CLIENT)
        effects = room.handle(ev.PayloadReceived(URL, restart), 1.0)

        assert {e.document for e in only(fx.AskState, effects)} == {ev.MAIN, BOARD}
        assert [p.peer_id for p in room.peers_in(BOARD, 0.0)] == [PEER]

    def test_a_path_that_is_not_back_is_forgotten(self, room: RoomMachine, link: ev.LinkId) -> None:
        open_board(room)
        room.handle(ev.DocumentOpened("notes", 7), 0.0)
        hear(room, link, OPEN)
        room.handle(ev.TransportFailed(link, "no path", is_ice=True), 0.0)
        assert hear(room, link, CLOSED) == [], "told when the path was lost"
        assert hear(room, link, OPEN, "notes") == []
        assert hear(room, link, CLOSED, "notes") == []

        effects = room.handle(ev.ChannelClosed(link, "local", "gone"), 1.0)

        assert only(fx.DocumentAtPeer, effects) == []
        assert room.documents.elsewhere == {}


class TestTabs:
    def test_who_opens_it_there_is_answered(self, room: RoomMachine) -> None:
        open_board(room)
        link_tab(room)

        effects = hear(room, ev.TABS, DocumentPeer(OTHER, True, ITS))

        assert said(effects, ev.TABS) == [DocumentPeer(ME, True, MINE)]
        assert [p.peer_id for p in room.peers_in(BOARD, 0.0)] == [OTHER]
        changed = room.handle(ev.DocumentChanged(BOARD, b"u", None), 0.0)
        assert only(fx.SendTabFrame, changed) == [
            fx.SendTabFrame(encode(SyncUpdate(b"u"), BOARD), is_own_kind=True)
        ]
        assert hear(room, ev.TABS, DocumentPeer(OTHER, False, ITS)) == [
            fx.DocumentAtPeer(BOARD, OTHER, is_open=False)
        ]
        assert room.peers_in(BOARD, 0.0) == ()

    def test_a_new_tab_is_told_what_is_open(self, room: RoomMachine) -> None:
        open_board(room)
        room.handle(ev.TabOpened(), 0.0)
        frame = encode(TabPeer(OTHER, True, OTHER_CLIENT))

        effects = room.handle(ev.FrameReceived(ev.TABS, frame), 0.0)

        assert said(effects, ev.TABS) == [DocumentPeer(ME, True, MINE)]

    def test_after_waking_they_are_greeted_in_all(self, room: RoomMachine) -> None:
        link_tab(room)
        open_board(room)
        room.handle(ev.PutAway(), 0.0)

        effects = room.handle(ev.Woken(), 1.0)

        assert said(effects, ev.TABS) == [DocumentPeer(ME, True, MINE)]
        asked = [(e.document, e.link) for e in only(fx.AskState, effects)]
        assert asked == [(ev.MAIN, ev.TABS), (BOARD, ev.TABS)]

    def test_who_leaves_there_is_forgotten(self, room: RoomMachine) -> None:
        link_tab(room)
        hear(room, ev.TABS, DocumentPeer(OTHER, True, ITS))
        assert room.documents.elsewhere == {BOARD: [OTHER]}

        effects = room.handle(ev.TabPeerGone(OTHER), 0.0)

        assert only(fx.DocumentAtPeer, effects) == [fx.DocumentAtPeer(BOARD, OTHER, is_open=False)]
        assert room.documents.elsewhere == {}

    def test_our_own_word_is_no_news(self, room: RoomMachine) -> None:
        open_board(room)

        assert hear(room, ev.TABS, DocumentPeer(ME, True, MINE)) == []


class TestLimits:
    def test_a_peer_speaks_for_itself(self, room: RoomMachine, link: ev.LinkId) -> None:
        hear(room, link, DocumentPeer(OTHER, True, ITS))

        assert room.documents.elsewhere == {BOARD: [PEER]}

    def test_a_document_that_is_not_open_is_counted(
        self, room: RoomMachine, link: ev.LinkId
    ) -> None:
        for message in (SyncUpdate(b"u"), QueryAwareness(), UnknownMessage(99, b"")):
            assert hear(room, link, message) == []
        open_board(room)
        assert hear(room, link, SyncUpdate(b"u")) == [], "it has not said that it is open there"

        assert [p.unknown_messages for p in room.peers(0.0)] == [4]

    def test_more_than_a_thousand_are_told_and_ignored(
        self, room: RoomMachine, link: ev.LinkId
    ) -> None:
        for number in range(MAX_DOCUMENTS):
            hear(room, link, OPEN, str(number))

        [report] = hear(room, link, OPEN, "one more")

        assert isinstance(report, fx.Report)
        assert isinstance(report.error, PeerLimitError)
        assert len(room.documents.elsewhere) == MAX_DOCUMENTS
        assert hear(room, link, OPEN, "7") == [], "this one is known"

    def test_a_stock_peer_has_none(self, room: RoomMachine) -> None:
        stock = link_peer(room)

        assert said(open_board(room), stock) == []
        assert hear(room, stock, OPEN) == []
        assert room.documents.elsewhere == {}
        assert [p.unknown_messages for p in room.peers(0.0)] == [1]


def test_those_who_leave_say_goodbye_in_all(room: RoomMachine, link: ev.LinkId) -> None:
    open_board(room)
    hear(room, link, OPEN)
    hear(room, link, awareness_message(ITS))
    room.handle(ev.LocalStateSet(BOARD, {"cursor": 1}), 0.0)

    assert room.handle(ev.FlushAsked(), 0.0) == []
    assert len(said(room.handle(ev.LeaveAsked(), 0.0), link)) == 1


def awareness_message(client: int) -> Message:
    return decode(awareness_frame(AwarenessEntry(client, 1, {"name": "x"})), max_bytes=LIMIT)
