"""Rooms whose documents are kept: what a user of a room sees of the storage, in memory."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from pycrdt import Doc, Map

from pyodide_rtc.errors import (
    ConfigError,
    DecodeError,
    QuotaExceededError,
    RoomClosedError,
    StorageError,
)
from pyodide_rtc.room import Room
from pyodide_rtc.rooms import Rooms
from pyodide_rtc.storage import LogName, RoomExport, pack_room, unpack_room
from pyodide_rtc.testing import MemoryHost, Network, run_virtual

TOPIC = "example.org/demo"
LOG = str(LogName(TOPIC, ""))


class Browser:
    """A browser whose kernels come and go, and what it keeps."""

    def __init__(self) -> None:
        self.network = Network(max_delay_s=0.01)
        self.disk = self.network.disks["one"]
        self.hosts: list[MemoryHost] = []

    def kernel(self, *, browser: str = "one", **config: object) -> tuple[Rooms, MemoryHost]:
        """A new kernel of this browser."""
        host = self.network.host(browser=browser)
        self.hosts.append(host)
        host.facts.config.update(config)  # type: ignore[attr-defined]

        async def open_host() -> MemoryHost:
            return host

        return Rooms(open_host), host

    def join(self, **wish: Any) -> Room:
        """A room of a new kernel."""
        return self.kernel()[0].join(**wish)

    async def opened(self, **wish: Any) -> Room:
        room = self.join(**wish)
        await room.until_loaded(10)
        return room

    async def saved(self, room: Room) -> None:
        await asyncio.sleep(0.5)
        assert room.stored.is_saved


def in_a_browser(test: Callable[[Browser], Awaitable[None]]) -> Callable[[], None]:
    """Run a test on virtual time, in a new browser."""

    async def main() -> None:
        await test(Browser())

    return lambda: run_virtual(main())


def test_everything_is_there_again_with_nobody_else_here() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        room = await browser.opened()
        room.map("m")["n"] = 3
        room.document("board").list("l").append({"a": [1]})
        await browser.saved(room)
        browser.network.kill(browser.hosts[-1])

        again = await browser.opened()
        assert again.map("m") == {"n": 3}
        board = again.document("board")
        await board.until_loaded(10)
        assert board.list("l") == [{"a": [1]}]
        assert again.stored.where == "browser"
        assert again.stored.is_saved
        assert again.stored.size_bytes > 0
        assert again.faults == ()

    run()


def test_leaving_writes_what_is_not_written_yet() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        room = await browser.opened()
        room.map("m")["x"] = 1
        room.document("board").map("m")["y"] = 2
        room.leave()
        again = await browser.opened()
        assert again.map("m") == {"x": 1}
        board = again.document("board")
        await board.until_loaded(10)
        assert board.map("m") == {"y": 2}

    run()


def test_a_closed_document_stays_stored() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        room = await browser.opened()
        board = room.document("board")
        board.map("m")["y"] = 2
        board.close()
        await asyncio.sleep(1)
        assert str(LogName(TOPIC, "board")) in browser.disk.logs
        assert room.document("board").map("m") == {"y": 2}

    run()


def test_a_document_closed_before_it_is_shared_harms_nobody() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        room = await browser.opened()
        room.document("board").map("m")["y"] = 2
        room.document("board").close()
        other = browser.kernel(browser="two")[0].join()
        await other.until_synced(10)
        assert room.faults == other.faults == ()
        assert room.documents == {}

    run()


@pytest.mark.parametrize("store", [True, False])
def test_leaving_and_joining_again_gives_it_as_it_was(store: bool) -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        rooms, _ = browser.kernel()
        room = rooms.join(store=store)
        await room.until_loaded(10)
        other = browser.kernel(browser="two")[0].join()
        await asyncio.gather(room.until_synced(10), other.until_synced(10))
        room.map("m")["x"] = 1
        room.document("board").text("t").append("half")
        room.leave()
        await asyncio.sleep(5)
        other.map("m")["y"] = 2

        again = rooms.join(store=store, user="Ada")
        assert again is not room
        room.map("m")["late"] = True  # a value of before
        assert again.map("m") == {"x": 1, "late": True}
        assert again.document("board").text("t") == "half"
        await asyncio.gather(again.until_synced(10), other.until_synced(10))
        await asyncio.sleep(1)
        assert again.map("m") == other.map("m") == {"x": 1, "y": 2, "late": True}
        assert [peer.name for peer in other.peers] == ["Ada"], "its presence is shown, too"

    run()


def test_left_while_it_is_opened_and_joined_again() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        rooms, host = browser.kernel()
        await rooms.stored_rooms()  # the page is known
        host.machine.store.delay_s = 1.0
        room = rooms.join()
        assert room.stage == "opening"
        room.map("m")["x"] = 1
        room.leave()
        again = rooms.join()
        assert again.map("m") == {"x": 1}
        await again.until_loaded(10)
        assert room.stage == "left"
        await asyncio.sleep(5)
        assert again.stage == "open"
        assert again.stored.is_saved

    run()


def test_nothing_is_kept_with_store_false() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        room = await browser.opened(store=False)
        room.map("m")["x"] = 1
        await asyncio.sleep(5)
        assert room.stored.where == "nowhere"
        assert "store=False" in room.stored.reason
        room.leave()
        await asyncio.sleep(5)
        assert browser.disk.logs == {}
        assert (await browser.opened()).map("m") == {}

    run()


@pytest.mark.parametrize("value", [False, "false"])
def test_the_site_may_keep_nothing_and_the_argument_overrides_it(value: object) -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        for store, where in ((None, "nowhere"), (True, "browser")):
            rooms, _ = browser.kernel(rtcStore=value)
            room = rooms.join(store=store)
            await room.until_loaded(10)
            assert room.stored.where == where
            assert rooms.join(store=store) is room

    run()


@pytest.mark.parametrize("value", ["no", 0, None, [True]])
def test_another_value_of_the_site_is_refused(value: object) -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        rooms, _ = browser.kernel(rtcStore=value)
        room = rooms.join()
        with pytest.raises(ConfigError, match="rtcStore"):
            await room.until_synced(10)
        assert (rooms.join(store=False)).error is None

    run()


def test_another_argument_than_a_boolean_is_refused() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        with pytest.raises(ConfigError, match="store is 'yes'"):
            browser.join(store="yes")
        room = await browser.opened()
        assert room.error is None

    run()


def test_joining_again_with_another_wish_to_keep_it_is_refused() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        rooms, _ = browser.kernel()
        room = rooms.join()
        await room.until_loaded(10)
        assert rooms.join(store=True) is room, "as the site says"
        with pytest.raises(ConfigError, match="another store"):
            rooms.join(store=False)

    run()


def test_a_slow_store_keeps_nobody_from_meeting() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        before = await browser.opened()
        before.map("m")["x"] = 1
        await browser.saved(before)
        before.leave()
        await asyncio.sleep(1)
        rooms, host = browser.kernel()
        host.machine.store.delay_s = 8.0
        room = rooms.join()
        other = browser.kernel(browser="two")[0].join()
        start = asyncio.get_running_loop().time()
        await asyncio.gather(room.until_synced(10), other.until_synced(10))
        assert asyncio.get_running_loop().time() - start < 5
        assert room.map("m") == {}
        await room.until_loaded(20)
        await asyncio.sleep(1)
        assert room.map("m") == other.map("m") == {"x": 1}, "what came late is passed on"

    run()


def test_what_was_kept_is_there_before_anything_of_a_peer() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        before = await browser.opened()
        before.map("m")["mine"] = 1
        await browser.saved(before)
        before.leave()
        await asyncio.sleep(1)
        other = browser.kernel(browser="two")[0].join()
        other.map("m")["theirs"] = 2
        await asyncio.sleep(2)
        rooms, host = browser.kernel()
        host.machine.store.delay_s = 1.0
        room = rooms.join()
        seen: list[list[str]] = []
        room.map("m").observe(lambda event: seen.append([str(c.path[0]) for c in event.changes]))
        await room.until_synced(10)
        await asyncio.sleep(1)
        assert seen == [["mine"], ["theirs"]]

    run()


def test_a_full_browser_is_told_once_and_work_goes_on() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        room = await browser.opened()
        kinds: list[str] = []
        room.observe(lambda event: kinds.append(event.kind))
        browser.disk.quota_bytes = 100
        room.text("t").append("x" * 1_000)
        await asyncio.sleep(1)
        [fault] = room.faults
        assert isinstance(fault, QuotaExceededError)
        assert "room 'demo'" in str(fault)
        assert not room.stored.is_saved
        assert "room 'demo'" in room.stored.reason
        room.text("t").append("y")
        await asyncio.sleep(10)
        assert kinds.count("fault") == 1

        browser.disk.quota_bytes = 1e6
        await room.until(lambda: "saved-again" in kinds, 70)
        assert room.stored.is_saved
        assert room.stored.reason == ""
        browser.network.kill(browser.hosts[-1])
        assert (await browser.opened()).text("t") == "x" * 1_000 + "y"

    run()


def test_a_browser_that_refuses_to_read_is_told() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        rooms, host = browser.kernel()
        host.machine.store.plan("refused")
        room = rooms.join()
        await room.until_loaded(10)
        [fault] = room.faults
        assert isinstance(fault, StorageError)
        room.map("m")["x"] = 1
        await asyncio.sleep(1)
        assert room.stored.is_saved, "writing works"

    run()


def test_damaged_records_are_told_and_all_else_is_used() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        room = await browser.opened()
        for n in range(3):
            room.map("m")[f"k{n}"] = n
            await browser.saved(room)
        room.leave()
        await asyncio.sleep(1)
        browser.disk.damage(LOG, 2, browser.disk.logs[LOG].records[2][:-4])
        browser.disk.logs[LOG].records[9] = b"\x63 of later"
        again = await browser.opened()
        told = [str(fault) for fault in again.faults]
        assert len(told) == 2
        assert "1 records of room 'demo' were written by a later version" in told[0]
        assert "1 damaged records were found in what is kept of room 'demo'" in told[1]
        assert again.map("m")["k0"] == 0

    run()


def test_a_wrong_password_harms_nothing() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        room = await browser.opened(password="right")
        room.map("m")["x"] = "secret"
        await browser.saved(room)
        room.leave()
        await asyncio.sleep(1)
        for password in ("wrong", None):
            other = await browser.opened(password=password)
            assert other.map("m") == {}
            other.map("m")["y"] = 1
            await browser.saved(other)
            assert other.faults == ()
            other.leave()
            await asyncio.sleep(1)
        assert (await browser.opened(password="right")).map("m") == {"x": "secret"}
        assert not any(b"secret" in r for r in browser.disk.logs[LOG].records.values())

    run()


def test_rooms_are_listed_and_forgotten() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        rooms, _ = browser.kernel()
        for name in ("one", "two"):
            room = rooms.join(name)
            room.map("m")["x"] = 1
            await room.until_loaded(10)
            room.document("board").map("m")["x"] = 1
            await asyncio.sleep(1)
        stored = await rooms.stored_rooms()
        assert str(stored[0]).startswith("room 'one' at example.org: 1 kB in 2 documents, changed ")
        assert [each.room for each in stored] == ["one", "two"]
        assert [d.name for d in stored[0].documents] == ["", "board"]

        await rooms.join("one").forget()
        assert [each.room for each in await rooms.stored_rooms()] == ["two"]
        again = rooms.join("one")
        await again.until_loaded(10)
        assert again.map("m") == {}

        await rooms.join("two").forget()
        await asyncio.sleep(5)
        assert await rooms.stored_rooms() == []

    run()


def test_forgetting_says_who_has_it_open() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        room = await browser.opened()
        room.map("m")["x"] = 1
        await browser.saved(room)
        other = await browser.opened()
        with pytest.raises(StorageError, match=r"a notebook of https://example\.org/"):
            await room.forget()
        assert room.stage == "left"
        other.leave()
        await room.forget()
        assert browser.disk.logs == {}

    run()


def test_forgetting_a_room_that_failed_says_why() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        rooms, _ = browser.kernel(collaborative=False)
        room = rooms.join()
        with pytest.raises(ConfigError, match="collaborative"):
            await room.forget()

    run()


@pytest.mark.parametrize("password", [None, "secret"])
def test_a_room_goes_to_another_browser_as_a_file(password: str | None) -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        room = await browser.opened(password=password)
        room.map("m")["x"] = 1
        closed = room.document("closed 📊")
        closed.text("t").append("kept")
        await asyncio.sleep(1)
        closed.close()
        room.document("open").list("l").append(1)
        data = await room.export()
        room.leave()
        with pytest.raises(RoomClosedError):
            await room.export()

        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            assert archive.namelist()[0] == "index.json"
            stock: Doc[Any] = Doc()
            stock.apply_update(archive.read("0.ydoc"))
            assert stock.get("m", type=Map).to_py() == {"x": 1}

        rooms, _ = browser.kernel(browser="two")
        assert await rooms.import_room(data, password=password) == "demo"
        there = rooms.join("demo", password=password)
        await there.until_loaded(10)
        assert there.map("m") == {"x": 1}
        for name in ("closed 📊", "open"):
            there.document(name)
        await asyncio.sleep(1)
        assert there.document("closed 📊").text("t") == "kept"
        assert there.document("open").list("l") == [1]

    run()


def test_a_file_is_merged_with_what_is_there() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        room = await browser.opened()
        room.map("m")["x"] = 1
        room.document("board").map("m")["x"] = 1
        data = await room.export()
        room.leave()

        rooms, _ = browser.kernel(browser="two")
        mine = rooms.join("other")
        mine.map("m")["y"] = 2
        await mine.until_loaded(10)
        peer = browser.kernel(browser="three")[0].join("other")
        await peer.until_synced(10)
        assert await rooms.import_room(data, room="other") == "other"
        await asyncio.sleep(1)
        assert mine.map("m") == peer.map("m") == {"x": 1, "y": 2}
        board = mine.document("board")
        await board.until_loaded(10)
        assert board.map("m") == {"x": 1}
        with pytest.raises(ConfigError, match="another password"):
            await rooms.import_room(data, room="other", password="secret")

    run()


@pytest.mark.parametrize(
    ("data", "error"),
    [(b"", DecodeError), (b"PK\x03\x04 not really", DecodeError), ("text", ConfigError)],
)
def test_what_is_no_file_of_a_room_is_refused(data: Any, error: type[Exception]) -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        rooms, _ = browser.kernel()
        with pytest.raises(error):
            await rooms.import_room(data)
        assert browser.disk.logs == {}

    run()


@pytest.mark.parametrize("name", ["x" * 1_025, "\ud800"])
def test_a_file_with_a_document_that_nobody_could_open_is_refused(name: str) -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        data = pack_room(RoomExport("demo", {name: b"\0\0"}))
        rooms, _ = browser.kernel()
        with pytest.raises(ConfigError):
            await rooms.import_room(data)
        assert browser.disk.logs == {}

    run()


def test_a_room_that_is_named_by_nothing_cannot_take_a_file() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        room = await browser.opened()
        data = await room.export()
        with pytest.raises(ConfigError, match="no room name"):
            await browser.kernel()[0].import_room(data, room=" ")

    run()


def test_two_tabs_keep_one_room_and_one_dies() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        one, two = await browser.opened(), await browser.opened()
        await asyncio.gather(one.until_synced(10), two.until_synced(10))
        dying = browser.hosts[-1]
        for n in range(300):
            one.list("l").append(f"one {n}")
            two.list("l").append(f"two {n}")
            await asyncio.sleep(0.02)
            if n == 200:
                await asyncio.sleep(0.5)
                browser.network.kill(dying)
                two = await browser.opened()
                dying = browser.hosts[-1]
        await asyncio.sleep(1)
        one.leave()
        two.leave()
        await asyncio.sleep(1)
        again = await browser.opened()
        items = [str(item) for item in again.list("l")]
        assert len(set(items)) == len(items) == 600

    run()


def test_two_who_worked_apart_are_merged_when_they_meet() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        ada, bob = browser.kernel()[0].join(), browser.kernel(browser="two")[0].join()
        ada.text("t").append("base.")
        await asyncio.gather(ada.until_synced(10), bob.until_synced(10))
        await asyncio.sleep(1)
        browser.network.relays["wss://relay.example.org/"].stop()
        for host in browser.hosts:
            browser.network.kill(host)
        for name, text in (("one", " Ada."), ("two", " Bob.")):
            room = browser.kernel(browser=name)[0].join()
            await room.until_loaded(10)
            room.text("t").append(text)
            room.map("m")[name] = 1
            room.list("l").append(name)
            await asyncio.sleep(1)
            room.leave()
            await asyncio.sleep(1)
        browser.network.relays["wss://relay.example.org/"].start()
        ada, bob = browser.kernel()[0].join(), browser.kernel(browser="two")[0].join()
        await asyncio.gather(ada.until_synced(10), bob.until_synced(10))
        await asyncio.sleep(1)
        assert str(ada.text("t")) == str(bob.text("t"))
        assert sorted(str(ada.text("t")).split(".")) == ["", " Ada", " Bob", "base"]
        assert ada.map("m") == bob.map("m") == {"one": 1, "two": 1}
        assert sorted(ada.list("l")) == ["one", "two"]

    run()


class TestNothingIsLost:
    """Found by an outsider: each of these lost edits, or hung."""

    def test_when_the_first_reading_is_refused(self) -> None:
        @in_a_browser
        async def run(browser: Browser) -> None:
            before = await browser.opened()
            before.map("m")["x"] = 1
            before.leave()
            await asyncio.sleep(1)
            rooms, host = browser.kernel()
            host.machine.store.plan("refused")
            room = rooms.join()
            room.text("t").append("early ")
            await room.until_loaded(5)
            room.text("t").append("late")
            await asyncio.sleep(1)
            assert room.stored.is_saved
            assert len(room.faults) == 1
            assert "cannot be read now" in str(room.faults[0])
            await asyncio.sleep(15)
            assert room.map("m") == {"x": 1}, "it was read after all"
            browser.network.kill(host)
            again = await browser.opened()
            assert again.text("t") == "early late"
            assert again.map("m") == {"x": 1}

        run()

    @pytest.mark.parametrize("delay_s", [0.5, 2.0])
    def test_when_it_is_left_while_it_is_read(self, delay_s: float) -> None:
        @in_a_browser
        async def run(browser: Browser) -> None:
            rooms, host = browser.kernel()
            await rooms.stored_rooms()
            host.machine.store.delay_s = delay_s
            room = rooms.join()
            room.map("m")["x"] = 1
            room.document("board").map("m")["y"] = 2
            await asyncio.sleep(0.1)
            assert not room.stored.is_saved
            room.leave()
            await asyncio.sleep(20)
            again = await browser.opened()
            assert again.map("m") == {"x": 1}
            await again.document("board").until_loaded(10)
            assert again.document("board").map("m") == {"y": 2}

        run()

    def test_when_it_is_left_before_the_page_has_answered(self) -> None:
        @in_a_browser
        async def run(browser: Browser) -> None:
            rooms, _ = browser.kernel()
            room = rooms.join()
            room.map("m")["x"] = 1
            room.document("board").map("m")["y"] = 2
            room.leave()
            await asyncio.sleep(1)
            assert room.faults == ()
            assert rooms.join().map("m") == {"x": 1}
            hasty, _ = browser.kernel(browser="two")
            hasty.join().map("m")["z"] = 3
            hasty.join().leave()
            assert hasty.join().map("m") == {"z": 3}, "the page has not answered yet"
            again = await browser.opened()
            assert again.map("m") == {"x": 1}
            await again.document("board").until_loaded(10)
            assert again.document("board").map("m") == {"y": 2}

        run()

    def test_when_a_document_is_closed_while_it_is_read(self) -> None:
        @in_a_browser
        async def run(browser: Browser) -> None:
            rooms, host = browser.kernel()
            room = rooms.join()
            await room.until_loaded(10)
            host.machine.store.delay_s = 0.2
            full: Doc[Any] = Doc()
            full.get("m", type=Map)["x"] = 1
            board = room.document("board", doc=full)
            board.map("m")["y"] = 2
            board.close()
            await asyncio.sleep(5)
            again = await browser.opened()
            await again.document("board").until_loaded(10)
            assert again.document("board").map("m") == {"x": 1, "y": 2}

        run()

    def test_when_a_transaction_is_open_at_the_beginning(self) -> None:
        @in_a_browser
        async def run(browser: Browser) -> None:
            room = browser.join()
            with room.transaction():
                room.map("m")["x"] = 1
                await asyncio.sleep(1)
            await room.until_loaded(10)
            board = room.document("board")
            with board.transaction():
                board.map("m")["y"] = 1
                board.close()
                room.document("board")
            with room.transaction():
                room.map("m")["y"] = 2
                room.leave()
            await asyncio.sleep(1)
            again = await browser.opened()
            assert again.map("m") == {"x": 1, "y": 2}
            await again.document("board").until_loaded(10)
            assert again.document("board").map("m") == {"y": 1}

        run()

    def test_when_a_document_is_closed_while_the_browser_is_full(self) -> None:
        @in_a_browser
        async def run(browser: Browser) -> None:
            room = await browser.opened()
            board = room.document("board")
            await board.until_loaded(10)
            browser.disk.quota_bytes = 10
            board.text("t").append("hello")
            board.close()
            await asyncio.sleep(1)
            assert [type(fault) for fault in room.faults] == [QuotaExceededError]
            browser.disk.quota_bytes = 1e6
            await asyncio.sleep(70)
            assert str(LogName(TOPIC, "board")) in browser.disk.logs
            browser.disk.quota_bytes = 10
            room.document("board").text("t").append("!" * 100)
            board.close()
            await asyncio.sleep(1)
            room.leave()
            await asyncio.sleep(1)
            assert asyncio.all_tasks() == {asyncio.current_task()}, "leaving waits for no room"

        run()

    def test_when_joining_again_is_refused_first(self) -> None:
        @in_a_browser
        async def run(browser: Browser) -> None:
            rooms, _ = browser.kernel()
            room = rooms.join(store=False)
            await room.until_loaded(10)
            room.map("m")["x"] = 1
            room.leave()
            for wish in ({"user": 42}, {"signaling": "ftp://x"}):
                with pytest.raises(ConfigError):
                    rooms.join(store=False, **wish)  # type: ignore[arg-type]
            assert rooms.join(store=False).map("m") == {"x": 1}

        run()

    def test_when_a_room_is_left_during_an_export(self) -> None:
        @in_a_browser
        async def run(browser: Browser) -> None:
            rooms, host = browser.kernel()
            room = rooms.join(password="secret")
            await room.until_loaded(10)
            board = room.document("board")
            board.map("m")["x"] = 1
            board.close()
            host.machine.store.delay_s = 1.0
            exporting = asyncio.ensure_future(room.export())
            await asyncio.sleep(1.5)
            room.leave()
            data = await asyncio.wait_for(exporting, 60)
            assert sorted(unpack_room(data).documents) == ["", "board"]

        run()


def test_a_room_is_forgotten_where_rooms_are_not_kept_any_more() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        room = await browser.opened()
        room.map("m")["x"] = 1
        await browser.saved(room)
        room.leave()
        await asyncio.sleep(1)
        rooms, _ = browser.kernel(rtcStore=False)
        await rooms.join("demo").forget()
        assert browser.disk.logs == {}

    run()


def test_forgetting_takes_all_passwords_and_nothing_if_it_fails() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        rooms, host = browser.kernel()
        for password in ("a", "b"):
            room = rooms.join(password=password)
            await room.until_loaded(10)
            room.map("m")["x"] = 1
            await asyncio.sleep(1)
            room.leave()
            await asyncio.sleep(1)
        await rooms.join(password="b").forget()
        room = rooms.join(password="a")
        await room.until_loaded(10)
        assert room.map("m") == {}

        browser.disk.quota_bytes = 10
        room.map("m")["unsaved"] = 1
        host.machine.store.delay_s = 8.0
        other = await browser.opened()
        with pytest.raises(StorageError, match="open elsewhere"):
            await room.forget()
        other.leave()
        assert rooms.join(password="a").map("m") == {"unsaved": 1}

    run()


def test_a_file_is_for_this_kernel_alone_where_rooms_are_not_kept() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        room = await browser.opened()
        room.map("m")["x"] = 1
        room.document("board").map("m")["y"] = 2
        data = await room.export()
        rooms, _ = browser.kernel(browser="two", rtcStore=False)
        await rooms.import_room(data)
        assert browser.network.disks["two"].logs == {}
        there = rooms.join("demo")
        assert there.map("m") == {"x": 1}
        await rooms.import_room(data)
        assert there.document("board").map("m") == {"y": 2}

    run()


def test_who_is_told_that_it_was_left_may_join_again() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        rooms, _ = browser.kernel()
        room = rooms.join()
        await room.until_loaded(10)
        again: list[Room] = []
        room.observe(lambda event: again.append(rooms.join()) if event.kind == "left" else None)
        room.leave()
        assert again[0] is not room
        await again[0].until_loaded(10)

    run()


def test_a_closed_document_is_not_waited_for() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        room = await browser.opened()
        board = room.document("board")
        board.close()
        board.close()
        assert board.stored.reason == "the document is closed"
        with pytest.raises(ConfigError, match="is closed"):
            await board.until_loaded()
        with pytest.raises(ConfigError, match="is closed"):
            await board.until_synced()

    run()


def test_a_document_may_be_closed_when_a_peer_opens_it() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        one = await browser.opened()
        other = browser.kernel(browser="two")[0].join()
        await asyncio.gather(one.until_synced(10), other.until_synced(10))
        board = one.document("board")
        one.observe(lambda event: board.close() if event.kind == "document-opened" else None)
        other.document("board")
        await asyncio.sleep(1)
        assert one.faults == other.faults == ()

    run()


def test_a_page_that_is_put_away_while_it_reads_meets_nobody_until_it_is_back() -> None:
    @in_a_browser
    async def run(browser: Browser) -> None:
        rooms, host = browser.kernel()
        host.machine.store.delay_s = 1.0
        room = rooms.join()
        await asyncio.sleep(0.5)
        host.put_away()
        await asyncio.sleep(5)
        assert [server.state for server in room.servers] == ["closed"]
        host.wake()
        await asyncio.sleep(5)
        assert [server.state for server in room.servers] == ["open"]

    run()
