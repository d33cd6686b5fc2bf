"""Leaving by its real causes: the others see it within 5 s, the connection and the presence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

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
    driver.switch_to.new_window("tab")
    blank = driver.current_window_handle
    [page] = [handle for handle in driver.window_handles if handle != blank]
    driver.switch_to.window(page)
    driver.close()
    driver.switch_to.window(blank)


def walk_away(driver: WebDriver) -> None:
    driver.get("about:blank")


@contextmanager
def guest(server: SignalingServer) -> Iterator[Person]:
    with suppress(WebDriverException), open_browser("chromium") as driver:
        person = Person(driver, server)
        person.open(room="demo")
        yield person


@pytest.mark.parametrize("leave", [close_window, walk_away, crash_tab, kill_browser])
def test_who_goes_without_a_word_is_seen_to_go(
    cast: Cast,
    server: SignalingServer,
    room_name: str,
    leave: Callable[[WebDriver], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    one = cast.person("one")
    one.join(repr(room_name), "user='Ada'")
    with guest(server) as two:
        two.join(repr(room_name), "user='Bob'")
        one.eventually("[len(room.awareness.states), room.synced]", [2, True])
        start_s = time.monotonic()
        leave(two.driver)
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
