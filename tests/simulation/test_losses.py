"""Messages of the document that a stock peer loses, one at a time: all is whole within 10 s."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from pycrdt import Text

from pyodide_rtc.protocol.document.stock_checks import IDLE_BYTES_PER_S, INTERVAL_S
from pyodide_rtc.room import Room
from pyodide_rtc.testing import Network, run_virtual
from pyodide_rtc.wire.messages import Message, SyncStep1, SyncStep2, SyncUpdate, encode

from .helpers import TOPIC, URL, Wiretap, content, make_rooms
from .stock_peer import StockPeer

HEALED_WITHIN_S = 10.0


class Pair:
    """One of ours and a stock peer that loses what it is told to."""

    def __init__(self, losing: Callable[[Message], bool] | None = None) -> None:
        network = Network(seed=1, max_delay_s=0.02)
        self.room: Room = make_rooms(network.host()).join()
        self.page = StockPeer(
            network.host(), URL, TOPIC, network.host().machine.wall_time_s() * 1000
        )
        self.ours: Text = self.room.doc.get("text", type=Text)
        self.theirs: Text = self.page.doc.get("text", type=Text)
        self.lost: list[Message] = []
        if losing is not None:
            self.lose_next(losing)

    def lose_next(self, losing: Callable[[Message], bool]) -> None:
        """Lose the next message of that kind."""

        def is_lost(message: Message) -> bool:
            if (gone := losing(message)) is True:
                self.lost.append(message)
                self.page.is_lost = lambda _: False
            return gone

        self.page.is_lost = is_lost

    @property
    def is_equal(self) -> bool:
        return content(self.page.doc) == content(self.room.doc)

    async def meet(self) -> None:
        await asyncio.sleep(2)
        assert self.room.synced and self.is_equal

    async def heal(self) -> None:
        """See that both have the same soon."""
        assert len(self.lost) == 1 and not self.is_equal, "something was lost"
        await asyncio.sleep(HEALED_WITHIN_S)
        assert self.is_equal

    def leave(self) -> None:
        self.page.leave()
        self.room.leave()


def inserts(text: str) -> Callable[[Message], bool]:
    """The update that brings this text, to the page or from it."""
    return lambda m: isinstance(m, SyncUpdate) and text.encode() in m.update


@pytest.mark.parametrize("after_s", [0, 3, 7, 20])
@pytest.mark.parametrize("more", ["", "more"])
def test_an_update_to_the_page(after_s: float, more: str) -> None:
    async def play() -> None:
        pair = Pair()
        pair.ours += "before "
        await pair.meet()
        pair.ours += "some "
        await asyncio.sleep(after_s)
        pair.lose_next(inserts("lost"))
        pair.ours += "lost "
        await asyncio.sleep(0.1)
        for letter in more:  # waits there for what was lost
            pair.ours += letter
            await asyncio.sleep(0.1)
        assert str(pair.theirs) == "before some "

        await pair.heal()

        assert str(pair.theirs) == f"before some lost {more}"
        await asyncio.sleep(HEALED_WITHIN_S)
        [peer] = pair.room.peers
        assert peer.behind == 0
        pair.leave()

    run_virtual(play())


def test_an_update_to_the_page_while_edits_go_on() -> None:
    async def play() -> None:
        pair = Pair()
        await pair.meet()
        pair.lose_next(inserts("lost"))
        loop = asyncio.get_running_loop()
        lost_s = 0.0
        for i in range(150):
            pair.ours += "lost " if i == 20 else f"{i} "
            await asyncio.sleep(0.1)
            if pair.lost and not lost_s:
                lost_s = loop.time()
            if "lost" in str(pair.theirs):
                break
        assert loop.time() - lost_s < HEALED_WITHIN_S
        pair.leave()

    run_virtual(play())


def test_an_update_from_the_page() -> None:
    async def play() -> None:
        pair = Pair()
        await pair.meet()
        await asyncio.sleep(30)  # nothing of ours changes: it is asked all the same
        pair.lose_next(inserts("lost"))
        pair.theirs.insert(0, "lost")
        assert pair.lost

        await pair.heal()

        assert str(pair.ours) == "lost"
        pair.leave()

    run_virtual(play())


@pytest.mark.parametrize("of_the_page", [True, False])
def test_a_deletion(of_the_page: bool) -> None:
    async def play() -> None:
        pair = Pair()
        pair.ours += "all of it"
        await pair.meet()
        pair.lose_next(lambda m: isinstance(m, SyncUpdate))
        del (pair.theirs if of_the_page else pair.ours)[3:6]
        await asyncio.sleep(0.2)

        await pair.heal()

        assert str(pair.theirs) == str(pair.ours) == "all it"
        pair.leave()

    run_virtual(play())


@pytest.mark.parametrize("kind", [SyncStep1, SyncStep2])
@pytest.mark.parametrize("number", [1, 2])
def test_a_message_of_the_greeting(kind: type[Message], number: int) -> None:
    async def play() -> None:
        seen = 0

        def is_it(message: Message) -> bool:
            nonlocal seen
            seen += isinstance(message, kind)
            return isinstance(message, kind) and seen == number

        pair = Pair(is_it)
        pair.ours += "ours "
        pair.page.doc.get("map", type=Text)  # and theirs
        pair.theirs += "theirs "
        await asyncio.sleep(2)

        await pair.heal()
        await asyncio.sleep(HEALED_WITHIN_S)

        assert pair.room.synced, pair.room.why
        [conn] = pair.page.conns.values()
        assert any(isinstance(m, SyncStep2) for m in conn.heard), "the page is synced, too"
        pair.leave()

    run_virtual(play())


def test_all_equal_costs_a_few_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        pair = Pair()
        pair.ours += "x" * 10_000
        await pair.meet()
        await asyncio.sleep(HEALED_WITHIN_S)
        tap = Wiretap(monkeypatch)

        await asyncio.sleep(10 * INTERVAL_S)

        asked = tap.sent(SyncStep1)
        assert 9 <= len(asked) <= 10
        assert len(tap.sent(SyncStep2)) == len(asked)
        sizes = [len(encode(m)) for m in (*asked, *tap.sent(SyncStep2))]
        assert max(sizes) < 16
        assert tap.sent(SyncUpdate) == []
        pair.leave()

    run_virtual(play())


def test_a_long_history_of_deletions_is_asked_for_seldom(monkeypatch: pytest.MonkeyPatch) -> None:
    async def play() -> None:
        pair = Pair()
        pair.ours += "x" * 8_000
        with pair.room.doc.transaction():
            for i in range(4_000):
                del pair.ours[i]
        await pair.meet()
        await asyncio.sleep(HEALED_WITHIN_S)
        tap = Wiretap(monkeypatch)

        await asyncio.sleep(600)

        answers = sum(len(encode(m)) for m in tap.sent(SyncStep2))
        assert 0 < answers < 600 * IDLE_BYTES_PER_S
        pair.leave()

    run_virtual(play())


def test_what_had_to_be_dropped_while_user_code_held_the_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pyodide_rtc.session.document_binding.MAX_BLOCKED_BYTES", 2000)

    async def play() -> None:
        network = Network(seed=1, max_delay_s=0.02)
        one, two = (make_rooms(network.host()).join() for _ in range(2))
        await asyncio.sleep(2)
        assert one.synced and two.synced
        async with one.doc.new_transaction():
            one.map("state")["mine"] = 1
            for i in range(20):
                two.map("state")[str(i)] = "x" * 500
                await asyncio.sleep(0.1)
        await asyncio.sleep(HEALED_WITHIN_S)

        assert len(one.map("state").to_py()) == 21
        assert content(one.doc) == content(two.doc)
        assert one.map("state").to_py() == two.map("state").to_py()
        assert any("bytes wait" in str(fault) for fault in one.faults)
        assert one.synced and two.synced
        one.leave()
        two.leave()

    run_virtual(play())
