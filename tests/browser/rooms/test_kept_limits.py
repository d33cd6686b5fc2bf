"""What a browser keeps, where it is hard: full, private, large, compacted, in two tabs at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from harness.browsers import BROWSERS, Kind, open_browser
from harness.kept import CONTENT, NOBODY, join, person_of
from harness.people import Cast, Person
from selenium.webdriver.remote.webdriver import WebDriver

from pyodide_rtc.testing.browsers import SignalingServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

FAULTS = "[type(f).__name__ for f in room.faults if isinstance(f, pyodide_rtc.StorageError)]"


@contextmanager
def quota(driver: WebDriver, origin: str, size_bytes: int) -> Iterator[None]:
    """Let Chromium grant an origin no more than this."""
    override: Callable[..., object] = driver.execute_cdp_cmd  # type: ignore[attr-defined]
    command = "Storage.overrideQuotaForOrigin"
    override(command, {"origin": origin, "quotaSize": size_bytes})
    try:
        yield
    finally:
        override(command, {"origin": origin})


# Chromium asks itself how much room there is once in a while, not at each write.
GROW = """
import asyncio, random
while not room.stored.reason:
    state[f'{len(state)}'] = random.randbytes(500_000)
    await asyncio.sleep(0.5)
"""


def test_no_room_is_told_and_work_goes_on(
    cast: Cast, server: SignalingServer, room_name: str
) -> None:
    person = cast.person("keeper")
    join(person, room_name)
    person.run("text += 'before'")
    person.eventually("room.stored.is_saved", True)
    with quota(person.driver, server.url, 1_000_000):
        person.run(GROW, timeout_s=60)
        assert person.value(FAULTS) == ["QuotaExceededError"]
        assert "stored_rooms()" in person.value("str(room.faults[-1])")
        assert room_name in person.value("room.stored.reason")
        person.run("text += ' and after'")
        assert person.value("[str(text), room.stored.is_saved]") == ["before and after", False]
        keys = person.value("len(state)")
    person.eventually("[room.stored.is_saved, room.stored.reason]", [True, ""], timeout_s=70)
    person.open(room="demo")
    join(person, room_name)
    assert person.value("[str(text), len(state)]") == ["before and after", keys]
    person.run("await room.forget()")


@pytest.mark.parametrize("kind", BROWSERS)
def test_a_private_window(
    server: SignalingServer, room_name: str, kind: Kind, tmp_path: Path
) -> None:
    flags = ["--incognito"] if kind == "chromium" else []
    preferences = {"browser.privatebrowsing.autostart": True} if kind == "firefox" else {}
    with person_of(server, tmp_path, kind, *flags, preferences=preferences) as person:
        join(person, room_name, NOBODY)
        person.run("text += 'private'")
        person.eventually("room.stored.is_saved", True)
        print(f"{kind}, private: kept in {person.value('room.stored.where')}")
        person.open(room="demo")
        join(person, room_name, NOBODY)
        assert person.value("str(text)") == "private"


def test_a_duplicated_tab_is_another_peer(cast: Cast, room_name: str) -> None:
    """The second tab has a copy of the first one's sessionStorage."""
    one = cast.person("keeper")
    driver = one.driver
    first = driver.current_window_handle
    join(one, room_name, NOBODY)
    one.run("items.append('before')")
    one.eventually("room.stored.is_saved", True)
    driver.execute_script("sessionStorage.setItem('mark', '1'); window.open(location.href)")
    [other] = [handle for handle in driver.window_handles if handle != first]
    two = Person(driver, one.server, other)
    two.look()
    assert driver.execute_script("return sessionStorage.getItem('mark')") == "1"
    two.notebook.wait_idle()
    two.run("%pip install -q pyodide-rtc\nimport json, pyodide_rtc", timeout_s=90)
    join(two, room_name, NOBODY)
    one = Person(driver, one.server, first)
    for person in (one, two):
        person.eventually("[p.is_synced for p in room.peers]", [True])
    for number in range(5):
        one.run(f"items.append('one {number}')")
        two.run(f"items.append('two {number}')")
    everything = {"before"} | {f"{who} {number}" for who in ("one", "two") for number in range(5)}
    for person in (one, two):
        person.eventually("len(items)", 11)
        assert set(person.value("items.to_py()")) == everything
    two.run("room.leave()")
    driver.close()
    one.look()
    one.run("room.leave()")


@pytest.mark.parametrize("kind", BROWSERS)
def test_restarted_in_the_midst_of_a_compaction(cast: Cast, room_name: str, kind: Kind) -> None:
    """A log is compacted when it has 500 records, or has doubled above 64 kB."""
    person = cast.person("keeper", kind)
    join(person, room_name, NOBODY)
    expected = ""
    for number in range(2):
        part = f"{number}" * 40_000
        person.run(f"text += {part!r}")
        expected += part
        if number % 2:  # the next writing compacts
            person.eventually("room.stored.is_saved", True)
            person.run("text += '.'; import asyncio; await asyncio.sleep(0.22)")
            expected += "."
            person.restart()
        else:
            person.eventually("room.stored.is_saved", True)
            person.restart()
        join(person, room_name, NOBODY)
        kept = person.value("str(text)")
        assert kept == expected or kept == expected.removesuffix("."), "whole, but for 250 ms"
        expected = kept
        assert person.value(FAULTS) == []
    person.run("await room.forget()")


TEN_MB = """
import random
chance = random.Random(1)
for n in range(20):
    state[f'{n}'] = chance.randbytes(450_000).hex()[:500_000]
"""
DIGEST = "__import__('hashlib').sha256(repr(sorted(state.to_py().items())).encode()).hexdigest()"


def test_ten_megabytes(cast: Cast, room_name: str) -> None:
    person, newcomer = cast.person("keeper"), cast.person("one")
    join(person, room_name)
    person.run(TEN_MB)
    person.eventually("room.stored.is_saved", True)
    digest = person.value(DIGEST)
    person.open(room="demo")
    join(person, room_name)
    assert person.value(DIGEST) == digest
    join(newcomer, room_name)
    newcomer.eventually(f"[len(state), {DIGEST}]", [20, digest])
    newcomer.run("await room.forget()")
    person.run(
        "for n in range(100):\n"
        "    room.leave()\n"
        f"    room = pyodide_rtc.join({room_name!r}, {NOBODY})\n"
        "    await room.until_loaded(20)",
        timeout_s=120,
    )
    size = person.value("room.stored.size_bytes")
    print(f"opened 100 times: {size / 1e6:.1f} MB are kept of a document of 10 MB")
    assert 10e6 < size < 20e6
    person.run("await room.forget()")
    assert person.value("[r.room for r in await pyodide_rtc.stored_rooms()]").count(room_name) == 0


@pytest.fixture
def stranger(server: SignalingServer) -> Iterator[Person]:
    with open_browser("chromium") as driver:
        person = Person(driver, server)
        person.open(room="demo")
        yield person


def test_a_room_goes_to_another_browser_as_a_file(
    cast: Cast, stranger: Person, room_name: str
) -> None:
    person = cast.person("keeper")
    join(person, room_name, NOBODY)
    person.run("state['n'] = 3; text += 'Grüße 📊'; room.document('board').map('m')['x'] = [1]")
    person.run("import base64; data = await room.export()")
    data = person.value("base64.b64encode(data).decode()")
    stranger.run(f"import base64; data = base64.b64decode({data!r})")
    stranger.run("name = await pyodide_rtc.import_room(data)")
    assert stranger.value("name") == room_name
    join(stranger, room_name, NOBODY)
    assert stranger.value(CONTENT) == [{"n": 3}, "Grüße 📊", []]
    stranger.run("board = room.document('board'); await board.until_loaded(20)")
    assert stranger.value("board.map('m').to_py()") == {"x": [1]}
    for each in (person, stranger):
        each.run("await room.forget()")
