"""Ten documents in one room, between three browsers, and a stock page that sees none of them."""

from __future__ import annotations

import pytest
from harness.browsers import crash_tab, open_browser
from harness.people import Cast, Person, StockPage

from pyodide_rtc.testing.browsers import SignalingServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

NAMES = [f"board {number}" for number in range(9)] + ["Grüße 📊"]

EDIT = """
import random
def edit(seed):
    chosen = random.Random(seed)
    for _ in range(100):
        text = room.document(chosen.choice({names!r})).text("t")
        text.append(chosen.choice("abé📊"))
"""

LENGTH = "sum(len(room.document(name).text('t')) for name in room.documents)"
CONTENTS = "[str(room.document(name).text('t')) for name in {names!r}]"


def contents(person: Person, names: list[str]) -> object:
    return person.value(CONTENTS.format(names=names))


def test_ten_documents_between_three_browsers(
    cast: Cast, server: SignalingServer, room_name: str
) -> None:
    with open_browser("chromium") as driver:
        crashing = Person(driver, server)
        crashing.open(room="demo")
        people = [cast.person("one"), cast.person("two", "firefox"), crashing]
        page = StockPage(cast.driver("stock"), server)
        page.join(room_name)
        for person in people:
            person.join(repr(room_name))
        for person in people:
            person.eventually("[p.is_connected for p in room.peers]", [True] * 3)
        one, two, _ = people
        connections = page.value("me.provider.room.webrtcConns.size")
        for seed, person in enumerate(people):
            person.run(f"for name in {NAMES[:9]!r}: room.document(name)")
            person.run(EDIT.format(names=NAMES[:9]))
            person.run(f"edit({seed})")
        for person in people:
            person.eventually(LENGTH, 300)
        one.run(f"room.document({NAMES[9]!r}).text('t').insert(0, 'late 📊')")
        two.eventually(f"{NAMES[9]!r} in room.documents", True)
        two.run(f"await room.document({NAMES[9]!r}).until_synced(10)")
        two.eventually(
            "[len(d.peers) for d in room.documents.values()]", [1] + [2] * 9
        )  # by name: "Grüße" is the first
        assert page.value("me.provider.room.webrtcConns.size") == connections == 3
        crashing.start("edit(3)")
        crash_tab(driver)
    for person in (one, two):
        person.eventually("[len(d.peers) for d in room.documents.values()]", [1] * 10)

    two.eventually(CONTENTS.format(names=NAMES), contents(one, NAMES))
    assert contents(two, NAMES[9:]) == ["late 📊"]
    assert one.value(LENGTH) >= 300
    assert page.value("[...me.doc.share.keys()].filter((name) => name === 't')") == []
    one.run("await room.forget()")
    two.eventually("[len(d.peers) for d in room.documents.values()]", [0] * 10)
    two.run("await room.forget()")
    page.run("me.provider.destroy()")
