"""What a browser keeps: after reloads, crashes and time without network everything is there."""

from __future__ import annotations

import os
import random
import time
from pathlib import Path

import pytest
from harness.browsers import BROWSERS, Kind, crash_tab, open_browser
from harness.kept import CONTENT, NOBODY, join, person_of
from harness.people import Cast, Person
from harness.processes import kill_browser

from pyodide_rtc.testing.browsers import SignalingServer, serve_site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

KILLS = int(os.environ.get("PYODIDE_RTC_KILLS", "1"))
"""How often a browser is killed; each time takes some 15 s."""

FILL = """
state['n'] = 3
state['nested'] = {'list': [1, {'deep': True}]}
text += 'Grüße 📊'
items.extend(['a', None, 2.5])
room.document('board').text('t').append('another')
"""


@pytest.mark.parametrize(("kind", "password"), [("chromium", "secret"), ("firefox", None)])
def test_a_reload_with_nobody_else_there(
    cast: Cast, room_name: str, kind: Kind, password: str | None
) -> None:
    person = cast.person("keeper", kind)
    wish = NOBODY, f"password={password!r}"
    join(person, room_name, *wish)
    person.run(FILL)
    person.eventually("[room.stored.where, room.stored.is_saved]", ["browser", True])
    size = person.value("room.stored.size_bytes")
    assert size > 100
    expected = person.value(CONTENT)
    person.open(room="demo")
    join(person, room_name, *wish)
    assert person.value(CONTENT) == expected
    person.run("board = room.document('board'); await board.until_loaded(20)")
    assert person.value("str(board.text('t'))") == "another"
    assert person.value("type(state['n']).__name__") == "int"
    person.eventually("room.stored.size_bytes", size)  # opening costs nothing
    assert person.value("len(room.faults)") == 0 or "localhost:9" in person.run("room.faults")
    if password is not None:
        for other in ("'wrong'", "None"):
            person.run("room.leave()")
            join(person, room_name, NOBODY, f"password={other}")
            assert person.value(CONTENT) == [{}, "", []]
            person.run("state['other'] = 1")
            person.eventually("room.stored.is_saved", True)
        person.run("room.leave()")
        person.open(room="demo")
        join(person, room_name, *wish)
        assert person.value(CONTENT) == expected
    person.run("room.leave()")


WRITE = """
import asyncio, time
async def write():
    while True:
        state['at'] = time.time()
        items.append(len(items))
        text.append('ü📊')
        await asyncio.sleep(0.005)
writing = asyncio.ensure_future(write())
"""


@pytest.mark.timeout(100 + 60 * KILLS)
@pytest.mark.parametrize("kind", BROWSERS)
def test_killed_at_random_moments(
    server: SignalingServer, room_name: str, kind: Kind, tmp_path: Path
) -> None:
    chance = random.Random(16)
    missing_s: list[float] = []
    killed_s: float | None = None
    for _ in range(KILLS + 1):
        with person_of(server, tmp_path, kind) as person:
            join(person, room_name, NOBODY)
            count = person.value("len(items)")
            assert person.value("items.to_py()") == list(range(count))
            assert person.value("str(text)") == "ü📊" * count
            assert (
                person.value(
                    "[type(f).__name__ for f in room.faults if 'Storage' in type(f).__name__]"
                )
                == []
            )
            if killed_s is not None:
                missing_s.append(killed_s - person.value("state['at']"))
                assert count > 0
            person.run(WRITE)
            time.sleep(chance.uniform(0.5, 2.5))  # at any moment
            killed_s = time.time()
            kill_browser(person.driver)
    print(f"{kind}: missing after {KILLS} kills, in ms: {[round(1000 * s) for s in missing_s]}")
    assert max(missing_s) <= 0.5, "250 ms, but for what else keeps the machine busy"


def test_two_who_were_offline_and_reloaded_are_merged(
    cast: Cast, site: Path, server: SignalingServer, room_name: str
) -> None:
    people = [cast.person("keeper", kind) for kind in BROWSERS]
    with serve_site(None) as relay:
        wish = f"signaling=['{relay.signaling_url}']"
        for person in people:
            join(person, room_name, wish)
        people[0].run("text += 'base.'; state['both'] = 0")
        for person in people:
            person.eventually("str(text)", "base.")
        relay.stop()
        for number, person in enumerate(people):
            person.run("room.leave()")  # and with it the channel between them
            for part in range(2):
                person.open(room="demo")
                join(person, room_name, wish)
                person.run(
                    f"text += ' {number}{part}.'; items.append('{number}{part}')\n"
                    f"state['both'] = {number}; state['of {number}{part}'] = [{part}]"
                )
                person.eventually("[len(room.peers), room.stored.is_saved]", [0, True])
        relay.start()
        people[0].eventually("len(items)", 4, timeout_s=40)
        people[1].eventually(CONTENT, people[0].value(CONTENT))
        state, text, items = people[0].value(CONTENT)
        assert sorted(items) == ["00", "01", "10", "11"]
        assert sorted(text.split(".")) == ["", " 00", " 01", " 10", " 11", "base"]
        assert [state[f"of {number}{part}"] for number in (0, 1) for part in (0, 1)] == [
            [0],
            [1],
        ] * 2
        for person in people:
            person.run("room.leave()")


MANY = """
import asyncio
async def many(name):
    for n in range(1000):
        items.append(f'{name} {n}')
        if n % 10 == 0:
            await asyncio.sleep(0.01)
"""


def test_two_tabs_write_and_one_is_killed(server: SignalingServer, room_name: str) -> None:
    with open_browser("chromium") as driver:
        one = Person(driver, server, driver.current_window_handle)
        one.open(room="demo")
        driver.switch_to.new_window("tab")
        two = Person(driver, server, driver.current_window_handle)
        two.open(room="demo")
        for person in (one, two):
            join(person, room_name, NOBODY)
            person.run(MANY)
        one.eventually("[p.is_synced for p in room.peers]", [True])
        two.start("await many('two')")
        one.run("await many('one')")
        one.eventually("sum(item.startswith('two') for item in items) > 500", True)
        two.look()
        crash_tab(driver)
        one.eventually("[len(room.peers), room.stored.is_saved]", [0, True])
        items = one.value("items.to_py()")
        assert len(set(items)) == len(items)
        assert {f"one {n}" for n in range(1000)} <= set(items)
        of_two = sum(item.startswith("two") for item in items)
        assert {f"two {n}" for n in range(of_two)} <= set(items), "nothing is left out"
        one.open(room="demo")
        join(one, room_name, NOBODY)
        assert one.value("items.to_py()") == items
