"""What test_joining.py runs in the kernels; joining.js is its twin."""

import asyncio
import json

import js
from pyodide.ffi import create_proxy, to_js

import pyodide_rtc

room = task = None


async def _meet(me, other, name, password, at_ms):
    global room
    await asyncio.sleep(max(0, at_ms - js.Date.now() - 20) / 1000)
    while js.Date.now() < at_ms:  # noqa: ASYNC110  timers are some milliseconds late
        await asyncio.sleep(0)
    start = js.performance.now()
    room = pyodide_rtc.join(name, password=password)
    state = room.map("state")
    met = asyncio.get_running_loop().create_future()

    def look(_event=None):
        if other in state and not met.done():
            met.set_result(js.performance.now() - start)

    subscription = state.observe(look)
    state[me] = True
    look()
    try:
        return await asyncio.wait_for(met, 30)
    except TimeoutError:
        return f"{room} {room.faults}"
    finally:
        state.unobserve(subscription)


async def prepare(*arguments):
    global task
    task = asyncio.ensure_future(_meet(*arguments))


async def met():
    return await task


async def leave():
    room.leave()


async def serve():
    """Do what the page asks for, as long as the cell goes on."""
    calls = asyncio.Queue()
    channel = js.BroadcastChannel.new("joining")
    channel.onmessage = create_proxy(lambda event: calls.put_nowait(event.data))
    while True:
        kind, what = await calls.get()
        if kind == "call":
            name, arguments = json.loads(what)
            answer = await globals()[name](*arguments)
            channel.postMessage(to_js(["answer", json.dumps(answer)]))
