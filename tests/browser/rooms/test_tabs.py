"""Two tabs of one browser find each other without any server."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.people import Cast, Person, StockPage

from pyodide_rtc.testing.browsers import SignalingServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

NOBODY = "signaling=['ws://localhost:9/']"  # the discard port: nothing listens there
NOBODY_ELSE = (
    "1 peer is connected and synced. Nobody outside this browser can come. "
    "No signaling server is reached: peers need one to find each other. "
    "(ws://localhost:9/: nothing answers at its address)"
)


@pytest.fixture(scope="module")
def tabs(cast: Cast, server: SignalingServer) -> Iterator[tuple[Person, Person]]:
    """Two tabs of the first browser."""
    first = cast.person("one")
    driver = first.driver
    window = driver.current_window_handle
    driver.switch_to.new_window("tab")
    other = driver.current_window_handle
    second = Person(driver, server, other)
    second.open(room="demo")
    yield Person(driver, server, window), second
    driver.switch_to.window(other)
    driver.close()
    driver.switch_to.window(window)


@pytest.mark.parametrize("password", [None, "secret"], ids=["plain", "password"])
def test_two_notebooks(tabs: tuple[Person, Person], room_name: str, password: str | None) -> None:
    one, two = tabs
    one.join(repr(room_name), NOBODY, f"password={password!r}", "user='Ada'")
    one.run("state['before'] = 1")
    two.join(repr(room_name), NOBODY, f"password={password!r}", "user='Bob'")
    for person in tabs:
        person.eventually("[(p.via, p.is_synced) for p in room.peers]", [["tab", True]])
        person.eventually("room.why", NOBODY_ELSE)
        assert person.value("[type(f).__name__ for f in room.faults]") == [
            "SignalingUnavailableError"
        ]
    two.eventually("state.to_py()", {"before": 1})
    two.run("text += 'from two'")
    one.eventually("str(text)", "from two")
    one.eventually("len(room.awareness.states)", 2)
    two.run("room.leave()")
    one.eventually("[len(room.peers), len(room.awareness.states)]", [0, 1], timeout_s=5)
    one.run("room.leave()")  # and the driver is turned to the first tab again


def test_a_notebook_and_a_stock_page(cast: Cast, server: SignalingServer, room_name: str) -> None:
    person = cast.person("one")
    window = person.driver.current_window_handle
    person.join(repr(room_name), "user='Ada'")
    person.run("state['kernel'] = 1")
    person.driver.switch_to.new_window("tab")
    page = StockPage(person.driver, server)
    page.join(room_name)
    page.eventually("me.map.toJSON()", {"kernel": 1})
    assert page.value("[me.provider.room.bcConns.size, me.provider.room.webrtcConns.size]") == [
        1,
        0,
    ]
    page.run("me.map.set('page', 2)")
    other = person.driver.current_window_handle
    person.driver.switch_to.window(window)
    person.eventually("state.to_py()", {"kernel": 1, "page": 2})
    assert person.value("[p.via for p in room.peers]") == ["tab"]
    person.run("room.leave()")
    person.driver.switch_to.window(other)
    page.eventually("me.provider.room.bcConns.size", 0)
    person.driver.close()
    person.driver.switch_to.window(window)
