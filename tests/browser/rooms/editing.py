"""Runs in the notebooks of test_five_notebooks.py: random edits, and what came of them."""

import asyncio
import hashlib
import random

import pyodide_js

import pyodide_rtc
from pyodide_rtc.wire.state import decode_state_vector, digest_of
from pyodide_rtc.wire.update_scan import Scanner

WORDS = ["tea ", "coffee ", "wine ", "water ", "milk "]
VALUES = [None, True, -1, 2.5, "wörld 🌍", [1, {"deep": "x"}], {"a": [None]}]
room = state = text = items = task = None
edits = 0


def join(name, user):
    global room, state, text, items
    room = pyodide_rtc.join(name, user=user)
    state, text, items = room.map("state"), room.text("text"), room.list("list")


def begin(seed):
    global task
    task = asyncio.ensure_future(edit_on(random.Random(seed)))


async def edit_on(chance):
    """Edit ten times a second, more or less."""
    global edits
    while True:
        edit(chance)
        edits += 1
        await asyncio.sleep(chance.uniform(0.02, 0.18))


def edit(chance):
    # What was inserted is deleted again, some of it: documents do not grow for ever either.
    match chance.randrange(6):
        case 0:
            state[f"k{chance.randrange(30)}"] = chance.choice(VALUES)
        case 1 if len(state):
            del state[chance.choice(sorted(state))]
        case 2:
            text.insert(chance.randint(0, len(text)), chance.choice(WORDS))
        case 3 if len(text):
            start = chance.randrange(len(text))
            del text[start : min(start + chance.randint(1, 6), len(text))]
        case 4:
            items.insert(chance.randint(0, len(items)), chance.choice(VALUES))
        case 5 if len(items):
            del items[chance.randrange(len(items))]


def content():
    return [str(text), state.to_py(), items.to_py()]


def clocks():
    return sorted(decode_state_vector(room.doc.get_state()).items())


def canonical_digest():
    """Digest all the bytes of the document, the clients sorted."""
    update = room.doc.get_update()
    scanner = Scanner(update)
    clients = {}
    for _ in range(scanner.uint()):
        structs, client, clock = scanner.uint(), scanner.uint(), scanner.uint()
        start = scanner.at
        for _ in range(structs):
            scanner.struct()
        clients[client] = structs, clock, update[start : scanner.at]
    deletions = digest_of(update[scanner.at :], {})
    return hashlib.sha256(repr([sorted(clients.items()), deletions]).encode()).hexdigest()


def memory():
    return pyodide_js._module.HEAPU8.length
