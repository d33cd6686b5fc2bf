from __future__ import annotations

import pytest

from pyodide_rtc.errors import DecodeError, PeerClosedError, SignalingClosedError
from pyodide_rtc.faults import FaultList, Faults


def kept(*errors: BaseException) -> Faults:
    faults = FaultList()
    for error in errors:
        faults.add(error)
    return faults.now()


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ValueError("3 bytes wait"), ValueError("1,400 bytes wait")),
        (PeerClosedError("a" * 36, "gone"), PeerClosedError("b" * 36, "gone")),
        (DecodeError("x", 3, b"", "a" * 36), DecodeError("x", 70, b"", "b" * 36)),
        (ExceptionGroup("two", [ValueError("1")]), ExceptionGroup("too", [ValueError("2")])),
    ],
)
def test_one_cause(one: BaseException, other: BaseException) -> None:
    faults = kept(one, other)

    assert faults == (other,), "the latest is shown"
    assert faults.count(other) == 2
    assert faults.count(one) == 0


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (ValueError("no"), TypeError("no")),
        (SignalingClosedError("ws://x:1/", "a"), SignalingClosedError("ws://x:2/", "a")),
        (SignalingClosedError("ws://x/", "a"), SignalingClosedError("ws://x/", "b")),
        (ExceptionGroup("two", [ValueError("a")]), ExceptionGroup("two", [KeyError("a")])),
    ],
)
def test_two_causes(one: BaseException, other: BaseException) -> None:
    assert kept(one, other) == (one, other)


def test_the_latest_is_the_last() -> None:
    one, other, again = ValueError("a"), ValueError("b"), ValueError("a")
    assert kept(one, other, again) == (other, again)


def test_of_many_causes_the_last_20_are_kept() -> None:
    errors = [ValueError(f"n{i}") for i in range(30)]
    assert kept(*errors) == tuple(errors[10:])
    assert kept(*errors[:20], errors[0]) == (*errors[1:20], errors[0]), "nothing has to go for it"


def test_what_is_counted_elsewhere_counts() -> None:
    faults = FaultList()
    error = ValueError("a")
    faults.add(error)
    faults.add(error, 100)
    assert faults.now().count(error) == 101


def test_they_are_shown_to_be_read() -> None:
    assert repr(kept()) == "no faults"
    assert repr(kept(ValueError("a"))) == "1 fault:\n  ValueError: a"
    group = ExceptionGroup("two", [ValueError("b\nc"), KeyError("d")])
    assert repr(kept(group, ValueError("a"), ValueError("a"))).splitlines() == [
        "2 faults, the latest last:",
        "  ValueError: b c; KeyError: 'd'",
        "  ValueError: a (2 times)",
    ]
