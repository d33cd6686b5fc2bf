"""Many documents in one room, over the same connections."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any

import pytest
from pycrdt import Doc, Map
from seeds import seeds

from pyodide_rtc.errors import (
    ConfigError,
    InternalError,
    RemoteProtocolError,
    RoomClosedError,
    SameClientError,
)
from pyodide_rtc.protocol.open_documents import MAX_DOCUMENTS
from pyodide_rtc.room import Room
from pyodide_rtc.testing import MemoryHost, Network, peer_id_of, run_virtual
from pyodide_rtc.wire.messages import (
    DocumentPeer,
    InDocument,
    QueryAwareness,
    SyncStep1,
    SyncUpdate,
    encode,
)

from .play_helpers import TOPIC, URL, Wiretap, content, edit
from .stock_peer import StockPeer

NAMES = ("board", "notes", "Grüße 📊")


class People:
    """Some people in one room.

    Args:
        count: how many.
        browsers: in which browser each is; by default each has one.
        password: the room's.
    """

    def __init__(
        self,
        count: int,
        *,
        browsers: tuple[str, ...] | None = None,
        password: str | None = None,
        seed: int = 0,
    ) -> None:
        self.network = Network(seed)
        self.password = password
        names = browsers or [f"browser of {i}" for i in range(count)]
        self.hosts = [self.network.host(browser=name) for name in names]
        self.rooms = [self.join(host, f"u{i}") for i, host in enumerate(self.hosts)]

    def join(self, host: MemoryHost, user: str) -> Room:
        return host.join("demo", signaling=URL, user=user, password=self.password)

    async def meet(self) -> list[Room]:
        """Wait until all are linked."""
        for room in self.rooms:
            await room.until(lambda room=room: len(room.peers) == len(self.rooms) - 1, 30)  # type: ignore[misc]
            await room.until_synced(30)
        return self.rooms


def value(room: Room, name: str = "board") -> object:
    """What is under "x" in a document of a room."""
    shared: Map[Any] = room.document(name).map("m")
    return shared.get("x")


async def settle() -> None:
    """Let all that is under way arrive, comparisons included."""
    await asyncio.sleep(20)


@pytest.mark.parametrize("browsers", [("a", "b"), ("a", "a")], ids=["webrtc", "tabs"])
@pytest.mark.parametrize("password", [None, "secret"])
def test_one_that_others_have_brings_its_content(
    browsers: tuple[str, ...], password: str | None
) -> None:
    async def main() -> None:
        ada, bob = await People(2, browsers=browsers, password=password).meet()
        board = ada.document("board")
        board.map("m")["x"] = 1
        await settle()

        assert bob.documents["board"].peers == bob.peers
        assert not bob.documents["board"].is_open
        assert not board.synced, "nobody else has it open"

        await bob.document("board").until_synced(5)
        assert value(bob) == 1
        await board.until_synced(5)
        bob.document("board").map("m")["x"] = 2
        await settle()
        assert value(ada) == 2
        assert content(ada.doc) == content(bob.doc) == ({}, "", [])

    run_virtual(main())


@pytest.mark.parametrize("browsers", [("a", "b"), ("a", "a")], ids=["webrtc", "tabs"])
def test_a_large_one_comes_as_well(browsers: tuple[str, ...]) -> None:
    async def main() -> None:
        ada, bob = await People(2, browsers=browsers).meet()
        ada.document("board").map("m")["x"] = "x" * 300_000
        await settle()

        await bob.document("board").until_synced(5)

        assert value(bob) == "x" * 300_000

    run_virtual(main())


@pytest.mark.parametrize("browsers", [("a", "b"), ("a", "a")], ids=["webrtc", "tabs"])
def test_it_can_be_closed_and_opened_again(browsers: tuple[str, ...]) -> None:
    async def main() -> None:
        ada, bob = await People(2, browsers=browsers).meet()
        board = ada.document("board")
        await bob.document("board").until_synced(5)

        closed = bob.document("board")
        closed.close()
        closed.awareness.set_local_state_field("cursor", 1)
        board.map("m")["x"] = 1
        await settle()
        assert board.peers == ()
        assert not board.synced
        assert ada.documents["board"].peers == ()
        assert [*board.awareness.states] == [board.doc.client_id]

        assert closed.map("m").to_py() == {}
        closed.close()
        assert bob.document("board") is closed
        await closed.until_synced(5)
        assert value(bob) == 1

    run_virtual(main())


def test_nothing_goes_to_who_has_not_opened_it(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        people = People(3)
        ada, bob, _ = await people.meet()
        await settle()
        connections = [len(host.peers) for host in people.hosts]
        tap = Wiretap(monkeypatch)
        for number in range(50):
            board = ada.document(f"board {number}")
            board.map("m")["x"] = number
            board.awareness.set_local_state_field("cursor", number)
        await bob.document("board 7").until_synced(5)
        await settle()

        heard = tap.sent_to(people.hosts[2], InDocument)
        assert {type(m.message) for m in heard if isinstance(m, InDocument)} == {DocumentPeer}
        named = {m.document for m in tap.sent_to(people.hosts[1], InDocument) if is_content(m)}
        assert named == {"board 7"}
        assert [len(host.peers) for host in people.hosts] == connections

    run_virtual(main())


def is_content(message: object) -> bool:
    return isinstance(message, InDocument) and not isinstance(message.message, DocumentPeer)


def test_an_edit_goes_once_to_each(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        people = People(5)
        rooms = await people.meet()
        for room in rooms[:4]:
            room.document("board")
        for room in rooms[:4]:
            await room.document("board").until_synced(5)
        await settle()
        tap = Wiretap(monkeypatch)

        rooms[0].document("board").map("m")["x"] = 1
        await asyncio.sleep(1)

        updates = [m for m in tap.sent(InDocument) if isinstance(m.message, SyncUpdate)]  # type: ignore[attr-defined]
        assert len(updates) == 3
        assert [value(room) for room in rooms[:4]] == [1] * 4

    run_virtual(main())


def test_presence_is_of_the_document() -> None:
    async def main() -> None:
        ada, bob = await People(2).meet()
        board, its = ada.document("board"), bob.document("board")
        await board.until_synced(5)
        await settle()
        changes: list[object] = []
        its.awareness.observe(changes.append)
        bob.awareness.observe(lambda _: pytest.fail("the room's own presence has not changed"))

        board.awareness.set_local_state_field("cursor", 7)
        await asyncio.sleep(1)

        assert its.awareness.states[board.doc.client_id] == {"cursor": 7}
        assert len(changes) == 1
        assert board.doc.client_id not in bob.awareness.states
        ada.leave()
        await asyncio.sleep(1)
        assert board.doc.client_id not in its.awareness.states
        assert its.peers == ()

    run_virtual(main())


def test_what_is_opened_before_the_room_is_shared_with_it() -> None:
    async def main() -> None:
        people = People(2)
        ada, bob = people.rooms
        for room in (ada, bob):
            assert room.stage == "opening"
            room.document("board").map("m")[repr(room.document("board").name)] = 1
        assert bob.document("board").peers == ()

        await people.meet()

        await ada.document("board").until_synced(5)
        assert repr(ada.document("board")) == "Document 'board', open at u1"

    run_virtual(main())


def test_who_comes_and_goes_is_told() -> None:
    async def main() -> None:
        ada, bob = await People(2).meet()
        told: list[tuple[str, str]] = []
        bob.observe(lambda event: told.append((event.kind, event.document)))

        ada.document("board").map("m")["x"] = 1
        await asyncio.sleep(1)
        bob.document("board")
        await asyncio.sleep(1)
        ada.document("board").close()
        await asyncio.sleep(1)
        ada.document("notes")
        await asyncio.sleep(1)
        assert [event for event in told if event[1]] == [
            ("document-opened", "board"),
            ("loaded", "board"),
            ("peer-synced", "board"),
            ("document-closed", "board"),
            ("document-opened", "notes"),
        ]
        ada.leave()
        await asyncio.sleep(1)
        assert ("document-closed", "notes") in told
        assert list(bob.documents) == ["board"]

    run_virtual(main())


def test_a_stock_peer_hears_of_none(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        people = People(3, browsers=("a", "b", "a"))
        page = StockPeer(people.network.host(browser="c"), URL, TOPIC, 0.5)
        ada, bob, _ = people.rooms
        await ada.until(lambda: len(ada.peers) == 3, 30)
        await bob.until(lambda: len(bob.peers) == 3, 30)
        tab: list[bytes] = []

        class Stock:
            def on_message(self, data: bytes) -> None:
                tab.append(data)

        people.network.host(browser="a").network.open_tab_channel(TOPIC, Stock())
        ada.document("board").map("m")["x"] = 1
        ada.doc.get("map", type=Map)["main"] = 1
        await bob.document("board").until_synced(5)
        await settle()

        heard = [message for conn in page.conns.values() for message in conn.heard]
        assert heard
        assert not any(isinstance(message, InDocument) for message in heard)
        assert tab
        assert not any(data[:1] == b"\x66" for data in tab)
        assert content(page.doc)[0] == {"main": 1}

    run_virtual(main())


class TestRefusals:
    @pytest.mark.parametrize("name", [None, 7, "", "x" * 1_025, "\ud83d"])
    def test_what_is_no_name(self, name: Any) -> None:
        async def main() -> None:
            [room] = People(1).rooms
            with pytest.raises(ConfigError, match="text of 1 to 1024 bytes"):
                room.document(name)

        run_virtual(main())

    def test_another_doc(self) -> None:
        async def main() -> None:
            [room] = People(1).rooms
            doc: Doc[Any] = Doc()
            board = room.document("board", doc=doc)
            assert board.doc is doc
            assert room.document("board", doc=doc) is board
            with pytest.raises(ConfigError, match="another doc"):
                room.document("board", doc=Doc())

        run_virtual(main())

    def test_too_many(self) -> None:
        async def main() -> None:
            [room] = People(1).rooms
            for number in range(MAX_DOCUMENTS):
                room.document(str(number))
            with pytest.raises(ConfigError, match="Close some"):
                room.document("one more")
            room.document("7").close()
            room.document("one more")

        run_virtual(main())

    def test_a_room_that_was_left(self) -> None:
        async def main() -> None:
            [room] = People(1).rooms
            board = room.document("board")
            room.leave()
            with pytest.raises(RoomClosedError):
                room.document("notes")
            with pytest.raises(RoomClosedError):
                await board.until_synced(1)
            board.map("m")["x"] = 1
            board.close()

        run_virtual(main())


def test_the_same_client_twice_is_told() -> None:
    async def main() -> None:
        ada, bob = await People(2).meet()
        for room in (ada, bob):
            room.document("board", doc=Doc(client_id=7))
        await asyncio.sleep(5)

        for room in (ada, bob):
            assert [type(fault) for fault in room.faults] == [SameClientError]
            assert not room.document("board").synced

    run_virtual(main())


def test_a_peer_that_claims_too_much_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        people = People(2)
        ada, bob = await people.meet()
        [channel] = [c for p in people.hosts[0].peers for c in p.channels if c.is_open]
        for number in range(MAX_DOCUMENTS + 500):
            claim = DocumentPeer(peer_id_of(ada), True, number)
            channel.send(encode(claim, f"claimed {number}"))
        for message in (SyncStep1(b"\0"), QueryAwareness(), SyncUpdate(b"\0\0")):
            channel.send(encode(message, "not open"))
        await settle()

        assert len(bob.documents) == MAX_DOCUMENTS
        assert "open documents" in str(bob.faults[0])
        assert bob.peers[0].unknown_messages == 3
        assert bob.peers[0].is_connected
        ada.doc.get("map", type=Map)["x"] = 1
        await asyncio.sleep(5)
        assert content(bob.doc)[0] == {"x": 1}

    run_virtual(main())


@pytest.mark.parametrize("seed", seeds(60))
def test_they_converge_whatever_happens(seed: int) -> None:
    """People open, edit and close documents, die and return; paths fail, and heal."""

    async def main() -> None:
        random = Random(seed)
        count = random.randint(2, 5)
        browsers = (*(random.choice("ab") for _ in range(count)), "c")
        people = People(
            count + 1,
            browsers=browsers,
            password=random.choice((None, None, "secret")),
            seed=seed,
        )
        for _ in range(random.randint(20, 60)):
            await one_step(people, random)
            await asyncio.sleep(random.random() * 2)
        people.network.heal()
        await asyncio.sleep(60)
        for room in people.rooms:
            edit(room.doc, random)
        await asyncio.sleep(60)
        for name in NAMES:
            having = [r for r in people.rooms if name in r.documents and r.documents[name].is_open]
            assert_equal([room.document(name).doc for room in having])
            for room in having:
                assert len(room.document(name).peers) == len(having) - 1
                assert room.document(name).synced or len(having) == 1
            assert all(len(r.documents[name].peers) >= len(having) - 1 for r in having)
        assert_equal([room.doc for room in people.rooms])
        faults = [fault for room in people.rooms for fault in room.faults]
        assert not any(isinstance(fault, InternalError | RemoteProtocolError) for fault in faults)

    run_virtual(main())


def assert_equal(docs: list[Doc[Any]]) -> None:
    contents = [content(doc) for doc in docs]
    assert all(one == contents[0] for one in contents)


async def one_step(people: People, random: Random) -> None:
    at = random.randrange(len(people.rooms))
    room, host = people.rooms[at], people.hosts[at]
    name = random.choice(NAMES)
    match random.randrange(12):
        case 0:
            room.document(name).close()
        case 1:
            people.network.kill(host)
            people.hosts[at] = people.network.host(browser=host.browser)
            people.rooms[at] = people.join(people.hosts[at], f"u{at} again")
        case 2:
            room.leave()
            people.rooms[at] = people.join(host, f"u{at}")
        case 3:
            others = [h for h in people.hosts if h is not host]
            people.network.cut([host], random.sample(others, k=len(others) // 2))
        case 4:
            people.network.heal()
        case 5:
            edit(room.doc, random)
        case _:
            edit(room.document(name).doc, random)
