"""The life of a page: it is left and comes back, its laptop sleeps, its cells are interrupted."""

from __future__ import annotations

import time

import pytest
from harness.people import INSTALL, Cast, Person
from harness.processes import asleep

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

HERE_S = 5.0
# The kernel goes on for a moment after the connections of its page have gone. Were it to announce
# itself once more, the others would list it as on its way for 10 s.
WATCH = """
import asyncio
async def listed_after_it_went():
    while room.peers:
        await asyncio.sleep(0.01)
    listed = []
    for _ in range(300):
        await asyncio.sleep(0.01)
        listed.extend(room.peers)
    return listed
watch = asyncio.ensure_future(listed_after_it_went())
"""

_WATCH_RETURN = """
    window.wasKept = undefined;
    addEventListener("pageshow", ({ persisted }) => void (window.wasKept = persisted));
"""
_WHY_NOT_KEPT = """
    const { notRestoredReasons } = performance.getEntriesByType("navigation")[0];
    return (notRestoredReasons?.reasons ?? []).map(({ reason }) => reason);
"""


def meet(cast: Cast, room_name: str) -> tuple[Person, Person]:
    # The second has a browser of its own: a page that stayed away would fail other tests, too.
    one, two = cast.person("one"), cast.person("sleeper")
    for person in (one, two):
        person.join(repr(room_name))
    for person in (one, two):
        person.eventually("[p.is_synced for p in room.peers]", [True])
    return one, two


def seconds_until_reunited(one: Person, two: Person) -> float:
    """Wait until one who was away has what the other wrote meanwhile, and both are whole again."""
    start_s = time.monotonic()

    def left_s() -> float:
        return start_s + HERE_S - time.monotonic()

    two.eventually("state.get('while')", "away", timeout_s=left_s())
    for person in (one, two):
        person.eventually("[p.is_synced for p in room.peers]", [True], timeout_s=left_s())
    return time.monotonic() - start_s


def test_walking_away_and_back(
    cast: Cast, room_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Chromium keeps the page with its kernel; were it loaded anew, its cells would run again."""
    one, two = meet(cast, room_name)
    two.notebook.js(_WATCH_RETURN)
    one.run(WATCH)
    two.driver.get(f"{two.server.url}/lab/jupyter-lite.json")
    one.eventually("[len(room.peers), len(room.awareness.states)]", [0, 1], timeout_s=HERE_S)
    one.run("state['while'] = 'away'")
    assert one.run("print(await watch)") == "[]\n"
    two.driver.back()
    two.notebook.wait_idle()
    was_kept = two.notebook.js("return window.wasKept ?? false")
    reasons = two.notebook.js(_WHY_NOT_KEPT)
    if not was_kept:
        assert reasons, "it says why"
        two.run(INSTALL, timeout_s=90)
        two.join(repr(room_name))
    back_s = seconds_until_reunited(one, two)
    with capsys.disabled():
        print(f"\nback: {'kept' if was_kept else reasons}, after {back_s:.1f} s")
    for person in (one, two):
        person.run("room.leave()")


def test_a_laptop_that_sleeps(
    cast: Cast, room_name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    one, two = meet(cast, room_name)
    two.run("state['before'] = 'two'")
    one.eventually("state.to_py()", {"before": "two"})
    start_s = time.monotonic()
    with asleep(two.driver):
        one.eventually("len(room.peers)", 0, timeout_s=HERE_S)
        seen_s = time.monotonic() - start_s
        one.run("state['while'] = 'away'")
    back_s = seconds_until_reunited(one, two)
    two.run("state['after'] = True")
    one.eventually("state.get('after')", True, timeout_s=HERE_S)
    with capsys.disabled():
        print(f"\nasleep: gone after {seen_s:.1f} s, back after {back_s:.1f} s")
    for person in (one, two):
        person.run("room.leave()")


def test_an_interrupted_kernel(cast: Cast, room_name: str) -> None:
    """JupyterLite 0.8 cannot interrupt the cell that runs: it gives up those that wait.

    So the running one goes on, and with it the room: the other's edit reaches it and ends it.
    """
    one, two = meet(cast, room_name)
    running = two.notebook.start(
        "import asyncio\nwhile 'stop' not in state: await asyncio.sleep(0.05)\nprint('stopped')"
    )
    waiting = two.notebook.start("print('never')")
    two.notebook.js("window.jupyterapp.commands.execute('notebook:interrupt-kernel'); return null;")
    one.run("state['stop'] = True")
    two.eventually("state.to_py()", {"stop": True}, timeout_s=HERE_S)
    assert two.notebook.text(running) == "stopped\n"
    assert "never" not in str(two.notebook.outputs(waiting))
    two.run("state['after'] = 1")
    one.eventually("state.get('after')", 1, timeout_s=HERE_S)
    for person in (one, two):
        person.run("room.leave()")
