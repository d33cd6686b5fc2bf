from __future__ import annotations

from pyodide_rtc.protocol.connections.negotiation import TABLE, Event, State

from .negotiation_page import COMMAND, PAGE, generated, rows_of, states_of


def test_the_page_has_what_the_table_says() -> None:
    page = PAGE.read_text()
    assert page == generated(page), f"docs/negotiation.md is out of date; run: {COMMAND}"


def test_each_event_has_rows() -> None:
    assert list(TABLE) == list(Event)


def test_no_row_stands_behind_one_that_always_counts_first() -> None:
    for event, rows in TABLE.items():
        for row in rows:
            used = [state for state in states_of(row) if row in rows_of(state, event)]
            assert used, f"{event}: no state comes to {row}"


def next_states(state: State) -> set[State]:
    found = {row[2] for event in Event for row in rows_of(state, event)}
    return {next_state for next_state in found if next_state is not None}


def test_each_state_can_be_reached() -> None:
    reached: set[State] = set()
    found = {State.IDLE}
    while found:
        reached |= found
        found = {later for state in found for later in next_states(state)} - reached
    assert reached == set(State)


def test_nothing_leads_on_from_the_end() -> None:
    assert next_states(State.GONE) == next_states(State.FAILED) == set()
