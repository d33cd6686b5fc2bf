"""What run.py runs in the kernels; page_side.js is its twin."""

import asyncio
import json

import js
from pyodide.code import run_js
from pyodide.ffi import create_proxy, to_js

import pyodide_rtc

sent = run_js("""
    const send = RTCDataChannel.prototype.send;
    const sent = [0, 0];
    RTCDataChannel.prototype.send = function (data) {
        sent[0] += 1;
        sent[1] += data.byteLength ?? data.length;
        return send.call(this, data);
    };
    sent
""")
now = js.performance.now
room = state = subscription = None


def until(key, value):
    """A future that is done when the other has set `key` to `value`."""
    future = asyncio.get_running_loop().create_future()

    def look(_event=None):
        if not future.done() and state.get(key) == value:
            future.set_result(now())

    observed = state.observe(look)
    future.add_done_callback(lambda _: state.unobserve(observed))
    look()
    return future


async def host(name):
    global room, state
    room = pyodide_rtc.join(f"bench-{name}")
    state = room.map("state")
    state["hosted"] = name
    while [s.state for s in room.servers] != ["open"]:
        await asyncio.sleep(0.01)


async def join_and_time(name):
    global room, state
    start = now()
    room = pyodide_rtc.join(f"bench-{name}")
    state = room.map("state")
    return await until("hosted", name) - start


async def leave():
    room.leave()


async def echo():
    global subscription
    loop = asyncio.get_running_loop()

    def answer(event):
        if "ping" in event.keys:
            loop.call_soon(lambda: state.update({"pong": state["ping"]}))

    subscription = state.observe(answer)


async def time_edits(count):
    times = []
    for number in range(count):
        start = now()
        answered = until("pong", number)
        state["ping"] = number
        times.append((await answered - start) / 2)
    return times


async def time_loop(count):
    done = f"done-{now()}"
    start = now()
    answered = until("pong", done)
    for number in range(count):
        state[f"k{number % 100}"] = number
    state["ping"] = done
    return await answered - start


async def count_from_now():
    sent[0] = sent[1] = 0


async def counted():
    return [sent[0], sent[1]]


async def serve():
    """Do what the page asks for, as long as the cell goes on."""
    calls = asyncio.Queue()
    channel = js.BroadcastChannel.new("bench")
    channel.onmessage = create_proxy(lambda event: calls.put_nowait(event.data))
    while True:
        kind, what = await calls.get()
        if kind == "call":
            name, arguments = json.loads(what)
            answer = await globals()[name](*arguments)
            channel.postMessage(to_js(["answer", json.dumps(answer)]))
