"""Names, the list of what is kept, forgetting, and files of rooms."""

from __future__ import annotations

import asyncio
import io
import zipfile
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Doc, Map
from seeds import some

from pyodide_rtc.errors import DecodeError, MessageTooBigError, StorageError
from pyodide_rtc.storage import (
    LogName,
    RoomExport,
    StoredDocument,
    StoredRoom,
    forget_room,
    pack_room,
    read_room,
    stored_rooms,
    unpack_room,
    write_room,
)
from pyodide_rtc.storage.records import NewerRecord, PlainRecord, SealedRecord, decode, encode

from .tabs import LOG, TOPIC, Browser
from .virtual import virtual

ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=20)


@settings(max_examples=some(300), deadline=None)
@given(ANY_TEXT, ANY_TEXT, st.booleans())
def test_names_are_read_back(topic: str, document: str, is_aside: bool) -> None:
    name = LogName(topic, document, is_aside)
    assert LogName.parse(str(name)) == name
    assert str(name).isascii()


@pytest.mark.parametrize("text", ["", "1", "1 a", "2 a b", "1 a b c", "1 a/b x", "1 a b aside x"])
def test_other_names_are_none(text: str) -> None:
    assert LogName.parse(text) is None


def test_the_name_is_this_one() -> None:
    assert str(LogName("example.org/a b", "ø/2")) == "1 example.org%2Fa%20b %C3%B8%2F2"
    assert str(LogName("h/r", "", is_aside=True)) == "1 h%2Fr  aside"


@settings(max_examples=some(300), deadline=None)
@given(st.binary(max_size=60))
def test_any_bytes_are_a_record_or_damaged(data: bytes) -> None:
    try:
        record = decode(data)
    except DecodeError:
        return
    if isinstance(record, NewerRecord):
        assert data[0] == record.version > 1
    else:
        assert encode(record) == data


def test_the_bytes_of_records() -> None:
    assert encode(PlainRecord(b"update")) == b"\1\0update"
    sealed = SealedRecord(bytes(12), b"c" * 16)
    assert encode(sealed) == b"\1\1" + bytes(12) + b"c" * 16
    assert decode(encode(sealed)) == sealed


def update(**values: object) -> bytes:
    doc: Doc[Any] = Doc()
    doc.get("map", type=Map).update(values)
    return doc.get_update()


def values(data: bytes) -> Any:
    doc: Doc[Any] = Doc()
    doc.apply_update(data)
    return doc.get("map", type=Map).to_py()


@virtual
async def test_rooms_are_listed_with_their_documents_and_sizes() -> None:
    browser = Browser()
    store = browser.host().machine.store
    await write_room(store, "b.org/one", None, {"": update(x=1), "notes": update(y=1)})
    await asyncio.sleep(5)
    await write_room(store, "a.org/two", None, {"": update(x=1)})
    await store.append("2 something new", b"x", "")
    rooms, others = stored_rooms(await store.logs())
    assert [(room.host, room.room) for room in rooms] == [("a.org", "two"), ("b.org", "one")]
    assert [document.name for document in rooms[1].documents] == ["", "notes"]
    assert sum(room.size_bytes for room in rooms) + 1 == browser.disk.size_bytes
    assert rooms[0].changed_s - rooms[1].changed_s == 5
    assert others == ["2 something new"]


@virtual
async def test_a_room_is_forgotten_and_others_are_not() -> None:
    browser = Browser()
    host = browser.host()
    store = host.machine.store
    for topic in ("h/room", "h/room 2", "h/roo"):
        await write_room(store, topic, None, {"": update(x=1), "more": update(y=1)})
    await store.append(str(LogName("h/room", "", is_aside=True)), b"x", "")
    await forget_room(store, host.page.locks, "h/room")
    rooms, _ = stored_rooms(await store.logs())
    assert [room.room for room in rooms] == ["roo", "room 2"]


@virtual
async def test_a_room_that_is_open_is_not_forgotten_and_it_is_said_who_has_it() -> None:
    browser = Browser()
    tab = await browser.tab()
    tab.map["x"] = 1
    await asyncio.sleep(1)
    host = browser.host()
    begin = asyncio.get_running_loop().time()
    with pytest.raises(StorageError, match=r"'demo' is not forgotten.*\(a notebook\)"):
        await forget_room(host.machine.store, host.page.locks, TOPIC)
    assert asyncio.get_running_loop().time() - begin == 5
    assert len(browser.records()) == 1
    asyncio.get_running_loop().call_later(3, tab.die)
    await forget_room(host.machine.store, host.page.locks, TOPIC)
    assert browser.records() == []


@virtual
async def test_who_opens_it_while_it_is_forgotten_keeps_the_whole_document() -> None:
    browser = Browser()
    tab = await browser.tab()
    tab.map["x"] = 1
    await tab.close()
    host = browser.host()
    forgetting = asyncio.create_task(forget_room(host.machine.store, host.page.locks, TOPIC))
    await asyncio.sleep(0)
    late = await browser.tab()
    await forgetting
    late.map["y"] = 2
    await late.close()
    again = await browser.tab()
    assert again.values == late.values
    assert "y" in again.values


@virtual
async def test_a_log_that_is_being_compacted_is_not_removed() -> None:
    browser = Browser()
    store = browser.host().machine.store
    await write_room(store, TOPIC, None, {"": update(x=1)})
    browser.host().page.locks.claim(f"pyodide-rtc compacts {LOG}", lambda: None)
    with pytest.raises(StorageError, match="has not done it within 30 s"):
        await forget_room(store, browser.host().page.locks, TOPIC)


@virtual
async def test_a_room_goes_into_a_file_and_back() -> None:
    browser = Browser()
    tab = await browser.tab(password="secret")
    tab.map["x"] = 1
    await tab.close()
    notes = await browser.tab(password="secret", name=LogName(TOPIC, "notes"))
    notes.map["y"] = 2
    await notes.close()
    plain = await browser.tab()
    plain.map["not"] = "in it"
    await plain.close()

    key = tab.derive("secret")
    documents = await read_room(plain.store, TOPIC, key)
    data = pack_room(RoomExport("demo", documents))
    found = unpack_room(data)
    assert found.room == "demo"
    assert {name: values(data) for name, data in found.documents.items()} == {
        "": {"x": 1},
        "notes": {"y": 2},
    }
    other = Browser(1)
    await write_room(other.host().machine.store, TOPIC, key, found.documents)
    assert b"map" not in b"".join(other.records())
    assert (await other.tab(password="secret")).values == {"x": 1}


@settings(max_examples=some(100), deadline=None)
@given(ANY_TEXT, st.dictionaries(ANY_TEXT, st.just(update(x=1)), max_size=5))
def test_any_names_go_into_a_file(room: str, documents: dict[str, bytes]) -> None:
    assert unpack_room(pack_room(RoomExport(room, documents))) == RoomExport(room, documents)


def zipped(compression: int = zipfile.ZIP_DEFLATED, **files: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as archive:
        for name, content in files.items():
            archive.writestr(name.replace("_", "."), content)
    return data.getvalue()


INDEX = (
    b'{"format":"pyodide-rtc room","version":1,"room":"r",'
    b'"documents":[{"name":"","file":"0.ydoc"}]}'
)
GOOD = {"index_json": INDEX, "0_ydoc": update(x=1)}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({}, "index.json"),
        ({"index_json": b"\xff"}, "utf-8"),
        ({"index_json": b"{"}, "JSON"),
        ({"index_json": b"[]"}, "index of a room"),
        ({"index_json": INDEX.replace(b'"version":1', b'"version":2')}, "version 1.*not 2"),
        ({"index_json": INDEX.replace(b'"name":""', b'"name":1')}, "document of the index"),
        ({"index_json": b"[" * 100_000}, "deep"),
        ({"index_json": INDEX}, "0.ydoc"),
        ({"index_json": INDEX, "0_ydoc": b"no update"}, "a Yjs update"),
    ],
)
def test_a_file_that_is_none_is_refused(files: dict[str, bytes], said: str) -> None:
    with pytest.raises(DecodeError, match=said):
        unpack_room(zipped(**files))


def test_a_file_of_another_compression_is_refused() -> None:
    """Reproduces: a damaged one raised what `lzma` raises."""
    with pytest.raises(DecodeError, match="compressed as in ours"):
        unpack_room(zipped(zipfile.ZIP_LZMA, **GOOD))


def test_a_bomb_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    bomb = zipped(index_json=b" " * 5_000_000)
    with pytest.raises(MessageTooBigError):
        unpack_room(bomb)
    monkeypatch.setattr("pyodide_rtc.storage.export.MAX_EXPORT_BYTES", 1_000)
    with pytest.raises(MessageTooBigError):
        unpack_room(zipped(**GOOD | {"0_ydoc": update(x="x" * 2_000)}))
    with pytest.raises(MessageTooBigError):
        unpack_room(bytes(1_001))


@settings(max_examples=some(500), deadline=None)
@given(st.data())
def test_a_damaged_file_is_read_or_refused(data: st.DataObject) -> None:
    damaged = bytearray(zipped(**GOOD))
    for _ in range(data.draw(st.integers(1, 4))):
        damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    with suppress(DecodeError, MessageTooBigError):
        unpack_room(bytes(damaged))


def test_what_is_kept_is_shown_in_words() -> None:
    main = StoredDocument("", False, 3, 12_345, 0.0)
    aside = StoredDocument("board", True, 1, 10, 86_400.0)

    assert repr(main) == "<the room's own document: 12 kB, changed 1970-01-01 00:00 UTC>"
    assert repr(aside) == "<document 'board': 1 kB, changed 1970-01-02 00:00 UTC, not readable>"
    assert repr(StoredRoom("example.org/demo", (main, aside))) == (
        "<room 'demo' at example.org: 12 kB in 2 documents, changed 1970-01-02 00:00 UTC>"
    )
