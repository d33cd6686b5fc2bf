from __future__ import annotations

from pyodide_rtc.protocol.document.awareness_limits import (
    CLIENT_BYTES,
    MAX_BYTES,
    MAX_LINK_BYTES,
    MAX_STATE_BYTES,
    AwarenessLimits,
)
from pyodide_rtc.wire.awareness_update import AwarenessEntry, TooBigState

SMALL = CLIENT_BYTES
LINK_CLIENTS = MAX_LINK_BYTES // (2 * SMALL)
"""So many clients with states of that size fit."""


def full(more: int = 1, limit: int = MAX_LINK_BYTES) -> str:
    """The reason why such a state is not taken."""
    return (
        f"bytes of awareness states, one was not taken: {limit + more * 2 * SMALL}, "
        f"the limit is {limit}"
    )


def state(client_id: int, size_bytes: int = SMALL) -> AwarenessEntry:
    return AwarenessEntry(client_id, 1, {}, size_bytes)


def gone(client_id: int) -> AwarenessEntry:
    return AwarenessEntry(client_id, 1, None, 4)


class World:
    """AwarenessLimits, and who of them is here: all that were taken."""

    def __init__(self) -> None:
        self.guests = AwarenessLimits()
        self.here: set[int] = set()

    def hear(self, link: int, *heard: AwarenessEntry | TooBigState) -> tuple[int, list[str]]:
        """How many entries are taken, and the reasons why others are not."""
        taken, errors = self.guests.admit(link, list(heard), self.here.__contains__)
        for entry in taken:
            (self.here.discard if entry.state is None else self.here.add)(entry.client_id)
        return len(taken), [str(e) for e in errors]


def test_a_link_may_speak_for_many_and_no_more() -> None:
    world = World()
    many = [state(i) for i in range(LINK_CLIENTS + 5)]

    assert world.hear(1, *many) == (
        LINK_CLIENTS,
        [full()],
    )
    assert world.hear(1, state(0), state(1))[0] == 2  # those who are known
    assert world.hear(1, state(5_000))[0] == 0
    assert world.hear(2, state(5_000)) == (1, [])  # another link may


def test_who_goes_leaves_the_place_to_others() -> None:
    world = World()
    world.hear(1, *[state(i) for i in range(LINK_CLIENTS)])
    assert world.hear(1, gone(0), gone(1), state(5_000), state(5_001)) == (
        2,
        [full()],
    )  # within one message they are here still

    assert world.hear(1, state(5_000), state(5_001)) == (2, [])


def test_that_somebody_unknown_has_gone_takes_no_place() -> None:
    world = World()
    for first in range(0, 20_000, 1_000):
        assert world.hear(1, *[gone(first + i) for i in range(1_000)])[1] == []

    assert world.hear(1, state(1)) == (1, [])


def test_one_link_leaves_room_for_others() -> None:
    world = World()
    for link in range(1, 5):
        first = link * LINK_CLIENTS
        world.hear(link, *[state(first + i) for i in range(LINK_CLIENTS)])

    assert len(world.here) == 4 * LINK_CLIENTS
    assert world.hear(5, state(1)) == (0, [full(limit=MAX_BYTES)])
    world.here.remove(LINK_CLIENTS)
    assert world.hear(5, state(1)) == (1, [])


def test_what_others_say_too_counts_once_for_all_links() -> None:
    world = World()
    for link in range(10):
        assert world.hear(link, *[state(i) for i in range(LINK_CLIENTS)])[1] == []


def test_a_state_that_is_too_big_is_not_taken_and_the_others_of_its_message_are() -> None:
    world = World()

    assert world.hear(1, state(1), TooBigState(2, 70_000), TooBigState(3, 80_000), state(4)) == (
        2,
        [f"bytes of an awareness state, it was not taken: 80000, the limit is {MAX_STATE_BYTES}"],
    )


def test_a_state_that_is_there_may_change_as_long_as_there_is_room() -> None:
    world = World()
    world.hear(1, *[state(i) for i in range(LINK_CLIENTS)])

    assert world.hear(1, state(0), state(1, 10)) == (2, [])  # no more than before
    assert world.hear(1, state(0, 2 * SMALL - 10))[0] == 1  # what the other has left
    assert world.hear(1, state(1, 11))[0] == 0


def test_a_link_that_is_gone_is_forgotten() -> None:
    world = World()
    world.hear(1, *[state(i) for i in range(LINK_CLIENTS)])
    world.guests.forget(1)
    world.guests.forget(1)

    assert world.hear(1, state(5_000)) == (1, [])
