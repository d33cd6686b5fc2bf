"""Leaving by its real causes: the others see it within 5 s, the connection and the presence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from harness.browsers import crash_tab, open_browser
from harness.people import COMPUTE, Cast, Person
from harness.processes import kill_browser
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webdriver import WebDriver
from stock.page import serve_stock_signaling

from pyodide_rtc.testing.browsers import SignalingServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

HERE_S = 5.0
BUSY_S = 10
PAIRS = [("chromium", "chromium"), ("firefox", "chromium"), ("chromium", "firefox")]
SEEN_GONE = "[len(room.peers), len(room.awareness.states)]"


def close_window(driver: WebDriver) -> None:
    driver.close()
    driver.switch_to.window(driver.window_handles[0])


def walk_away(driver: WebDriver) -> None:
    driver.get("about:blank")


@pytest.fixture(scope="module")
def guest_house() -> Iterator[WebDriver]:
    """A browser that is dead in the end."""
    with suppress(WebDriverException), open_browser("chromium") as driver:
        yield driver


@pytest.fixture
def guest(guest_house: WebDriver, server: SignalingServer) -> Person:
    guest_house.switch_to.window(guest_house.window_handles[0])  # away from a tab that crashed
    guest_house.switch_to.new_window("tab")
    person = Person(guest_house, server)
    person.open(room="demo")
    return person


@pytest.mark.parametrize("leave", [close_window, walk_away, crash_tab, kill_browser])
def test_who_goes_without_a_word_is_seen_to_go(
    cast: Cast,
    guest: Person,
    room_name: str,
    leave: Callable[[WebDriver], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = cast.person("one")
    one.join(repr(room_name), "user='Ada'")
    guest.join(repr(room_name), "user='Bob'")
    one.eventually("[len(room.awareness.states), room.synced]", [2, True])
    start_s = time.monotonic()
    leave(guest.driver)
    one.eventually(SEEN_GONE, [0, 1], timeout_s=HERE_S)
    with capsys.disabled():
        print(f"\n{leave.__name__}: seen after {time.monotonic() - start_s:.1f} s")
    one.run("room.leave()")


@pytest.fixture(params=PAIRS, ids="-".join)
def pair(
    request: pytest.FixtureRequest, cast: Cast, server: SignalingServer, room_name: str
) -> Iterator[tuple[Person, Person]]:
    """Two who have met at y-webrtc's server; the second may be killed."""
    watcher, kind = request.param
    with (
        serve_stock_signaling() as url,
        suppress(WebDriverException),
        open_browser(kind) as driver,
    ):
        one, guest = cast.person("one", watcher), Person(driver, server)
        guest.open(room="demo")
        for person in (one, guest):
            person.join(repr(room_name), f"signaling={[url]}")
        one.run("heard = []; room.observe(lambda e: heard.append(e.kind))")
        one.eventually("[len(room.awareness.states), room.synced]", [2, True])
        yield one, guest
        one.run("room.leave()")


def test_at_a_stock_server_who_is_killed_is_missed(
    pair: tuple[Person, Person], capsys: pytest.CaptureFixture[str]
) -> None:
    one, guest = pair
    start_s = time.monotonic()
    kill_browser(guest.driver)
    one.eventually(SEEN_GONE, [0, 1], timeout_s=HERE_S)
    with capsys.disabled():
        print(f"\nkilled, at a stock server: seen after {time.monotonic() - start_s:.1f} s")


def test_who_is_busy_is_not_missed(pair: tuple[Person, Person]) -> None:
    one, guest = pair
    guest.start(COMPUTE.format(BUSY_S) + "\nstate['busy'] = 'no more'")
    guest.driver.set_script_timeout(60)
    guest.driver.execute_script(
        "for (const end = Date.now() + arguments[0]; Date.now() < end; );", BUSY_S * 1000
    )
    one.eventually("state.get('busy')", "no more")
    assert "peer-left" not in one.value("heard")


def test_a_page_that_was_frozen_is_in_the_room_again(cast: Cast, room_name: str) -> None:
    one, two = cast.person("one"), cast.person("two")
    for person in (one, two):
        person.join(repr(room_name))
    for person in (one, two):
        person.eventually("[p.is_synced for p in room.peers]", [True])
    set_state = two.driver.execute_cdp_cmd  # type: ignore[attr-defined]
    set_state("Page.setWebLifecycleState", {"state": "frozen"})
    one.run("state['while'] = 'frozen'")
    set_state("Page.setWebLifecycleState", {"state": "active"})
    two.eventually("state.to_py()", {"while": "frozen"}, timeout_s=HERE_S)
    two.run("state['after'] = True")
    one.eventually("state.get('after')", True, timeout_s=HERE_S)
    for person in (one, two):
        person.run("room.leave()")
