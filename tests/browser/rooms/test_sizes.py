"""Documents of any size between notebooks, and to a stock page; run with -s to see the figures."""

from __future__ import annotations

import hashlib

import pytest
from harness.browsers import Kind
from harness.people import Cast, Person, StockPage

from pyodide_rtc.testing.browsers import SignalingServer, eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(170)]

MB = 1_000_000
PART = 100_000

# Made by other clients, so that what is edited here needs nothing of it to be shown; and in small
# parts, so that making it takes no more memory than it has.
FILL = """
from pycrdt import Doc, Map
doc = Doc()
for number in range({size} // {part}):
    source = Doc()
    source.get('state', type=Map)[str(number)] = 'x' * {part}
    doc.apply_update(source.get_update())
del source
"""

# In the midst of the transfer, as soon as it is seen to move.
EDIT_MEANWHILE = """
import time
def edit(event):
    if event.kind == 'progress' and 'small' not in state:
        state['small'] = time.time()
room.observe(edit)
"""

# In the cell that joins: a small document is there before the next cell could run.
JOIN_AND_WATCH = """
import time
started = time.time()
room = pyodide_rtc.join({name!r})
state = room.map('state')
marks, progress = {{}}, []
def watch(event):
    for key in event.keys:
        marks.setdefault(key, time.time())
room.observe(lambda e: e.transfer and progress.append(e))
subscription = state.raw.observe(watch)  # an observer of ours keeps a copy of the state
"""

# How far the kernel's heap has ever reached: it never shrinks. Its WebAssembly memory goes up to a
# fifth beyond, in pages that nobody has touched.
KERNEL_BYTES = "__import__('ctypes').CDLL(None).sbrk(0)"
PAGE_BYTES = "return performance.memory?.usedJSHeapSize ?? null"  # Firefox does not tell


def memory(person: Person) -> dict[str, int]:
    """What the kernel and the page have taken, in bytes."""
    page = person.driver.execute_script(PAGE_BYTES)
    found = {"kernel": person.value(KERNEL_BYTES), "page": page}
    return {where: size for where, size in found.items() if size is not None}


def leave(*people: Person) -> None:
    for person in people:
        person.run("room.leave()")


# The larger one first, and Firefox's kernel anew as it has had one already: what they have once
# taken is not seen to grow again.
@pytest.mark.parametrize(
    ("size", "sender", "receiver"),
    [
        (50 * MB, "chromium", "chromium"),
        (10 * MB, "chromium", "firefox"),
        (10 * MB, "firefox", "chromium"),
    ],
    ids=["50-MB", "10-MB-to-firefox", "10-MB-from-firefox"],
)
def test_a_large_document_to_a_newcomer_with_a_small_edit_meanwhile(
    cast: Cast, room_name: str, size: int, sender: Kind, receiver: Kind
) -> None:
    one = cast.person("two" if sender == "firefox" else "one", sender)  # one Firefox is enough
    two = cast.person("two", receiver)
    if sender == "firefox":
        one.restart()
    before = memory(one), memory(two)
    one.run(FILL.format(size=size, part=PART), timeout_s=60)
    one.join(repr(room_name), "doc=doc")
    one.run(EDIT_MEANWHILE)
    two.run(JOIN_AND_WATCH.format(name=room_name))
    two.eventually("[len(state), room.synced]", [size // PART + 1, True], timeout_s=60)
    assert two.value(f"all(len(state[str(i)]) == {PART} for i in range({size // PART}))")
    whole_s, small_s = two.value("[marks['0'] - started, marks['small'] - state['small']]")
    directions = set(two.value("[e.transfer.direction for e in progress]"))
    after = memory(one), memory(two)
    growth = {
        f"{who}'s {where}": (new[where] - old[where]) / size
        for who, old, new in zip(("sender", "receiver"), before, after, strict=True)
        for where in new
    }
    print("", *(f"{part} grew by {g:.2f} x the document" for part, g in growth.items()), sep="\n")
    print(f"{size // MB} MB in {whole_s:.1f} s from join, the edit after {small_s:.2f} s")
    leave(one, two)

    assert two.value("marks['small'] <= marks['0']"), "a small edit overtakes the document"
    assert directions == {"receiving"}
    # To keep it takes as much as to send it: what is encoded, and the record with it.
    assert {part: g for part, g in growth.items() if g >= 8} == {}


def test_a_burst_of_60_mb_arrives_whole(cast: Cast, room_name: str) -> None:
    one, two = cast.person("one"), cast.person("two")
    one.join(repr(room_name))
    two.join(repr(room_name))
    for person in (one, two):
        person.eventually("room.synced", True)
    one.run(
        "import asyncio, time\n"
        "started = time.time()\n"
        "for i in range(300):\n"
        "    state[str(i)] = f'{i:0200000}'\n"
        "    await asyncio.sleep(0)",
        timeout_s=60,
    )
    two.eventually("len(state)", 300, timeout_s=60)
    took_s = two.value("__import__('time').time()") - one.value("started")
    print(f"\n60 MB in {took_s:.1f} s", end="")
    wrong = "[k for k in state if state[k] != f'{int(k):0200000}']"
    assert two.value(wrong) == []
    assert one.value("len(room.faults)") == two.value("len(room.faults)") == 0
    leave(one, two)


def test_two_megabytes_of_small_edits_to_a_stock_page(
    cast: Cast, server: SignalingServer, room_name: str
) -> None:
    one, page = cast.person("one"), StockPage(cast.driver("stock"), server)
    one.run(
        "import hashlib\n"
        "from pycrdt import Doc, Text\n"
        "doc = Doc(client_id=2**53 - 1)\n"  # of a smaller one the document may be smaller
        "words = doc.get('text', type=Text)\n"
        "for i in range(60_000):\n"
        "    words.insert(0, f'{i:020} ')",
        timeout_s=60,
    )
    assert one.value("len(doc.get_update())") > 2 * MB
    one.join(repr(room_name), "doc=doc")
    page.join(room_name)
    eventually(lambda: page.value("me.text.length") == 60_000 * 21, 40, "the text is on the page")
    page.eventually("me.provider.room.synced", True)
    digest = hashlib.sha256(page.value("me.text.toString()").encode()).hexdigest()
    assert digest == one.value("hashlib.sha256(str(text).encode()).hexdigest()")
    assert one.value("len(room.faults)") == 0
    page.run("me.text.insert(0, 'back')")
    one.eventually("str(text)[:4]", "back")
    page.run("me.provider.destroy()")
    leave(one)
