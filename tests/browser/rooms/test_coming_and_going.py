"""Who leaves and joins again, imports the package again, or has two tabs, is there once each."""

from __future__ import annotations

import pytest
from harness.people import Cast, Person

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SYNCED = "[p.is_synced for p in room.peers]"
PURGE = """
import sys
for name in [name for name in sys.modules if name.startswith("pyodide_rtc")]:
    del sys.modules[name]
import pyodide_rtc
before, old_state = room, state
"""
TEN_TIMES = """
for _ in range(10):
    room.leave()
    room = pyodide_rtc.join({name!r}, user="Ada")
state["late"] = 1
"""


@pytest.fixture
def pair(cast: Cast, room_name: str) -> tuple[Person, Person]:
    one, two = cast.person("one"), cast.person("two")
    one.join(repr(room_name), "user='Ada'", "store=False")
    two.join(repr(room_name), "user='Bob'")
    for person in (one, two):
        person.eventually(SYNCED, [True])
    return one, two


def leave(*people: Person) -> None:
    for person in people:
        person.run("room.leave()")


def test_who_leaves_and_joins_ten_times_is_there_once(
    pair: tuple[Person, Person], room_name: str
) -> None:
    """Reproduces: nine more were listed as connecting for 20 s; what was written was lost."""
    one, two = pair
    one.run(TEN_TIMES.format(name=room_name), timeout_s=60)
    two.eventually(SYNCED, [True], timeout_s=5)
    two.eventually("state.to_py()", {"late": 1}, timeout_s=5)
    assert two.value("[type(f).__name__ for f in room.faults]") == []
    leave(one, two)


def test_a_package_that_is_imported_again_is_in_the_room_once(
    pair: tuple[Person, Person], room_name: str
) -> None:
    """Reproduces: the same person was there twice, and oneself among one's peers."""
    one, two = pair
    one.run("state['x'] = 1")
    one.run(PURGE)
    one.join(repr(room_name), "user='Ada'", "store=False")
    assert one.value("before.stage") == "left"
    assert "imported again" in one.run("print(before.why)")
    for person, other in ((one, "Bob"), (two, "Ada")):
        person.eventually(SYNCED, [True])
        person.eventually("[p.name for p in room.peers]", [other])
    one.run("old_state['late'] = 2")
    two.eventually("state.to_py()", {"x": 1, "late": 2})
    leave(one, two)


def test_two_tabs_of_one_person_are_told_apart(cast: Cast, room_name: str) -> None:
    two = cast.person("two")
    first = cast.person("one")
    window = first.driver.current_window_handle
    first.driver.switch_to.new_window("tab")
    tabs = (
        Person(first.driver, first.server, window),
        Person(first.driver, first.server, first.driver.current_window_handle),
    )
    tabs[1].open(room="demo")
    for person in (*tabs, two):
        person.join(repr(room_name), "store=False")
    for person in (*tabs, two):
        person.eventually(SYNCED, [True, True])
        person.eventually("len(set(room.awareness.names.values()))", 3)
    names = [person.value("room.awareness.names") for person in (*tabs, two)]
    assert names[0] == names[1] == names[2]
    assert sum(name.endswith(" (2)") for name in names[0].values()) == 1
    leave(*tabs, two)
    tabs[1].look()
    first.driver.close()
    first.driver.switch_to.window(window)
