"""Messages that a stock page handles wrongly: what was lost comes within 10 s, nobody editing."""

from __future__ import annotations

import sys
import time

import pytest
from harness.people import Cast, Person, StockPage
from harness.served import SignalingServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

HEALED_WITHIN_S = 10.0

LOSING = """
const [conn] = me.provider.room.webrtcConns.values(), peer = conn.peer;
const isUpdate = (bytes) => bytes[0] === 0 && bytes[1] === 2;
window.lost = 0;
window.loseIncoming = () => {
  const [listener] = peer.listeners("data");
  peer.removeListener("data", listener);
  peer.on("data", (data) => (window.lost === 0 && isUpdate(data) ? window.lost++ : listener(data)));
};
window.loseOutgoing = () => {
  const send = peer.send.bind(peer);
  peer.send = (data) => (window.lost === 0 && isUpdate(data) ? window.lost++ : send(data));
};
"""


@pytest.fixture
def person(cast: Cast) -> Person:
    return cast.person("one")


@pytest.fixture
def page(cast: Cast, server: SignalingServer, room_name: str, person: Person) -> StockPage:
    """A stock page in a room with the notebook; what the first text says is with both."""
    page = StockPage(cast.driver("stock"), server)
    person.join(repr(room_name))
    page.join(room_name)
    person.eventually("[p.is_synced for p in room.peers]", [True])
    person.run("text.insert(0, 'first ')")
    page.eventually("me.text.toString()", "first ")
    page.run(LOSING)
    return page


def tell(what: str, began_s: float) -> None:
    took_s = time.perf_counter() - began_s
    sys.stdout.write(f"\n{what}: healed after {took_s:.1f} s\n")
    assert took_s < HEALED_WITHIN_S


def test_an_update_that_the_page_drops(person: Person, page: StockPage) -> None:
    page.run("loseIncoming()")
    began_s = time.perf_counter()
    person.run("text.insert(0, 'lost ')")
    page.eventually("lost", 1)
    person.run("text.insert(0, 'waits ')")  # refers to what was lost
    page.eventually("me.doc.store.pendingStructs !== null", True)
    assert page.value("me.text.toString()") == "first "

    page.eventually("me.text.toString()", "waits lost first ")
    tell("an update dropped by the page, and one that waited for it", began_s)
    person.eventually("[p.behind for p in room.peers]", [0])
    page.run("me.provider.destroy()")
    person.run("room.leave()")


def test_an_update_of_the_page_that_is_lost_on_the_way_to_us(
    person: Person, page: StockPage
) -> None:
    page.run("loseOutgoing()")
    began_s = time.perf_counter()
    page.run("me.text.insert(0, 'lost ')")
    assert page.value("lost") == 1

    person.eventually("str(text)", "lost first ")
    tell("an update of the page", began_s)
    page.run("me.provider.destroy()")
    person.run("room.leave()")


def test_a_deletion_that_the_page_drops(person: Person, page: StockPage) -> None:
    page.run("loseIncoming()")
    began_s = time.perf_counter()
    person.run("del text[0:3]")
    page.eventually("lost", 1)

    page.eventually("me.text.toString()", "st ")
    tell("a deletion dropped by the page", began_s)
    page.run("me.provider.destroy()")
    person.run("room.leave()")
