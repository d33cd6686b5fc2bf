"""A room's name, which of the four cases is at hand, and the topic."""

from __future__ import annotations

from typing import Any

import pytest

from pyodide_rtc.errors import ConfigError
from pyodide_rtc.naming import name_in, remembered_name, room_name, topic_of
from pyodide_rtc.ports import PageFacts

PAGE = "https://example.org/lab/index.html"


def facts(href: str = PAGE, remembered: str | None = None, **config: object) -> PageFacts:
    return PageFacts(href, config, remembered_room=remembered)


def refusal(error: pytest.ExceptionInfo[ConfigError]) -> str:
    """The sentence, which has to say what is wrong and what to do."""
    assert error.value.problem
    assert error.value.remedy.endswith(".")
    return str(error.value)


class TestTopic:
    @pytest.mark.parametrize(
        ("href", "host"),
        [
            ("https://example.org/lab?room=x", "example.org"),
            ("http://localhost:8000/lab/", "localhost:8000"),
            ("http://[::1]:8000/", "[::1]:8000"),
            ("https://example.org", "example.org"),
        ],
    )
    def test_it_groups_by_host_with_port(self, href: str, host: str) -> None:
        assert topic_of(facts(href), "demo") == f"{host}/demo"

    def test_no_two_pairs_share_one(self) -> None:
        pairs = [("a", "b/c"), ("a", "b"), ("a:80", "b"), ("b", "a"), ("a", " b"), ("a", "")]

        topics = {topic_of(facts(f"https://{host}/lab/"), room) for host, room in pairs}
        assert len(topics) == len(pairs)

    def test_the_room_is_taken_verbatim(self) -> None:
        assert topic_of(facts("https://h/"), "vector-room-ø1 %20") == "h/vector-room-ø1 %20"

    @pytest.mark.parametrize("room", ["demo", "a/b", " ø "])
    def test_the_name_is_in_it(self, room: str) -> None:
        assert name_in(topic_of(facts("https://h:8000/lab/"), room)) == room


class TestRoomName:
    def test_the_argument_comes_first_and_asks_no_site(self) -> None:
        assert room_name("mine", facts(f"{PAGE}?room=page")) == "mine"

    @pytest.mark.parametrize("collaborative", [True, "true"])
    def test_then_the_address(self, collaborative: object) -> None:
        page = facts(f"{PAGE}?x=1&room=physics%20101#top", collaborative=collaborative)

        assert room_name(None, page) == "physics 101"

    @pytest.mark.parametrize("argument", ["", "  ", 5, b"demo"])
    def test_an_argument_that_is_no_name_is_refused(self, argument: Any) -> None:
        with pytest.raises(ConfigError) as error:
            room_name(argument, facts(f"{PAGE}?room=page", collaborative=True))

        assert repr(argument) in refusal(error)
        assert 'join("physics-101")' in refusal(error)

    @pytest.mark.parametrize("query", ["", "?", "?room=", "?room=%20", "?rooms=x", "#room=x"])
    @pytest.mark.parametrize("collaborative", [True, "true"])
    def test_of_the_two_only_the_room_is_missing(self, query: str, collaborative: object) -> None:
        with pytest.raises(ConfigError) as error:
            room_name(None, facts(PAGE + query, collaborative=collaborative))

        assert error.value.problem == "No room is named"
        assert "?room=NAME" in error.value.remedy
        assert 'join("NAME")' in error.value.remedy
        assert "jupyter-lite.json" not in refusal(error), "nothing is wrong with the site"

    @pytest.mark.parametrize(
        ("config", "told"),
        [
            ({}, "it is not set"),
            ({"collaborative": False}, "it is False"),
            ({"collaborative": "false"}, "it is 'false'"),
            ({"collaborative": 1}, "it is 1"),
        ],
    )
    def test_of_the_two_only_the_sites_consent_is_missing(
        self, config: dict[str, object], told: str
    ) -> None:
        with pytest.raises(ConfigError) as error:
            room_name(None, facts(f"{PAGE}?room=demo", **config))

        assert "'demo'" in error.value.problem
        assert told in error.value.problem
        assert '{"collaborative": true}' in error.value.remedy
        assert "jupyter-lite.json" in error.value.remedy
        assert 'join("demo")' in error.value.remedy
        assert "?room=" not in refusal(error), "the address is right"

    def test_both_are_missing(self) -> None:
        with pytest.raises(ConfigError) as error:
            room_name(None, facts())

        assert error.value.problem.startswith("No room is named, and this site")
        assert "?room=NAME" in error.value.remedy
        assert '{"collaborative": true}' in error.value.remedy
        assert 'join("NAME")' in error.value.remedy


class TestRememberedRoom:
    def test_it_is_what_the_address_lacks(self) -> None:
        page = facts(remembered="physics%20101+a", collaborative=True)

        assert remembered_name(page) == "physics 101 a"
        assert room_name(None, page) == "physics 101 a"

    def test_the_address_and_an_argument_come_before_it(self) -> None:
        page = facts(f"{PAGE}?room=new", "old", collaborative=True)

        assert room_name(None, page) == "new"
        assert room_name("mine", page) == "mine"

    def test_it_needs_the_sites_consent_as_well(self) -> None:
        with pytest.raises(ConfigError, match=r"'walk' is named, but .*collaborative"):
            room_name(None, facts(remembered="walk"))

    @pytest.mark.parametrize("remembered", [None, "", "%20"])
    def test_an_empty_one_is_none(self, remembered: str | None) -> None:
        with pytest.raises(ConfigError, match="No room is named"):
            room_name(None, facts(remembered=remembered, collaborative=True))
