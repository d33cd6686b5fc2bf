"""Whatever others say is text: no place of a room's HTML takes it for anything else."""

from __future__ import annotations

from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pyodide_rtc import room_repr
from pyodide_rtc.errors import (
    DecodeError,
    IceFailedError,
    NegotiationError,
    PeerLimitError,
    RemoteProtocolError,
    SignalingClosedError,
)
from pyodide_rtc.room import Room
from pyodide_rtc.room_status import Server, Stored
from pyodide_rtc.snapshot import Peer, Transfer

EVIL = "</td><img src=x onerror=alert(1)>\"' style='x:url(//e)' <script>alert(1)</script>&lt;b&gt;"
CONTROL = "\x1b[2J\r\n  server     wss://evil.example.org/ open\u202e\x07"


class Tags(HTMLParser):
    """What a browser would make of it."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[tuple[str, tuple[tuple[str, str | None], ...]]] = set()
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add((tag, tuple(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


PLAIN = {
    ("div", ()),
    ("b", ()),
    ("table", ()),
    ("tr", ()),
    ("th", (("style", "text-align:left"),)),
    ("td", (("style", "text-align:left"),)),
}


def room(**facts: Any) -> Room:
    """A room that is open, and about which these facts are different."""
    usual: dict[str, Any] = {
        "name": "demo",
        "topic": "example.org/demo",
        "state": "open",
        "error": None,
        "peers": (),
        "servers": (),
        "ice_failure": None,
        "has_strangers": False,
        "faults": (),
        "stored": Stored("browser", "", 12_345, True),
    }
    return cast(Room, SimpleNamespace(**(usual | facts)))


def peer(**facts: Any) -> Peer:
    usual = {"name": None, "via": "webrtc", "is_connected": True, "is_synced": True}
    return Peer(**({"peer_id": "p" * 36} | usual | facts))


def places(text: str) -> dict[str, Room]:
    """Every place where text from outside comes into a room's words."""
    return {
        "the name of a peer": room(peers=(peer(name=text),)),
        "the id of a peer": room(peers=(peer(peer_id=text[:8]), peer(peer_id=text[20:]))),
        "a peer with a transfer": room(
            peers=(peer(name=text, transfers=(Transfer("receiving", 1, 2_000_000),)),)
        ),
        "the room's name": room(name=text),
        "the topic": room(topic=text),
        "a server's address": room(servers=(Server(f"wss://{text}", "open", ""),)),
        "a server's reason": room(servers=(Server("wss://a", "waiting", text, 1.0),)),
        "why the room failed": room(state="failed", error=SignalingClosedError("wss://a", text)),
        "a peer's fault": room(faults=(NegotiationError(text, text),)),
        "a lost path": room(ice_failure=IceFailedError(text, text), faults=(ValueError(text),)),
        "garbage": room(faults=(DecodeError("a number", 0, text.encode(), text),)),
        "a broken rule": room(faults=(RemoteProtocolError(text, text),)),
        "why it is not kept": room(stored=Stored("memory", text)),
        "a limit": room(faults=(PeerLimitError(text, 2, 1, text),)),
    }


@pytest.mark.parametrize("place", places(""))
def test_nothing_is_taken_for_html(place: str) -> None:
    read = Tags()
    read.feed(room_repr.as_html(places(EVIL)[place]))

    assert read.tags <= PLAIN
    assert "<" in read.text, "it is shown, as text"


@pytest.mark.parametrize("place", places(""))
def test_nothing_forges_lines_or_moves_a_terminals_cursor(place: str) -> None:
    text = room_repr.as_text(places(CONTROL)[place])

    assert all(line.isprintable() for line in text.split("\n"))
    assert not any(line.startswith("  server     wss://evil") for line in text.split("\n"))


@pytest.mark.parametrize("place", places(""))
def test_nothing_fills_the_page(place: str) -> None:
    long = places("x" * 1_000_000)[place]

    assert len(room_repr.as_text(long)) < 2_000
    assert len(room_repr.as_html(long)) < 4_000


@pytest.mark.parametrize(
    ("stored", "words"),
    [
        (Stored("browser", "", 12_345, True), "in this browser, 12 kB"),
        (Stored("browser", "", 0, True), "in this browser"),
        (Stored("browser", "no room", 12, False), "in this browser, 1 kB: no room"),
        (Stored("page", "the database is refused"), "in this page's localStorage: the database"),
        (Stored("memory", "all is refused"), "not beyond this kernel: all is refused"),
        (Stored("nowhere", "as wished"), "not: as wished"),
        (Stored("opening"), "not known yet"),
    ],
)
def test_what_is_kept_is_said(stored: Stored, words: str) -> None:
    assert f"kept       {words}" in room_repr.as_text(room(stored=stored))
