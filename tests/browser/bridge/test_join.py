"""`join` itself with Pyodide on the page and in a plain worker, beside a stock y-webrtc page."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import Run
from harness.browsers import open_browser
from selenium.webdriver.remote.webdriver import WebDriver
from stock.page import stock_page_folder

from pyodide_rtc.testing.browsers import SignalingServer, eventually, serve_site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180)]


@pytest.fixture(params=["page", "worker"])
def place(request: pytest.FixtureRequest) -> str:
    place: str = request.param
    return place


@pytest.fixture(scope="module")
def server() -> Iterator[SignalingServer]:
    with serve_site(stock_page_folder()) as running:
        yield running


@pytest.fixture(scope="module")
def stock(server: SignalingServer) -> Iterator[WebDriver]:
    with open_browser("chromium") as driver:
        driver.get(f"{server.url}/index.html")
        yield driver


JOIN = """
    import asyncio, pyodide_rtc
    room = pyodide_rtc.join("demo", signaling={url!r}, password={password!r}, user="Ada")
    state = room.map("state")
    state["kernel"] = 1
    while room.topic is None:
        await asyncio.sleep(0.01)
    room.topic
"""
SYNCED = """
    await room.until_synced(timeout_s=20)
    while "page" not in state:
        await asyncio.sleep(0.01)
    [state.to_py(), len(room.peers), repr(room)]
"""
CLOSE = """
    from pyodide_rtc._default import _rooms
    [client, _] = _rooms()._home
    await client.aclose()
    _rooms.cache_clear()
"""


@pytest.mark.parametrize("password", [None, "secret"], ids=["plain", "password"])
def test_a_room_with_a_stock_page(
    run: Run, stock: WebDriver, server: SignalingServer, password: str | None
) -> None:
    topic = run(JOIN.format(url=server.signaling_url, password=password))
    stock.execute_script(
        "window.me = joinStock(...arguments); me.map.set('page', 2)",
        topic,
        [server.signaling_url],
        password,
    )
    state, peers, text = run(SYNCED)
    assert (state, peers) == ({"kernel": 1, "page": 2}, 1)
    assert "1 peer is connected and synced" in text
    eventually(
        lambda: stock.execute_script("return me.map.toJSON()") == {"kernel": 1, "page": 2},
        20,
        "the page has the kernel's edit",
    )
    run("room.leave()")
    eventually(
        lambda: stock.execute_script("return me.provider.room.webrtcConns.size") == 0,
        5,
        "the page sees it leave",
    )
    run(CLOSE)
    stock.execute_script("me.provider.destroy()")
