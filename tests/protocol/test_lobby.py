from __future__ import annotations

import pytest

from pyodide_rtc.protocol.connections.lobby import (
    EARLY_S,
    GONE_S,
    MAX_CLOSED_SESSIONS,
    MAX_EARLY_CANDIDATES,
    MAX_EARLY_PEERS,
    MAX_GONE,
    MAX_NEWCOMERS,
    Lobby,
    Newcomer,
)
from pyodide_rtc.wire.payload import Candidate, Description

from .machine_helpers import OTHER, PEER, URL, sdp, signal


@pytest.fixture
def lobby() -> Lobby:
    return Lobby()


def keep(lobby: Lobby, text: str, peer: str = PEER, now_s: float = 0.0) -> None:
    lobby.keep(signal(Candidate(text, 0, "0"), peer), now_s)


def admitted(lobby: Lobby, peer: str = PEER, now_s: float = 0.0) -> list[str]:
    messages = lobby.admit(peer, now_s)
    return [m.signal.candidate for m in messages if isinstance(m.signal, Candidate)]


class TestEarlyCandidates:
    def test_they_are_given_out_once_in_order(self, lobby: Lobby) -> None:
        keep(lobby, "a")
        keep(lobby, "b")

        assert admitted(lobby) == ["a", "b"]
        assert admitted(lobby) == []

    def test_they_are_kept_for_a_while(self, lobby: Lobby) -> None:
        keep(lobby, "a")

        assert admitted(lobby, now_s=EARLY_S) == []

    def test_old_ones_do_not_come_with_new_ones(self, lobby: Lobby) -> None:
        keep(lobby, "a")
        keep(lobby, "b", now_s=EARLY_S)

        assert admitted(lobby, now_s=EARLY_S) == ["b"]

    def test_no_peer_makes_us_keep_more_than_the_limit(self, lobby: Lobby) -> None:
        for i in range(MAX_EARLY_CANDIDATES + 1):
            keep(lobby, str(i))

        assert len(admitted(lobby)) == MAX_EARLY_CANDIDATES

    def test_nor_do_many_peers(self, lobby: Lobby) -> None:
        for i in range(MAX_EARLY_PEERS + 1):
            keep(lobby, "a", f"peer {i}")

        assert admitted(lobby, "peer 0") == []
        assert admitted(lobby, "peer 1") == ["a"]

    def test_those_of_a_forgotten_peer_are_gone(self, lobby: Lobby) -> None:
        keep(lobby, "a")
        lobby.forget(PEER)

        assert admitted(lobby) == []


class TestNewcomers:
    def test_they_wait_until_they_are_due(self, lobby: Lobby) -> None:
        first, second = Newcomer(PEER, URL, None, 2.0), Newcomer(OTHER, URL, None, 3.0)
        lobby.hold(first)
        lobby.hold(second)

        assert PEER in lobby
        assert lobby.deadline_s == 2.0
        assert lobby.take_due(2.0) == [first]
        assert lobby.deadline_s == 3.0

    def test_waiting_longer_for_a_second_announce_is_not_needed(self, lobby: Lobby) -> None:
        lobby.hold(Newcomer(PEER, URL, None, 2.0))
        lobby.hold(Newcomer(PEER, URL, None, 9.0))

        assert lobby.deadline_s == 2.0

    def test_who_is_admitted_waits_no_more(self, lobby: Lobby) -> None:
        lobby.hold(Newcomer(PEER, URL, None, 2.0))
        lobby.admit(PEER, 0.0)

        assert PEER not in lobby
        assert lobby.deadline_s is None

    def test_of_too_many_those_give_way_who_may_have_gone(self, lobby: Lobby) -> None:
        lobby.hold(Newcomer("gone", URL, None, 1.0, guess=1))
        for i in range(MAX_NEWCOMERS):
            lobby.hold(Newcomer(f"peer {i}", URL, None, 2.0))

        assert "gone" not in lobby
        assert len(lobby.take_due(9.0)) == MAX_NEWCOMERS


def test_the_oldest_closed_session_is_forgotten_first(lobby: Lobby) -> None:
    for i in range(MAX_CLOSED_SESSIONS + 1):
        lobby.remember_closed(str(i), True)

    assert not lobby.is_late(sdp("answer", 0))
    assert lobby.is_late(sdp("answer", 1))
    assert not lobby.is_late(Description("offer", "names no session"))


def test_an_end_that_has_only_offered_may_answer(lobby: Lobby) -> None:
    lobby.remember_closed("1", False)
    assert lobby.is_late(sdp("offer", 1))
    assert not lobby.is_late(sdp("answer", 1))

    lobby.reopen(None)
    lobby.reopen("1")
    assert not lobby.is_late(sdp("offer", 1))


def test_who_has_left_is_remembered_for_a_while(lobby: Lobby) -> None:
    lobby.remember_gone(PEER, 1.0)
    assert lobby.is_gone(PEER, 1.0 + GONE_S / 2)
    assert not lobby.is_gone(PEER, 1.0 + GONE_S)
    assert not lobby.is_gone(OTHER, 0.0)


def test_of_those_who_have_left_the_oldest_are_forgotten(lobby: Lobby) -> None:
    for number in range(MAX_GONE + 1):
        lobby.remember_gone(str(number), 0.0)
    assert not lobby.is_gone("0", 1.0)
    assert lobby.is_gone("1", 1.0)
