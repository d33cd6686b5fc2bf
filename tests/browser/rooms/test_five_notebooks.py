"""Five notebooks in one room: random edits, a kernel that restarts and a tab that crashes.

`PYODIDE_RTC_SOAK_S=120` makes it two minutes of edits: a third before the restart, a third between
it and the crash, a third after that; what the restart takes comes on top. Where they are::

    Chromium "one"    Ada, Bob: two tabs; Bob's is the one that crashes
    Chromium "two"    Cyd, Dan: two tabs; Cyd's kernel is the one that restarts
    Firefox           Eve

Tabs of one browser are linked by the tab channel, the others by WebRTC.

At the end all have the same bytes. `get_update` gives the clients of a document, and what of each
was deleted, in the order of a hash table, which differs between documents that are equal; so the
bytes are compared with both sorted (`canonical_digest` in editing.py).
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from harness.browsers import crash_tab
from harness.people import Cast, Person

from pyodide_rtc.testing.browsers import SignalingServer, eventually

from .test_life import COUNT_CONNECTIONS, LIVE, UNCLOSED

SOAK_S = float(os.environ.get("PYODIDE_RTC_SOAK_S", "6"))
EDITING = (Path(__file__).parent / "editing.py").read_text()
NAMES = ["Ada", "Bob", "Cyd", "Dan", "Eve"]
OTHERS = "sorted((p.name or '', p.is_connected and p.is_synced) for p in room.peers)"

pytestmark = [pytest.mark.browser, pytest.mark.timeout(240 + 2 * SOAK_S)]


@pytest.fixture
def people(cast: Cast, server: SignalingServer) -> Iterator[dict[str, Person]]:
    windows = {d: d.current_window_handle for d in (cast.driver("one"), cast.driver("two"))}
    ada, cyd, eve = cast.person("one"), cast.person("two"), cast.person("two", "firefox")

    def two_tabs(person: Person) -> list[Person]:
        first = Person(person.driver, server, person.driver.current_window_handle)
        person.driver.switch_to.new_window("tab")
        second = Person(person.driver, server, person.driver.current_window_handle)
        second.open(room="demo")
        return [first, second]

    with ThreadPoolExecutor() as pool:
        [[ada, bob], [cyd, dan]] = pool.map(two_tabs, (ada, cyd))
    yield dict(zip(NAMES, [ada, bob, cyd, dan, eve], strict=True))
    for driver, window in windows.items():
        for handle in driver.window_handles:
            if handle != window:
                driver.switch_to.window(handle)
                driver.close()
        driver.switch_to.window(window)


def enter(person: Person, room: str, name: str) -> None:
    person.run(EDITING)
    # Once, so that the way to the page is open: what it holds is held until the kernel ends.
    person.run(f"join('warm-{room}-{name}', {name!r})")
    person.run("room.leave()")
    eventually(lambda: js(person, UNCLOSED) == 0, 5, "the page has closed its connections")
    person.run("proxies, before = pyodide_rtc.browser.live_proxies(), memory()")
    person.run(f"join({room!r}, {name!r})")


def js(person: Person, script: str) -> Any:
    person.look()
    return person.notebook.js(script)


def until_all_are_linked(people: dict[str, Person]) -> None:
    for name, person in people.items():
        person.eventually(OTHERS, [[other, True] for other in sorted(people) if other != name])


def test_random_edits(
    people: dict[str, Person], room_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, person in people.items():
        js(person, COUNT_CONNECTIONS)
        enter(person, room_name, name)
    until_all_are_linked(people)
    [bob] = people["Ada"].value("[p.peer_id for p in room.peers if p.name == 'Bob']")

    for seed, person in enumerate(people.values()):
        person.run(f"begin({seed})")
    time.sleep(SOAK_S / 3)
    restart(people["Cyd"], room_name, "Cyd")
    people["Cyd"].run("begin(5)")
    time.sleep(SOAK_S / 3)
    crashed = people.pop("Bob")
    crashed.look()
    crash_tab(crashed.driver)
    time.sleep(SOAK_S / 3)
    for person in people.values():
        person.run("task.cancel()")
        assert person.value("task.cancelled()"), "it has edited until now"

    until_all_are_linked(people)
    until_equal(people)
    with capsys.disabled():
        print(f"\n{SOAK_S:.0f} s:", *(report(n, p) for n, p in people.items()), sep="\n  ")
    for person in people.values():
        faults = person.value("[(getattr(f, 'peer_id', None), str(f)) for f in room.faults]")
        assert [f for f in faults if f[0] != bob] == []
        states = person.value("sorted(s['user']['name'] for s in room.awareness.states.values())")
        assert states == sorted(people)
    for person in people.values():
        person.run("room.leave()")
    for person in people.values():
        eventually(lambda person=person: js(person, UNCLOSED) == 0, 5, "all are closed")
        person.eventually("pyodide_rtc.browser.live_proxies()", person.value("proxies"))


def restart(person: Person, room: str, name: str) -> None:
    person.restart()
    enter(person, room, name)


def until_equal(people: dict[str, Person]) -> None:
    """All have the same content, clocks and bytes, in the end."""

    def different() -> list[Any]:
        found = [p.value("[content(), clocks(), canonical_digest()]") for p in people.values()]
        return [f for f in found if f != found[0]] and found

    last: list[Any] = []

    def are_equal() -> bool:
        last[:] = different()
        return not last

    try:
        eventually(are_equal, 30, "all have the same")
    except AssertionError as error:
        told = "\n".join(f"{name}: {has}" for name, has in zip(people, last, strict=True))
        raise AssertionError(f"{error}\n{told}") from error


def report(name: str, person: Person) -> str:
    edits, characters, keys, values = person.value(
        "[edits, len(str(text)), len(state), len(items)]"
    )
    before, after = person.value("[before, memory()]")
    live = js(person, LIVE)
    return (
        f"{name}: {edits} edits; {characters} characters, {keys} keys, {values} items; "
        f"memory {before / 1e6:.0f} to {after / 1e6:.0f} MB; {live} live connections"
    )
