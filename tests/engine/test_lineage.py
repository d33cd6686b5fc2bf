from __future__ import annotations

from itertools import permutations

import pytest

from pyodide_rtc.engine.lineage import Candidate, read_candidate, winner

A, B = "a" * 64, "b" * 64


class TestWinner:
    @pytest.mark.parametrize(
        ("first", "second"),
        [
            (Candidate(B, 1.0), Candidate(A, 2.0)),
            (Candidate(A, 1.0), Candidate(B, 1.0)),
            (Candidate(B, 9.0), Candidate(A, 1.0, placeholder=True)),
            (Candidate(A, 1.0), Candidate(A, 2.0)),
        ],
        ids=["the earlier", "else the smaller", "placeholders last", "the earlier of equal seeds"],
    )
    def test_all_take_the_same(self, first: Candidate, second: Candidate) -> None:
        for order in permutations([first, second, Candidate("c" * 64, 99.0)]):
            assert winner(order) is first

    def test_of_none_it_is_none(self) -> None:
        assert winner([]) is None


class TestReading:
    def test_what_was_told_is_read(self) -> None:
        one = Candidate(A, 1_700_000_000_000.0, placeholder=True)
        assert read_candidate(one.to_json()) == one

    @pytest.mark.parametrize(
        "value",
        [
            None,
            [],
            "text",
            {},
            {"seed": A, "seeded_at": 1.0},
            {"seed": A, "seeded_at": 1.0, "placeholder": 0},
            {"seed": A, "seeded_at": "1", "placeholder": False},
            {"seed": A, "seeded_at": True, "placeholder": False},
            {"seed": A, "seeded_at": float("nan"), "placeholder": False},
            {"seed": A, "seeded_at": 1e300, "placeholder": False},
            {"seed": "", "seeded_at": 1.0, "placeholder": False},
            {"seed": A + "a", "seeded_at": 1.0, "placeholder": False},
            {"seed": "../" + A[3:], "seeded_at": 1.0, "placeholder": False},
            {"seed": 5, "seeded_at": 1.0, "placeholder": False},
        ],
    )
    def test_anything_else_is_no_candidate(self, value: object) -> None:
        assert read_candidate(value) is None
