"""Notebooks and stock y-webrtc pages in one room, as equals."""

from __future__ import annotations

import pytest
from harness.people import Cast, Person, StockPage

from pyodide_rtc.testing.browsers import SignalingServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PASSWORDS = pytest.mark.parametrize("password", [None, "sécret"], ids=["plain", "password"])


@pytest.fixture
def page(cast: Cast, server: SignalingServer) -> StockPage:
    return StockPage(cast.driver("stock"), server)


def leave(page: StockPage, *people: Person) -> None:
    page.run("me.provider.destroy()")
    for person in people:
        person.run("room.leave()")


def edit_both_ways(person: Person, page: StockPage) -> None:
    page.run(
        "me.map.set('page', {n: 1.5}); me.text.insert(0, 'wörld 🌍'); me.array.push([1, null])"
    )
    person.eventually("state.get('page')", {"n": 1.5})
    person.eventually("[str(text), items.to_py()]", ["wörld 🌍", [1, None]])
    person.run("state['kernel'] = [True, 'a']; text.insert(0, 'Hello '); items.append('z')")
    page.eventually("me.map.toJSON().kernel", [True, "a"])
    page.eventually("[me.text.toString(), me.array.toJSON()]", ["Hello wörld 🌍", [1, None, "z"]])


def see_each_other(person: Person, page: StockPage) -> None:
    page.run("me.provider.awareness.setLocalStateField('user', {name: 'Page'})")
    names = "sorted(s['user']['name'] for s in room.awareness.states.values() if 'user' in s)"
    person.eventually(names, ["Kernel", "Page"])
    page.eventually(
        "[...me.provider.awareness.getStates().values()].map((s) => s.user?.name).sort()",
        ["Kernel", "Page"],
    )


@PASSWORDS
def test_the_page_is_there_first(
    cast: Cast, page: StockPage, room_name: str, password: str | None
) -> None:
    person = cast.person("one")
    page.join(room_name, password)
    page.run("me.map.set('before', 1)")
    person.join(repr(room_name), f"password={password!r}", "user='Kernel'")
    person.eventually("state.get('before')", 1)
    edit_both_ways(person, page)
    see_each_other(person, page)
    page.run("me.provider.destroy()")
    person.eventually("[p.name for p in room.peers if p.is_connected]", [])
    leave(page, person)


@PASSWORDS
def test_the_notebook_is_there_first(
    cast: Cast, page: StockPage, room_name: str, password: str | None
) -> None:
    person = cast.person("one")
    person.join(repr(room_name), f"password={password!r}", "user='Kernel'")
    person.eventually("[s.state for s in room.servers]", ["open"])
    person.run("state['before'] = 1")
    page.join(room_name, password)
    page.eventually("me.map.get('before')", 1)
    page.eventually("me.provider.room.synced", True)
    edit_both_ways(person, page)
    see_each_other(person, page)
    person.run("room.leave()")
    page.eventually("me.provider.room.webrtcConns.size", 0)
    page.eventually("me.provider.awareness.getStates().size", 1)
    leave(page)


def test_two_notebooks_and_a_page(cast: Cast, page: StockPage, room_name: str) -> None:
    one, two = cast.person("one"), cast.person("two")
    one.join(repr(room_name))
    page.join(room_name)
    two.join(repr(room_name))
    for person in (one, two):
        person.eventually("[p.is_synced for p in room.peers]", [True, True])
    one.run("state['one'] = 1")
    two.run("state['two'] = 2")
    page.run("me.map.set('page', 3)")
    everything = {"one": 1, "two": 2, "page": 3}
    for person in (one, two):
        person.eventually("state.to_py()", everything)
    page.eventually("me.map.toJSON()", everything)
    leave(page, one, two)


def test_a_page_that_forgets_the_host_is_in_another_room(
    cast: Cast, page: StockPage, room_name: str
) -> None:
    person = cast.person("one")
    person.join(repr(room_name))
    person.eventually("[s.state for s in room.servers]", ["open"])
    assert person.value("room.topic") == f"{person.server.host}/{room_name}"
    page.join(room_name)
    page.run(f"window.other = joinStock({room_name!r}, ['{page.server.signaling_url}'])")
    person.eventually("[p.is_synced for p in room.peers]", [True])
    page.run("me.map.set('here', 1); other.map.set('there', 1)")
    person.eventually("state.to_py()", {"here": 1})
    page.run("other.provider.destroy()")
    leave(page, person)


def test_half_a_character_that_a_page_deletes_is_deleted_by_all(
    cast: Cast, page: StockPage, room_name: str
) -> None:
    """Reproduces: the letter behind the emoji vanished, in the notebook only."""
    person = cast.person("one")
    person.join(repr(room_name))
    page.join(room_name)
    person.eventually("[p.is_synced for p in room.peers]", [True])
    page.run("me.text.insert(0, '1📊2📊3📊4')")
    person.eventually("str(text)", "1📊2📊3📊4")
    first_half, second_half, between = "delete(1, 1)", "delete(4, 1)", "insert(6, 'between')"
    page.run(f"me.text.{first_half}; me.text.{second_half}; me.text.{between}")
    for someone, expression in ((person, "str(text)"), (page, "me.text.toString()")):
        someone.eventually(expression, "123between4")
    person.run("text.insert(3, '📊')")
    page.eventually("me.text.toString()", "123📊between4")
    leave(page, person)
