from __future__ import annotations

import pytest

from pyodide_rtc.protocol.sdp import session_of


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
