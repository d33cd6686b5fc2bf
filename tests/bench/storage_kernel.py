"""What storage_bench.py runs in a kernel; storage_page.js is its twin."""

import asyncio
import random
import time

import js
from pycrdt import Doc, Map, Text
from pyodide.code import run_js
from pyodide.ffi import to_js

import pyodide_rtc
from pyodide_rtc.storage import LogName

NOBODY = ["ws://localhost:9/"]
TEXT = ("Grüße an alle, 📊 und 日本語. " * 5_000)[:100_000]
now = js.performance.now
room = None

fill = run_js("""
    (log, updates) => new Promise((resolve, reject) => {
        const request = indexedDB.open("pyodide-rtc");
        request.onsuccess = () => {
            const transaction = request.result.transaction(["logs", "records"], "readwrite");
            let bytes = 0;
            updates.forEach((update, index) => {
                const record = Uint8Array.of(1, 0, ...update);
                bytes += record.length;
                const entry = { number: index + 1, bytes: record };
                transaction.objectStore("records").put(entry, [log, index + 1]);
            });
            const records = updates.length;
            const about = { life: "filled", next: records + 1, records, bytes, changed: 0 };
            transaction.objectStore("logs").put(about, log);
            transaction.oncomplete = () => resolve(request.result.close());
            transaction.onabort = () => reject(transaction.error);
        };
    })
""")


def _join(name, **options):
    global room
    room = pyodide_rtc.join(name, signaling=NOBODY, **options)
    return room


async def prepare(name, count):
    """Store the updates of so many edits, one by one."""
    updates = []
    doc = Doc()
    subscription = doc.observe(lambda event: updates.append(event.update))
    state = doc.get("state", type=Map)
    for number in range(count):
        state[f"k{number % 100}"] = number
    doc.unobserve(subscription)
    first = _join(name)  # so that there is a database
    await first.until_loaded()
    topic = first.topic
    await first.forget()
    await fill(str(LogName(topic, "")), to_js(updates))


async def time_load(name):
    start = now()
    joined = _join(name, doc=Doc())
    await joined.until_loaded()
    taken = now() - start
    assert len(joined.map("state")) == 100
    joined.leave()
    await asyncio.sleep(0.3)
    return taken


async def time_edits(name, count, is_kept):
    """Time each of so many edits, with all that it makes happen at once."""
    joined = _join(name, store=is_kept)
    await joined.until_loaded()
    state = joined.map("state")
    times = []
    for number in range(count):
        start = now()
        state["x"] = number
        await asyncio.sleep(0)
        times.append(now() - start)
    await joined.forget()
    return times


def _timed_text(text, insert, positions):
    start = now()
    for position in positions:
        insert(position, "é")
    taken = now() - start
    assert len(str(text)) == 100_000 + len(positions)
    return taken


async def time_text(rounds):
    """Insert 1,000 times into a text of 100,000 characters: with pycrdt's own, and with ours."""
    draw = random.Random(1)
    positions = [draw.randrange(90_000) for _ in range(1_000)]
    offsets = [len(TEXT[:position].encode()) for position in positions]
    raws, ours = [], []
    for number in range(rounds):
        raw = Doc().get("text", type=Text)
        raw += TEXT
        raws.append(_timed_text(raw, raw.insert, offsets))
        joined = _join(f"text {number} {time.time()}", store=False)
        text = joined.text("text")
        text += TEXT
        ours.append(_timed_text(text, text.insert, positions))
        joined.leave()
    return raws, ours


async def edit_on(name, count):
    """Edit so many times: words in a text, and keys."""
    draw = random.Random(count)
    joined = _join(name)
    await joined.until_loaded()
    state, text = joined.map("state"), joined.text("text")
    for number in range(count):
        if number % 2:
            state[f"k{draw.randrange(100)}"] = number
        else:
            text.insert(draw.randint(max(0, len(text) - 100), len(text)), "word ")
        if number % 50 == 0:
            await asyncio.sleep(0)


async def sizes(name):
    """Give the bytes that are kept of a room, and of its state."""
    joined = _join(name)
    while not joined.stored.is_saved:
        await asyncio.sleep(0.1)
    await asyncio.sleep(1)
    kept, whole = joined.stored.size_bytes, len(joined.doc.get_update())
    await joined.forget()
    return kept, whole


# Another document.


async def host(name, signaling):
    global room
    room = pyodide_rtc.join(name, signaling=signaling)
    room.map("state")["hosted"] = True
    board = room.document("board")
    board.map("state")["hosted"] = True
    while [s.state for s in room.servers] != ["open"]:
        await asyncio.sleep(0.01)


async def _until_hosted(values):
    here = asyncio.get_running_loop().create_future()

    def look(_event=None):
        if "hosted" in values and not here.done():
            here.set_result(None)

    observation = values.observe(look)
    look()
    await here
    observation.cancel()


async def join_and_open(name, signaling):
    """Time the first join, and then another document of the room."""
    global room
    start = now()
    room = pyodide_rtc.join(name, signaling=signaling)
    await _until_hosted(room.map("state"))
    joined = now() - start
    while "board" not in room.documents:
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.5)
    start = now()
    await _until_hosted(room.document("board").map("state"))
    return joined, now() - start


async def leave():
    await room.forget()
