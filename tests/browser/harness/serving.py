"""Runs in a notebook: one cell that goes on, and does what calls.py asks for."""

import asyncio
import json
import traceback

import js
from pyodide.ffi import create_proxy, to_js


async def serve(channel_name):
    """Run the notebook's functions by name, one after the other, until `end` is called."""
    calls = asyncio.Queue()
    channel = js.BroadcastChannel.new(channel_name)
    listener = create_proxy(lambda event: calls.put_nowait(event.data))
    channel.onmessage = listener
    while True:
        kind, what = await calls.get()
        if kind != "call":
            continue
        name, arguments = json.loads(what)
        if name == "end":
            break
        try:
            answer = ["answer", json.dumps(await globals()[name](*arguments))]
        except (
            Exception
        ):  # whatever it is: told where it was asked for, and the next call is served
            answer = ["error", traceback.format_exc()]
        channel.postMessage(to_js(answer))
    channel.postMessage(to_js(["answer", "null"]))
    channel.close()
    listener.destroy()
