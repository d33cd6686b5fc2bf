"""The rest of what a host offers, with Pyodide on the page and in a plain worker."""

from __future__ import annotations

import json

import pytest
from conftest import Run
from harness.site import REPOSITORY

from pyodide_rtc.testing.browsers import serve_site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]
VECTORS = REPOSITORY / "tests/vectors/crypto.json"


@pytest.fixture(params=["page", "worker"])
def place(request: pytest.FixtureRequest) -> str:
    place: str = request.param
    return place


def test_the_route_and_the_page_are_known(run: Run, place: str) -> None:
    route, href, config = run("""
        from pyodide_rtc.browser import open_host
        host = await open_host()
        facts = await host.page.facts()
        await host.aclose()
        await host.aclose()
        [host.page.route, facts.href, facts.config]
    """)
    assert route == {"page": "direct", "worker": "page"}[place]
    assert href.endswith("/module_test.html")
    assert config == {}


REMEMBER = """
    from pyodide_rtc.browser import open_host
    async def facts():
        host = await open_host()
        found = await host.page.facts()
        if forget:
            host.page.forget_room()
            found = await host.page.facts()  # asked after it, so it is forgotten by now
        await host.aclose()
        return found
"""


def test_the_tab_remembers_a_room_until_it_is_forgotten(
    run: Run, request: pytest.FixtureRequest, place: str
) -> None:
    driver = request.getfixturevalue(place).driver
    driver.execute_script("sessionStorage.setItem('pyodide-rtc room ', 'a%20b')")
    result = run("    forget = False" + REMEMBER + "    (await facts()).remembered_room")
    assert result == "a%20b"
    result = run("    forget = True" + REMEMBER + "    (await facts()).remembered_room")
    assert result is None
    assert driver.execute_script("return sessionStorage.getItem('pyodide-rtc room ')") is None


def test_the_browser_keeps_a_random_text(run: Run) -> None:
    ids = run(
        "    forget = False" + REMEMBER + "    [(await facts()).browser_id for _ in range(2)]"
    )
    assert len(ids[0]) == 40
    assert ids[0] == ids[1]


def test_the_page_tells_that_it_is_put_away_and_there_again(
    run: Run, request: pytest.FixtureRequest, place: str
) -> None:
    driver = request.getfixturevalue(place).driver
    run("""
        from pyodide_rtc.browser import open_host
        host, told = await open_host(), []
        host.page.on_life(lambda: told.append("away"), lambda: told.append("woken"))
    """)
    driver.execute_script(
        "for (const name of ['pagehide', 'pageshow', 'online']) dispatchEvent(new Event(name))"
    )
    told = run("""
        await host.page.facts()  # what the page told before has come by now
        await host.aclose()
        told
    """)
    assert told == ["away", "woken", "woken"]


FORBID = "Object.defineProperty(window, arguments[0], {{ configurable: true, {} }})"


@pytest.mark.parametrize("storage", ["localStorage", "sessionStorage"])
def test_a_browser_that_keeps_nothing_still_gives_its_facts(
    run: Run, request: pytest.FixtureRequest, place: str, storage: str
) -> None:
    driver = request.getfixturevalue(place).driver
    refusal = "get() { throw new DOMException('forbidden', 'SecurityError'); }"
    driver.execute_script("window.kept = window[arguments[0]];" + FORBID.format(refusal), storage)
    try:
        found = run(
            "    forget = True"
            + REMEMBER
            + "    f = await facts(); [f.href, f.remembered_room, f.browser_id is None]"
        )
    finally:
        driver.execute_script(FORBID.format("value: window.kept"), storage)
    assert found[0].endswith("/module_test.html")
    assert found[1:] == [None, storage == "localStorage"]


BROKEN = """
    const element = Object.assign(document.createElement("script"), {
        id: "jupyter-config-data", type: "application/json", textContent: "{broken" });
    document.head.append(element);
"""


def test_a_configuration_that_is_no_json_is_told(
    run: Run, request: pytest.FixtureRequest, place: str
) -> None:
    driver = request.getfixturevalue(place).driver
    driver.execute_script(BROKEN)
    try:
        told = run("""
            from pyodide_rtc.browser import open_host
            from pyodide_rtc.errors import BridgeError
            host = await open_host()
            try:
                await host.page.facts()
            except BridgeError as error:
                told = str(error)
            await host.aclose()
            told
        """)
    finally:
        driver.execute_script("document.getElementById('jupyter-config-data').remove()")
    assert "jupyter-config-data" in told
    assert "is not JSON" in told


def test_storage_keeps_text(run: Run) -> None:
    result = run("""
        from pyodide_rtc.browser import open_host
        host = await open_host()
        before = await host.page.storage.get("ø")
        await host.page.storage.set("ø", "ü")
        kept = await host.page.storage.get("ø")
        await host.page.storage.remove("ø")
        await host.page.storage.remove("ø")
        after = await host.page.storage.get("ø")
        await host.aclose()
        [before, kept, after]
    """)
    assert result == [None, "ü", None]


def test_a_full_storage_says_so(run: Run) -> None:
    result = run("""
        from pyodide_rtc.browser import open_host
        from pyodide_rtc.errors import QuotaExceededError
        host = await open_host()
        try:
            await host.page.storage.set("big", "x" * 20_000_000)
        except QuotaExceededError as error:
            refusal = str(error)
        await host.aclose()
        refusal
    """)
    assert "uota" in result


def test_asking_after_the_end_fails(run: Run) -> None:
    result = run("""
        import asyncio
        from pyodide_rtc.browser import open_host
        from pyodide_rtc.errors import StorageError
        host = await open_host()
        question = asyncio.ensure_future(host.page.storage.get("x"))
        await asyncio.sleep(0)
        await host.aclose()
        try:
            await question
            answer = "answered before the bridge was closed"
        except StorageError as error:
            answer = str(error)
        answer
    """)
    assert result in (
        "the way to the page was closed. Join again",
        "answered before the bridge was closed",
    )


@pytest.mark.parametrize("vector", json.loads(VECTORS.read_text()), ids=lambda v: v["room"])
def test_golden_cryptography(run: Run, vector: dict[str, str]) -> None:
    result = run(f"""
        import asyncio
        from pair import soon
        from pyodide_rtc.browser import open_host
        from pyodide_rtc.errors import DecryptionError
        host = await open_host()
        key = host.machine.crypto.derive_key({vector["password"]!r}, {vector["room"]!r})
        other = host.machine.crypto.derive_key("wrong", {vector["room"]!r})

        async def result_of(begin, *args):
            result = asyncio.get_running_loop().create_future()
            begin(*args, result.set_result)
            return await soon(result)

        iv = bytes.fromhex({vector["ivHex"]!r})
        sealed = bytes.fromhex({vector["cipherWithTagHex"]!r})
        plain = await result_of(key.decrypt, iv, sealed)
        ours = await result_of(key.encrypt, plain)
        again = await result_of(key.encrypt, plain)
        same = await result_of(key.decrypt, *ours) == plain
        refusals = []
        for who, text in ((other, sealed), (key, sealed[:-1]), (key, b"")):
            result = await result_of(who.decrypt, iv, text)
            if isinstance(result, DecryptionError):
                refusals.append(str(result))
        await host.aclose()
        [plain.hex(), same, len(ours[0]), ours[0] != again[0], len(refusals)]
    """)
    assert result == [vector["plainAnyHex"], True, 12, True, 3]


SOCKET = """
    import asyncio
    from pair import soon
    from pyodide_rtc.browser import open_host
    class Handler:
        def __init__(self): self.heard = asyncio.Queue()
        def on_open(self): self.heard.put_nowait("open")
        def on_text(self, text): self.heard.put_nowait(text)
        def on_close(self, reason): self.heard.put_nowait("close: " + reason)
    host, handler = await open_host(), Handler()
    socket = host.network.open_socket({url!r}, handler)
    heard = [await soon(handler.heard.get())]
"""


def test_a_signaling_socket(run: Run) -> None:
    with serve_site(None) as server:
        result = run(
            SOCKET.format(url=server.signaling_url)
            + """
    socket.send('{"type":"ping"}')
    heard.append(await soon(handler.heard.get()))
    socket.send("nonsense")
    heard.append(await soon(handler.heard.get()))
    socket.send("nobody hears this")
    socket.close()
    await host.aclose()
    heard + [handler.heard.qsize()]
"""
        )
    opened, pong, closed, later = result
    assert opened == "open"
    assert json.loads(pong) == {"type": "pong"}
    assert closed.startswith("close: closed with code 1")
    assert later == 0


@pytest.mark.parametrize("url", ["ws://localhost:1/", "nonsense://x"])
def test_a_socket_that_cannot_open_says_so_once(run: Run, url: str) -> None:
    result = run(SOCKET.format(url=url) + "    await host.aclose()\n    heard")
    assert len(result) == 1
    assert result[0].startswith("close: ")


def test_a_closed_socket_is_silent(run: Run) -> None:
    result = run("""
        import asyncio
        from pyodide_rtc.browser import open_host
        heard = []
        class Handler:
            def on_open(self): heard.append("open")
            def on_close(self, reason): heard.append(reason)
        host = await open_host()
        for url in ("ws://localhost:1/", "nonsense://x"):
            host.network.open_socket(url, Handler()).close()
        await asyncio.sleep(0.3)  # nothing may come: there is nothing to wait for
        await host.aclose()
        heard
    """)
    assert result == []


def test_what_answers_at_an_address(run: Run) -> None:
    with serve_site(None) as server:
        result = run(f"""
        from pyodide_rtc.browser import open_host
        host = await open_host()
        urls = {server.signaling_url!r}, {server.signaling_url!r} + "?key=1", "ws://localhost:1/"
        answers = [await host.network.answers_http(url) for url in urls]
        await host.aclose()
        answers
        """)
    assert result == [True, True, False]


def test_tab_channels_reach_all_others(run: Run) -> None:
    result = run("""
        import asyncio, js
        from pair import soon
        from pyodide_rtc.browser import open_host
        class Handler:
            def __init__(self): self.heard = asyncio.Queue()
            def on_message(self, data): self.heard.put_nowait(data)
        host = await open_host()
        a, b = Handler(), Handler()
        first = host.network.open_tab_channel("room ø", a)
        second = host.network.open_tab_channel("room ø", b)
        stranger = js.BroadcastChannel.new("room ø")
        stranger.postMessage("not bytes")
        first.send(b"one")
        first.send(b"two")
        heard = [await soon(b.heard.get()), await soon(b.heard.get())]
        second.close()
        second.send(b"unheard")
        stranger.close()
        await host.aclose()
        [[data.decode() for data in heard], a.heard.qsize(), b.heard.qsize()]
    """)
    assert result == [["one", "two"], 0, 0]


def test_randomness_and_time(run: Run) -> None:
    result = run("""
        import time
        from pyodide_rtc.browser import open_host
        host = await open_host()
        machine = host.machine
        numbers = {machine.random() for _ in range(100)}
        await host.aclose()
        [len(numbers), min(numbers) >= 0, max(numbers) < 1, len(machine.random_bytes(16)),
         machine.random_bytes(16) != machine.random_bytes(16),
         abs(machine.wall_time_s() - time.time()) < 1]
    """)
    assert result == [100, True, True, 16, True, True]


def test_blocking_is_possible_in_a_task_where_the_browser_has_jspi(run: Run) -> None:
    result = run("""
        import asyncio
        from pyodide_rtc.browser import block, can_block
        async def work():
            await asyncio.sleep(0.01)
            return "done"
        def call():
            if not can_block():
                return ["no JSPI", "no JSPI"]
            try:
                block(asyncio.Event().wait(), 0.05)
            except TimeoutError:
                late = "late"
            return [block(work(), 5), late]
        async def task():
            return call()
        await asyncio.create_task(task())
    """)
    assert result in (["done", "late"], ["no JSPI", "no JSPI"])
