"""Calls between kernels, in a room's machine."""

from __future__ import annotations

import pytest

from pyodide_rtc.errors import DecodeError, PeerLimitError, RemoteProtocolError
from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.call_machine import MAX_KNOWN_PEERS, MAX_OPEN_CALLS
from pyodide_rtc.protocol.room_machine import RoomMachine
from pyodide_rtc.wire.call_messages import (
    NOTHING,
    Answer,
    AnswerKind,
    Call,
    CallMessage,
    CancelCall,
    Exposed,
    encode_arguments,
    encode_value,
)
from pyodide_rtc.wire.messages import Message, TabPeer

from .machine_helpers import (
    ME,
    OTHER,
    OTHER_CLIENT,
    PEER,
    PEER_CLIENT,
    frames,
    link_peer,
    make_room,
    only,
    receive,
)

NO_ARGUMENTS = encode_arguments([], {})


@pytest.fixture
def room() -> RoomMachine:
    return make_room()


def said(effects: list[fx.Effect], link: ev.LinkId) -> list[Message]:
    """What is said of calls by a link."""
    return [m for m in frames(effects, link) if isinstance(m, CallMessage)]


def tab(room: RoomMachine, peer: str = OTHER, client: int | None = OTHER_CLIENT) -> list[fx.Effect]:
    """Let a tab come."""
    return receive(room, ev.TABS, TabPeer(peer, True, client))


def expose(room: RoomMachine, *names: str) -> list[fx.Effect]:
    return room.handle(ev.NamesExposed(names), 0.0)


def call(number: int = 1, name: str = "f", sender: str = PEER, to: str = ME) -> Call:
    return Call(sender, to, number, name, NO_ARGUMENTS)


def done(
    room: RoomMachine, number: int = 1, kind: AnswerKind = AnswerKind.RESULT, peer: str = PEER
) -> list[fx.Effect]:
    return room.handle(ev.CallDone(peer, number, kind, encode_value(7)), 0.0)


class TestWhatIsExposed:
    def test_everybody_of_our_own_kind_is_told(self, room: RoomMachine) -> None:
        link, stock = link_peer(room, client_id=PEER_CLIENT), link_peer(room, OTHER)
        room.handle(ev.TabOpened(), 0.0)
        tab(room, "tab")
        effects = expose(room, "f", "g")
        assert said(effects, link) == said(effects, ev.TABS) == [Exposed(ME, ("f", "g"))]
        assert [e.is_own_kind for e in only(fx.SendTabFrame, effects)] == [True]
        assert frames(effects, stock) == []

    def test_who_comes_later_is_told_as_soon_as_it_is_linked(self, room: RoomMachine) -> None:
        expose(room, "f")
        heard: list[fx.Effect] = []
        link = link_peer(room, client_id=PEER_CLIENT, heard=heard)
        assert said(heard, link) == [Exposed(ME, ("f",))]
        assert said(room.handle(ev.TabOpened(), 0.0), ev.TABS) == [Exposed(ME, ("f",))]
        assert said(tab(room), ev.TABS) == [Exposed(ME, ("f",))]

    def test_who_has_exposed_nothing_says_nothing(self, room: RoomMachine) -> None:
        heard: list[fx.Effect] = []
        link = link_peer(room, client_id=PEER_CLIENT, heard=heard)
        assert said(heard, link) == expose(room) == []
        expose(room, "f")
        assert said(expose(room), link) == [Exposed(ME, ())]

    def test_what_others_have_exposed_is_known_while_they_are_reached(
        self, room: RoomMachine
    ) -> None:
        link = link_peer(room, client_id=PEER_CLIENT)
        assert receive(room, link, Exposed("a lie", ("f",))) == [fx.PeerExposed(PEER)]
        assert receive(room, link, Exposed(PEER, ("f",))) == []
        tab(room)
        receive(room, ev.TABS, Exposed(OTHER, ("g",)))
        assert receive(room, ev.TABS, Exposed(ME, ("h",))) == []
        assert room.calls.elsewhere == {PEER: ("f",), OTHER: ("g",)}
        receive(room, ev.TABS, TabPeer(OTHER, False))
        room.handle(ev.ChannelClosed(link, "local", "gone"), 0.0)
        assert room.calls.elsewhere == {}
        tab(room)
        assert room.calls.elsewhere == {}, "it is forgotten"

    def test_a_tab_may_be_heard_before_it_is_known(self, room: RoomMachine) -> None:
        receive(room, ev.TABS, Exposed(OTHER, ("g",)))
        assert room.calls.elsewhere == {}
        tab(room)
        assert room.calls.elsewhere == {OTHER: ("g",)}

    def test_the_names_of_a_stock_peer_are_no_names(self, room: RoomMachine) -> None:
        link = link_peer(room)
        assert receive(room, link, Exposed(PEER, ("f",))) == []
        [peer] = room.peers(0.0)
        assert (room.calls.elsewhere, peer.unknown_messages) == ({}, 1)

    def test_of_so_many_peers_it_is_remembered(self, room: RoomMachine) -> None:
        for number in range(MAX_KNOWN_PEERS):
            receive(room, ev.TABS, Exposed(f"tab {number}", ("f",)))
        [report] = only(fx.Report, receive(room, ev.TABS, Exposed("one more", ("f",))))
        assert isinstance(report.error, PeerLimitError)
        assert receive(room, ev.TABS, Exposed("tab 7", ("g",))) == [fx.PeerExposed("tab 7")]


class TestOurCalls:
    def test_a_call_and_its_answer(self, room: RoomMachine) -> None:
        link = link_peer(room, client_id=PEER_CLIENT)
        asked = room.handle(ev.CallAsked(1, PEER, "f", NO_ARGUMENTS), 0.0)
        assert said(asked, link) == [call(sender=ME, to=PEER)]
        answer = Answer("whoever", ME, 1, AnswerKind.RESULT, encode_value([7]))
        assert receive(room, link, answer) == [fx.CallAnswered(1, AnswerKind.RESULT, [7])]
        assert receive(room, link, answer) == [], "it was answered"

    def test_by_the_tabs(self, room: RoomMachine) -> None:
        room.handle(ev.TabOpened(), 0.0)
        tab(room)
        tab(room, "another")
        asked = room.handle(ev.CallAsked(1, OTHER, "f", NO_ARGUMENTS), 0.0)
        assert said(asked, ev.TABS) == [call(sender=ME, to=OTHER)]
        answer = Answer("another", ME, 1, AnswerKind.RESULT, NOTHING)
        assert receive(room, ev.TABS, answer) == [], "another one was called"
        elsewhere = Answer(OTHER, "another", 1, AnswerKind.RESULT, NOTHING)
        assert receive(room, ev.TABS, elsewhere) == [], "somebody else has called"
        answer = Answer(OTHER, ME, 1, AnswerKind.RESULT, NOTHING)
        assert receive(room, ev.TABS, answer) == [fx.CallAnswered(1, AnswerKind.RESULT, None)]

    def test_who_is_gone_answers_nobody(self, room: RoomMachine) -> None:
        assert room.handle(ev.CallAsked(1, PEER, "f", NO_ARGUMENTS), 0.0) == [fx.CallLost(1)]
        link = link_peer(room, client_id=PEER_CLIENT)
        for number in (2, 3):
            room.handle(ev.CallAsked(number, PEER, "f", NO_ARGUMENTS), 0.0)
        closed = room.handle(ev.ChannelClosed(link, "local", "gone"), 0.0)
        assert only(fx.CallLost, closed) == [fx.CallLost(2), fx.CallLost(3)]

    def test_a_call_is_withdrawn(self, room: RoomMachine) -> None:
        link = link_peer(room, client_id=PEER_CLIENT)
        room.handle(ev.CallAsked(1, PEER, "f", NO_ARGUMENTS), 0.0)
        withdrawn = room.handle(ev.CallWithdrawn(1), 0.0)
        assert said(withdrawn, link) == [CancelCall(ME, PEER, 1)]
        assert receive(room, link, Answer(PEER, ME, 1, AnswerKind.RESULT, NOTHING)) == []
        assert room.handle(ev.CallWithdrawn(1), 0.0) == []

    def test_an_answer_that_cannot_be_read_ends_its_sender(self, room: RoomMachine) -> None:
        link = link_peer(room, client_id=PEER_CLIENT)
        room.handle(ev.CallAsked(1, PEER, "f", NO_ARGUMENTS), 0.0)
        effects = receive(room, link, Answer(PEER, ME, 1, AnswerKind.RESULT, b"\0"))
        assert isinstance(only(fx.Report, effects)[0].error, DecodeError)
        assert only(fx.CallLost, effects) == [fx.CallLost(1)]


class TestTheirCalls:
    def test_a_call_and_its_answer(self, room: RoomMachine) -> None:
        expose(room, "f")
        link = link_peer(room, client_id=PEER_CLIENT)
        came = receive(
            room, link, Call("a lie", "a lie", 1, "f", encode_arguments([3, [1.5]], {"k": "v"}))
        )
        assert came == [fx.CallCame(PEER, 1, "f", [3, [1.5]], {"k": "v"})]
        answer = Answer(ME, PEER, 1, AnswerKind.RESULT, encode_value(7))
        assert said(done(room), link) == [answer]
        assert receive(room, link, call()) != [], "the number is free again"

    def test_by_the_tabs(self, room: RoomMachine) -> None:
        room.handle(ev.TabOpened(), 0.0)
        expose(room, "f")
        tab(room)
        assert receive(room, ev.TABS, call(sender=OTHER, to="another")) == []
        [came] = receive(room, ev.TABS, call(sender=OTHER))
        assert came == fx.CallCame(OTHER, 1, "f", [], {})
        answer = Answer(ME, OTHER, 1, AnswerKind.RESULT, encode_value(7))
        assert said(done(room, peer=OTHER), ev.TABS) == [answer]

    def test_what_is_not_exposed_is_not_called(self, room: RoomMachine) -> None:
        link = link_peer(room, client_id=PEER_CLIENT)
        refusal = Answer(ME, PEER, 1, AnswerKind.NOT_EXPOSED, NOTHING)
        assert said(receive(room, link, call()), link) == [refusal]
        expose(room, "g")
        assert said(receive(room, link, call()), link) == [refusal]

    def test_the_calls_of_one_peer_are_bounded(self, room: RoomMachine) -> None:
        expose(room, "f")
        link, other = (
            link_peer(room, client_id=PEER_CLIENT),
            link_peer(room, OTHER, OTHER_CLIENT),
        )
        for number in range(MAX_OPEN_CALLS):
            assert only(fx.CallCame, receive(room, link, call(number)))
        too_many = Answer(ME, PEER, 99, AnswerKind.TOO_MANY, NOTHING)
        assert said(receive(room, link, call(99)), link) == [too_many]
        assert only(fx.CallCame, receive(room, other, call(1, sender=OTHER))), "others may"
        for number in range(MAX_OPEN_CALLS):
            receive(room, link, CancelCall(PEER, ME, number))
        assert said(receive(room, link, call(99)), link) == [too_many], "they run on"
        assert done(room, 0) == [], "nobody waits for it"
        assert only(fx.CallCame, receive(room, link, call(99)))

    def test_two_calls_with_one_number_are_refused(self, room: RoomMachine) -> None:
        expose(room, "f")
        link = link_peer(room, client_id=PEER_CLIENT)
        receive(room, link, call())
        effects = receive(room, link, call())
        assert isinstance(only(fx.Report, effects)[0].error, RemoteProtocolError)
        assert only(fx.CallStopped, effects) == [fx.CallStopped(PEER, 1)]

    def test_arguments_that_make_no_sense_are_refused(self, room: RoomMachine) -> None:
        expose(room, "f")
        link = link_peer(room, client_id=PEER_CLIENT)
        effects = receive(room, link, Call(PEER, ME, 1, "f", encode_value(3)))
        assert isinstance(only(fx.Report, effects)[0].error, DecodeError)
        assert room.connections.link(link) is None

    def test_a_caller_may_go_or_withdraw(self, room: RoomMachine) -> None:
        expose(room, "f")
        link = link_peer(room, client_id=PEER_CLIENT)
        for number in (1, 2):
            receive(room, link, call(number))
        assert receive(room, link, CancelCall(PEER, ME, 1)) == [fx.CallStopped(PEER, 1)]
        assert receive(room, link, CancelCall(PEER, ME, 1)) == []
        assert receive(room, link, CancelCall(PEER, ME, 7)) == []
        closed = room.handle(ev.ChannelClosed(link, "local", "gone"), 0.0)
        assert only(fx.CallStopped, closed) == [fx.CallStopped(PEER, 2)]
        assert done(room, 1) == done(room, 2) == []

    def test_who_is_not_reached_gets_no_answer(self, room: RoomMachine) -> None:
        expose(room, "f")
        room.handle(ev.TabOpened(), 0.0)
        assert receive(room, ev.TABS, call(sender=OTHER)), "a tab that is not known yet"
        assert done(room, peer=OTHER) == []

    def test_our_own_echo_is_ignored(self, room: RoomMachine) -> None:
        expose(room, "f")
        assert receive(room, ev.TABS, call(sender=ME)) == []
