from __future__ import annotations

from pyodide_rtc.peer_names import PeerNames


def known(**shown: str) -> PeerNames:
    names = PeerNames()
    names.learn(shown)
    return names


def test_a_name_that_comes_after_its_peer_is_told() -> None:
    names = PeerNames()
    assert names.meet("a") is None
    assert names.learn({"a": "Ada"}) == [("a", "", "Ada")]
    assert names.meet("a") == "Ada"
    assert names.learn({"a": "Ada"}) == []


def test_who_was_not_met_is_known_in_silence() -> None:
    names = PeerNames()
    assert names.learn({"a": "Ada"}) == []
    assert names.meet("a") == "Ada"


def test_a_name_outlasts_what_shows_it() -> None:
    names = known(a="Ada")
    names.learn({})
    assert names.meet("a") == "Ada"
    names.forget("a")
    names.forget("a")
    assert names.meet("a") is None


def test_a_name_is_taken_over_once_its_peer_has_left() -> None:
    names = known(a="Ada", b="Ada (2)", c="Ada (3)")
    left = {"b": "Ada", "c": "Ada (2)"}
    assert names.learn(left) == []
    assert names.meet("b") == "Ada (2)"
    names.forget("a")
    assert names.learn(left) == [("b", "Ada (2)", "Ada"), ("c", "Ada (3)", "Ada (2)")]


def test_who_gives_a_name_away_is_told_first() -> None:
    names = known(a="Ada")
    names.meet("b")
    assert names.learn({"b": "Ada", "a": "Ada (2)"}) == [("a", "Ada", "Ada (2)"), ("b", "", "Ada")]


def test_two_may_change_names() -> None:
    names = known(a="Ada", b="Bob")
    assert names.learn({"a": "Bob", "b": "Ada"}) == [("a", "Ada", "Bob"), ("b", "Bob", "Ada")]
