from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pyodide_rtc.shared.text_edits import Edit, changed_characters, difference, rebased


def edited(text: str, edits: list[Edit]) -> str:
    for start, stop, new in reversed(edits):
        text = text[:start] + new + text[stop:]
    return text


def merged(base: str, mine: str, theirs: str) -> str:
    return edited(theirs, rebased(difference(base, mine), difference(base, theirs)))


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "expected"),
    [
        ("", "a", "XYZ", "XYZa"),
        ("ab", "ab1", "ab2", "ab21"),
        ("abc", "abXc", "Yabc", "YabXc"),
        ("abcdef", "af", "abcXdef", "aXf"),
        ("abcdef", "abcXdef", "af", "aXf"),
        ("abcdef", "aXf", "aYf", "aXYf"),
        ("abcdef", "abef", "abef", "abef"),
        ("abc", "abc", "xyz", "xyz"),
        ("abc", "xyz", "abc", "xyz"),
        ("one two", "one", "one two three", "one three"),
    ],
)
def test_edits_of_one_text_become_edits_of_another(
    base: str, mine: str, theirs: str, expected: str
) -> None:
    assert merged(base, mine, theirs) == expected


TEXT = st.text("ab", max_size=12)


@given(TEXT, TEXT)
def test_a_difference_makes_the_other_text(old: str, new: str) -> None:
    assert edited(old, difference(old, new)) == new
    assert (changed_characters(old, new) == 0) == (old == new)


@given(TEXT, TEXT)
def test_without_edits_of_others_edits_stay_as_they_are(base: str, mine: str) -> None:
    assert merged(base, mine, base) == mine
    assert merged(base, base, mine) == mine


@given(TEXT, st.text("x", max_size=3), st.text("y", max_size=3), st.data())
def test_what_both_insert_stays(base: str, mine: str, theirs: str, data: st.DataObject) -> None:
    here, there = (data.draw(st.integers(0, len(base))) for _ in range(2))
    one = base[:here] + mine + base[here:]
    other = base[:there] + theirs + base[there:]
    result = merged(base, one, other)

    assert result.replace("x", "").replace("y", "") == base
    assert result.count("x") == len(mine)
    assert result.count("y") == len(theirs)


@given(TEXT, TEXT, TEXT)
def test_edits_are_in_order_and_within_the_text(base: str, mine: str, theirs: str) -> None:
    edits = rebased(difference(base, mine), difference(base, theirs))
    positions = [position for start, stop, _ in edits for position in (start, stop)]
    assert positions == sorted(positions)
    assert all(0 <= position <= len(theirs) for position in positions)
