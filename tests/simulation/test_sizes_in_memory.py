"""Documents of any size, over links that are slow: everything arrives, and nothing piles up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from pycrdt import Array, Doc, Map
from seeds import seeds

from pyodide_rtc.errors import ConfigError, MessageTooBigError
from pyodide_rtc.protocol.link import MAX_WAITING_BYTES
from pyodide_rtc.room import Room
from pyodide_rtc.room_status import RoomEvent
from pyodide_rtc.session.outbox import FULL_BYTES, Outbox
from pyodide_rtc.snapshot import Transfer
from pyodide_rtc.testing import Network, run_virtual
from pyodide_rtc.testing.memory_peer import MemoryDataChannel
from pyodide_rtc.wire.messages import SyncStep2, SyncUpdate, UnknownMessage

from .play_helpers import TOPIC, URL, Wiretap, make_rooms, state_vector
from .stock_peer import StockPeer

MB = 1_000_000
RATE = 2.0 * MB
"""Bytes per second of a link, 16 Mbit/s: a document of 10 MB takes 5 s."""


class Watch:
    """Watches how much browsers and outboxes hold at most, and how much is sent."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.buffered_bytes = 0
        self.waiting_bytes = 0
        self.sent_bytes = 0
        send, go_on = MemoryDataChannel.send, Outbox.go_on

        def watched_send(channel: MemoryDataChannel, data: bytes) -> None:
            send(channel, data)
            self.sent_bytes += len(data)
            self.buffered_bytes = max(self.buffered_bytes, channel.buffered_bytes)

        def watched_go_on(outbox: Outbox) -> None:
            self.waiting_bytes = max(self.waiting_bytes, outbox.waiting_bytes)
            go_on(outbox)

        monkeypatch.setattr(MemoryDataChannel, "send", watched_send)
        monkeypatch.setattr(Outbox, "go_on", watched_go_on)


def join(network: Network, **wish: Any) -> Room:
    return make_rooms(network.host()).join(**wish)


def state_of(size: int) -> bytes:
    """The state of a document that somebody else has made."""
    doc: Doc[Any] = Doc()
    doc.get("map", type=Map)["large"] = "x" * size
    return doc.get_update()


async def until(condition: Any, timeout_s: float) -> float:
    """Wait for a condition; gives the seconds that it took."""
    loop = asyncio.get_running_loop()
    start_s = loop.time()
    while not condition():
        assert loop.time() < start_s + timeout_s, f"not within {timeout_s} s"
        await asyncio.sleep(0.01)
    return loop.time() - start_s


def test_a_large_document_goes_to_a_newcomer_and_small_things_overtake_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        watch = Watch(monkeypatch)
        network = Network(bytes_per_s=RATE)
        one = join(network, user="Ada")
        one.doc.apply_update(state_of(10 * MB))
        other = join(network, user="Bob")
        await until(lambda: other.peers and other.peers[0].transfers, 2)
        assert not other.synced

        one.map("map")["small"] = 1
        assert await until(lambda: "small" in other.map("map"), 1) < 1
        one.awareness.set_local_state_field("cursor", 5)
        await until(lambda: {"cursor": 5}.items() <= other_state(other, one).items(), 1)
        other.map("map")["back"] = 2
        await until(lambda: "back" in one.map("map"), 1)
        assert "large" not in other.map("map"), "it is still on its way"
        assert not other.synced

        await other.until_synced(10)
        assert len(other.map("map")["large"]) == 10 * MB
        await asyncio.sleep(5)
        assert state_vector(other.doc) == state_vector(one.doc)
        assert watch.buffered_bytes < FULL_BYTES + 65_536
        assert watch.sent_bytes < 1.01 * 10 * MB, "checks meanwhile make nobody ask for it again"
        assert one.faults == other.faults == ()

    run_virtual(main())


def other_state(room: Room, whose: Room) -> dict[str, object]:
    return room.awareness.states.get(whose.doc.client_id, {})


def test_progress_is_seen_on_both_sides() -> None:
    async def main() -> None:
        network = Network(bytes_per_s=RATE)
        one = join(network)
        one.doc.apply_update(state_of(10 * MB))
        other = join(network)
        events: dict[str, list[RoomEvent]] = {"sending": [], "receiving": []}
        for room in (one, other):
            room.observe(lambda e: e.transfer and events[e.transfer.direction].append(e))
        await until(lambda: len(events["receiving"]) == 20, 10)
        [peer] = other.peers
        [transfer] = peer.transfers
        assert 0 < transfer.done_bytes < transfer.total_bytes
        assert f"receiving {transfer.done_bytes / 1e6:.0f} of 10 MB" in repr(other)
        await other.until_synced(10)
        await asyncio.sleep(1)

        for direction, told in events.items():
            assert 10 < len(told) < 70, "at most ten times a second, for 5 s"
            assert told[-1].kind == "progress"
            assert told[-1].reason == f"{direction} 10 of 10 MB"
            last = told[-1].transfer
            assert isinstance(last, Transfer)
            assert last.done_bytes == last.total_bytes > 10 * MB
        assert other.peers[0].transfers == one.peers[0].transfers == ()

    run_virtual(main())


def test_a_burst_of_large_updates_arrives_whole_and_does_not_pile_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        network = Network(bytes_per_s=RATE)
        one, other = join(network), join(network)
        await other.until_synced(10)
        watch = Watch(monkeypatch)
        with pytest.MonkeyPatch.context() as patch:
            tap = Wiretap(patch)
            for i in range(300):
                one.map("map")[str(i % 10)] = f"{i:0200000}"
                await asyncio.sleep(0)
            assert watch.waiting_bytes < MAX_WAITING_BYTES + 2 * 200_100
            await until(lambda: other.map("map").to_py() == one.map("map").to_py(), 30)
            assert len(tap.sent(UnknownMessage)) * 65_536 < 6 * MB, "old values need not go"
        await asyncio.sleep(5)
        assert state_vector(other.doc) == state_vector(one.doc)
        assert watch.buffered_bytes < FULL_BYTES + 65_536

    run_virtual(main())


@pytest.mark.parametrize("seed", seeds(5))
def test_edits_of_all_sizes_while_a_document_is_on_its_way(seed: int) -> None:
    async def main() -> None:
        network = Network(seed, bytes_per_s=RATE)
        rooms = [join(network)]
        rooms[0].doc.apply_update(state_of(4 * MB))
        rooms += [join(network), join(network)]
        sizes = [5, 50, 500, 50_000, 100_000, 300_000]
        for i in range(60):
            room = network.random.choice(rooms)
            items = room.list("items")
            items.insert(network.random.randint(0, len(items)), "x" * network.random.choice(sizes))
            room.text("text").insert(0, f"{i} ")
            await asyncio.sleep(network.random.random() / 10)
        await asyncio.sleep(60)
        everything = [(r.list("items").to_py(), str(r.text("text"))) for r in rooms]
        assert everything[0] == everything[1] == everything[2]
        assert len(everything[0][0]) == 60
        assert all(room.synced and room.faults == () for room in rooms)

    run_virtual(main())


def test_many_small_edits_while_a_link_is_congested_are_merged(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        network = Network(bytes_per_s=RATE / 20)
        one, other = join(network), join(network)
        await other.until_synced(10)
        watch = Watch(monkeypatch)
        for i in range(1000):
            one.map("map")["x"] = f"{i:010000}"
            await asyncio.sleep(0.001)
        assert watch.waiting_bytes < MAX_WAITING_BYTES + 100_000
        await until(
            lambda: "x" in other.map("map") and other.map("map")["x"] == f"{999:010000}", 60
        )

    run_virtual(main())


def test_leaving_sends_what_was_said_before() -> None:
    async def main() -> None:
        network = Network(bytes_per_s=RATE)
        one, other = join(network), join(network)
        await other.until_synced(10)
        one.map("map")["large"] = "x" * 3 * MB
        await asyncio.sleep(0)
        one.leave()
        await until(lambda: other.peers == (), 5)
        assert len(other.map("map")["large"]) == 3 * MB

    run_virtual(main())


def test_leaving_takes_no_longer_than_others_wait_for_it() -> None:
    async def main() -> None:
        network = Network(bytes_per_s=RATE / 20)
        one, other = join(network), join(network)
        await other.until_synced(10)
        one.map("map")["large"] = "x" * 3 * MB
        await asyncio.sleep(0)
        one.leave()
        await until(lambda: other.peers == (), 5)

    run_virtual(main())


def test_one_that_sends_too_much_is_closed_and_the_room_goes_on() -> None:
    async def main() -> None:
        network = Network(bytes_per_s=RATE)
        careful = join(network, max_received_bytes=MB)
        friend = join(network)
        await careful.until_synced(10)
        friend_id = careful.peers[0].peer_id
        loud = join(network)
        await loud.until_synced(10)
        events: list[RoomEvent] = []
        careful.observe(events.append)
        loud.map("map")["large"] = "x" * 2 * MB
        await until(lambda: any(e.kind == "fault" for e in events), 5)

        error = careful.faults[-1]
        assert isinstance(error, MessageTooBigError)
        assert error.size_bytes > 2 * MB
        assert (error.limit_bytes, error.direction) == (MB, "in")
        assert [e.reason for e in events if e.kind == "peer-left"] == [error.hint]
        friend.map("map")["still"] = 1
        await until(lambda: "still" in careful.map("map"), 5)
        assert friend_id in [p.peer_id for p in careful.peers]

    run_virtual(main())


@pytest.mark.parametrize("limit", [0, -1, 1000, 65_535, 1e6, "1", None, True])
def test_a_limit_that_makes_no_sense_is_refused(limit: Any) -> None:
    with pytest.raises(ConfigError, match="max_received_bytes"):
        make_rooms(Network().host()).join(max_received_bytes=limit)


def test_a_stock_peer_gets_a_large_document_in_plain_updates(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        network = Network(bytes_per_s=RATE)
        room = join(network)
        items: Array[Any] = room.list("items")
        for i in range(20_000):
            items.insert(0, f"{i:0100}")
        page = StockPeer(network.host(), URL, TOPIC, 0.0)
        await until(lambda: len(page.doc.get("items", type=Array)) == 20_000, 10)
        [conn] = page.conns.values()
        await until(lambda: isinstance(conn.heard[-1], SyncStep2), 10)
        kinds = [type(m) for m in conn.heard if isinstance(m, SyncUpdate | SyncStep2)]
        assert kinds == [SyncUpdate] * (len(kinds) - 1) + [SyncStep2]
        assert len(kinds) > 8
        assert state_vector(page.doc) == state_vector(room.doc)
        assert room.faults == ()

        room.map("map")["large"] = "x" * MB
        await until(lambda: room.faults, 10)
        error = room.faults[0]
        assert isinstance(error, MessageTooBigError)
        assert (error.limit_bytes, error.direction) == (262_144, "out")
        items.insert(0, "after")
        await asyncio.sleep(5)
        assert room.synced

    run_virtual(main())
