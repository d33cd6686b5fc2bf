from __future__ import annotations

import pytest

from pyodide_rtc.protocol.document.shown_names import shown_names


@pytest.mark.parametrize(
    ("names", "shown"),
    [
        ([], []),
        (["Ada", "Bob"], ["Ada", "Bob"]),
        (["Ada", "Ada"], ["Ada", "Ada (2)"]),
        (["Ada", "Bob", "Ada", "Ada"], ["Ada", "Bob", "Ada (2)", "Ada (3)"]),
        (["Ada", "Ada", "Ada (2)"], ["Ada", "Ada (3)", "Ada (2)"]),
        (["Ada (2)", "Ada (2)"], ["Ada (2)", "Ada (2) (2)"]),
    ],
)
def test_two_of_one_name_are_told_apart(names: list[str], shown: list[str]) -> None:
    states = {client: {"user": {"name": name}} for client, name in enumerate(names)}
    assert [*shown_names(states).values()] == shown
    assert shown_names(dict(reversed(states.items()))) == dict(enumerate(shown))


@pytest.mark.parametrize("state", [{}, {"user": "Ada"}, {"user": {}}, {"user": {"name": 7}}])
def test_who_shows_no_name_has_none(state: dict[str, object]) -> None:
    assert shown_names({1: state, 2: {"user": {"name": "Ada"}}}) == {2: "Ada"}
