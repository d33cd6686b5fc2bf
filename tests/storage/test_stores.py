"""What `ports.Store` promises, of each store that runs without a browser."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable

import pytest

from pyodide_rtc.browser.page_store import MemoryValues, PageStore
from pyodide_rtc.errors import QuotaExceededError, StorageError
from pyodide_rtc.ports import Keeping, Store
from pyodide_rtc.testing import Fault, MemoryDisk, MemoryStore, Network

from .virtual import virtual

Open = Callable[[], Store]


class Page(MemoryValues):
    """A page's storage with an end."""

    def __init__(self, chars: float = math.inf) -> None:
        super().__init__()
        self.chars = chars

    async def set(self, key: str, value: str) -> None:
        await asyncio.sleep(0.001)  # so that others come in between
        if len(value) > self.chars:
            raise QuotaExceededError("QuotaExceededError: full")
        await super().set(key, value)


def page_stores(page: Page) -> Open:
    network = Network()

    def open_one() -> PageStore:
        locks = network.host(browser="one").page.locks
        return PageStore(page, locks, Keeping("page", "there is no database"))

    return open_one


@pytest.fixture(params=["memory", "page"])
def open_one(request: pytest.FixtureRequest) -> Open:
    """Opens the store in one tab after another of the same browser."""
    if request.param == "page":
        return page_stores(Page())
    disk = MemoryDisk()
    return lambda: MemoryStore(disk)


async def records(store: Store, log: str) -> list[bytes]:
    return [record for _, record in (await store.read(log)).records]


@virtual
async def test_a_log_that_is_not_there_is_empty(open_one: Open) -> None:
    store = open_one()
    contents = await store.read("none")
    assert (contents.life, [*contents.records]) == ("", [])
    await store.remove("none")
    assert dict(await store.logs()) == {}


@virtual
async def test_what_is_appended_is_read_in_its_order_by_all_tabs(open_one: Open) -> None:
    store, other = open_one(), open_one()
    begun = await store.append("a ø", b"one", "")
    assert begun is not None
    await other.append("a ø", b"", begun.life)
    size = await store.append("a ø", bytes(range(256)), "")
    await store.append("a", b"of another log", "")
    assert size is not None
    assert (size.life, size.records, size.size_bytes) == (begun.life, 3, 259)
    contents = await other.read("a ø")
    assert contents.life == begun.life
    assert [record for _, record in contents.records] == [b"one", b"", bytes(range(256))]
    logs = await other.logs()
    assert logs["a ø"] == size
    assert logs["a"].size_bytes == 14


@virtual
async def test_another_life_gets_nothing(open_one: Open) -> None:
    store = open_one()
    size = await store.append("log", b"one", "")
    assert size is not None
    await store.remove("log")
    assert await store.append("log", b"two", size.life) is None
    assert await records(store, "log") == []
    again = await store.append("log", b"three", "")
    assert again is not None
    assert again.life != size.life
    assert await store.append("log", b"two", size.life) is None
    assert await store.replace("log", size.life, [1], b"all") is None
    assert await store.move("log", size.life, [1], "aside") is False
    assert await records(store, "log") == [b"three"]


@virtual
async def test_one_record_takes_the_place_of_several(open_one: Open) -> None:
    store = open_one()
    for letter in (b"a", b"b", b"c"):
        await store.append("log", letter, "")
    before = await store.read("log")
    numbers = [number for number, _ in before.records]
    size = await store.replace("log", before.life, numbers[:2], b"ab")
    assert size is not None
    assert (size.life, size.records, size.size_bytes) == (before.life, 2, 3)
    assert await records(store, "log") == [b"c", b"ab"]
    assert await store.replace("log", before.life, numbers, b"abc") is None, "two are gone"
    assert await records(store, "log") == [b"c", b"ab"]
    after = await store.read("log")
    assert not {number for number, _ in after.records} & set(numbers[:2])
    everything = [number for number, _ in after.records]
    whole = await store.replace("log", before.life, everything, b"abc")
    assert whole is not None
    assert (whole.life, await records(store, "log")) == (before.life, [b"abc"])


@virtual
async def test_records_move_to_another_log(open_one: Open) -> None:
    store = open_one()
    for letter in (b"a", b"b"):
        await store.append("log", letter, "")
    contents = await store.read("log")
    numbers = [number for number, _ in contents.records]
    assert await store.move("log", contents.life, numbers[:1], "aside")
    assert not await store.move("log", contents.life, numbers, "aside"), "one is gone"
    assert (await records(store, "log"), await records(store, "aside")) == ([b"b"], [b"a"])
    assert await store.move("log", contents.life, numbers[1:], "aside")
    assert await records(store, "aside") == [b"a", b"b"]
    assert set(await store.logs()) == {"aside"}


@virtual
async def test_tabs_that_write_at_once_lose_nothing(open_one: Open) -> None:
    stores = [open_one() for _ in range(3)]
    await asyncio.gather(*(store.append("log", b"x", "") for store in stores for _ in range(20)))
    contents = await stores[0].read("log")
    assert len({number for number, _ in contents.records}) == 60


class TestPage:
    @virtual
    async def test_a_full_page_says_so_and_keeps_what_was_there(self) -> None:
        store = page_stores(Page(chars=1_000))()
        await store.append("log", b"small", "")
        with pytest.raises(QuotaExceededError):
            await store.append("log", bytes(1_000), "")
        assert await records(store, "log") == [b"small"]
        assert store.keeping == Keeping("page", "there is no database")

    @virtual
    async def test_a_tab_that_never_ends_is_told(self) -> None:
        page = Page()
        network = Network()
        hosts = [network.host(browser="one") for _ in range(2)]
        hosts[0].page.locks.claim("pyodide-rtc logs of the page", lambda: None)
        store = PageStore(page, hosts[1].page.locks, Keeping("page"))
        with pytest.raises(StorageError, match="another tab writes"):
            await store.append("log", b"x", "")

    @virtual
    async def test_what_is_no_log_is_told(self) -> None:
        page = Page()
        store = page_stores(page)()
        await store.append("log", b"x", "")
        for text in ("{", "[]", '{"what": 1}'):
            await page.set("pyodide-rtc log log", text)
            with pytest.raises(StorageError, match="'log'"):
                await store.read("log")


class TestFaults:
    @pytest.mark.parametrize(
        ("fault", "is_done", "ends"),
        [
            ("refused", False, True),
            ("late", True, True),
            ("dies before", False, False),
            ("dies after", True, False),
        ],
    )
    @virtual
    async def test_each(self, fault: Fault, is_done: bool, ends: bool) -> None:
        disk = MemoryDisk()
        store = MemoryStore(disk)
        store.plan(fault, after=1)
        await store.append("log", b"first", "")
        with pytest.raises(StorageError if ends else TimeoutError):
            await asyncio.wait_for(store.append("log", b"x", ""), 10)
        assert (b"x" in await records(MemoryStore(disk), "log")) is is_done

    @virtual
    async def test_a_full_disk(self) -> None:
        store = MemoryStore(MemoryDisk(quota_bytes=10))
        size = await store.append("log", bytes(8), "")
        assert size is not None
        with pytest.raises(QuotaExceededError):
            await store.append("other", bytes(3), "")
        assert await store.replace("log", size.life, [1], bytes(9)) is not None
        with pytest.raises(QuotaExceededError):
            await store.replace("log", size.life, [2], bytes(11))
        assert await records(store, "log") == [bytes(9)]
