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
