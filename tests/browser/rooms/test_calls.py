"""Calls between the kernels of two browsers, and the baton of a browser that is killed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from harness.people import COMPUTE, Cast, Person
from harness.processes import kill_browser

from pyodide_rtc.testing.browsers import SignalingServer, eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FUNCTIONS = """
import asyncio
ended = []

@room.expose
def grade(answer, *, caller):
    print("grading for", caller.name)
    if answer == "?":
        raise pyodide_rtc.CallRefusedError("no hints")
    return {"right": int(answer) == 42, "large": b"x" * 300_000}

@room.expose
async def wait():
    try:
        await asyncio.sleep(1000)
    finally:
        ended.append("cancelled")
"""


def told(work: str) -> str:
    """A cell that prints what it awaits, or what is raised in its place."""
    return (
        f"try: print(repr(await {work}))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )


@pytest.fixture
def pair(cast: Cast, room_name: str) -> Iterator[tuple[Person, Person]]:
    ada, bob = cast.person("one"), cast.person("two", "firefox")
    for person, name in ((ada, "Ada"), (bob, "Bob")):
        person.join(repr(room_name), f"user={name!r}")
    bob.run(FUNCTIONS)
    for person in (ada, bob):
        person.eventually("room.synced", True)
    ada.eventually("sorted(room.exposed)", ["grade", "wait"])
    ada.eventually("[p.name for p in room.peers]", ["Bob"])
    bob.eventually("[p.name for p in room.peers]", ["Ada"])
    yield ada, bob
    for person in (ada, bob):
        person.run("room.leave()")


def test_a_result_an_error_and_a_refusal(pair: tuple[Person, Person]) -> None:
    ada, bob = pair
    ada.run("answer = await room.call('grade', 42, peer='Bob')")
    assert ada.value("[answer['right'], len(answer['large'])]") == [True, 300_000]
    assert (
        "RemoteCallError grade() of Bob raised ValueError: invalid literal for int() with base 10"
        in ada.run(told("room.call('grade', 'x')"))
    )
    assert "CallRefusedError Bob refused grade(): no hints" in ada.run(
        told("room.call('grade', '?')")
    )
    assert "NotExposedError nothing() gave no result: nobody has exposed it" in ada.run(
        told("room.call('nothing')")
    )
    assert "ValueRefusedError grade(): the arguments have 5.0 MB" in ada.run(
        told("room.call('grade', b'x' * 5_000_000)")
    )
    assert "<grade(), exposed by Bob>" in ada.run("room.exposed")
    for person in (ada, bob):
        assert person.value("[str(f) for f in room.faults]") == []


def test_a_call_is_cancelled_and_given_up(pair: tuple[Person, Person]) -> None:
    ada, bob = pair
    ada.run("import asyncio\ncall = asyncio.ensure_future(room.call('wait'))")
    ada.run("await asyncio.sleep(1)\ncall.cancel()")
    bob.eventually("ended", ["cancelled"])
    assert "CallTimeoutError wait() of Bob gave no result in 1 s" in ada.run(
        told("room.call('wait', timeout_s=1)")
    )
    bob.eventually("ended", ["cancelled", "cancelled"])


def test_who_computes_answers_late(pair: tuple[Person, Person]) -> None:
    ada, bob = pair
    bob.run("baton = room.baton('run')\nawait baton.__aenter__()")
    computing = bob.start(COMPUTE.format(18))
    ada.eventually("[p.name for p in room.peers if p.busy_s]", ["Bob"])
    busy = ada.run(told("room.call('grade', 42, timeout_s=1)"))
    assert "CallTimeoutError grade() of Bob gave no result in 1 s: that kernel is busy for " in busy
    held = ada.run(told("room.baton('run', timeout_s=1).__aenter__()"))
    assert "BatonTimeoutError baton 'run': not had within 1 s: Bob has it (busy for " in held
    free = ada.run("async with room.baton('other', timeout_s=10) as other: print(other)")
    assert "<Baton 'other': you have it" in free, "he computes, and has no part in it"
    ada.run("answer = await room.call('grade', 42)")
    assert ada.value("answer['right']") is True
    eventually(lambda: bob.is_done(computing), 20, "the end of the cell")
    bob.run("await baton.__aexit__(None, None, None)")
    ada.run("async with room.baton('run', timeout_s=5) as baton: had = baton.is_mine")
    assert ada.value("[had, baton.is_mine]") == [True, False]


def test_the_baton_of_a_browser_that_is_killed_is_free(
    cast: Cast, server: SignalingServer, room_name: str
) -> None:
    ada = cast.person("one")
    with ExitStack() as stack:
        guest = Cast(stack, server).person("guest", "firefox")
        for person, name in ((ada, "Ada"), (guest, "Eve")):
            person.join(repr(room_name), f"user={name!r}")
        for person in (ada, guest):
            person.eventually("room.synced", True)
        guest.run("await room.baton('run').__aenter__()")
        ada.eventually("room.baton('run').holder", "Eve")
        waiting = ada.start("async with room.baton('run', timeout_s=30) as b: print('got', b)")
        guest.eventually("room.baton('run').waiting", ["Ada"])
        kill_browser(guest.driver)
        eventually(lambda: ada.is_done(waiting), 20, "her turn")
        assert "got <Baton 'run': you have it>" in ada.notebook.text(waiting)
    ada.run("room.leave()")


def test_two_tabs_of_one_browser(cast: Cast, room_name: str) -> None:
    """Their kernels reach each other by the tab channel."""
    ada = cast.person("one")
    first = ada.driver.current_window_handle
    ada.driver.switch_to.new_window("tab")
    other = Person(ada.driver, ada.server, ada.driver.current_window_handle)
    one = Person(ada.driver, ada.server, first)
    try:
        other.open(room="demo")
        for person, name in ((one, "Ada"), (other, "Ann")):
            person.join(repr(room_name), f"user={name!r}")
        other.run(FUNCTIONS)
        one.eventually("[p.via for p in room.peers]", ["tab"])
        one.eventually("sorted(room.exposed)", ["grade", "wait"])
        one.run("answer = await room.call('grade', 42)")
        assert one.value("[answer['right'], len(answer['large'])]") == [True, 300_000]
        other.run("await room.baton('run').__aenter__()")
        one.eventually("room.baton('run').holder", "Ann")
        other.run("room.leave()")
        one.run("async with room.baton('run', timeout_s=5): pass\nroom.leave()")
    finally:
        other.look()
        ada.driver.close()
        ada.driver.switch_to.window(first)
