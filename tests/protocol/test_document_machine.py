"""A document and its replicas by themselves, without connections."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from pyodide_rtc.errors import ChangesMissingError
from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.document.awareness_limits import CLIENT_BYTES, MAX_LINK_BYTES
from pyodide_rtc.protocol.document.comparison import GAPS_PATIENCE_S
from pyodide_rtc.protocol.document.document_machine import DocumentMachine
from pyodide_rtc.protocol.link import MAX_AWAITED_S, STALLED_S, PeerLink
from pyodide_rtc.wire.awareness_update import AwarenessEntry, encode_awareness
from pyodide_rtc.wire.chunks import Chunk, encode_chunk
from pyodide_rtc.wire.messages import (
    AwarenessMessage,
    InDocument,
    Message,
    StateCheck,
    SyncStep1,
    SyncStep2,
    decode,
)
from pyodide_rtc.wire.state import encode_state_vector

from .machine_helpers import LIMIT, only

NAME = "board"
ME, PEER, OTHER = 1, 7, 8
NOTHING = StateCheck(b"\0", bytes(8))
FIVE = StateCheck(encode_state_vector({PEER: 5}), bytes(8))


def link_to(document: DocumentMachine, client_id: int | None, number: int = 1) -> PeerLink:
    """A link to a peer that has told all."""
    link = PeerLink(number, f"peer {number}", client_id, 1 << 28, "agreed", 1 << 18, is_open=True)
    document.open_link(link)
    document.join_peer(link.peer_id, client_id, by_tabs=False)
    document.hear(number, SyncStep2(b"\0\0"), 0.0)
    handle(document, ev.AnswerApplied(NAME, number))
    return link


@pytest.fixture
def document() -> DocumentMachine:
    return DocumentMachine(NAME, ME, 1 << 28)


@pytest.fixture
def link(document: DocumentMachine) -> PeerLink:
    return link_to(document, PEER)


def handle(document: DocumentMachine, event: ev.DocumentEvent, now_s: float = 1.0) -> list[object]:
    return [*document.handle(event, now_s, is_complete=True)]


def compare(
    document: DocumentMachine, mine: StateCheck, theirs: StateCheck, now_s: float = 1.0
) -> list[object]:
    return handle(document, ev.Compared(NAME, 1, mine, theirs), now_s)


def is_synced(document: DocumentMachine) -> bool:
    return document.is_synced(document.replicas[1], "peer 1", PEER)


def sent(effects: Iterable[object]) -> list[Message]:
    envelopes = [decode(e.data, max_bytes=LIMIT) for e in only(fx.SendFrame, effects)]
    assert all(isinstance(e, InDocument) and e.document == NAME for e in envelopes)
    return [e.message for e in envelopes if isinstance(e, InDocument)]


class TestSynced:
    def test_a_peer_whose_answer_does_not_come_is_not(
        self, document: DocumentMachine, link: PeerLink
    ) -> None:
        compare(document, NOTHING, FIVE)
        assert is_synced(document), "it is asked, and will answer"

        compare(document, NOTHING, FIVE)

        assert document.replicas[1].ahead == 5
        assert not is_synced(document)

    def test_unlike_documents_do_not_become_so_by_any_answer(
        self, document: DocumentMachine, link: PeerLink
    ) -> None:
        unlike = StateCheck(b"\0", b"mine, 8 "), StateCheck(b"\0", b"theirs 8")
        compare(document, *unlike)
        compare(document, *unlike)

        handle(document, ev.AnswerApplied(NAME, 1))

        assert not is_synced(document)
        compare(document, unlike[0], unlike[0])
        assert is_synced(document)


class TestTransfers:
    def test_while_one_brings_something_large_no_other_is_asked(
        self, document: DocumentMachine, link: PeerLink
    ) -> None:
        other = link_to(document, OTHER, 2)
        other.read(encode_chunk(Chunk(1, 3_000, 0, bytes(1_000))), 10.0)

        assert sent(compare(document, NOTHING, FIVE, 11.0)) == []
        asked = sent(compare(document, NOTHING, FIVE, 10.0 + STALLED_S))
        assert [type(message) for message in asked] == [SyncStep1]

    def test_a_peer_that_dribbles_does_not_keep_us_from_it_for_ever(
        self, document: DocumentMachine, link: PeerLink
    ) -> None:
        other = link_to(document, OTHER, 2)
        for second in range(int(MAX_AWAITED_S) + 1):
            other.read(encode_chunk(Chunk(1, 3_000, second, b"x")), float(second))

        assert len(sent(compare(document, NOTHING, FIVE, MAX_AWAITED_S))) == 1

    def test_one_that_has_stalled_does_not_keep_missing_changes_from_being_told(
        self, document: DocumentMachine, link: PeerLink
    ) -> None:
        link.read(encode_chunk(Chunk(1, 1_000, 0, b"x")), 0.0)

        told: list[object] = []
        for now_s in range(5, 60, 5):
            told += handle(document, ev.CheckRead(NAME, NOTHING, 3), float(now_s))

        assert [type(r.error) for r in only(fx.Report, told)] == [ChangesMissingError]
        assert NOTHING in sent(told), "and it is compared with"
        assert STALLED_S + GAPS_PATIENCE_S < 60


def test_presence_of_clock_0_that_went_takes_no_held_back_change_along(
    document: DocumentMachine,
) -> None:
    """Reproduces: its clock was -1, which no message can say, and an effect raised."""
    stock, other = link_to(document, None, 1), link_to(document, OTHER, 2)
    held = ev.DocumentChanged(NAME, b"x" * 60_000, None, b"\0")
    frames = [e for _ in range(20) for e in handle(document, held) if isinstance(e, fx.SendFrame)]
    assert stock.is_full
    document.hear(2, AwarenessMessage(encode_awareness([AwarenessEntry(OTHER, 0, {})])), 1.0)
    document.settle(2, 1.0)
    document.leave_peer(other.peer_id, OTHER)
    document.close_link(2)

    stock.on_gone(ev.FramesGone(1, sum(len(f.data) for f in frames if f.conn == 1), 0), 2.0)

    assert [ask.link for ask in only(fx.AskDiff, document.on_room(1))] == [1]


def test_messages_of_one_run_keep_within_the_limits_of_awareness(
    document: DocumentMachine, link: PeerLink
) -> None:
    """Reproduces: who was heard and not applied yet counted as gone, and made room for others."""
    client = 100
    for run in range(4):
        for _ in range(25):
            entries = [AwarenessEntry(client + i, 1, {}) for i in range(1_000)]
            client += 1_000
            document.hear(1, AwarenessMessage(encode_awareness(entries)), float(run))
        document.settle(1, float(run))

    assert len(document.presence.awareness.states) <= MAX_LINK_BYTES // CLIENT_BYTES


class TestLeavingToOthers:
    """A change that a peer hears of its source is not passed on: but it may not have come."""

    @pytest.fixture
    def other(self, document: DocumentMachine, link: PeerLink) -> PeerLink:
        """Somebody who says to hear the first link's peer."""
        other = link_to(document, OTHER, 2)
        other.linked_peers = frozenset({link.peer_id})
        handle(document, ev.DocumentChanged(NAME, b"u", 1, b"before"))
        return other

    def test_who_leaves_sends_it(self, document: DocumentMachine, other: PeerLink) -> None:
        assert document.flush() == [fx.AskDiff(NAME, other.id, b"before", is_answer=False)]
        assert document.flush() == []

    def test_not_to_who_has_it(self, document: DocumentMachine, other: PeerLink) -> None:
        handle(document, ev.Compared(NAME, other.id, FIVE, FIVE))

        assert document.flush() == []

    def test_when_its_source_is_gone_all_compare_at_once(
        self, document: DocumentMachine, link: PeerLink, other: PeerLink
    ) -> None:
        assert document.leave_peer(link.peer_id, None) == [fx.AskCheck(NAME)]
        handle(document, ev.Compared(NAME, other.id, FIVE, FIVE))
        assert document.leave_peer(other.peer_id, None) == []


def test_who_leaves_sends_what_was_held_back(document: DocumentMachine, link: PeerLink) -> None:
    for number in range(30):
        handle(document, ev.DocumentChanged(NAME, b"x" * 60_000, None, b"before %d" % number))

    [ask] = only(fx.AskDiff, document.flush())

    assert ask.state_vector.startswith(b"before 1")
