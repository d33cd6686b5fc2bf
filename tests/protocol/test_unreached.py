from __future__ import annotations

from pyodide_rtc.errors import IceFailedError
from pyodide_rtc.protocol.connections.unreached import MAX_UNREACHED_S, Unreached

from .machine_helpers import PEER

ERROR = IceFailedError(PEER, "no network path")


def test_at_first_nobody_was_missed() -> None:
    assert Unreached().error(0.0) is None


def test_who_was_not_reached_counts_as_here_for_a_while() -> None:
    unreached = Unreached()
    unreached.take(ERROR, 10.0)

    assert unreached.error(10.0) is ERROR
    assert unreached.error(10.0 + MAX_UNREACHED_S - 1) is ERROR
    assert unreached.error(10.0 + MAX_UNREACHED_S) is None
