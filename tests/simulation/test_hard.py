"""A room in bad weather: random plays, and those that once ended badly.

More of them: `python -m tests.simulation.hard --runs 3000`.
"""

from __future__ import annotations

import pytest
from seeds import some

from .hard import play

PLAYS = 60
PER_TEST = 10


@pytest.mark.parametrize("start", range(0, some(PLAYS), PER_TEST))
def test_whatever_breaks_all_end_with_the_same_and_know_it(start: int) -> None:
    for seed in range(start, start + PER_TEST):
        play(seed)


@pytest.mark.parametrize("seed", [382, 922, 1128, 2096])
def test_what_died_with_its_author_is_told_and_keeps_only_stock_peers_apart(seed: int) -> None:
    # Two such plays were replayed in Yjs 13.6.33: what follows the lost struct waits there, and the
    # rest is equal.
    play(seed)


def test_what_comes_behind_a_gap_is_compared_too() -> None:
    # A struct died with its author. What the author did after it is not in state vectors: one of us
    # had more of it than another, and both went on beside what they had.
    play(2491)


@pytest.mark.parametrize("seed", [116, 187])
def test_the_will_of_an_old_socket_does_not_end_a_new_attempt(seed: int) -> None:
    # After a long cut the server finds the old socket dead when the peer has opened a new one.
    play(seed, has_losses=False)
