"""Messages of the document that are lost, one at a time: what can be had comes within 10 s."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Map, Text

from pyodide_rtc.errors import ChangesMissingError
from pyodide_rtc.protocol.document.stock_checks import INTERVAL_S
from pyodide_rtc.room import Room
from pyodide_rtc.testing import Network, run_virtual
from pyodide_rtc.wire.messages import Message, SyncStep1, SyncStep2, SyncUpdate

from .play_helpers import TOPIC, URL, Wiretap, content, state_vector
from .stock_peer import StockPeer

HEALED_WITHIN_S = 10.0


class Pair:
    """One of ours and a stock peer, what it says can be lost."""

    def __init__(self) -> None:
        self.network = network = Network(seed=1, max_delay_s=0.02)
        self.room: Room = network.host().join()
        self.page = StockPeer(
            network.host(), URL, TOPIC, network.host().machine.wall_time_s() * 1000
        )
        self.ours: Text = self.room.doc.get("text", type=Text)
        self.theirs: Text = self.page.doc.get("text", type=Text)
        self.lost: list[Message] = []

    def lose_next(self, losing: Callable[[Message], bool]) -> None:
        """Lose the next message of that kind of the page."""

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


def is_update(message: Message) -> bool:
    return isinstance(message, SyncUpdate)


@pytest.mark.parametrize("ours", [True, False])
def test_an_update_of_the_page_comes_after_the_next_change(ours: bool) -> None:
    async def play() -> None:
        pair = Pair()
        await pair.meet()
        await asyncio.sleep(30)
        pair.lose_next(is_update)
        pair.theirs.insert(0, "lost ")
        await asyncio.sleep(1)
        (pair.ours if ours else pair.theirs).insert(0, "next ")

        await pair.heal()

        assert str(pair.ours).split() in (["next", "lost"], ["lost", "next"])
        pair.leave()

    run_virtual(play())


def test_a_deletion_of_the_page_comes_after_the_next_change() -> None:
    async def play() -> None:
        pair = Pair()
        pair.ours += "all of it"
        await pair.meet()
        pair.lose_next(is_update)
        del pair.theirs[3:6]
        await asyncio.sleep(0.2)
        pair.ours += "!"

        await pair.heal()

        assert str(pair.theirs) == str(pair.ours) == "all it!"
        pair.leave()

    run_virtual(play())


@pytest.mark.parametrize("kind", [SyncStep1, SyncStep2])
def test_a_message_of_the_greeting_that_the_page_does_not_hear(kind: type[Message]) -> None:
    async def play() -> None:
        pair = Pair()

        def misses(message: Message, open_for_s: float) -> bool:
            is_missed = isinstance(message, kind) and not pair.lost
            pair.lost += [message] if is_missed else []
            return is_missed

        pair.page.is_missed = misses
        pair.ours += "ours "
        pair.theirs += "theirs "
        await asyncio.sleep(0.5)

        await pair.heal()
        await asyncio.sleep(HEALED_WITHIN_S)

        assert pair.room.synced, pair.room.why
        [conn] = pair.page.conns.values()
        assert any(isinstance(m, SyncStep2) for m in conn.heard), "the page is synced, too"
        pair.leave()

    run_virtual(play())


def test_a_page_is_asked_now_and_then_while_something_changes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def play() -> None:
        pair = Pair()
        pair.ours += "x"
        await pair.meet()
        await asyncio.sleep(2 * HEALED_WITHIN_S)
        tap = Wiretap(monkeypatch)

        await asyncio.sleep(600)
        assert tap.sent(SyncStep1) == tap.sent(SyncStep2) == tap.sent(SyncUpdate) == []

        for _ in range(100):
            pair.ours += "x"
            await asyncio.sleep(10 * INTERVAL_S / 100)
        asked = tap.sent(SyncStep1)
        assert 8 <= len(asked) <= 10
        assert len(tap.sent(SyncStep2)) == len(asked)
        pair.leave()

    run_virtual(play())


def test_what_died_with_its_author_is_told() -> None:
    async def play() -> None:
        pair = Pair()
        other = pair.network.host().join()
        await pair.meet()
        state = pair.page.doc.get("map", type=Map)
        pair.page.is_lost = is_update
        state["lost"] = 1
        state["lost too"] = 1
        pair.page.is_lost = lambda _: False
        state["after"] = 1
        await asyncio.sleep(0.1)
        pair.page.leave()
        await asyncio.sleep(60)

        for room in (pair.room, other):
            assert room.map("map").to_py() == {"after": 1}
            assert room.synced, room.why
            [fault] = room.faults
            assert isinstance(fault, ChangesMissingError)
            assert fault.count == 2
        other.leave()
        pair.room.leave()

    run_virtual(play())


def test_what_our_own_kind_has_behind_gaps_is_compared_and_sent() -> None:
    async def play() -> None:
        author: Doc[Any] = Doc(client_id=7)
        updates: list[bytes] = []
        subscription = author.observe(lambda event: updates.append(event.update))
        author.get("text", type=Text).insert(0, "📊")  # its half may not be taken for the last unit
        for key in "abcdef":
            author.get("map", type=Map)[key] = 1
        author.unobserve(subscription)
        network = Network(seed=1, max_delay_s=0.02)
        rooms: list[Room] = []
        for known in ((0, 1, 3), (0, 1, 5), (0, 1)):
            doc: Doc[Any] = Doc()
            for number in known:
                doc.apply_update(updates[number])
            rooms.append(network.host().join(doc=doc))
        await asyncio.sleep(60)

        for room in rooms:
            assert room.map("map").to_py() == {"a": 1, "c": 1, "e": 1}
            assert str(room.text("text")) == "📊"
            assert room.synced, room.why
            [fault] = room.faults
            assert isinstance(fault, ChangesMissingError)
            assert fault.count == 2
        for room in rooms:
            room.leave()

    run_virtual(play())


def test_what_had_to_be_dropped_while_user_code_held_the_document(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("pyodide_rtc.session.document_binding.MAX_BLOCKED_BYTES", 2000)

    async def play() -> None:
        network = Network(seed=1, max_delay_s=0.02)
        one, two = (network.host().join() for _ in range(2))
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


STUCK = json.loads((Path(__file__).parents[1] / "vectors" / "stuck-documents.json").read_text())


@pytest.mark.parametrize("case", STUCK.values(), ids=STUCK)
def test_who_comes_with_a_part_that_takes_no_difference_gets_the_whole(case: Any) -> None:
    """Reproduces: Yrs 0.28 never took all of a valid answer, and two stayed apart for good."""

    async def main() -> None:
        network = Network(1)
        whole: Doc[Any] = Doc()
        part: Doc[Any] = Doc()
        whole.apply_update(bytes.fromhex(case["whole"]))
        for update in case["had"]:
            part.apply_update(bytes.fromhex(update))
        whole.get("map", type=Map)["large"] = "z" * 20_000  # its state is not sent unasked
        one = network.host().join("demo", signaling=URL, doc=whole)
        await asyncio.sleep(3)
        other = network.host().join("demo", signaling=URL, doc=part)
        await asyncio.sleep(30)

        assert state_vector(part) == state_vector(whole)
        assert one.synced
        assert other.synced

    run_virtual(main())
