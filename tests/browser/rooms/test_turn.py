"""Two machines that reach the servers, but not each other: TURN, and what is told without it.

`PYODIDE_RTC_ICE_FAILURE_S=60` also waits for the last of three attempts to fail.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator

import pytest
from harness.netns import Lan
from harness.people import Person

FAILURE_S = float(os.environ.get("PYODIDE_RTC_ICE_FAILURE_S", "0"))
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300 + FAILURE_S)]

TOLD_S = 22.0
"""The first attempt takes 20 s at most."""


@pytest.fixture
def strangers(lan: Lan, lan_people: tuple[Person, Person]) -> Iterator[tuple[Person, Person]]:
    """People whose machines do not reach each other."""
    for machine in lan.machines.values():
        machine.isolate()
    yield lan_people
    for person in lan_people:
        person.run("room.leave()")
    for machine in lan.machines.values():
        machine.isolate(is_on=False)


def test_a_turn_server_relays(
    strangers: tuple[Person, Person], turn: list[dict[str, str]], room_name: str
) -> None:
    if not turn:
        pytest.skip("no coturn on this machine")
    one, two = strangers
    one.join(repr(room_name), f"ice_servers={turn!r}")
    two.join(repr(room_name))  # by the site's configuration
    for person in strangers:
        person.eventually("[p.is_relayed for p in room.peers]", [True])
        assert "relayed by TURN" in person.run("print(room)")
    one.run("state['one'] = 1")
    two.run("state['two'] = 2")
    for person in strangers:
        person.eventually("state.to_py()", {"one": 1, "two": 2}, timeout_s=5)
        assert person.value("[str(f) for f in room.faults]") == []


def test_without_a_turn_server_the_reason_is_told(
    strangers: tuple[Person, Person], room_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for person in strangers:
        person.join(repr(room_name), "ice_servers=[]")
    start_s = time.monotonic()
    for person in strangers:
        person.eventually("'no network path' in room.why", True, timeout_s=TOLD_S)
        assert "TURN" in person.run("print(room.why)")
    words = f"no path: told to both after {time.monotonic() - start_s:.1f} s"
    if FAILURE_S:
        failures = "'IceFailedError' in [type(f).__name__ for f in room.faults]"
        for person in strangers:
            person.eventually(failures, True, timeout_s=FAILURE_S)
        words += f", given up after {time.monotonic() - start_s:.1f} s"
    with capsys.disabled():
        print(f"\n{words}")
