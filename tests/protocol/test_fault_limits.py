from __future__ import annotations

from pyodide_rtc.errors import (
    DecodeError,
    InternalError,
    MessageTooBigError,
    PeerClosedError,
    PeerLimitError,
    RemoteProtocolError,
    RtcError,
)
from pyodide_rtc.protocol.effects import AskCheck, Effect, Report
from pyodide_rtc.protocol.events import MAIN
from pyodide_rtc.protocol.fault_limits import INTERVAL_S, MAX_KINDS, FaultLimits


def told(limits: FaultLimits, error: RtcError, now_s: float) -> int | None:
    """How many there were, if it is told."""
    counts = [e.count for e in limits.sift([Report(error)], now_s) if isinstance(e, Report)]
    return counts[0] if counts else None


def test_the_first_is_told_at_once_and_the_next_after_a_minute_with_their_count() -> None:
    limits = FaultLimits()

    assert told(limits, DecodeError("a number", peer_id="a"), 0.0) == 1
    for i in range(100):
        assert told(limits, DecodeError("a number", peer_id="a"), i / 10) is None
    assert told(limits, DecodeError("a number", peer_id="a"), INTERVAL_S) == 101
    assert told(limits, DecodeError("a number", peer_id="a"), INTERVAL_S + 1) is None
    assert told(limits, DecodeError("a number", peer_id="a"), 2 * INTERVAL_S) == 2


def test_peers_and_kinds_are_told_apart() -> None:
    limits = FaultLimits()
    for error in (
        DecodeError("a number", peer_id="a"),
        DecodeError("a number", peer_id="b"),
        DecodeError("a number"),
        RemoteProtocolError("what?", "a"),
        PeerLimitError("bytes", 2, 1, "a"),
        PeerLimitError("clients", 2, 1, "a"),
        InternalError("taking a change of a peer", "a panic"),
    ):
        assert told(limits, error, 0.0) == 1
        assert told(limits, error, 0.0) is None


def test_made_up_peers_count_as_one_when_they_are_too_many() -> None:
    limits = FaultLimits()
    counts = [told(limits, DecodeError("x", peer_id=str(i)), 0.0) for i in range(10 * MAX_KINDS)]

    assert counts.count(1) == MAX_KINDS + 1
    assert told(limits, DecodeError("x", peer_id="0"), 0.0) is None
    assert told(limits, DecodeError("x", peer_id="new"), INTERVAL_S) == 1
    assert told(limits, DecodeError("x", peer_id="0"), INTERVAL_S) == 1


def test_our_own_faults_and_peers_that_go_are_told_each_time() -> None:
    limits = FaultLimits()
    for error in (MessageTooBigError(2, 1, "out", "a"), PeerClosedError("a", "it has gone")):
        assert told(limits, error, 0.0) == 1
        assert told(limits, error, 0.0) == 1
    incoming = MessageTooBigError(2, 1, "in", "a")
    assert [told(limits, incoming, 0.0), told(limits, incoming, 0.0)] == [1, None]


def test_all_else_stays_as_it_is() -> None:
    limits = FaultLimits()
    other = AskCheck(MAIN)
    effects: list[Effect] = [other]

    assert limits.sift(effects, 0.0) is effects
    report = Report(DecodeError("x"))
    assert limits.sift([other, report, other], 0.0) == [other, report, other]
    assert limits.sift([other, report, other], 0.0) == [other, other]
