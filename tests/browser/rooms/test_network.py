"""Two machines on one network: a cable is pulled, and the way is lost without a word.

The machines are network namespaces (`harness.netns`), so the tests need root and Linux.
`PYODIDE_RTC_CUTS=8,40` also cuts for longer than it takes ICE to give a path up (about 30 s).
"""

from __future__ import annotations

import os
import time

import pytest
from harness.netns import Lan, Machine
from harness.people import INSTALL, Person
from harness.site import CellError

from pyodide_rtc.testing.browsers import eventually

CUTS_S = [float(text) for text in os.environ.get("PYODIDE_RTC_CUTS", "8").split(",")]
pytestmark = [pytest.mark.browser, pytest.mark.timeout(300 + int(sum(CUTS_S)))]

AGAIN_S = 5.0
IS_CONNECTED = "any(p.is_connected for p in room.peers)"


def meet(people: tuple[Person, Person], room_name: str) -> None:
    for person in people:
        person.join(repr(room_name), "ice_servers=[]")
    for person in people:
        person.eventually("room.synced", True)


CUTS = {
    "a cable": (Machine.pull_cable, Machine.plug_in),
    "the way": (Machine.block, Machine.unblock),
}


@pytest.mark.parametrize("cut_s", CUTS_S)
@pytest.mark.parametrize("what", CUTS)
def test_both_go_on_and_meet_again_soon_after_a_cut(
    lan: Lan,
    lan_people: tuple[Person, Person],
    room_name: str,
    what: str,
    cut_s: float,
    capsys: pytest.CaptureFixture[str],
) -> None:
    meet(lan_people, room_name)
    cut, restore = CUTS[what]
    cut(lan.machines["one"])
    start_s = time.monotonic()
    for name, person in zip(("one", "two"), lan_people, strict=True):
        person.run(f"state['{name}'] = 'meanwhile'")
    for person in lan_people:
        person.eventually(IS_CONNECTED, False, timeout_s=10)
    seen_s = time.monotonic() - start_s
    eventually(lambda: time.monotonic() >= start_s + cut_s, cut_s + 5, "the cut is over")
    restore(lan.machines["one"])
    start_s = time.monotonic()
    for person in lan_people:
        both = {"one": "meanwhile", "two": "meanwhile"}
        person.eventually("[room.synced, state.to_py()]", [True, both], timeout_s=AGAIN_S)
    with capsys.disabled():
        again_s = time.monotonic() - start_s
        print(f"\n{what} cut for {cut_s:g} s: told by both after {seen_s:.1f} s, ", end="")
        print(f"together again {again_s:.1f} s after its return")
    for person in lan_people:
        person.run("room.leave()")


def test_a_site_that_came_by_http_from_another_machine(
    lan_people: tuple[Person, Person], room_name: str
) -> None:
    """No secure context: no Web Locks by which a dead kernel is seen, and no cryptography."""
    one, two = lan_people
    is_secure = "return [isSecureContext, 'locks' in navigator]"
    assert one.notebook.js(is_secure) == [False, False]
    assert two.notebook.js(is_secure) == [True, True], "or the test compares nothing"
    with pytest.raises(CellError) as caught:
        one.join("'secret'", "password='x'")
    assert "https" in str(caught.value), "it says what to do"
    meet(lan_people, room_name)
    one.notebook.restart()
    two.eventually("[len(room.peers), len(room.awareness.states)]", [0, 1], timeout_s=AGAIN_S)
    two.run("room.leave()")
    one.run(INSTALL, timeout_s=90)
