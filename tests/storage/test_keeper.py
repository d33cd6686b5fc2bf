"""One document in one or several tabs: kept, given back, made smaller."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pycrdt import Doc, Map, Text

from pyodide_rtc.errors import QuotaExceededError, StorageError
from pyodide_rtc.storage import (
    CompactionFailed,
    KeptAgain,
    LogName,
    NewerRecords,
    NotKept,
    RecordsSetAside,
)
from pyodide_rtc.testing import Fault

from .tabs import LOG, NAME, TOPIC, Browser, Tab
from .virtual import virtual

ASIDE = str(LogName(TOPIC, "", is_aside=True))


def updates_of(steps: int) -> list[bytes]:
    """What somebody typed: an update for each character."""
    doc: Doc[Any] = Doc()
    text = doc.get("text", type=Text)
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    for i in range(steps):
        text += str(i % 10)
    doc.unobserve(subscription)
    return updates


@virtual
async def test_what_was_changed_is_there_again() -> None:
    browser = Browser()
    tab = await browser.tab()
    tab.map["x"] = 1
    await tab.close()
    again = await browser.tab()
    assert again.values == {"x": 1}
    assert again.keeper.status.is_saved


@virtual
async def test_it_is_written_within_a_quarter_of_a_second_and_as_one_record() -> None:
    browser = Browser()
    tab = await browser.tab()
    for i in range(20):
        tab.map[f"k{i}"] = i
        await asyncio.sleep(0.01)
    assert not tab.keeper.status.is_saved
    assert browser.records() == []
    await asyncio.sleep(0.06)
    assert len(browser.records()) == 1
    assert tab.keeper.status.is_saved
    tab.die()
    assert len((await browser.tab()).values) == 20


@virtual
async def test_what_others_change_is_kept_as_well() -> None:
    browser = Browser()
    tab = await browser.tab()
    for update in updates_of(3):
        tab.receive(update)
    await tab.close()
    assert str((await browser.tab()).text) == "012"


@virtual
async def test_half_a_character_is_cut_off_as_it_was_before() -> None:
    """Reproduces: with text and cut in one record, the letter behind the emoji was lost."""
    author: Doc[Any] = Doc(client_id=1)
    author.get("text", type=Text).insert(0, "a📊b")
    between_the_halves = bytes.fromhex("01010900c4010101020158") + b"\0"  # writes X there
    for pause_s in (0, 1):
        browser = Browser()
        tab = await browser.tab()
        tab.receive(author.get_update())
        await asyncio.sleep(pause_s)
        tab.receive(between_the_halves)
        await tab.close()
        again = await browser.tab()
        text = str(again.text).replace("\ufffd", "")
        assert (str(tab.text), text) == ("aXb", "aXb")
        assert len(browser.records()) == 1 + (pause_s > 0)


@virtual
async def test_opening_and_closing_writes_nothing() -> None:
    """Reproduces: y-indexeddb issue 31, the whole state is appended at each opening."""
    browser = Browser()
    tab = await browser.tab()
    tab.map["x"] = "large" * 1000
    tab.map["y"] = 1
    await tab.close()
    before = browser.records()
    for _ in range(20):
        tab = await browser.tab()
        await asyncio.sleep(1)
        await tab.close()
    assert browser.records() == before


@virtual
async def test_what_the_document_had_before_is_kept_once() -> None:
    browser = Browser()
    doc: Doc[Any] = Doc()
    doc.get("map", type=Map)["mine"] = 1
    tab = await browser.tab(doc=doc)
    await tab.close()
    await (await browser.tab(doc=doc)).close()
    assert len(browser.records()) == 1
    assert (await browser.tab()).values == {"mine": 1}


@virtual
async def test_what_is_edited_before_it_is_read_is_kept() -> None:
    browser = Browser()
    first = await browser.tab()
    first.map["old"] = 1
    await first.close()
    tab = Tab(browser.host())
    tab.map["new"] = 2
    await asyncio.sleep(1)
    await tab.load()
    await tab.close()
    assert (await browser.tab()).values == {"old": 1, "new": 2}


@virtual
async def test_a_large_change_is_read_from_the_document() -> None:
    browser = Browser()
    tab = await browser.tab()
    tab.receive(doc_with(big="x" * 2_000_000))
    await tab.close()
    assert len((await browser.tab()).values["big"]) == 2_000_000


def doc_with(**values: object) -> bytes:
    doc: Doc[Any] = Doc()
    doc.get("map", type=Map).update(values)
    return doc.get_update()


@virtual
async def test_after_500_records_one_is_left() -> None:
    browser = Browser()
    tab = await browser.tab()
    for update in updates_of(520):
        tab.receive(update)
        await tab.keeper.flush()
    await asyncio.sleep(1)
    assert len(browser.records()) < 30
    tab.die()
    assert str((await browser.tab()).text) == str(tab.text)


async def hindered_from_compacting(browser: Browser, fault: Fault) -> Tab:
    """Give a tab whose log would have been compacted but for a fault."""
    tab = await browser.tab()
    text = updates_of(500)
    for update in text[:499]:
        tab.receive(update)
        await tab.keeper.flush()
    tab.store.plan(fault, after=1)
    tab.receive(text[499])
    await asyncio.sleep(2)
    return tab


@virtual
async def test_a_log_of_twice_its_document_is_compacted_and_deleted_contents_go() -> None:
    browser = Browser()
    tab = await browser.tab()
    for i in range(40):
        tab.map["x"] = f"{i}" * 20_000
        await asyncio.sleep(1)
    assert browser.disk.size_bytes < 200_000
    assert not tab.events
    tab.die()
    assert (await browser.tab()).values == {"x": "39" * 20_000}


@virtual
async def test_a_compaction_takes_in_what_other_tabs_wrote() -> None:
    browser = Browser()
    one, two = await browser.tab(), await browser.tab()
    for i in range(300):
        one.map["one"] = i
        two.map["two"] = i
        await asyncio.sleep(0.3)
    await asyncio.sleep(2)
    assert len(browser.records()) < 120
    for tab in (one, two):
        tab.die()
    assert (await browser.tab()).values == {"one": 299, "two": 299}


@virtual
async def test_what_waits_for_missing_updates_survives_a_compaction() -> None:
    """Reproduces: Yrs leaves out of a document's state what waits, deletions too."""
    browser = Browser()
    doc: Doc[Any] = Doc()
    text = doc.get("text", type=Text)
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    text += "abc"
    text += "def"
    del text[1:2]
    doc.unobserve(subscription)
    store = browser.host().machine.store
    for update in updates[1:]:
        await store.append(LOG, b"\1\0" + update, "")
    tab = await browser.tab()
    for i in range(505):
        tab.map["x"] = i
        await asyncio.sleep(0.3)
    await asyncio.sleep(2)
    assert len(browser.records()) < 20
    tab.die()
    again = await browser.tab()
    again.receive(updates[0])
    assert str(again.text) == "acdef"


class TestDamage:
    @virtual
    async def test_a_record_cut_in_half_is_set_aside_and_all_else_used(self) -> None:
        browser = Browser()
        tab = await browser.tab()
        for key in "abc":
            tab.map[key] = 1
            await tab.keeper.flush()
            await asyncio.sleep(1)
        tab.die()
        cut = browser.records()[2][:-4]
        browser.disk.damage(LOG, 3, cut)
        again = await browser.tab()
        assert again.values == {"a": 1, "b": 1}
        assert again.events == [RecordsSetAside(1, ASIDE)]
        assert browser.records(ASIDE) == [cut]
        assert (await browser.tab()).events == [], "told once"

    @virtual
    async def test_a_gap_is_closed_by_who_has_what_is_missing(self) -> None:
        browser = Browser()
        tab = await browser.tab()
        for key in "abc":
            tab.map[key] = 1
            await asyncio.sleep(1)
        browser.disk.damage(LOG, 2, b"")
        again = await browser.tab()
        again.receive(tab.doc.get_update())
        assert again.values == dict.fromkeys("abc", 1)

    @pytest.mark.parametrize("record", [b"", b"\0", b"\1", b"\1\2x", b"\1\1short", b"\1\0\xff"])
    @virtual
    async def test_nonsense_is_set_aside(self, record: bytes) -> None:
        browser = Browser()
        store = browser.host().machine.store
        await store.append(LOG, record, "")
        await store.append(LOG, b"\1\0" + doc_with(x=1), "")
        tab = await browser.tab()
        assert tab.values == {"x": 1}
        assert tab.events == [RecordsSetAside(1, ASIDE)]

    @virtual
    async def test_what_makes_yrs_panic_is_set_aside(self) -> None:
        """Reproduces: eight bytes that Yrs takes, and cannot read any more."""
        browser = Browser()
        store = browser.host().machine.store
        for i in range(5):
            await store.append(LOG, b"\1\0" + doc_with(**{f"k{i}": i}), "")
        await store.append(LOG, b"\1\0\1\1\1\1\0\0\0", "")
        await store.append(LOG, b"\1\0" + doc_with(last=1), "")
        tab = await browser.tab()
        assert len(tab.values) == 6
        assert tab.events == [RecordsSetAside(1, ASIDE)]

    @virtual
    async def test_if_it_cannot_be_moved_it_is_told_all_the_same(self) -> None:
        browser = Browser()
        tab = Tab(browser.host())
        await tab.store.append(LOG, b"nonsense", "")
        browser.disk.damage(LOG, 1, b"\1nonsense")
        tab.store.plan("refused", after=1)
        await tab.load()
        assert tab.events == [RecordsSetAside(1, "")]
        assert browser.records() == [b"\1nonsense"]

    @virtual
    async def test_a_later_version_is_left_alone_and_told(self) -> None:
        browser = Browser()
        store = browser.host().machine.store
        await store.append(LOG, b"\2whatever", "")
        tab = await browser.tab()
        assert tab.events == [NewerRecords(1)]
        for i in range(600):
            tab.map["x"] = i
            await tab.keeper.flush()
            await asyncio.sleep(0)
        await asyncio.sleep(1)
        assert b"\2whatever" in browser.records()


class TestPasswords:
    @virtual
    async def test_nothing_of_it_can_be_read_on_the_disk(self) -> None:
        browser = Browser()
        tab = await browser.tab(password="secret")
        tab.map["key"] = "a sentence of ours"
        await tab.close()
        assert b"sentence" not in b"".join(browser.records())
        assert (await browser.tab(password="secret")).values == {"key": "a sentence of ours"}

    @virtual
    async def test_others_find_nothing_and_harm_nothing(self) -> None:
        browser = Browser()
        passwords = ("one", "two", None)
        for password in passwords:
            tab = await browser.tab(password=password)
            assert tab.values == {}
            for i in range(505):
                tab.map["mine"] = f"{password} {i}"
                await asyncio.sleep(0)
                await tab.keeper.flush()
            await asyncio.sleep(2)
            await tab.close()
            assert tab.events == []
        assert len(browser.records()) < 60
        for password in passwords:
            tab = await browser.tab(password=password)
            assert tab.values == {"mine": f"{password} 504"}
            assert tab.events == []

    @virtual
    async def test_a_damaged_update_under_the_right_key_is_set_aside(self) -> None:
        browser = Browser()
        tab = Tab(browser.host(), "secret")
        sealed: list[Any] = []
        assert tab.key is not None
        tab.key.encrypt(b"no update", sealed.append)
        await asyncio.sleep(0.1)
        await tab.store.append(LOG, b"\1\1" + b"".join(sealed[0]), "")
        await tab.load()
        assert tab.events == [RecordsSetAside(1, ASIDE)]


class TestRefusals:
    @virtual
    async def test_a_full_disk_is_told_once_and_written_again_when_there_is_room(self) -> None:
        browser = Browser()
        tab = await browser.tab()
        tab.map["a"] = "x" * 500
        await asyncio.sleep(1)
        browser.disk.quota_bytes = 600
        for i in range(300):
            tab.map["b"] = f"{i}" * 100
            await asyncio.sleep(1)
        [told] = tab.events
        assert isinstance(told, NotKept)
        assert isinstance(told.error, QuotaExceededError)
        for word in ("'demo'", "not kept", "stored_rooms"):
            assert word in str(told.error)
        status = tab.keeper.status
        assert (status.is_saved, str(status.error)) == (False, str(told.error))
        browser.disk.quota_bytes = 10_000
        await asyncio.sleep(61)
        assert tab.events[1:] == [KeptAgain()]
        assert len(browser.records()) == 2
        tab.die()
        assert (await browser.tab()).values == tab.values

    @virtual
    async def test_it_is_tried_again_after_5_s_and_then_less_often(self) -> None:
        browser = Browser()
        tab = await browser.tab()
        tab.store.refusal = "SecurityError: no"
        before = tab.store.operations
        for _ in range(600):
            tab.map["x"] = 1
            await asyncio.sleep(0.5)
        assert tab.store.operations - before in range(7, 12)  # at 0, 5, 15, 35, 75, 135, 195, 255 s

    @virtual
    async def test_leaving_tries_once_more(self) -> None:
        browser = Browser()
        tab = await browser.tab()
        tab.store.plan("refused")
        tab.map["x"] = 1
        await asyncio.sleep(1)
        assert isinstance(tab.events[0], NotKept)
        await tab.close()
        assert (await browser.tab()).values == {"x": 1}

    @pytest.mark.parametrize("fault", ["refused", "late"])
    @virtual
    async def test_one_failure_loses_nothing(self, fault: Any) -> None:
        browser = Browser()
        tab = await browser.tab()
        tab.text += "a"
        await asyncio.sleep(1)
        tab.store.plan(fault)
        tab.text += "b"
        await asyncio.sleep(1)
        tab.text += "c"
        await asyncio.sleep(6)
        assert [type(event) for event in tab.events] == [NotKept, KeptAgain]
        tab.die()
        assert str((await browser.tab()).text) == "abc"

    @virtual
    async def test_a_browser_that_does_not_answer_counts_as_refusing(self) -> None:
        browser = Browser()
        tab = await browser.tab()
        tab.store.delay_s = 1_000
        tab.map["x"] = 1
        await asyncio.sleep(31)
        [told] = tab.events
        assert isinstance(told, NotKept)
        assert "not answered" in str(told.error)
        tab.store.delay_s = 0
        await asyncio.sleep(6)
        assert tab.keeper.status.is_saved

    @virtual
    async def test_what_cannot_be_read_is_told_and_later_changes_are_kept(self) -> None:
        browser = Browser()
        tab = Tab(browser.host())
        tab.store.plan("refused")
        with pytest.raises(StorageError, match="'demo'"):
            await tab.load()
        tab.map["x"] = 1
        await tab.close()
        assert (await browser.tab()).values == {"x": 1}

    @virtual
    async def test_a_browser_that_is_cleared_gets_the_whole_document(self) -> None:
        browser = Browser()
        tab = await browser.tab()
        tab.text += "before "
        await asyncio.sleep(1)
        browser.disk.clear()
        tab.text += "after"
        await asyncio.sleep(1)
        tab.die()
        assert str((await browser.tab()).text) == "before after"

    @virtual
    async def test_a_log_that_was_begun_anew_by_another_tab_gets_it_too(self) -> None:
        browser = Browser()
        tab = await browser.tab()
        tab.text += "one "
        await asyncio.sleep(1)
        browser.disk.clear()
        other = await browser.tab()
        other.map["x"] = 1
        await other.close()
        tab.text += "two"
        await tab.close()
        again = await browser.tab()
        assert (str(again.text), again.values) == ("one two", {"x": 1})

    @virtual
    async def test_a_compaction_that_fails_loses_nothing_and_is_told(self) -> None:
        browser = Browser()
        tab = await hindered_from_compacting(browser, "refused")
        [told] = tab.events
        assert isinstance(told, CompactionFailed)
        assert len(browser.records()) == 500
        tab.die()
        assert str((await browser.tab()).text) == str(tab.text)

    @virtual
    async def test_a_compaction_that_lacks_the_room_is_not_told(self) -> None:
        browser = Browser()
        tab = await hindered_from_compacting(browser, "full")
        assert len(browser.records()) == 500
        assert tab.events == []
        assert tab.keeper.status.is_saved

    @virtual
    async def test_a_lock_that_is_not_free_is_not_waited_for(self) -> None:
        browser = Browser()
        other = browser.host()
        held = other.page.locks.claim(f"pyodide-rtc compacts {LOG}", lambda: None)
        tab = await browser.tab()
        for update in updates_of(510):
            tab.receive(update)
            await tab.keeper.flush()
        await asyncio.sleep(2)
        assert len(browser.records()) == 510
        held.close()
        tab.map["x"] = 1
        await asyncio.sleep(2)
        assert len(browser.records()) == 1
        assert tab.events == []


@virtual
async def test_two_flushes_at_once_and_closing_twice_are_no_error() -> None:
    browser = Browser()
    tab = await browser.tab()
    tab.store.delay_s = 0.1
    tab.map["x"] = 1
    await asyncio.sleep(0.26)
    tab.map["y"] = 1
    await asyncio.sleep(0)
    await asyncio.gather(*(tab.keeper.flush() for _ in range(3)))
    assert tab.keeper.status.is_saved
    assert len(browser.records()) == 2
    await tab.close()
    await tab.keeper.aclose()
    tab.map["z"] = 1
    await asyncio.sleep(1)
    assert len(browser.records()) == 2


@virtual
async def test_the_status_tells_sizes() -> None:
    browser = Browser()
    tab = Tab(browser.host())
    assert tab.keeper.status.keeping is None
    await tab.load()
    tab.map["x"] = 1
    await tab.close()
    status = (await browser.tab()).keeper.status
    assert status.keeping is not None
    assert status.keeping.kind == "browser"
    assert (status.records, status.size_bytes) == (1, len(browser.records()[0]))
    assert NAME.room == "demo"
