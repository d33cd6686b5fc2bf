"""The whole way on real parts: two browser processes, the built site, the wheel, the server."""

from __future__ import annotations

import pytest
from harness.people import Cast, Person

from pyodide_rtc.testing.browsers import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(600)]


def edit_both_ways(one: Person, two: Person) -> None:
    one.run("state['x'] = 1; text += 'Hello'; items.append(1)")
    two.eventually("[state.to_py(), str(text), items.to_py()]", [{"x": 1}, "Hello", [1]])
    two.run("state['y'] = {'deep': [1, None]}; text += ' wörld 🌍'; items.extend(['a', 2.5])")
    one.eventually(
        "[state.to_py(), str(text), items.to_py()]",
        [{"x": 1, "y": {"deep": [1, None]}}, "Hello wörld 🌍", [1, "a", 2.5]],
    )


def meet(one: Person, two: Person, room: str) -> None:
    one.join(repr(room), "user='Ada'")
    two.join(repr(room), "user='Bob'")
    for person in (one, two):
        person.eventually("[p.is_synced for p in room.peers]", [True])


def see_each_other_come_and_go(one: Person, two: Person) -> None:
    names = "sorted(s['user']['name'] for s in room.awareness.states.values())"
    one.eventually(names, ["Ada", "Bob"])
    two.eventually(names, ["Ada", "Bob"])
    two.run("room.awareness.set_local_state_field('cursor', 7)")
    one.eventually("[s.get('cursor') for s in room.awareness.states.values()]", [None, 7])
    two.run("room.leave()")
    one.eventually("[len(room.peers), len(room.awareness.states)]", [0, 1], timeout_s=5)
    one.run("room.leave()")


def test_the_room_of_the_address_between_two_chromiums(cast: Cast) -> None:
    one, two = cast.person("one"), cast.person("two")
    for person in (one, two):
        person.run("await pyodide_rtc.join('demo').forget()")  # other tests were in it
    for person in (one, two):
        person.join()
        assert person.value("room.name") == "demo"
    for person in (one, two):
        person.eventually("room.synced", True)
    edit_both_ways(one, two)
    assert "1 peer is connected and synced" in one.run("room")
    for person in (one, two):
        person.run("room.leave(); room.leave()")


@pytest.mark.parametrize("names", [("chromium", "chromium"), ("chromium", "firefox")])
def test_edits_presence_and_leaving(cast: Cast, room_name: str, names: tuple[str, str]) -> None:
    one = cast.person("one", "chromium")
    two = cast.person("two", "firefox" if names[1] == "firefox" else "chromium")
    meet(one, two, room_name)
    edit_both_ways(one, two)
    see_each_other_come_and_go(one, two)


def test_with_a_password(cast: Cast, room_name: str) -> None:
    one, two = cast.person("one"), cast.person("two")
    for person in (one, two):
        person.join(repr(room_name), "password='secret'")
    for person in (one, two):
        person.eventually("room.synced", True)
    edit_both_ways(one, two)
    for person in (one, two):
        person.run("room.leave()")


def test_edits_made_before_anybody_is_there(cast: Cast, room_name: str) -> None:
    one, two = cast.person("one"), cast.person("two")
    one.join(repr(room_name))
    one.run("for i in range(1000): state[f'k{i}'] = i")
    two.join(repr(room_name))
    two.eventually("len(state)", 1000)
    for person in (one, two):
        person.run("room.leave()")


def test_a_cell_that_awaits_still_receives(cast: Cast, room_name: str) -> None:
    one, two = cast.person("one"), cast.person("two")
    meet(one, two, room_name)
    waiting = two.notebook.start(
        "import asyncio\n"
        "async with asyncio.timeout(20):\n"
        "    while 'go' not in state: await asyncio.sleep(0.01)\n"
        "print('went')"
    )
    one.run("state['go'] = True")
    eventually(lambda: "went" in two.notebook.text(waiting), 20, "the awaiting cell to end")
    for person in (one, two):
        person.run("room.leave()")
