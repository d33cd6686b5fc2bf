"""A class room: three notebooks, and 27 people more, in one poll."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.people import Cast, Person
from harness.site import run_async

from pyodide_rtc.testing.browsers import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

OTHERS = 27
POLL = """
from pyodide_rtc.widgets import Poll
poll = Poll(room, "lunch", "Where do we eat?", ["canteen", "park"])
poll
"""
# Each in a frame of its own, as a tab has it: y-webrtc joins a room once in a page.
CROWD = """
    const [url, topic, signaling, count] = arguments;
    const come = async (number) => {
        const frame = document.createElement("iframe");
        const loaded = new Promise((resolve) => (frame.onload = resolve));
        frame.src = url;
        document.body.append(frame);
        await loaded;
        const me = frame.contentWindow.joinStock(topic, [signaling]);
        const name = `guest ${number}`;
        me.provider.awareness.setLocalStateField("user", { name });
        return { name, votes: me.doc.getMap("poll:lunch") };
    };
    window.crowd = await Promise.all([...Array(count).keys()].map(come));
"""
VOTE = """
    for (const [number, { name, votes }] of window.crowd.entries()) {
        votes.set(name, number % 3 ? "park" : "canteen");
    }
"""
VOTES = "{option: len(names) for option, names in poll.votes.items()}"


@pytest.fixture
def people(cast: Cast, room_name: str) -> Iterator[list[Person]]:
    names = {"one": "chromium", "two": "firefox", "three": "chromium"}
    found = [cast.person(name, kind) for name, kind in names.items()]  # type: ignore[arg-type]

    def join(person: Person, name: str) -> None:
        person.run("%pip install -q ipywidgets", timeout_s=90)
        person.join(repr(room_name), f"user={name!r}")
        person.run(POLL)

    with ThreadPoolExecutor() as pool:
        list(pool.map(join, found, names))
    yield found
    for person in found:
        person.run("room.leave()")


def test_thirty_people_in_one_poll(cast: Cast, people: list[Person], room_name: str) -> None:
    driver, server = cast.driver("crowd"), people[0].server
    driver.get(f"{server.url}/stock/index.html")
    topic = f"{server.host}/{room_name}"
    url = f"{server.url}/stock/index.html"
    run_async(driver, CROWD, url, topic, server.signaling_url, OTHERS)
    for person in people:  # not each has a connection to each: a room connects to 20 to 34 peers
        person.eventually("len(room.people)", OTHERS + len(people), timeout_s=90)
    driver.execute_script(VOTE)
    for person in people:
        person.click(".widget-button", "canteen")
    expected = {"canteen": OTHERS // 3 + len(people), "park": OTHERS - OTHERS // 3}
    for person in people:
        person.eventually(VOTES, expected, timeout_s=60)
        person.find(".widget-label", f"{expected['canteen']} guest 0")
    votes = "return window.crowd.map(({ votes }) => votes.size)"
    eventually(
        lambda: driver.execute_script(votes) == [OTHERS + len(people)] * OTHERS,
        20,
        "all have all votes",
    )
    # With so many at once, a busy machine gives up a path now and then, and the room tells it.
    for person in people:
        kinds = set(person.value("[type(fault).__name__ for fault in room.faults]"))
        assert kinds <= {"IceFailedError", "NegotiationError"}, person.value("str(room.faults)")
    driver.get("about:blank")
    for person in people:
        person.eventually("len(room.people)", len(people), timeout_s=60)
