"""What a panel says of a room: facts in, JSON out."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from pyodide_rtc.panel.html import panel_html, panel_text
from pyodide_rtc.panel.model import (
    MAX_ROWS,
    DocumentFacts,
    Invitation,
    Panel,
    RoomFacts,
    room_panel,
)
from pyodide_rtc.people import Person
from pyodide_rtc.room_status import Server, Stored
from pyodide_rtc.snapshot import Peer, Transfer

URL = "wss://a.example/"
OPEN = Server(URL, "open", "")
FAILING = Server(URL, "waiting", "no answer", 3.0)
ME = Person("Ada", "#e12b2b", "A", True, "active", "", "me")
BOB = Person("Bob", "#1a7cb6", "B", False, "active", "", "p1")
PEER = Peer("p1", "Bob", "webrtc", True, True, is_relayed=False, round_trip_ms=12.4)
LINK = Invitation("demo", "https://e.org/lab/?room=demo", True, False)
ROOM = RoomFacts(
    "demo",
    "open",
    "1 peer is connected and synced.",
    (ME, BOB),
    (PEER,),
    (OPEN,),
    (DocumentFacts("", True, (PEER,), 12_345),),
    Stored("browser", "", 12_345, True),
    False,
    "",
    LINK,
    ("leave", "forget"),
)
EVIL = "</td><img src=x onerror=alert(1)>\"' <script>alert(1)</script>"


def shown(**facts: Any) -> Panel:
    return room_panel(replace(ROOM, **facts))


def other(**about: Any) -> Any:
    """The row of Bob, with another connection."""
    return shown(peers=(replace(PEER, **about),)).people[1]


def test_it_is_json() -> None:
    panel = room_panel(ROOM).as_json()

    assert json.loads(json.dumps(panel)) == {
        "room": "demo",
        "tone": "good",
        "sentence": "1 peer is connected and synced.",
        "notes": [],
        "people": [
            {
                "name": "Ada",
                "color": "#e12b2b",
                "initials": "A",
                "is_me": True,
                "state": "active",
                "about": "",
                "connection": "",
                "is_synced": True,
                "progress": [],
            },
            {
                "name": "Bob",
                "color": "#1a7cb6",
                "initials": "B",
                "is_me": False,
                "state": "active",
                "about": "",
                "connection": "synced · direct · 12 ms",
                "is_synced": True,
                "progress": [],
            },
        ],
        "documents": [
            {
                "name": "main document",
                "about": "in sync with Bob",
                "size": "12 kB",
                "state": "synced",
            }
        ],
        "kept": {"about": "This browser keeps it (12 kB), and all is saved.", "is_kept": True},
        "servers": [{"url": URL, "about": "reached", "is_reached": True}],
        "invitation": {
            "room": "demo",
            "link": "https://e.org/lab/?room=demo",
            "is_of_page": True,
            "has_password": False,
        },
        "actions": ["leave", "forget"],
    }


@pytest.mark.parametrize(
    ("about", "words"),
    [
        ({}, "synced · direct · 12 ms"),
        ({"is_relayed": True, "round_trip_ms": 183.6}, "synced · relayed · 180 ms"),
        ({"is_relayed": None, "round_trip_ms": None}, "synced"),
        ({"round_trip_ms": 0.0}, "synced · direct · < 1 ms"),
        ({"is_synced": False}, "syncing · direct · 12 ms"),
        ({"is_synced": False, "edits_wait": True}, "edits wait for them · direct · 12 ms"),
        ({"via": "tab", "round_trip_ms": None}, "synced · this browser"),
        ({"is_connected": False}, "connecting"),
    ],
)
def test_a_connection_in_words(about: dict[str, Any], words: str) -> None:
    assert other(**about).connection == words


def test_what_somebody_does_in_words() -> None:
    idle = replace(BOB, state="idle", looking_at="cell 3")
    assert shown(people=(ME, idle)).people[1].about == "idle, looks at cell 3"
    busy = shown(people=(ME, replace(BOB, state="busy")), peers=(replace(PEER, busy_s=42.0),))
    assert (busy.people[1].about, busy.people[1].state) == ("busy for 42 s", "busy")


def test_a_peer_without_a_name_is_listed_after_the_people() -> None:
    nameless = replace(PEER, peer_id="abcdef0123", name=None, is_asleep=True, busy_s=7.0)
    rows = shown(peers=(nameless, PEER)).people

    assert [row.name for row in rows] == ["Ada", "Bob", "peer abcdef01"]
    assert (rows[2].initials, rows[2].state, rows[2].about) == ("?", "away", "asleep for 7 s")
    person_without_peer = shown(peers=()).people[1]
    assert (person_without_peer.connection, person_without_peer.is_synced) == ("", True)


def test_a_transfer_has_its_share() -> None:
    half = (Transfer("receiving", 20_000_000, 40_000_000), Transfer("sending", 0, 0))
    row = other(transfers=half)

    assert [(one.words, one.share) for one in row.progress] == [
        ("receiving 20 of 40 MB", 0.5),
        ("sending 0 of 0 MB", 0.0),
    ]


@pytest.mark.parametrize(
    ("facts", "tone"),
    [
        ({}, "good"),
        ({"peers": (replace(PEER, is_synced=False),)}, "busy"),
        ({"peers": (replace(PEER, is_connected=False),)}, "busy"),
        ({"peers": ()}, "alone"),
        ({"peers": (), "servers": (FAILING,)}, "trouble"),
        ({"peers": (), "is_hindered": True}, "trouble"),
        ({"stage": "opening"}, "busy"),
        ({"stage": "left"}, "off"),
        ({"stage": "failed"}, "off"),
    ],
)
def test_what_kind_of_news_it_is(facts: dict[str, Any], tone: str) -> None:
    assert shown(**facts).tone == tone


def test_documents_in_words() -> None:
    behind = replace(PEER, is_synced=False)
    away = replace(PEER, is_connected=False)
    found = shown(
        documents=(
            DocumentFacts("", True, (), 0),
            DocumentFacts("a", True, (behind,), 2_345_678),
            DocumentFacts("b", True, (away,), 3),
            DocumentFacts("c", False, (PEER,), 0),
        )
    ).documents

    assert [(row.name, row.about, row.size, row.state) for row in found] == [
        ("main document", "nobody else has it open", "", "alone"),
        ("a", "syncing with Bob", "2.3 MB", "syncing"),
        ("b", "nobody else has it open", "1 kB", "alone"),
        ("c", "open at Bob, not here", "", "elsewhere"),
    ]


@pytest.mark.parametrize(
    ("stored", "about"),
    [
        (Stored("browser", "", 0, True), "This browser keeps it, and all is saved."),
        (
            Stored("browser", "it is full", 5000),
            "keeps it (5 kB), not all is saved yet: it is full.",
        ),
        (Stored("page", "no", 5000, True), "in the page's storage (5 kB), and all is saved: no."),
        (Stored("memory", "it is private"), "Nothing outlasts this kernel: it is private."),
        (Stored("nowhere", "store=False"), "Nothing is kept: store=False."),
        (Stored("opening"), "It is not known yet whether this browser keeps it."),
    ],
)
def test_what_is_kept_in_words(stored: Stored, about: str) -> None:
    kept = shown(stored=stored).kept
    assert kept is not None
    assert kept.about.endswith(about)
    assert kept.is_kept == (stored.where in ("browser", "page"))


def test_servers_in_words() -> None:
    trying = Server(URL, "connecting", "")
    rows = shown(servers=(OPEN, FAILING, trying)).servers

    assert rows is not None
    assert [row.about for row in rows] == ["reached", "not reached: no answer", "connecting"]


def test_what_does_not_apply_is_left_out() -> None:
    left = shown(stage="left", people=(), peers=(), invitation=None, actions=("rejoin",), fault="x")

    assert left == Panel("demo", "off", ROOM.why, actions=("rejoin",))


def test_the_last_fault_is_a_note() -> None:
    assert shown(fault="it broke").notes == ("What went wrong last: it broke",)


def test_it_is_bounded() -> None:
    """Whatever peers claim."""
    many = 5000
    peers = tuple(replace(PEER, peer_id=f"p{n}", name="x" * 9000) for n in range(many))
    documents = tuple(DocumentFacts("d" * 1000, False, peers, 0) for _ in range(many))
    panel = shown(peers=peers, documents=documents, servers=(FAILING,) * many, fault="y" * 400)

    assert panel.people[-1].name == f"and {many + 2 - MAX_ROWS} more"
    assert panel.documents[-1].name == f"and {many + 1 - MAX_ROWS} more"
    assert len(panel.people) == len(panel.documents) == len(panel.servers or ()) == MAX_ROWS
    assert len(json.dumps(panel.as_json())) < 250_000


def test_the_html_says_the_same_and_takes_nothing_for_html() -> None:
    evil = replace(BOB, name=EVIL, looking_at=EVIL)
    panel = shown(
        name=EVIL,
        why=EVIL,
        people=(ME, evil),
        documents=(DocumentFacts(EVIL, True, (replace(PEER, name=EVIL),), 0),),
        servers=(Server(EVIL, "waiting", EVIL),),
        stored=Stored("memory", EVIL),
        invitation=Invitation("demo", "https://e.org/?room=demo", True, True),
        fault=EVIL,
    )
    html = panel_html(panel, "Install it.")

    assert "<script" not in html
    assert "<img" not in html
    assert html.count("Install it.") == 1
    for words in ("Ada (you)", "synced · direct · 12 ms", "https://e.org/?room=demo, and the pass"):
        assert words in html


def test_the_text_says_the_same() -> None:
    lines = panel_text(room_panel(ROOM), "A hint.").splitlines()

    assert lines == [
        "Room demo: 1 peer is connected and synced.",
        "  person     Ada (you)",
        "  person     Bob, synced · direct · 12 ms",
        "  document   main document, 12 kB, in sync with Bob",
        "  kept       This browser keeps it (12 kB), and all is saved.",
        f"  server     {URL} reached",
        "  link       https://e.org/lab/?room=demo",
        "A hint.",
    ]
