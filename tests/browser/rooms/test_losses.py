"""What a stock page has said and we have not heard: it comes within 10 s of the next change."""

from __future__ import annotations

import pytest
from harness.people import Cast, Person, StockPage

from pyodide_rtc.testing.browsers import SignalingServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

HEALED_WITHIN_S = 10.0

LOSING = """
const [conn] = me.provider.room.webrtcConns.values(), peer = conn.peer;
const isUpdate = (bytes) => bytes[0] === 0 && bytes[1] === 2;
window.lost = 0;
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


def test_an_update_of_the_page_that_is_lost_on_the_way_to_us(
    person: Person, page: StockPage
) -> None:
    page.run("loseOutgoing()")
    page.run("me.text.insert(0, 'lost ')")
    assert page.value("lost") == 1
    person.run("text.insert(0, 'next ')")

    all_of_it = ["first", "lost", "next"]
    person.eventually("sorted(str(text).split())", all_of_it, timeout_s=HEALED_WITHIN_S)
    page.run("me.provider.destroy()")
    person.run("room.leave()")
