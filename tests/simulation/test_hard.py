"""A room in bad weather: random plays, and those that once ended badly.

More of them: `python -m tests.simulation.hard --runs 3000`.
"""

from __future__ import annotations

import pytest

from .hard import play

PLAYS = 60
PER_TEST = 10


@pytest.mark.parametrize("start", range(0, PLAYS, PER_TEST))
def test_whatever_breaks_all_end_with_the_same_and_know_it(start: int) -> None:
    for seed in range(start, start + PER_TEST):
        play(seed)


@pytest.mark.parametrize("seed", [275, 2604])
def test_a_lost_stock_peer_is_called_for_it_may_pass_over_our_announces(seed: int) -> None:
    # Our late candidates had opened a connection there, which waited for an offer for ever.
    play(seed, has_losses=False)


@pytest.mark.parametrize("seed", [578, 2340])
def test_who_alone_has_lost_the_path_is_answered_when_it_asks_again(seed: int) -> None:
    # The other end took the question for the one whose answer it had sent unasked.
    play(seed, has_losses=False)


@pytest.mark.parametrize("seed", [382, 1229, 2096])
def test_what_died_with_its_author_keeps_only_stock_peers_apart(seed: int) -> None:
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
