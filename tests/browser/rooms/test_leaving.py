"""Leaving by its real causes: the others see it within 5 s, the connection and the presence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from harness.browsers import crash_tab, open_browser
from harness.people import Cast, Person
from harness.processes import kill_browser
from harness.served import SignalingServer
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.remote.webdriver import WebDriver

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

HERE_S = 5.0
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
