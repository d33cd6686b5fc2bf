"""What is kept in a real browser: in its database, and where it is when there is none."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from conftest import Run
from harness.site import REPOSITORY

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

SCRIPT = (REPOSITORY / "pyodide_rtc/browser/record_store.js").read_text()

OPEN = """
        import asyncio, js, time
        from pyodide.code import run_js
        from pyodide.ffi import create_once_callable, create_proxy
        from pyodide_rtc.browser import open_host
        from pyodide_rtc.errors import QuotaExceededError, StorageError
        host = await open_host()
        store = await host.machine.open_store()
        for log in await store.logs():
            await store.remove(log)
        async def records(log):
            return [bytes(record) for _, record in (await store.read(log)).records]
"""


@pytest.fixture(params=["page", "worker"])
def place(request: pytest.FixtureRequest) -> str:
    place: str = request.param
    return place


def test_logs_are_kept_and_listed_and_removed(run: Run) -> None:
    result = run(
        OPEN
        + """
        empty = await store.read("none")
        begun = await store.append("log ø", b"one", "")
        for record in (b"", bytes(range(256))):
            last = await store.append("log ø", record, begun.life)
        await store.append("log", b"of another", "")
        await host.aclose()
        host = await open_host()
        store = await host.machine.open_store()
        kept = await records("log ø")
        logs = dict(await store.logs())
        await store.remove("log ø")
        await store.remove("none")
        now = await store.append("log ø", b"late", begun.life)
        left = list(await store.logs())
        keeping = store.keeping
        await host.aclose()
        [[empty.life, len(empty.records)], [data.hex() for data in kept],
         logs["log ø"] == last, [last.records, last.size_bytes, logs["log"].size_bytes],
         abs(last.changed_s - time.time()) < 60, now is None, left, keeping.kind]
    """
    )
    assert result[0] == ["", 0]
    assert result[1] == [b"one".hex(), "", bytes(range(256)).hex()]
    assert result[2:] == [True, [3, 259, 10], True, True, ["log"], "browser"]


def test_records_are_replaced_and_moved_as_a_whole(run: Run) -> None:
    result = run(
        OPEN
        + """
        for letter in (b"a", b"b", b"c"):
            size = await store.append("log", letter, "")
        life, numbers = size.life, [number for number, _ in (await store.read("log")).records]
        whole = await store.replace("log", life, numbers[:2], b"ab")
        gone = await store.replace("log", life, numbers, b"abc")
        stranger = await store.replace("log", "another life", [3, 4], b"abc")
        kept = await records("log")
        moved = await store.move("log", life, [3], "aside")
        again = await store.move("log", life, [3, 4], "aside")
        both = [await records("log"), await records("aside")]
        last = await store.move("log", life, [4], "aside")
        names = list(await store.logs())
        aside = (await store.logs())["aside"]
        await host.aclose()
        [[whole.records, whole.size_bytes, whole.life == life], [gone is None, stranger is None],
         [data.decode() for data in kept], [moved, again, last],
         [[data.decode() for data in log] for log in both], names,
         [aside.records, aside.size_bytes]]
    """
    )
    assert result == [
        [2, 3, True],
        [True, True],
        ["c", "ab"],
        [True, False, True],
        [["ab"], ["c"]],
        ["aside"],
        [2, 3],
    ]


FILL = """
        await run_js('''(log, count) => new Promise((resolve, reject) => {
            const request = indexedDB.open("pyodide-rtc");
            request.onsuccess = () => {
                const transaction = request.result.transaction(["logs", "records"], "readwrite");
                const records = transaction.objectStore("records");
                let bytes = 0;
                for (let number = 1; number <= count; number++) {
                    const record = new TextEncoder().encode(`${number}`.padStart(40, "0"));
                    bytes += record.length;
                    records.put({ number, bytes: record }, [log, number]);
                }
                const about = { life: "filled", next: count + 1, records: count, bytes };
                transaction.objectStore("logs").put(about, log);
                transaction.oncomplete = () => resolve(request.result.close());
                transaction.onabort = () => reject(transaction.error);
            };
        })''')("log", 10_000)
"""


def test_ten_thousand_records_are_read_by_one_request(run: Run, runtime: str, place: str) -> None:
    result = run(
        OPEN
        + FILL
        + """
        for log in ("kog", "log ", "mog"):
            await store.append(log, b"x" * 40, "")
        begin = time.time()
        for i in range(100):
            last = await store.append("log", b"%040d" % (10_001 + i), "filled")
        appended_s = time.time() - begin
        begin = time.time()
        kept = await records("log")
        read_s = time.time() - begin
        begin = time.time()
        size = (await store.logs())["log"]
        listed_s = time.time() - begin
        for log in await store.logs():
            await store.remove(log)
        await host.aclose()
        [len(kept), kept == [b"%040d" % (1 + i) for i in range(10_100)], size == last,
         size.size_bytes, appended_s / 100, read_s, listed_s]
    """
    )
    assert result[:4] == [10_100, True, True, 404_000]
    times = "one appended in {:.4f} s, all read in {:.3f} s, listed in {:.4f} s".format(*result[4:])
    print(f"{runtime}, {place}: 10,100 records, {times}")


CAPTURE = """
        run_js('''
            const { transaction } = IDBDatabase.prototype;
            IDBDatabase.prototype.transaction = function (...about) {
                self.lastConnection = this;
                return transaction.apply(this, about);
            };
            self.releaseConnection = () => (IDBDatabase.prototype.transaction = transaction);
        ''')
"""


def test_a_connection_closed_behind_our_back_is_opened_anew(run: Run) -> None:
    result = run(
        OPEN
        + CAPTURE
        + """
        await store.append("log", b"one", "")
        js.lastConnection.close()
        size = await store.append("log", b"two", "")
        js.lastConnection.close()
        kept = await records("log")
        js.releaseConnection()
        await host.aclose()
        [size.records, [data.decode() for data in kept]]
    """
    )
    assert result == [2, ["one", "two"]]


DELETE = """
        deleted = asyncio.get_running_loop().create_future()
        run_js('''(tell) => {
            const request = indexedDB.deleteDatabase("pyodide-rtc");
            request.onsuccess = () => tell("deleted");
            request.onblocked = () => tell("blocked");
        }''')(told := create_proxy(lambda what: deleted.done() or deleted.set_result(what)))
        how = await asyncio.wait_for(deleted, 10)
        told.destroy()
"""


def test_deleting_the_database_never_waits_for_us_and_is_noticed(run: Run) -> None:
    result = run(
        OPEN
        + """
        size = await store.append("log", b"one", "")
"""
        + DELETE
        + """
        late = await store.append("log", b"two", size.life)
        anew = await store.append("log", b"all", "")
        kept = await records("log")
        await host.aclose()
        [how, late is None, anew.life != size.life, [data.decode() for data in kept]]
    """
    )
    assert result == ["deleted", True, True, ["all"]]


def test_workers_that_write_at_once_lose_nothing(run: Run) -> None:
    code = f"""
        const store = ({SCRIPT})("pyodide-rtc");
        (async () => {{
            for (let i = 0; i < 50; i++) await store.append("log", new Uint8Array([i]), "");
            postMessage("done");
        }})();
    """
    result = run(
        OPEN
        + f"""
        code = {code!r}
        url = js.URL.createObjectURL(js.Blob.new([code]))
        ends = [asyncio.get_running_loop().create_future() for _ in range(2)]
        workers = []
        for end in ends:
            worker = js.Worker.new(url)
            worker.onmessage = create_once_callable(lambda event, end=end: end.set_result(1))
            workers.append(worker)
        for i in range(50):
            await store.append("log", bytes([i]), "")
        await asyncio.wait_for(asyncio.gather(*ends), 30)
        for worker in workers:
            worker.terminate()
        contents = await store.read("log")
        await store.remove("log")
        await host.aclose()
        [len(contents.records), len({{number for number, _ in contents.records}}),
         sorted(record[0] for _, record in contents.records) == sorted(3 * list(range(50)))]
    """
    )
    assert result == [150, 150, True]


def test_data_cleared_by_people_and_a_full_disk_are_told_as_such(
    run: Run, request: pytest.FixtureRequest, runtime: str, place: str
) -> None:
    if runtime != "chrome":
        pytest.skip("only Chromium lets a test clear the data and set the quota")
    driver = request.getfixturevalue(place).driver
    origin = {"origin": driver.execute_script("return location.origin")}
    run(
        OPEN
        + """
        before = await store.append("log", b"small", "")
        None
    """
    )
    # This closes the connection, too. (And Chromium asks for the quota only every half minute, but
    # anew after this.)
    driver.execute_cdp_cmd("Storage.clearDataForOrigin", origin | {"storageTypes": "indexeddb"})
    driver.execute_cdp_cmd("Storage.overrideQuotaForOrigin", origin | {"quotaSize": 2_000_000})
    try:
        told = run("""
            late = await store.append("log", b"late", before.life)
            try:
                # Random: Chromium compresses what it keeps.
                await store.append("log", host.machine.random_bytes(8_000_000), "")
                told = "nothing"
            except QuotaExceededError as error:
                told = str(error)
            [late is None, told]
        """)
    finally:
        driver.execute_cdp_cmd("Storage.overrideQuotaForOrigin", origin)
    result = run("""
        after = await store.append("log", b"again", "")
        await host.aclose()
        [after.records, after.size_bytes]
    """)
    assert told[0]
    assert "Quota" in told[1]
    assert result == [1, 5]


@pytest.fixture
def no_database(run: Run) -> Iterator[None]:
    run("""
        from pyodide.code import run_js
        run_js('''
            self.keptDatabase = Object.getOwnPropertyDescriptor(self, "indexedDB");
            Object.defineProperty(self, "indexedDB", { configurable: true, value: undefined });
        ''')
        None
    """)
    yield
    run("""
        run_js('''
            delete self.indexedDB;  // a worker has it from its prototype, a page as its own
            if (self.keptDatabase) Object.defineProperty(self, "indexedDB", self.keptDatabase);
        ''')
        None
    """)


@pytest.mark.usefixtures("no_database")
def test_without_a_database_the_page_keeps_it(run: Run) -> None:
    result = run(
        OPEN
        + """
        await store.append("log", b"one", "")
        size = await store.append("log", b"two", "")
        await host.aclose()
        host = await open_host()
        store = await host.machine.open_store()
        kept = await records("log")
        try:
            await store.append("log", bytes(20_000_000), "")
        except QuotaExceededError as error:
            told = str(error)
        await store.remove("log")
        left = len(await store.logs())
        keeping = store.keeping
        await host.aclose()
        [size.records, [data.decode() for data in kept], left, keeping.kind, keeping.reason, told]
    """
    )
    assert result[:4] == [2, ["one", "two"], 0, "page"]
    assert "no database" in result[4]
    assert "uota" in result[5]


@pytest.mark.usefixtures("no_database")
def test_without_any_storage_it_is_said_that_nothing_is_kept(
    run: Run, request: pytest.FixtureRequest, place: str
) -> None:
    driver = request.getfixturevalue(place).driver
    define = "Object.defineProperty(window, 'localStorage', {{ configurable: true, {} }})"
    refusal = "get() { throw new DOMException('forbidden', 'SecurityError'); }"
    driver.execute_script("window.kept = window.localStorage;" + define.format(refusal))
    try:
        result = run(
            OPEN
            + """
        await store.append("log", b"one", "")
        kept = await records("log")
        keeping = store.keeping
        await host.aclose()
        [[data.decode() for data in kept], keeping.kind, keeping.reason]
    """
        )
    finally:
        driver.execute_script(define.format("value: window.kept"))
    assert result[:2] == [["one"], "memory"]
    assert "SecurityError" in result[2]


def test_a_keeper_keeps_a_document_of_a_password_room(run: Run) -> None:
    keep = """
        from pycrdt import Doc, Map
        from pyodide_rtc.storage import Keeper, LogName, forget_room
        class Source:
            def __init__(self, doc):
                self.doc = doc
            @property
            def state_vector(self):
                return self.doc.get_state()
            def diff(self, state_vector):
                return self.doc.get_update(state_vector)
        async def visit(password, key=None):
            doc = Doc()
            events = []
            keeper = Keeper(
                host.machine.open_store, host.page.locks, LogName("h/room", ""),
                key=host.machine.crypto.derive_key(password, "h/room"), source=Source(doc),
                holder="test", on_event=events.append)
            for update in await keeper.load():
                doc.apply_update(update)
            if key:
                before = doc.get_state()
                doc.get("map", type=Map)[key] = 1
                keeper.on_change(None, before)
            if key == "forgotten":
                try:
                    await forget_room(store, host.page.locks, "h/room")
                except StorageError as error:
                    events.append(str(error))
            await keeper.aclose()
            return sorted(doc.get("map", type=Map)), list(map(str, events))
    """
    result = run(
        OPEN
        + keep
        + """
        seen = [await visit("one", "a"), await visit("two", "b"), await visit("one", "forgotten"),
                await visit("two"), await visit("one")]
        await forget_room(store, host.page.locks, "h/room")
        left = len(await store.logs())
        await host.aclose()
        [*map(list, seen), left]
    """
    )
    assert result[0] == [["a"], []]
    assert result[1] == [["b"], []]
    names, [told] = result[2]
    assert names == ["a", "forgotten"]
    assert "(test)" in told
    assert result[3:] == [[["b"], []], [["a", "forgotten"], []], 0]
