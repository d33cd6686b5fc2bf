from __future__ import annotations

from typing import Any

import pytest

from pyodide_rtc.protocol.document.awareness_machine import (
    MAX_RECORDS,
    OUTDATED_TIMEOUT_S,
    RENEW_INTERVAL_S,
    AwarenessChange,
    AwarenessMachine,
)
from pyodide_rtc.wire.awareness_update import AwarenessEntry as Entry
from pyodide_rtc.wire.awareness_update import encode_awareness

ME, PEER, OTHER = 1, 2, 3
NOTHING = AwarenessChange()


class Counted(dict[int, Any]):
    """Records that count how often somebody looks through all of them."""

    walks = 0

    def items(self) -> Any:
        self.walks += 1
        return super().items()


def test_a_crowd_makes_no_event_slow() -> None:
    """Reproduces: each event looked through all that is known of anybody, 32 times slower."""
    records = Counted()
    machine = AwarenessMachine(ME, records)
    machine.apply([Entry(i, 1, {}) for i in range(10, 4_010)], 0.0)
    for number in range(1_000):
        machine.apply([Entry(10 + number, 2, {})], 1.0 + number / 1_000)
        assert machine.deadline_s == OUTDATED_TIMEOUT_S
        machine.expire(1.0 + number / 1_000)
    assert records.walks == 0
    machine.expire(OUTDATED_TIMEOUT_S)
    assert machine.deadline_s == OUTDATED_TIMEOUT_S + 1.0
    assert len(machine.states) == 1_000


@pytest.fixture
def machine() -> AwarenessMachine:
    return AwarenessMachine(ME)


def clock_of(machine: AwarenessMachine, client_id: int) -> int:
    [entry] = machine.entries([client_id])
    return entry.clock


class TestOwnState:
    def test_setting_it_adds_updates_renews_and_removes(self, machine: AwarenessMachine) -> None:
        assert machine.set_local({"x": 1}, 0.0) == AwarenessChange(added=(ME,))
        assert machine.set_local({"x": 2}, 0.0) == AwarenessChange(updated=(ME,))
        assert machine.set_local({"x": 2}, 0.0) == AwarenessChange(renewed=(ME,))
        assert machine.states == {ME: {"x": 2}}
        assert machine.set_local(None, 0.0) == AwarenessChange(removed=(ME,))
        assert machine.set_local(None, 0.0) == NOTHING
        assert machine.states == {}

    def test_each_setting_raises_the_clock(self, machine: AwarenessMachine) -> None:
        clocks = []
        for state in ({"x": 1}, {"x": 1}, None):
            machine.set_local(state, 0.0)
            clocks.append(clock_of(machine, ME))

        assert clocks == [clocks[0], clocks[0] + 1, clocks[0] + 2]

    def test_its_first_clock_is_news_to_a_stock_peer(self, machine: AwarenessMachine) -> None:
        # y-protocols takes an unknown client for one of clock 0.
        machine.set_local({}, 0.0)

        assert clock_of(machine, ME) > 0

    def test_it_is_renewed_after_15_s_and_not_before(self, machine: AwarenessMachine) -> None:
        machine.set_local({"x": 1}, 100.0)
        before = clock_of(machine, ME)

        assert machine.deadline_s == 100.0 + RENEW_INTERVAL_S == 115.0
        assert machine.expire(114.9) == (NOTHING, NOTHING)
        assert machine.expire(115.0) == (AwarenessChange(renewed=(ME,)), NOTHING)
        assert machine.entries() == [Entry(ME, before + 1, {"x": 1})]
        assert machine.deadline_s == 130.0

    def test_who_took_it_away_renews_nothing(self, machine: AwarenessMachine) -> None:
        machine.set_local({}, 0.0)
        machine.set_local(None, 0.0)

        assert machine.expire(15.0) == (NOTHING, NOTHING)
        assert machine.deadline_s is None
        assert machine.expire(1000.0) == (NOTHING, NOTHING)


class TestOthers:
    def test_the_higher_clock_wins(self, machine: AwarenessMachine) -> None:
        assert machine.apply([Entry(PEER, 5, {"x": 1})], 0.0) == AwarenessChange(added=(PEER,))
        assert machine.apply([Entry(PEER, 4, {"x": 0})], 0.0) == NOTHING
        assert machine.apply([Entry(PEER, 5, {"x": 0})], 0.0) == NOTHING
        assert machine.apply([Entry(PEER, 6, {"x": 2})], 0.0) == AwarenessChange(updated=(PEER,))
        assert machine.apply([Entry(PEER, 7, {"x": 2})], 0.0) == AwarenessChange(renewed=(PEER,))
        assert machine.states == {PEER: {"x": 2}}

    def test_a_client_of_clock_0_is_taken(self, machine: AwarenessMachine) -> None:
        assert machine.apply([Entry(PEER, 0, {})], 0.0) == AwarenessChange(added=(PEER,))

    def test_null_of_the_same_clock_removes_a_live_client(self, machine: AwarenessMachine) -> None:
        machine.apply([Entry(PEER, 5, {})], 0.0)

        assert machine.apply([Entry(PEER, 5, None)], 0.0) == AwarenessChange(removed=(PEER,))
        assert machine.apply([Entry(PEER, 5, None)], 0.0) == NOTHING
        assert machine.states == {}

    def test_null_of_an_older_clock_removes_nobody(self, machine: AwarenessMachine) -> None:
        machine.apply([Entry(PEER, 5, {})], 0.0)

        assert machine.apply([Entry(PEER, 4, None)], 0.0) == NOTHING
        assert machine.states == {PEER: {}}

    def test_who_left_comes_back_with_a_higher_clock_only(self, machine: AwarenessMachine) -> None:
        machine.apply([Entry(PEER, 5, {}), Entry(PEER, 6, None)], 0.0)

        assert machine.apply([Entry(PEER, 6, {})], 0.0) == NOTHING
        assert machine.apply([Entry(PEER, 7, {})], 0.0) == AwarenessChange(added=(PEER,))

    def test_null_of_a_stranger_leaves_no_trace(self, machine: AwarenessMachine) -> None:
        assert machine.apply([Entry(PEER, 9, None)], 0.0) == NOTHING
        assert machine.apply([Entry(PEER, 1, {})], 0.0) == AwarenessChange(added=(PEER,))

    def test_one_message_may_speak_of_many(self, machine: AwarenessMachine) -> None:
        machine.apply([Entry(PEER, 1, {}), Entry(OTHER, 1, {}), Entry(7, 1, {})], 0.0)

        change = machine.apply(
            [Entry(PEER, 2, {"x": 1}), Entry(OTHER, 1, None), Entry(7, 2, {}), Entry(8, 0, {})], 0.0
        )

        assert change == AwarenessChange(
            added=(8,), updated=(PEER,), removed=(OTHER,), renewed=(7,)
        )
        assert sorted(change.all) == [PEER, OTHER, 7, 8]
        assert change.is_visible
        assert not AwarenessChange(renewed=(7,)).is_visible

    def test_silence_of_30_s_is_absence(self, machine: AwarenessMachine) -> None:
        machine.apply([Entry(PEER, 1, {})], 100.0)
        machine.apply([Entry(OTHER, 1, {})], 110.0)

        assert machine.deadline_s == 100.0 + OUTDATED_TIMEOUT_S == 130.0
        assert machine.expire(129.9) == (NOTHING, NOTHING)
        assert machine.expire(130.0) == (NOTHING, AwarenessChange(removed=(PEER,)))
        assert machine.states == {OTHER: {}}
        assert machine.deadline_s == 140.0
        assert machine.expire(131.0) == (NOTHING, NOTHING), "gone is gone once"

    def test_a_renewal_keeps_a_client_and_an_old_message_does_not(
        self, machine: AwarenessMachine
    ) -> None:
        machine.apply([Entry(PEER, 1, {}), Entry(OTHER, 1, {})], 0.0)
        machine.apply([Entry(PEER, 2, {}), Entry(OTHER, 1, {})], 20.0)

        assert machine.expire(30.0) == (NOTHING, AwarenessChange(removed=(OTHER,)))

    def test_who_was_silent_returns_by_its_next_renewal(self, machine: AwarenessMachine) -> None:
        machine.apply([Entry(PEER, 1, {})], 0.0)
        machine.expire(30.0)

        assert machine.apply([Entry(PEER, 2, {})], 40.0) == AwarenessChange(added=(PEER,))


@pytest.mark.parametrize("start_s", [0.1, 0.7, 4.35, 1e3 / 7, 1e6 / 3])
def test_at_the_deadline_there_is_something_to_do_whatever_the_rounding(start_s: float) -> None:
    # Else the timer would ring again at once, and again.
    for tenths in range(100):
        machine = AwarenessMachine(ME)
        machine.set_local({}, start_s + tenths / 10)
        machine.apply([Entry(PEER, 1, {})], start_s + tenths / 7)

        for _ in range(3):
            deadline_s = machine.deadline_s
            assert deadline_s is not None
            machine.expire(deadline_s)
            assert machine.deadline_s > deadline_s


class TestManyAtOnce:
    def test_of_several_states_of_one_only_the_last_is_told(
        self, machine: AwarenessMachine
    ) -> None:
        machine.set_local({}, 0.0)

        assert machine.apply([Entry(PEER, i, {"i": i}) for i in (1, 2, 3)], 0.0) == AwarenessChange(
            added=(PEER,)
        )
        assert machine.apply(
            [Entry(PEER, 4, {"i": 4}), Entry(OTHER, 1, {}), Entry(PEER, 5, {"i": 5})], 0.0
        ) == AwarenessChange(added=(OTHER,), updated=(PEER,))
        assert machine.states[PEER] == {"i": 5}

    def test_who_comes_and_goes_at_once_was_never_here(self, machine: AwarenessMachine) -> None:
        assert machine.apply([Entry(PEER, 1, {}), Entry(PEER, 2, None)], 0.0) == NOTHING
        assert machine.apply([Entry(PEER, 1, {})], 0.0) == NOTHING, "it is old"

    def test_who_goes_and_comes_at_once_has_changed_or_not(self, machine: AwarenessMachine) -> None:
        machine.apply([Entry(PEER, 1, {"x": 1})], 0.0)

        assert machine.apply(
            [Entry(PEER, 2, None), Entry(PEER, 3, {"x": 1})], 0.0
        ) == AwarenessChange(renewed=(PEER,))
        assert machine.apply(
            [Entry(PEER, 4, None), Entry(PEER, 5, {"x": 2})], 0.0
        ) == AwarenessChange(updated=(PEER,))


class TestMemory:
    def test_the_clocks_of_those_who_went_are_not_kept_for_ever(
        self, machine: AwarenessMachine
    ) -> None:
        machine.set_local({}, 0.0)
        machine.apply([Entry(PEER, 1, {})], 0.0)
        for first in range(100, 3 * MAX_RECORDS, 500):
            ids = range(first, first + 500)
            machine.apply([Entry(i, 1, {}) for i in ids], 0.0)
            machine.apply([Entry(i, 2, None) for i in ids], 0.0)

        assert set(machine.states) == {ME, PEER}
        ids = range(100, first + 500)
        forgotten = machine.apply([Entry(i, 1, {}) for i in ids], 0.0).added
        known = set(ids).difference(forgotten)
        assert len(known) <= MAX_RECORDS + 500
        assert ids[-1] in known, "it went a moment ago"

    def test_those_who_are_here_are_never_forgotten(self, machine: AwarenessMachine) -> None:
        here = range(100, 100 + MAX_RECORDS)
        machine.set_local({}, 0.0)
        machine.apply([Entry(i, 1, {}) for i in here], 0.0)
        machine.apply([Entry(PEER, 1, {})], 0.0)

        assert len(machine.states) == MAX_RECORDS + 2


class TestSpokenFor:
    def test_who_says_that_i_am_gone_is_outbid(self, machine: AwarenessMachine) -> None:
        machine.set_local({"x": 1}, 0.0)
        clock = clock_of(machine, ME)

        change = machine.apply([Entry(ME, clock + 5, None)], 0.0)

        assert change == AwarenessChange(renewed=(ME,)), "to be told to all"
        assert machine.entries() == [Entry(ME, clock + 6, {"x": 1})]

    def test_null_of_my_own_clock_is_outbid_too(self, machine: AwarenessMachine) -> None:
        machine.set_local({}, 0.0)
        clock = clock_of(machine, ME)

        assert machine.apply([Entry(ME, clock, None)], 0.0) == AwarenessChange(renewed=(ME,))
        assert clock_of(machine, ME) == clock + 1

    def test_my_own_state_coming_back_says_nothing(self, machine: AwarenessMachine) -> None:
        machine.set_local({"x": 1}, 0.0)

        assert machine.apply(machine.entries(), 0.0) == NOTHING

    def test_an_earlier_life_of_mine_is_shown_until_i_speak(
        self, machine: AwarenessMachine
    ) -> None:
        assert machine.apply([Entry(ME, 9, {"old": 1})], 0.0) == AwarenessChange(added=(ME,))
        machine.set_local({}, 0.0)

        assert machine.entries() == [Entry(ME, 10, {})]

    def test_two_with_one_client_id_do_not_outbid_each_other_for_ever(self) -> None:
        # Two notebooks that both say Doc(client_id=1).
        one, other = AwarenessMachine(ME), AwarenessMachine(ME)
        one.set_local({"who": "one"}, 0.0)
        other.set_local({"who": "other"}, 0.0)
        one.set_local({"who": "one", "n": 2}, 0.0)

        listener, speaker, rounds = other, one, 0
        while rounds < 100 and listener.apply(speaker.entries(), 0.0).all:
            listener, speaker, rounds = speaker, listener, rounds + 1

        assert rounds < 3
        assert one.states[ME]["who"] == "one", "what we say of ourselves stays"
        assert other.states[ME]["who"] == "other"


class TestNames:
    @pytest.mark.parametrize(
        ("state", "name"),
        [
            ({"user": {"name": "Ada"}}, "Ada"),
            ({"user": {"name": 7}}, None),
            ({"user": {}}, None),
            ({"user": "Ada"}, None),
            ({}, None),
        ],
    )
    def test_it_is_the_text_that_the_state_has_for_it(
        self, machine: AwarenessMachine, state: dict[str, object], name: str | None
    ) -> None:
        machine.apply([Entry(7, 1, state)], 0.0)

        assert machine.name_of(7) == name

    def test_two_of_one_name_are_told_apart_while_both_are_here(
        self, machine: AwarenessMachine
    ) -> None:
        ada = {"user": {"name": "Ada"}}
        machine.apply([Entry(7, 1, ada)], 0.0)
        assert machine.name_of(7) == "Ada"
        machine.apply([Entry(5, 1, ada)], 20.0)
        assert (machine.name_of(5), machine.name_of(7)) == ("Ada", "Ada (2)")
        machine.remove([5])
        assert (machine.name_of(5), machine.name_of(7)) == (None, "Ada")
        machine.apply([Entry(5, 2, ada)], 20.0)
        machine.expire(30.0)
        assert (machine.name_of(5), machine.name_of(7)) == ("Ada", None)

    def test_who_shows_nothing_has_none(self, machine: AwarenessMachine) -> None:
        assert machine.name_of(8) is None
        assert machine.name_of(None) is None


class TestRemoval:
    def test_a_lost_peer_is_removed_and_may_say_the_same_again(
        self, machine: AwarenessMachine
    ) -> None:
        machine.apply([Entry(PEER, 5, {"x": 1})], 0.0)

        assert machine.remove([PEER]) == AwarenessChange(removed=(PEER,))
        assert machine.remove([PEER]) == NOTHING
        assert machine.apply([Entry(PEER, 5, {"x": 1})], 0.0) == AwarenessChange(added=(PEER,))

    def test_neither_strangers_nor_we_are_removed(self, machine: AwarenessMachine) -> None:
        machine.set_local({}, 0.0)

        assert machine.remove([ME, PEER]) == NOTHING
        assert machine.states == {ME: {}}


def test_a_document_that_joins_again_is_seen_at_once() -> None:
    # leave() and join(doc=same) in one kernel: the others remember the clock of the goodbye.
    observer = AwarenessMachine(OTHER)
    for joined_s in (0.0, 10.0, 20.0):
        machine = AwarenessMachine(ME)
        for i in range(5):
            machine.set_local({"i": i}, joined_s + i)
        assert observer.apply(machine.entries(), joined_s).added == (ME,)
        machine.set_local(None, joined_s + 5)
        assert observer.apply(machine.entries([ME]), joined_s).removed == (ME,)


def test_a_clock_at_its_end_can_still_be_sent(machine: AwarenessMachine) -> None:
    machine.set_local({}, 0.0)
    machine.apply([Entry(ME, 2**53 - 1, None)], 0.0)
    machine.set_local({"x": 1}, 0.0)
    machine.expire(15.0)

    assert encode_awareness(machine.entries())
