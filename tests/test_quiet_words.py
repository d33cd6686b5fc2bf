"""What a room says of peers that do not answer."""

from __future__ import annotations

from typing import Any

import pytest
from test_room_repr import CONTROL, EVIL

from pyodide_rtc import causes
from pyodide_rtc.snapshot import Peer, Snapshot


def peer(name: str | None = "Ada", **facts: Any) -> Peer:
    usual = {"peer_id": "7f3a90c2", "via": "webrtc", "is_connected": True, "is_synced": True}
    return Peer(**(usual | {"name": name} | facts))


def said_of(*peers: Peer) -> str:
    return causes.sentence(causes.Facts("open", Snapshot("me", peers)))


BOB = peer("Bob")
BUSY = peer(busy_s=40.3)
AWAITED = peer(busy_s=40.3, edits_wait=True, is_synced=False)
TAKING = peer(edits_wait=True, is_synced=False)

COMPANIES = [
    ((BUSY,), "1 peer is connected and synced (Ada: busy for 40 s)."),
    (
        (peer(busy_s=99.6, is_asleep=True),),
        "1 peer is connected and synced (Ada: asleep for 2 min).",
    ),
    (
        (peer(None, busy_s=7.0), BOB),
        "2 peers are connected and synced (peer 7f3a90c2: busy for 7 s).",
    ),
    ((AWAITED,), "1 peer is connected, 0 synced: edits wait for Ada (busy for 40 s)."),
    ((AWAITED, BOB), "2 peers are connected, 1 synced: edits wait for Ada (busy for 40 s)."),
    ((TAKING,), "1 peer is connected, 0 synced: edits wait for Ada."),
    (
        (AWAITED,) * 5,
        "5 peers are connected, 0 synced: edits wait for Ada (busy for 40 s), Ada (busy for 40 s), "
        "Ada (busy for 40 s), 2 more.",
    ),
]


@pytest.mark.parametrize(("peers", "sentence"), COMPANIES)
def test_the_sentence_of_a_room_names_who_does_not_answer(
    peers: tuple[Peer, ...], sentence: str
) -> None:
    assert said_of(*peers) == sentence


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (BUSY, "Ada: busy for 40 s, synced by WebRTC"),
        (AWAITED, "Ada: busy for 40 s, connected by WebRTC, edits wait for it"),
        (TAKING, "Ada: connected by WebRTC, edits wait for it"),
        (peer(busy_s=600.0, is_asleep=True), "Ada: asleep for 10 min, synced by WebRTC"),
    ],
)
def test_so_does_its_own_line(shown: Peer, words: str) -> None:
    assert repr(shown) == f"<Peer {words}>"


@pytest.mark.parametrize("text", [EVIL, CONTROL, "x" * 100_000])
@pytest.mark.parametrize("edits_wait", [False, True])
def test_a_name_stays_in_the_sentence(text: str, edits_wait: bool) -> None:
    told = said_of(peer(text, busy_s=9.0, edits_wait=edits_wait))
    assert told.isprintable()
    assert len(told) < 200
