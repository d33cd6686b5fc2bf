"""Runs in a notebook, served by serving.py: joins at a given instant; joining.js is its twin."""

import asyncio

import js
from pyodide.code import run_js

import pyodide_rtc

room = task = None
wait_until = run_js("(at) => { while (Date.now() < at); }")  # as joining.js does


async def _meet(me, other, name, signaling, password, at_ms, patience_s):
    global room
    await asyncio.sleep(max(0, at_ms - js.Date.now() - 20) / 1000)
    wait_until(at_ms)  # timers are some milliseconds late
    start = js.performance.now()
    room = pyodide_rtc.join(name, signaling=signaling, password=password)
    state = room.map("state")
    met = asyncio.get_running_loop().create_future()

    def look(_event=None):
        if other in state and not met.done():
            met.set_result(js.performance.now() - start)

    observation = state.observe(look)
    state[me] = True
    look()
    try:
        return await asyncio.wait_for(met, patience_s)
    except TimeoutError:
        return f"{room} {room.faults}"
    finally:
        observation.cancel()


async def prepare(*arguments):
    global task
    task = asyncio.ensure_future(_meet(*arguments))


async def met():
    return await task


async def part():
    room.leave()
