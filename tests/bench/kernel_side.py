"""What the bench runs in the kernels; page_side.js is its twin.

Rooms are given as (name, signaling): signaling None for the servers of the site.
"""

import asyncio
import gc
import tracemalloc

import js
from pycrdt import Doc, Map
from pyodide.code import run_js

import pyodide_rtc

sent = run_js("""
    const send = RTCDataChannel.prototype.send;
    const sent = [0, 0, 0];
    RTCDataChannel.prototype.send = function (data) {
        sent[0] += 1;
        sent[1] += data.byteLength ?? data.length;
        sent[2] += data[0] === 0 && data[1] === 2; // y-protocols: sync, update
        return send.call(this, data);
    };
    sent
""")
now = js.performance.now
room = state = subscription = doc = joining = awaited = answering = watching = None
seen = {}


def _until(key, value):
    """A future that is done when the other has set `key` to `value`; one at a time."""
    global awaited
    awaited = key, value, asyncio.get_running_loop().create_future()
    future = awaited[2]
    _look()
    return future


def _look(_event=None):
    global awaited
    if awaited is not None and state.get(awaited[0]) == awaited[1]:
        future, awaited = awaited[2], None
        if not future.done():  # or nobody waits any more
            future.set_result(now())


def _join(name, signaling, **options):
    global room, state, subscription
    room = pyodide_rtc.join(name, signaling=signaling, **options)
    state = room.map("state")
    subscription = state.observe(_look)


async def _until_open():
    while [s.state for s in room.servers] != ["open"]:
        await asyncio.sleep(0.01)


async def host(name, signaling):
    _join(name, signaling)
    state["hosted"] = True
    await _until_open()


async def join_and_time(name, signaling):
    start = now()
    _join(name, signaling)
    return await _until("hosted", True) - start


async def leave():
    room.leave()


# Edits.


async def echo():
    global answering

    def answer(event):
        if any(change.path == ("ping",) for change in event.changes):
            state["pong"] = state["ping"]

    answering = state.observe(answer)


async def time_edits(count):
    times = []
    for number in range(count):
        start = now()
        answered = _until("pong", number)
        state["ping"] = number
        times.append((await answered - start) / 2)
    return times


async def time_loop(count):
    done = f"done-{now()}"
    start = now()
    answered = _until("pong", done)
    for number in range(count):
        state[f"k{number % 100}"] = number
    state["ping"] = done
    return await answered - start


async def count_from_now():
    sent.fill(0)


async def counted():
    return sent.to_py()


# Groups: in ms since 1970, by the one clock of the machine.


def _clock():
    return js.performance.timeOrigin + now()


async def until_linked(others):
    while sum(p.is_connected and p.is_synced for p in room.peers) != others:
        await asyncio.sleep(0.01)


async def watch():
    """Note from now on when each key comes."""
    global watching
    seen.clear()
    if watching is not None:
        watching.cancel()

    def note(event):
        seen.update(dict.fromkeys((change.path[0] for change in event.changes), _clock()))

    watching = state.observe(note)


async def edit_now_and_then(keys, pause_s):
    made = []
    for key in keys:
        await asyncio.sleep(pause_s)
        made.append(_clock())
        state[key] = True
    return made


async def seen_at(keys):
    while not all(key in seen for key in keys):
        await asyncio.sleep(0.01)
    return [seen[key] for key in keys]


# Memory.


async def heap_bytes():
    """What Python has allocated since this was first asked."""
    tracemalloc.start()
    gc.collect()
    return tracemalloc.get_traced_memory()[0]


async def end_tracing():
    tracemalloc.stop()


# Leaving and outages: in ms since 1970, to be compared with the clock of run.py on this machine.


async def until_alone():
    """Neither a connection nor the presence of anybody is left."""
    while room.peers or len(room.awareness.states) > 1:
        await asyncio.sleep(0.005)
    return js.Date.now()


async def begin_to_join(name, signaling):
    global joining

    async def join():
        await join_and_time(name, signaling)
        return js.Date.now()

    joining = asyncio.ensure_future(join())


async def joined_at():
    return await joining


# Large documents: one key per megabyte.


async def fill(megabytes):
    global doc
    doc = Doc()
    for number in range(megabytes):
        part = Doc()
        part.get("state", type=Map)[str(number)] = "x" * 1_000_000
        doc.apply_update(part.get_update())


async def host_filled(name, signaling):
    _join(name, signaling, doc=doc)
    await _until_open()


async def receive(name, signaling, megabytes, patience_s):
    """The time from being connected to having it all, in ms; None if it does not come."""
    _join(name, signaling)
    connected = asyncio.get_running_loop().create_future()

    def look(event):
        if event.kind == "peer-joined" and not connected.done():
            connected.set_result(now())

    try:
        with room.observe(look):
            async with asyncio.timeout(patience_s):
                start = await connected
                return await _until(str(megabytes - 1), "x" * 1_000_000) - start
    except TimeoutError:
        return None


async def has_all(megabytes):
    return all(len(state[str(number)]) == 1_000_000 for number in range(megabytes))


async def forget():
    global doc
    doc = None
