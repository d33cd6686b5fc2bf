from __future__ import annotations

import json
from typing import Any

import pytest

from pyodide_rtc.config import check_ice_servers, ice_servers, server_urls
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
            ("http://a.example.org/", "ws://b.example.org:1/p", "ws://b.example.org:1/p"),
            ("http://a.example.org/", "http://b.example.org/p", "ws://b.example.org/p"),
            (PAGE, "wss://other.example.org:1/p", "wss://other.example.org:1/p"),
            (PAGE, "https://other.example.org/p", "wss://other.example.org/p"),
            (PAGE, " wss://other.example.org/ ", "wss://other.example.org/"),
            (PAGE, "wss://other.example.org/p#part", "wss://other.example.org/p"),
            (PAGE, "//other.example.org/p", "wss://other.example.org/p"),
        ],
    )
    def test_they_become_absolute(self, href: str, url: str, absolute: str) -> None:
        assert server_urls([url], facts(href)) == [absolute]

    @pytest.mark.parametrize(
        "value", ["./signaling", ["/sub/signaling"], '["./signaling"]', ' ["/sub/signaling"]']
    )
    def test_the_sites_are_relative_to_the_site_whatever_pageconfig_did(self, value: Any) -> None:
        page = facts(
            "https://example.org/sub/notebooks/index.html?room=x",
            baseUrl="/sub/",
            fullWebRtcSignalingUrls=value,
        )

        assert server_urls(None, page) == ["wss://example.org/sub/signaling"]

    @pytest.mark.parametrize("value", ['["wss://a.example.org/"', "[wss://a.example.org/]", "{"])
    def test_a_broken_text_of_the_site_is_told(self, value: str) -> None:
        with pytest.raises(ConfigError) as error:
            server_urls(None, facts(fullWebRtcSignalingUrls=value))

        assert "fullWebRtcSignalingUrls" in refusal(error)

    @pytest.mark.parametrize("value", ['{"url": "wss://a.example.org/"}', '[["wss://x"]]'])
    def test_a_text_of_something_else_is_refused(self, value: str) -> None:
        with pytest.raises(ConfigError, match="wss:"):
            server_urls(None, facts(fullWebRtcSignalingUrls=value))

    def test_one_bad_address_refuses_the_list(self) -> None:
        with pytest.raises(ConfigError, match="'ftp://x'"):
            server_urls(["wss://good.example.org/", "ftp://x"], facts())

    @pytest.mark.parametrize(
        "url", ["ws://b.example.org/", "http://b.example.org/", "ws://10.0.0.1/"]
    )
    def test_mixed_content_is_told(self, url: str) -> None:
        with pytest.raises(ConfigError) as error:
            server_urls(["wss://good.example.org/", url], facts())

        assert repr(url) in refusal(error)
        assert "https" in error.value.problem
        assert "wss://" in error.value.remedy
        assert server_urls([url], facts("http://example.org/")), "no fault of a page by http"

    @pytest.mark.parametrize(
        "host",
        ["localhost", "127.0.0.1", "127.1.2.3", "[::1]", "signaling.localhost", "localhost."],
    )
    def test_what_stays_on_the_machine_needs_no_encryption(self, host: str) -> None:
        assert server_urls([f"http://{host}:4444/s"], facts()) == [f"ws://{host}:4444/s"]

    @pytest.mark.parametrize("host", ["localhost.example.org", "127.0.0.1.example.org", "[::2]"])
    def test_what_only_looks_so_does(self, host: str) -> None:
        with pytest.raises(ConfigError, match="not encrypted"):
            server_urls([f"ws://{host}/"], facts())

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


STUN = {"urls": "stun:s.example.org"}
TURN = {"urls": ["turn:t.example.org", "turns:t.example.org"], "username": "u", "credential": "c"}


class TestIceServers:
    def test_none_by_default(self) -> None:
        assert ice_servers(None, facts()) == ()

    @pytest.mark.parametrize("value", [[STUN, TURN], json.dumps([STUN, TURN])])
    def test_the_sites_are_used(self, value: object) -> None:
        assert ice_servers(None, facts(webRtcIceServers=value)) == [STUN, TURN]

    @pytest.mark.parametrize("argument", [[STUN], []])
    def test_an_argument_overrides_them(self, argument: list[object]) -> None:
        assert ice_servers(argument, facts(webRtcIceServers=[TURN])) == argument

    def test_those_of_the_site_are_checked_as_well(self) -> None:
        with pytest.raises(ConfigError, match="no ICE server"):
            ice_servers(None, facts(webRtcIceServers=["stun:s"]))

    def test_what_is_right_passes_as_it_is(self) -> None:
        servers = [STUN, TURN]

        assert check_ice_servers(servers) is servers

    @pytest.mark.parametrize("argument", ["stun:s", STUN, 5, {1}])
    def test_what_is_no_list_is_refused(self, argument: object) -> None:
        with pytest.raises(ConfigError) as error:
            check_ice_servers(argument)

        assert "list" in refusal(error)

    @pytest.mark.parametrize(
        "server",
        [
            "stun:s",
            {},
            {"url": "stun:s"},
            None,
            {"urls": []},
            {"urls": ["stun:s", 5]},
            {"urls": ""},
            {"urls": "wss://s"},
            {"urls": 5},
        ],
    )
    def test_an_entry_without_addresses_is_refused(self, server: object) -> None:
        with pytest.raises(ConfigError) as error:
            check_ice_servers([STUN, server])

        assert repr(server) in refusal(error)

    @pytest.mark.parametrize("missing", ["username", "credential"])
    def test_turn_without_login_is_refused_as_browsers_do(self, missing: str) -> None:
        with pytest.raises(ConfigError) as error:
            check_ice_servers([{key: value for key, value in TURN.items() if key != missing}])

        assert "turn:t.example.org" in refusal(error)
        assert "credential" in error.value.remedy

    def test_no_refusal_tells_a_credential(self) -> None:
        with pytest.raises(ConfigError) as error:
            check_ice_servers([{"urls": "http://t", "username": "u", "credential": "secret"}])

        assert "secret" not in refusal(error)
