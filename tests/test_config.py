from __future__ import annotations

from typing import Any

import pytest

from pyodide_rtc.config import (
    check_ice_servers,
    page_host,
    room_name,
    server_urls,
    topic_of,
)
from pyodide_rtc.errors import ConfigError
from pyodide_rtc.ports import PageFacts

PAGE = "https://example.org/lab/index.html"


def facts(href: str = PAGE, **config: object) -> PageFacts:
    return PageFacts(href, config)


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
        assert page_host(facts(href)) == host
        assert topic_of(host, "demo") == f"{host}/demo"

    def test_no_two_pairs_share_one(self) -> None:
        pairs = [("a", "b/c"), ("a", "b"), ("a:80", "b"), ("b", "a"), ("a", " b"), ("a", "")]

        assert len({topic_of(*pair) for pair in pairs}) == len(pairs)

    def test_the_room_is_taken_verbatim(self) -> None:
        assert topic_of("h", "vector-room-ø1 %20") == "h/vector-room-ø1 %20"


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
    def test_without_any_it_says_where_one_goes(self, query: str) -> None:
        with pytest.raises(ConfigError) as error:
            room_name(None, facts(PAGE + query, collaborative=True))

        assert "?room=NAME" in refusal(error)
        assert "join(" in refusal(error)

    @pytest.mark.parametrize("config", [{}, {"collaborative": False}, {"collaborative": "false"}])
    def test_the_address_needs_the_sites_consent(self, config: dict[str, object]) -> None:
        with pytest.raises(ConfigError) as error:
            room_name(None, facts(f"{PAGE}?room=demo", **config))

        assert "collaborative" in refusal(error)
        assert "jupyter-lite.json" in refusal(error)
        assert 'join("demo")' in refusal(error)


class TestServers:
    def test_the_argument_comes_first(self) -> None:
        page = facts(fullWebRtcSignalingUrls=["wss://site.example.org/"])

        assert server_urls(["wss://mine.example.org/"], page) == ["wss://mine.example.org/"]
        assert server_urls("wss://mine.example.org/", page) == ["wss://mine.example.org/"]

    def test_then_the_site(self) -> None:
        page = facts(fullWebRtcSignalingUrls=["wss://a.example.org/", "wss://b.example.org/"])

        assert server_urls(None, page) == ["wss://a.example.org/", "wss://b.example.org/"]

    @pytest.mark.parametrize(
        ("href", "url", "absolute"),
        [
            (PAGE, "./signaling", "wss://example.org/lab/signaling"),
            (PAGE, "/signaling", "wss://example.org/signaling"),
            ("http://localhost:8000/lab/", "../s?x=1", "ws://localhost:8000/s?x=1"),
            (PAGE, "ws://other.example.org:1/p", "ws://other.example.org:1/p"),
            (PAGE, "https://other.example.org/p", "wss://other.example.org/p"),
            (PAGE, " wss://other.example.org/ ", "wss://other.example.org/"),
            (PAGE, "wss://other.example.org/p#part", "wss://other.example.org/p"),
            (PAGE, "//other.example.org/p", "wss://other.example.org/p"),
        ],
    )
    def test_they_become_absolute(self, href: str, url: str, absolute: str) -> None:
        assert server_urls([url], facts(href)) == [absolute]

    def test_each_is_used_once(self) -> None:
        urls = ["/s", "https://example.org/s", "wss://example.org/s", "/t"]

        assert server_urls(urls, facts()) == ["wss://example.org/s", "wss://example.org/t"]

    def test_any_iterable_will_do(self) -> None:
        assert server_urls((u for u in ("/a", "/b")), facts()) == [
            "wss://example.org/a",
            "wss://example.org/b",
        ]

    def test_none_at_all_may_be_wished(self) -> None:
        assert server_urls([], facts(fullWebRtcSignalingUrls=["/s"])) == []

    def test_without_any_it_says_who_can_name_one(self) -> None:
        with pytest.raises(ConfigError) as error:
            server_urls(None, facts())

        assert "fullWebRtcSignalingUrls" in refusal(error)
        assert "join(signaling=" in refusal(error)

    @pytest.mark.parametrize("argument", [5, {"url": "wss://x"}, True])
    def test_what_is_no_list_is_refused(self, argument: Any) -> None:
        with pytest.raises(ConfigError) as error:
            server_urls(argument, facts())

        assert repr(argument) in refusal(error)

    @pytest.mark.parametrize("argument", [[5], [None], [""], ["  "], [["wss://x"]]])
    def test_what_is_no_text_is_refused(self, argument: Any) -> None:
        with pytest.raises(ConfigError) as error:
            server_urls(argument, facts())

        assert repr(argument[0]) in refusal(error)

    @pytest.mark.parametrize(
        "url",
        [
            "ftp://x.example.org/",
            "javascript:alert(1)",
            "file:///etc",
            "wss://",
            "mailto:a@b",
            "ws:",
        ],
    )
    def test_another_scheme_is_refused(self, url: str) -> None:
        with pytest.raises(ConfigError) as error:
            server_urls([url], facts())

        assert repr(url) in refusal(error)
        assert "wss://" in refusal(error)

    @pytest.mark.parametrize("url", ["wss://[::1", "wss://x.example.org:port/", "http://[bad]/"])
    def test_an_address_that_cannot_be_read_is_refused(self, url: str) -> None:
        with pytest.raises(ConfigError) as error:
            server_urls([url], facts())

        assert repr(url) in refusal(error)


class TestIceServers:
    def test_none_by_default(self) -> None:
        assert check_ice_servers(None) == ()

    def test_objects_with_urls_pass_as_they_are(self) -> None:
        servers = [{"urls": "turn:t.example.org", "username": "u", "credential": "c"}, {"urls": []}]

        assert check_ice_servers(servers) is servers

    @pytest.mark.parametrize("argument", ["stun:s", {"urls": "stun:s"}, 5, {1}])
    def test_what_is_no_list_is_refused(self, argument: object) -> None:
        with pytest.raises(ConfigError) as error:
            check_ice_servers(argument)

        assert "list" in refusal(error)

    @pytest.mark.parametrize("server", ["stun:s", {}, {"url": "stun:s"}, None])
    def test_an_entry_without_urls_is_refused(self, server: object) -> None:
        with pytest.raises(ConfigError) as error:
            check_ice_servers([{"urls": "stun:s"}, server])

        assert repr(server) in refusal(error)
