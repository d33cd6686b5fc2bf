"""Whatever others say is text: no place of a room's HTML takes it for anything else."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from types import SimpleNamespace
from typing import Any, cast

import pytest

from pyodide_rtc import causes, room_repr
from pyodide_rtc.awareness import AwarenessEvent
from pyodide_rtc.causes import Facts
from pyodide_rtc.document import DocumentStatus
from pyodide_rtc.errors import (
    DecodeError,
    IceFailedError,
    NegotiationError,
    PeerLimitError,
    RemoteProtocolError,
    SignalingClosedError,
)
from pyodide_rtc.faults import Faults
from pyodide_rtc.room import Room
from pyodide_rtc.room_status import RoomEvent, RoomStatus, Server, Stored
from pyodide_rtc.snapshot import Obstacle, Peer, Snapshot, Transfer

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
        "stage": "open",
        "error": None,
        "peers": (),
        "servers": (),
        "obstacle": None,
        "faults": Faults(),
        "stored": Stored("browser", "", 12_345, True),
    }
    known = usual | facts
    snapshot = Snapshot("me", known["peers"], known["servers"], obstacle=known.pop("obstacle"))
    why = causes.sentence(Facts(known["stage"], snapshot, known["error"]))
    return cast(Room, SimpleNamespace(**known, why=why))


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
        "why the room failed": room(stage="failed", error=SignalingClosedError("wss://a", text)),
        "a peer's fault": room(faults=Faults([(NegotiationError(text, text), 1)], "14:05:09")),
        "a lost path": room(
            obstacle=Obstacle.NO_PATH, faults=Faults([(IceFailedError(text, text), 1)], "14:05:09")
        ),
        "garbage": room(
            faults=Faults([(DecodeError("a number", 0, text.encode(), text), 1)], "14:05:09")
        ),
        "a broken rule": room(faults=Faults([(RemoteProtocolError(text, text), 1)], "14:05:09")),
        "why it is not kept": room(stored=Stored("memory", text)),
        "a limit": room(faults=Faults([(PeerLimitError(text, 2, 1, text), 1)], "14:05:09")),
    }


@pytest.mark.parametrize("place", places(""))
def test_nothing_is_taken_for_html(place: str) -> None:
    read = Tags()
    read.feed(room_repr.as_html(places(EVIL)[place], ""))

    assert read.tags <= PLAIN
    assert "<" in read.text, "it is shown, as text"


@pytest.mark.parametrize("place", places(""))
def test_nothing_forges_lines_or_moves_a_terminals_cursor(place: str) -> None:
    text = room_repr.as_text(places(CONTROL)[place], "")

    assert all(line.isprintable() for line in text.split("\n"))
    assert not any(line.startswith("  server     wss://evil") for line in text.split("\n"))


@pytest.mark.parametrize("place", places(""))
def test_nothing_fills_the_page(place: str) -> None:
    long = places("x" * 1_000_000)[place]

    assert len(room_repr.as_text(long, "")) < 2_000
    assert len(room_repr.as_html(long, "")) < 4_000


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
    assert f"kept       {words}" in room_repr.as_text(room(stored=stored), "")


EVENTS = [
    (RoomEvent("opened"), "<the room is open>"),
    (RoomEvent("peer-joined", "p" * 36), "<peer pppppppp is connected>"),
    (RoomEvent("peer-named", "p" * 36, name="Bob"), "<peer pppppppp is Bob>"),
    (RoomEvent("peer-named", "p" * 36, "Bob", name="Cy"), "<Bob is Cy>"),
    (RoomEvent("peer-synced", "p", name="Bob", document="b"), "<Bob is synced in 'b'>"),
    (RoomEvent("peer-changed", "p", "no network path", name="Bob"), "<Bob: no network path>"),
    (RoomEvent("peer-changed", "p", name="Bob"), "<Bob is further behind or ahead, or less>"),
    (
        RoomEvent("peer-left", "p", "the tab left the room", name="Bob"),
        "<Bob left: the tab left the room>",
    ),
    (RoomEvent("person-joined", "p", name="Bob"), "<Bob has come>"),
    (RoomEvent("person-left", "p", name="Bob"), "<Bob has gone>"),
    (RoomEvent("document-opened", "p", name="Bob", document="b"), "<Bob opened 'b'>"),
    (RoomEvent("document-closed", "p", name="Bob", document="b"), "<Bob closed 'b'>"),
    (RoomEvent("exposed", "p", "grade()", name="Bob"), "<Bob has exposed grade()>"),
    (RoomEvent("call", "p", "grade(42)", name="Bob"), "<Bob calls grade(42)>"),
    (RoomEvent("baton", reason="baton 'run': free"), "<baton 'run': free>"),
    (RoomEvent("progress", "p", "sending 1 of 2 MB", name="Bob"), "<Bob: sending 1 of 2 MB>"),
    (RoomEvent("server-open", reason="wss://a/"), "<server wss://a/ is reached>"),
    (
        RoomEvent(
            "server-changed", reason="wss://a/", server=Server("wss://a/", "waiting", "no", 2.0)
        ),
        "<server wss://a/ waiting 2 s for the next attempt, no>",
    ),
    (RoomEvent("loaded"), "<what is kept is here>"),
    (RoomEvent("saved-again", document="b"), "<all is saved again in 'b'>"),
    (RoomEvent("fault", reason="it broke (2 times)"), "<fault: it broke (2 times)>"),
    (RoomEvent("left", reason="room 'x' is closed"), "<room 'x' is closed>"),
    (
        AwarenessEvent("b", (1, 2), (), (3,), {1: "Bob"}),
        "<Bob, client 2 came; client 3 went in 'b'>",
    ),
    (AwarenessEvent("", (), (1, 2, 3, 4, 5), ()), "<client 1, client 2, client 3, 2 more changed>"),
]


@pytest.mark.parametrize(("event", "line"), EVENTS)
def test_an_event_is_a_line(event: object, line: str) -> None:
    assert repr(event) == str(event) == line


def test_each_kind_of_event_is_among_them() -> None:
    kinds = set(re.findall(r'`"([\w-]+)"`', (RoomEvent.__doc__ or "").split("peer_id:")[0]))
    assert {event.kind for event, _ in EVENTS if isinstance(event, RoomEvent)} == kinds


@pytest.mark.parametrize("text", [EVIL, CONTROL, "x" * 100_000])
def test_what_peers_say_stays_in_the_line(text: str) -> None:
    told = [
        RoomEvent("peer-joined", text, name=text),
        RoomEvent("document-opened", text, name=text, document=text),
        RoomEvent("peer-left", text, text, name=text),
        RoomEvent("fault", reason=text),
        peer(name=text),
        Server(text, "open", text),
        Stored("memory", text),
        DocumentStatus(text, True, (peer(name=text),)),
    ]
    assert all(repr(each).isprintable() and len(repr(each)) < 1_000 for each in told)


def test_what_is_shown_of_a_moment_is_read_by_people() -> None:
    bob = peer(name="Bob", behind=3, transfers=(Transfer("sending", 1_000_000, 2_000_000),))
    server = Server("wss://a/", "open", "")
    status = RoomStatus("open", (server,), (bob,), True, "1 peer is connected and synced.")
    shown = "Bob: synced by WebRTC, 3 changes behind us, sending 1 of 2 MB"

    assert repr(status).splitlines() == [
        "open: 1 peer is connected and synced.",
        f"  peer       {shown}",
        "  server     wss://a/ open",
    ]
    assert repr((bob,)) == f"(<Peer {shown}>,)"
    assert repr(bob.transfers) == "(<Transfer: sending 1 of 2 MB>,)"
    assert repr(server) == "<Server wss://a/ open>"
    assert repr(Stored("browser", "", 12_345)) == "<Stored: in this browser, 12 kB>"
    assert repr(DocumentStatus("b", False, (bob,))) == "<Document 'b', open at Bob; not open here>"
