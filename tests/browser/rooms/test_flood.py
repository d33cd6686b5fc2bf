"""A page that sends as fast as it can: it is slowed, and nobody else; run with -s for the figures.

It floods for `PYODIDE_RTC_FLOOD_S` seconds, 3 in the normal run.
"""

from __future__ import annotations

import os
from statistics import median

import pytest
from harness.people import Cast, Person, StockPage
from harness.site import run_async

from pyodide_rtc.testing.browsers import SignalingServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FLOOD_S = float(os.environ.get("PYODIDE_RTC_FLOOD_S", "3"))

# Without a pause but for the tasks in which the browser sends: edits and awareness by y-webrtc, and
# messages of an unknown type by its connections.
FLOOD = """
    const conns = [...me.provider.room.webrtcConns.values()];
    const until = performance.now() + ms;
    let edits = 0;
    let noise = 0;
    while (performance.now() < until) {
        for (let i = 0; i < 20; i++) {
            me.array.push([edits++]);
            me.provider.awareness.setLocalStateField("edits", edits);
        }
        for (let i = 0; i < 200; i++) {
            noise++;
            for (const { peer } of conns) peer.send(new Uint8Array([77, i]));
        }
        await new Promise((resolve) => setTimeout(resolve));
    }
    return { edits, noise };
"""

# The edits of the other notebook, each with the time at which it was made.
LISTEN = """
import asyncio, time
delays, turns = [], []
def watch(event):
    if any(change.path == ("edit",) for change in event.changes):
        delays.append([time.time(), time.time() - state["edit"]])
state.observe(watch)
async def go_on():
    while True:
        before = time.time()
        await asyncio.sleep(0.01)
        turns.append([before, time.time() - before])
going = asyncio.ensure_future(go_on())
"""

EDIT = """
import asyncio, time
async def edit():
    while True:
        state["edit"] = time.time()
        await asyncio.sleep(0.1)
editing = asyncio.ensure_future(edit())
"""


def test_a_flood_slows_who_makes_it_alone(
    two_people: tuple[Person, Person],
    cast: Cast,
    server: SignalingServer,
    room_name: str,
) -> None:
    one, two = two_people
    page = StockPage(cast.driver("stock"), server)
    one.join(repr(room_name))
    two.join(repr(room_name))
    page.join(room_name)
    for person in (one, two):
        person.eventually("[p.is_synced for p in room.peers]", [True, True])
    two.run(LISTEN)
    one.run(EDIT)
    two.eventually("len(delays) > 5", True)

    page.driver.set_script_timeout(FLOOD_S + 60)
    began_s = two.value("time.time()")
    page.run(f"window.flood = (async (ms) => {{{FLOOD}}})({FLOOD_S * 1000})")
    cell_s = two.value("time.time()")
    sent = run_async(page.driver, "return await window.flood")
    ended_s = two.value("time.time()")
    for person in (one, two):
        person.eventually("len(items)", sent["edits"], timeout_s=120)
    arrived_s = two.value("time.time()")
    one.run("editing.cancel()")
    two.run("going.cancel()")
    delays, turns = two.value("[delays, turns]")
    before = [delay for at_s, delay in delays if at_s < began_s]
    during = [delay for at_s, delay in delays if began_s < at_s < ended_s]
    in_time = [at_s for at_s, took_s in delays if began_s < at_s and at_s + took_s < ended_s]
    longest_turn = max(took_s for at_s, took_s in turns if began_s < at_s < ended_s)
    last_state = "[s.get('edits') for s in room.awareness.states.values() if 'edits' in s]"
    for person in (one, two):
        person.eventually(last_state, [sent["edits"]])
        assert person.value("items.to_py() == list(range(len(items)))")
        assert person.value("max(p.unknown_messages for p in room.peers)") == sent["noise"]
        assert person.value("len(room.faults)") == 0
    print(
        f"\n{sent} in {FLOOD_S} s, all of it there after {arrived_s - began_s:.1f} s; edits of "
        f"another took {1000 * median(before):.1f} ms before, and during the flood p50 "
        f"{1000 * median(during):.1f}, max {1000 * max(during):.1f} ms ({len(during)} edits); a "
        f"cell ran after {cell_s - began_s:.1f} s; the longest turn of the loop meanwhile was "
        f"{1000 * longest_turn:.0f} ms",
        end="",
    )
    page.run("me.provider.destroy()")
    for person in (one, two):
        person.run("room.leave()")
    assert in_time, "edits of another arrive while the flood goes on"
