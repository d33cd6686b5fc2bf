"""The monitor of a room, by what people see and hear of it on their pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import pytest
from harness.people import COMPUTE, Cast, Person

from pyodide_rtc.testing.browsers import eventually

from .said import wait_said

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

LOOK = """
const monitor = [...document.querySelectorAll(".prtc-monitor")].at(-1);
if (!monitor) return null;
monitor.style.width = arguments[0];
const ink = (canvas) => {
    const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    return data.filter((value, at) => at % 4 === 3 && value > 0).length;
};
const parts = [...monitor.querySelectorAll(".prtc-part")].map((part) => {
    const picture = part.querySelector("[role=img]");
    return [part.querySelector("h4").textContent, {
        legend: part.querySelector(".prtc-legend").innerText,
        words: picture.getAttribute("aria-label"),
        ink: ink(picture.querySelector("canvas")),
        spare: picture.clientWidth - picture.querySelector("canvas").clientWidth,
    }];
});
return {
    text: monitor.innerText,
    isTooWide: monitor.scrollWidth > monitor.clientWidth,
    images: monitor.querySelectorAll("img").length,
    parts: Object.fromEntries(parts),
};
"""
"""What the monitor says and shows that was drawn last, made as wide as is asked for."""


@pytest.fixture
def pair(cast: Cast, room_name: str) -> Iterator[tuple[Person, Person]]:
    """Two people with a monitor each."""
    one, two = cast.person("one"), cast.person("two", "firefox")
    for person, name in ((one, "Ada"), (two, "Bob")):
        person.run("%pip install -q anywidget", timeout_s=90)
        person.join(repr(room_name), f"user={name!r}")
        person.run("room.monitor()")
    for person in (one, two):
        person.eventually("room.synced", True)
    yield one, two
    for person in (one, two):
        person.run("room.leave()")


def look(person: Person, width: str = "") -> dict[str, Any]:
    person.look()
    found: dict[str, Any] = person.driver.execute_script(LOOK, width) or {"text": "", "parts": {}}
    return found


def says(person: Person, pattern: str, timeout_s: float = 20) -> dict[str, Any]:
    """Wait until the monitor says something."""
    last: dict[str, Any] = {}

    def text() -> str:
        last.update(look(person))
        return str(last["text"])

    wait_said(text, pattern, timeout_s)
    return last


def rate(part: dict[str, Any], of: str) -> tuple[float, float]:
    """What is received or sent now, in bytes a second: as is seen, and as is heard."""
    verb = {"received": "Receiving", "sent": "sending"}[of]
    units = {"B": 1.0, "kB": 1e3, "MB": 1e6}
    numbers = []
    for text, word in ((part["legend"], of), (part["words"], verb)):
        found = re.search(rf"{word}\s+([\d.]+) (\w+)/s", text)
        assert found is not None, (word, text)
        numbers.append(float(found[1]) * units[found[2]])
    return numbers[0], numbers[1]


def test_traffic_latency_and_sync_are_drawn_and_told(pair: tuple[Person, Person]) -> None:
    one, two = pair
    for person, other in ((one, "Bob"), (two, "Ada")):
        found = says(person, rf"{other}\s+synced · direct · (< 1|\d+) ms")
        assert found["parts"].keys() == {"Traffic", "Latency", "Sync"}
        for part in found["parts"].values():
            assert part["ink"] > 500, "axes and lines"
        says(person, r"Receiving [\d.]+ k?B/s")

    two.run("text.append('x' * 200_000)")
    one.eventually("len(text)", 200_000)
    for person, of in ((one, "received"), (two, "sent")):

        def told(person: Person = person, of: str = of) -> bool:
            seen, heard = rate(look(person)["parts"]["Traffic"], of)
            assert seen == pytest.approx(heard, rel=0.1, abs=1), "both say the same"
            most = person.value(f"max(filter(None, room.monitor().monitor[{of!r}]))")
            return bool(most > 50_000)

        eventually(told, 20, "it has gone through")
        says(person, rf"Since joining: .*2\d\d[\d.]* kB {of}")

    parts = look(one)["parts"]
    heard = parts["Latency"]["words"]
    assert re.search(r"^Latency of the last 5 minutes\. .*: Bob (< 1|\d+) ms\.$", heard)
    assert re.fullmatch(r"Bob\s+[\d.]+ ms", parts["Latency"]["legend"])
    assert "1 connected, 1 synced." in parts["Sync"]["words"]
    gaps = "len(room.monitor().monitor['gaps'])"
    before = one.value(gaps)
    one.run(COMPUTE.format(5))
    one.eventually(f"{gaps} > {before}", True)
    says(one, "Nothing is known of the grey times")


def test_names_are_text_and_who_leaves_is_told(pair: tuple[Person, Person]) -> None:
    one, two = pair
    says(one, "Bob is connected")
    evil = "<img src=x onerror='window.evil=1'>" + "x" * 60
    two.run(f"room.awareness.set_local_state_field('user', {{'name': {evil!r}}})")
    says(one, re.escape("<img src=x"))
    for width in ("300px", "1200px"):

        def fits(width: str = width) -> bool:
            found = look(one, width)
            assert not found["isTooWide"]
            return all(part["spare"] == 0 for part in found["parts"].values())

        eventually(fits, 10, "the plots are as wide as their place")
    assert look(one)["images"] == 0
    assert one.driver.execute_script("return window.evil ?? null") is None

    two.run("room.leave()")
    found = says(one, r"s ago: <img src=x.* is gone")
    assert "Nobody is connected." in found["parts"]["Sync"]["words"]
    assert re.search(r"connected\s+0\s+synced\s+0", found["parts"]["Sync"]["legend"])
    one.run("room.leave()")
    assert "The room is not open." in says(one, r"The room was left\.")["parts"]["Traffic"]["words"]
    assert one.value("room.monitor() is room.monitor()")
