"""What a peer has said before it went is taken whole, however busy the kernel that hears it is."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable
from itertools import groupby

import pytest
from pycrdt import Doc

from pyodide_rtc.room import Room
from pyodide_rtc.rooms import Rooms
from pyodide_rtc.testing import MemoryHost, Network, run_virtual
from pyodide_rtc.testing.memory_peer import MemoryDataChannel

from .play_helpers import URL, make_rooms

PASTED = "".join(chr(97 + number % 26) for number in range(100_000))
TYPED = "x" * 30


class BusyKernel:
    """Holds back what comes in from outside, as it is while a cell computes."""

    def __init__(self, host: MemoryHost, monkeypatch: pytest.MonkeyPatch) -> None:
        self._host = host
        self._patch = monkeypatch
        self._held: list[tuple[Hashable, Callable[[], None]]] = []

    def compute(self) -> None:
        """Begin to compute."""
        network, deliver = self._host.fabric, Network.deliver

        def deliver_later(
            _: Network, pair: tuple[Hashable, ...], callback: Callable[[], None], **options: float
        ) -> None:
            end = pair[2] if pair[0] == "out" else pair[1]

            def arrive() -> None:
                if self._is_busy and network._places.get(end) is self._host:
                    self._held.append((end, callback))
                else:
                    callback()

            deliver(network, pair, arrive, **options)

        self._is_busy = True
        self._patch.setattr(Network, "deliver", deliver_later)

    def rest(self) -> None:
        """Hear what came meanwhile, in its order; the messages of a channel come as one bundle."""
        self._is_busy = False
        bundle: list[bytes] = []
        closed = MemoryDataChannel._closed

        def close(channel: MemoryDataChannel) -> None:
            self._give(channel, bundle)
            closed(channel)

        self._patch.setattr(MemoryDataChannel, "_receive", lambda _, data: bundle.append(data))
        self._patch.setattr(MemoryDataChannel, "_closed", close)
        for end, run in groupby(self._held, key=lambda held: held[0]):
            for _, callback in run:
                callback()
            self._give(end, bundle)
        self._held.clear()
        self._patch.undo()

    def _give(self, end: Hashable, bundle: list[bytes]) -> None:
        if bundle and isinstance(end, MemoryDataChannel) and end._handler is not None:
            end._handler.on_messages(tuple(bundle))
        bundle.clear()


async def type_and_paste(room: Room) -> None:
    text = room.text("t")
    for letter in TYPED:
        text.insert(len(text), letter)
        await asyncio.sleep(0.01)
    text.insert(len(text), PASTED)
    await asyncio.sleep(0.2)


async def nothing(_author: Room, _reader: Room, _rooms: Rooms) -> None:
    """The reader is there all the time."""


async def reader_leaves(_author: Room, reader: Room, _rooms: Rooms) -> None:
    reader.leave()


async def author_comes_back(author: Room, _reader: Room, rooms: Rooms) -> None:
    rooms.join(doc=Doc())


async def reader_is_put_away(_author: Room, reader: Room, _rooms: Rooms) -> None:
    session = reader._backend
    assert session is not None
    session.put_away()


THEN = (nothing, reader_leaves, author_comes_back, reader_is_put_away)


@pytest.mark.parametrize("then", THEN, ids=lambda then: then.__name__)
@pytest.mark.parametrize("is_flooded", [False, True], ids=["quiet", "flooded"])
def test_it_is_taken_whole(
    monkeypatch: pytest.MonkeyPatch,
    then: Callable[[Room, Room, Rooms], Awaitable[None]],
    is_flooded: bool,
) -> None:
    """Reproduces: of 100,030 characters 30 arrived, nobody had the rest, and no fault was told."""

    async def main() -> None:
        network = Network(max_delay_s=0.01)
        network.relays[URL]
        host = network.host()
        authors = make_rooms(network.host())
        author, reader = authors.join(), make_rooms(host).join()
        await asyncio.gather(author.until_synced(10), reader.until_synced(10))
        await asyncio.sleep(5)
        kernel = BusyKernel(host, monkeypatch)
        kernel.compute()
        if is_flooded:
            for number in range(500):
                author.map("m")["x"] = number
                await asyncio.sleep(0)
        await type_and_paste(author)
        author.leave()
        await asyncio.sleep(0.2)
        kernel.rest()
        await then(author, reader, authors)
        await asyncio.sleep(5)

        assert str(reader.text("t")) == TYPED + PASTED
        assert reader.faults == ()

    run_virtual(main())
