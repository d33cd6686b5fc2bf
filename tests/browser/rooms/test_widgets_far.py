"""Shared widgets of people who are far from each other, or cannot reach each other for a while."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.netns import Lan
from harness.people import Person
from harness.turn import far_away
from selenium.webdriver import Keys

from pyodide_rtc.testing.browsers import eventually

from .widgets_shown import SHARE, drag_at_once, part, readout, texts_shown

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

WAY_MS = 100.0
"""From each of them to the server between them: 200 ms to the other."""


def share(people: tuple[Person, Person], room: str, ice_servers: list[dict[str, str]]) -> None:
    for person in people:
        person.run("%pip install -q ipywidgets", timeout_s=90)
        person.join(repr(room), f"ice_servers={ice_servers!r}")
        person.run(SHARE)
    for person in people:
        person.eventually("room.synced", True)


ANSWER = """
answering = state.observe(lambda _: state.setdefault("pong", 1) if "ping" in state else None)
"""
ASK = """
import asyncio, time
started = time.monotonic()
state["ping"] = 1
while "pong" not in state: await asyncio.sleep(0.01)
print(time.monotonic() - started)
"""


@pytest.fixture
def people(lan: Lan, lan_people: tuple[Person, Person]) -> Iterator[tuple[Person, Person]]:
    """People with a machine each; at the end these reach each other."""
    yield lan_people
    for machine in lan.machines.values():
        machine.plug_in()
        machine.isolate(is_on=False)
    for person in lan_people:
        person.run("room.leave()")


def test_both_go_on_while_a_cable_is_out(
    lan: Lan, people: tuple[Person, Person], room_name: str
) -> None:
    one, two = people
    share(people, room_name, [])
    one.run("slider.value = 10")
    two.eventually("slider.value", 10)
    lan.machines["one"].pull_cable()
    for person in people:
        person.eventually("any(p.is_connected for p in room.peers)", False)
    part(one, "textarea").send_keys("from Ada. ")
    part(two, "textarea").send_keys("from Bob. ")
    part(one, ".noUi-handle").send_keys(Keys.ARROW_UP)
    part(two, ".noUi-handle").send_keys(Keys.ARROW_DOWN)
    for person, value, text in ((one, 11, "from Ada. "), (two, 9, "from Bob. ")):
        person.eventually("[slider.value, notes.value]", [value, text])
    lan.machines["one"].plug_in()
    both = ("from Ada. from Bob. ", "from Bob. from Ada. ")
    for person in people:
        person.eventually(f"notes.value in {both}", True)
    eventually(lambda: len({*texts_shown(*people)}) == 1, 20, "both read the same")
    assert texts_shown(one)[0] in both
    eventually(lambda: readout(one) == readout(two) in ("9", "11"), 20, "one of their values")
    for person in people:
        person.eventually("str(slider.value)", readout(one))
        assert person.value("[str(f) for f in room.faults]") == []


def test_both_drag_with_a_server_200_ms_away(
    lan: Lan, people: tuple[Person, Person], turn: list[dict[str, str]], room_name: str
) -> None:
    if not turn:
        pytest.skip("no coturn on this machine")
    one, two = people
    for machine in lan.machines.values():
        machine.isolate()
    with far_away(turn, WAY_MS) as server:
        share(people, room_name, server)
        for person in people:
            person.eventually("[p.is_relayed for p in room.peers]", [True])
            person.run(
                'fine = room.share(widgets.FloatSlider(description="fine", step=0.1), "fine")\nfine'
            )
        two.run(ANSWER)
        assert float(one.run(ASK)) >= 4 * WAY_MS / 1000, "there and back"
        drag_at_once(people, "fine", "fine")
