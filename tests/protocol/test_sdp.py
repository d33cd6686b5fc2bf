from __future__ import annotations

import pytest

from pyodide_rtc.protocol.connections.sdp import (
    candidates_of,
    new_candidates,
    same_but_candidates,
    session_of,
)


@pytest.mark.parametrize(
    ("sdp", "session"),
    [
        ("v=0\r\no=- 8523 2 IN IP4 127.0.0.1\r\ns=-\r\n", "8523"),
        ("v=0\no=mozilla...THIS_IS_SDPARTA-99.0 46117 0 IN IP4 0.0.0.0\n", "46117"),
        ("v=0\r\ns=-\r\n", None),
        ("o=-\r\n", None),
        ("", None),
    ],
)
def test_the_session_stands_in_the_origin_line(sdp: str, session: str | None) -> None:
    assert session_of(sdp) == session


OFFER = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\nm=application 9 UDP/DTLS/SCTP webrtc-datachannel\r\n"
FIRST = OFFER + "a=candidate:1 1 udp 5 a.local 4000 typ host\r\na=mid:0\r\n"
SECOND = FIRST + "a=candidate:2 1 udp 4 b.local 4001 typ host\r\n"


def test_candidates_are_given_as_the_browser_gives_them() -> None:
    assert candidates_of(OFFER) == []
    assert candidates_of(SECOND) == [
        "candidate:1 1 udp 5 a.local 4000 typ host",
        "candidate:2 1 udp 4 b.local 4001 typ host",
    ]
    assert new_candidates(SECOND, FIRST) == ["candidate:2 1 udp 4 b.local 4001 typ host"]
    assert new_candidates(FIRST, SECOND) == []


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (OFFER, SECOND, True),
        (OFFER, OFFER.replace("- 1 2", "- 1 3"), False),
        (OFFER, OFFER.replace("- 1 2", "- 2 2"), False),
        ("v=0", "v=0", True),
        ("v=0", "v=1", False),
        ("", "", True),
    ],
)
def test_the_origin_line_tells_descriptions_apart(one: str, other: str, is_same: bool) -> None:
    assert same_but_candidates(one, other) is is_same
