"""Batons, in a room's machine; tests/simulation/test_batons.py has several rooms."""

from __future__ import annotations

import pytest

from pyodide_rtc.errors import PeerLimitError
from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.baton_machine import (
    LATE_S,
    MAX_CLOCK,
    MAX_KNOWN_PEERS,
    QUIET_PATIENCE_S,
)
from pyodide_rtc.protocol.room_machine import RoomMachine
from pyodide_rtc.snapshot import BatonState
from pyodide_rtc.wire.call_messages import Batons, BatonWish
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

RUN = "run"
GOT, LOST, CHANGED = (fx.BatonMoved(RUN, change) for change in ("got", "lost", "changed"))  # type: ignore[arg-type]


@pytest.fixture
def room() -> RoomMachine:
    return make_room()


def said(effects: list[fx.Effect], link: ev.LinkId) -> list[Message]:
    """What is said of batons by a link."""
    return [m for m in frames(effects, link) if isinstance(m, Batons)]


def ask(room: RoomMachine, now_s: float = 0.0) -> list[fx.Effect]:
    return room.handle(ev.BatonAsked(RUN), now_s)


def moved(effects: list[fx.Effect]) -> list[fx.BatonMoved]:
    return only(fx.BatonMoved, effects)


def wish(stamp: int, *, held: bool = False) -> tuple[BatonWish, ...]:
    return (BatonWish(RUN, stamp, held),)


def agreed(clock: int = 1, *wishes: BatonWish, sender: str = PEER) -> Batons:
    """Somebody has heard of our wish, and may have one of its own."""
    return Batons(sender, clock, wishes, ((ME, clock),))


def test_alone_one_has_it_at_once(room: RoomMachine) -> None:
    assert moved(ask(room)) == [GOT]
    assert room.batons.states == {RUN: BatonState(ME)}
    assert moved(room.handle(ev.BatonReturned(RUN), 0.0)) == [CHANGED]
    assert room.batons.states == {}


def test_all_who_are_linked_have_to_hear_of_it(room: RoomMachine) -> None:
    link, stock = link_peer(room, client_id=PEER_CLIENT), link_peer(room, OTHER)
    room.handle(ev.TabOpened(), 0.0)
    receive(room, ev.TABS, TabPeer("tab", True, 7))
    receive(room, ev.TABS, TabPeer("stock tab", True))
    asked = ask(room)
    assert said(asked, link) == said(asked, ev.TABS) == [Batons(ME, 1, wish(1))]
    assert [e.is_own_kind for e in only(fx.SendTabFrame, asked)] == [True]
    assert frames(asked, stock) == moved(asked) == []
    assert room.batons.states == {RUN: BatonState(None, (ME,))}
    assert moved(receive(room, ev.TABS, agreed(sender="tab"))) == []
    assert moved(receive(room, link, Batons(PEER, 1))) == [], "it may not have heard"
    got = receive(room, link, agreed())
    assert moved(got) == [GOT]
    [told] = said(got, link)
    assert told == Batons(ME, 1, wish(1, held=True), ((PEER, 1),))


def test_whoever_asks_is_answered_once(room: RoomMachine) -> None:
    link = link_peer(room, client_id=PEER_CLIENT)
    heard = receive(room, link, Batons(PEER, 5, wish(5)))
    assert said(heard, link) == [Batons(ME, 5, (), ((PEER, 5),))]
    assert moved(heard) == [CHANGED]
    held = receive(room, link, Batons(PEER, 5, wish(5, held=True)))
    assert said(held, link) == []
    assert moved(held) == [CHANGED]
    assert room.batons.states == {RUN: BatonState(PEER)}
    again = receive(room, link, Batons(PEER, 5, wish(5, held=True)))
    assert said(again, link) == moved(again) == []
    assert said(ask(room), link) == [Batons(ME, 6, wish(6), ((PEER, 5),))], "stamped later"


def test_it_goes_on_in_the_order_of_asking(room: RoomMachine) -> None:
    link = link_peer(room, client_id=PEER_CLIENT)
    ask(room)
    # It has asked at the same moment, and by its name it comes after us.
    assert moved(receive(room, link, Batons(PEER, 1, wish(1)))) == [CHANGED]
    assert moved(receive(room, link, agreed(1, *wish(1)))) == [GOT]
    assert room.batons.states == {RUN: BatonState(ME, (PEER,))}
    returned = room.handle(ev.BatonReturned(RUN), 0.0)
    assert said(returned, link) == [Batons(ME, 1, (), ((PEER, 1),))]
    receive(room, link, agreed(1, *wish(1, held=True)))
    ask(room)
    assert moved(receive(room, link, agreed(2, *wish(1, held=True)))) == [], "it has it"
    assert moved(receive(room, link, agreed(2))) == [CHANGED, GOT]


def test_who_has_asked_before_gets_it_before(room: RoomMachine) -> None:
    link = link_peer(room, client_id=PEER_CLIENT)
    receive(room, link, Batons(PEER, 1, wish(1)))
    assert moved(ask(room)) == []
    assert moved(receive(room, link, agreed(2, *wish(1)))) == []
    assert room.batons.states == {RUN: BatonState(None, (PEER, ME))}
    assert moved(room.handle(ev.BatonReturned(RUN), 0.0)) == [CHANGED], "we gave up"


def test_what_a_holder_had_is_free_when_it_is_gone(room: RoomMachine) -> None:
    link = link_peer(room, client_id=PEER_CLIENT)
    receive(room, link, Batons(PEER, 1, wish(1, held=True)))
    ask(room)
    closed = room.handle(ev.ChannelClosed(link, "local", "gone"), 0.0)
    assert moved(closed) == [CHANGED, GOT]


def test_whoever_is_linked_later_is_told_and_waited_for(room: RoomMachine) -> None:
    link = link_peer(room, client_id=PEER_CLIENT)
    ask(room)
    heard: list[fx.Effect] = []
    other = link_peer(room, OTHER, OTHER_CLIENT, heard=heard)
    assert said(heard, other) == [Batons(ME, 1, wish(1))]
    assert moved(receive(room, link, agreed())) == []
    assert moved(receive(room, other, agreed(sender=OTHER))) == [GOT]
    assert said(room.handle(ev.TabOpened(), 0.0), ev.TABS) == [Batons(ME, 1, wish(1, held=True))]


def test_nothing_is_said_as_long_as_nobody_has_asked(room: RoomMachine) -> None:
    heard: list[fx.Effect] = []
    link = link_peer(room, client_id=PEER_CLIENT, heard=heard)
    assert said(heard, link) == []
    assert room.batons.deadline_s is None


@pytest.mark.parametrize(("stamp", "is_mine"), [(4, True), (6, False)])
def test_of_two_holders_the_one_keeps_it_that_has_asked_later(
    room: RoomMachine, stamp: int, is_mine: bool
) -> None:
    early = link_peer(room, client_id=PEER_CLIENT)
    receive(room, early, Batons(PEER, 4))
    room.handle(ev.ChannelClosed(early, "local", "gone"), 0.0)
    assert moved(ask(room)) == [GOT]  # with the stamp 5
    other = link_peer(room, OTHER, OTHER_CLIENT)
    met = receive(room, other, Batons(OTHER, 6, wish(stamp, held=True)))
    if is_mine:
        assert moved(met) == [CHANGED]
        assert room.batons.states[RUN] == BatonState(ME), "and the other one will hear of it"
    else:
        assert LOST in moved(met)
        assert Batons(ME, 6, (), ((OTHER, 6),)) in said(met, other)
        assert room.batons.states[RUN] == BatonState(OTHER)
        assert room.handle(ev.BatonReturned(RUN), 0.0) == []


class TestKernelsThatCompute:
    def test_they_are_not_waited_for(self, room: RoomMachine) -> None:
        link = link_peer(room, client_id=PEER_CLIENT)
        room.handle(ev.PeerQuiet(link, 20.0), 0.0)
        assert moved(ask(room, 1.0)) == [], "its page may say so late"
        due_s = room.batons.deadline_s
        assert due_s == 1.0 + QUIET_PATIENCE_S
        assert moved(room.handle(ev.TimePassed(), due_s)) == [GOT]

    def test_who_has_it_keeps_it(self, room: RoomMachine) -> None:
        link = link_peer(room, client_id=PEER_CLIENT)
        receive(room, link, Batons(PEER, 1, wish(1, held=True)))
        room.handle(ev.PeerQuiet(link, 20.0), 0.0)
        ask(room)
        assert moved(room.handle(ev.TimePassed(), QUIET_PATIENCE_S)) == []

    def test_who_asks_and_computes_is_waited_for(self, room: RoomMachine) -> None:
        link = link_peer(room, client_id=PEER_CLIENT)
        ask(room)
        receive(room, link, Batons(PEER, 3, wish(3)))
        room.handle(ev.PeerQuiet(link, 20.0), 0.0)
        assert moved(room.handle(ev.TimePassed(), QUIET_PATIENCE_S)) == []

    def test_who_answers_is_waited_for_until_it_computes(self, room: RoomMachine) -> None:
        link = link_peer(room, client_id=PEER_CLIENT)
        ask(room)
        assert moved(room.handle(ev.TimePassed(), 1.0)) == []
        assert moved(room.handle(ev.TimePassed(), QUIET_PATIENCE_S)) == []
        assert room.batons.deadline_s == 2 * QUIET_PATIENCE_S
        room.handle(ev.PeerQuiet(link, 5.0), 5.0)
        assert moved(room.handle(ev.TimePassed(), 2 * QUIET_PATIENCE_S)) == [GOT]

    def test_who_has_computed_itself_hears_first_what_waits(self, room: RoomMachine) -> None:
        link = link_peer(room, client_id=PEER_CLIENT)
        room.handle(ev.PeerQuiet(link, 20.0), 0.0)
        ask(room)
        late_s = QUIET_PATIENCE_S + LATE_S + 0.1
        assert moved(room.handle(ev.TimePassed(), late_s)) == []
        assert moved(room.handle(ev.TimePassed(), late_s + QUIET_PATIENCE_S)) == [GOT]


def test_what_makes_no_sense_is_told(room: RoomMachine) -> None:
    link = link_peer(room, client_id=PEER_CLIENT)
    [report] = only(fx.Report, receive(room, link, Batons(PEER, MAX_CLOCK + 1)))
    assert isinstance(report.error, PeerLimitError)
    assert receive(room, link, Batons(PEER, MAX_CLOCK)) == []
    for number in range(MAX_KNOWN_PEERS):
        receive(room, ev.TABS, Batons(f"tab {number}", 1))
    [report] = only(fx.Report, receive(room, ev.TABS, Batons("one more", 1)))
    assert isinstance(report.error, PeerLimitError)


def test_a_tab_may_be_heard_before_it_is_known(room: RoomMachine) -> None:
    room.handle(ev.TabOpened(), 0.0)
    assert receive(room, ev.TABS, Batons(ME, 9, wish(9))) == [], "an echo"
    heard = receive(room, ev.TABS, Batons(OTHER, 1, wish(1)))
    assert said(heard, ev.TABS) == []
    came = receive(room, ev.TABS, TabPeer(OTHER, True, OTHER_CLIENT))
    assert said(came, ev.TABS) == [Batons(ME, 1, (), ((OTHER, 1),))]


def test_a_peer_that_changes_from_a_connection_to_the_tabs_is_not_forgotten(
    room: RoomMachine,
) -> None:
    room.handle(ev.TabOpened(), 0.0)
    link = link_peer(room, client_id=PEER_CLIENT)
    receive(room, link, Batons(PEER, 1, wish(1, held=True)))
    assert moved(receive(room, ev.TABS, TabPeer(PEER, True, PEER_CLIENT))) == []
    assert room.batons.states == {RUN: BatonState(PEER)}
