"""What a peer has said before it went is taken whole, however busy the kernel that hears it is."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable, Sequence
from itertools import groupby

import pytest
from pycrdt import Doc

from pyodide_rtc.ports import DataChannelHandler
from pyodide_rtc.room import Room
from pyodide_rtc.testing import MemoryHost, Network, run_virtual
from pyodide_rtc.testing.memory_peer import MemoryDataChannel, MemoryPeer
from pyodide_rtc.testing.network import MemorySocket

from .play_helpers import URL

PASTED = "".join(chr(97 + number % 26) for number in range(100_000))
TYPED = "x" * 30


class Bundler:
    """Hears a channel in the place of its handler, and gives that all messages as one bundle."""

    def __init__(self, channel: MemoryDataChannel, handler: DataChannelHandler) -> None:
        self.handler = handler
        self._channel = channel
        self._bundle: list[bytes] = []

    def give(self) -> None:
        bundle, self._bundle = self._bundle, []
        if bundle and self._channel.handler is self:  # else it was closed
            self.handler.on_messages(bundle)

    def on_open(self) -> None:
        self.handler.on_open()

    def on_messages(self, messages: Sequence[bytes]) -> None:
        self._bundle += messages

    def on_drain(self) -> None:
        self.handler.on_drain()

    def on_close(self) -> None:
        self.give()
        self.handler.on_close()


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
                if self._is_busy and self._is_here(end):
                    self._held.append((end, callback))
                else:
                    callback()

            deliver(network, pair, arrive, **options)

        self._is_busy = True
        self._patch.setattr(Network, "deliver", deliver_later)
        for channel in self._channels:
            if channel.handler is not None:
                channel.listen(Bundler(channel, channel.handler))

    def rest(self) -> None:
        """Hear what came meanwhile, in its order; the messages of a channel come as one bundle."""
        self._is_busy = False
        for end, run in groupby(self._held, key=lambda held: held[0]):
            for _, callback in run:
                callback()
            if isinstance(end, MemoryDataChannel) and isinstance(end.handler, Bundler):
                end.handler.give()
        self._held.clear()
        self._patch.undo()
        for channel in self._channels:
            if isinstance(channel.handler, Bundler):
                channel.listen(channel.handler.handler)

    @property
    def _channels(self) -> list[MemoryDataChannel]:
        return [channel for peer in self._host.peers for channel in peer.channels]

    def _is_here(self, end: Hashable) -> bool:
        if isinstance(end, MemoryDataChannel):
            return end in self._channels
        return isinstance(end, MemoryPeer | MemorySocket) and end.host is self._host


async def type_and_paste(room: Room) -> None:
    text = room.text("t")
    for letter in TYPED:
        text.insert(len(text), letter)
        await asyncio.sleep(0.01)
    text.insert(len(text), PASTED)
    await asyncio.sleep(0.2)


def nothing(_reader: Room, _host: MemoryHost, _authors: MemoryHost) -> None:
    """The reader is there all the time."""


def reader_leaves(reader: Room, _host: MemoryHost, _authors: MemoryHost) -> None:
    reader.leave()


def author_comes_back(_reader: Room, _host: MemoryHost, authors: MemoryHost) -> None:
    authors.join(doc=Doc())


def reader_is_put_away(_reader: Room, host: MemoryHost, _authors: MemoryHost) -> None:
    host.put_away()


THEN = (nothing, reader_leaves, author_comes_back, reader_is_put_away)


@pytest.mark.parametrize("then", THEN, ids=lambda then: then.__name__)
@pytest.mark.parametrize("is_flooded", [False, True], ids=["quiet", "flooded"])
def test_it_is_taken_whole(
    monkeypatch: pytest.MonkeyPatch,
    then: Callable[[Room, MemoryHost, MemoryHost], None],
    is_flooded: bool,
) -> None:
    """Reproduces: of 100,030 characters 30 arrived, nobody had the rest, and no fault was told."""

    async def main() -> None:
        network = Network(max_delay_s=0.01)
        network.relays[URL]
        host = network.host()
        authors = network.host()
        author, reader = authors.join(), host.join()
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
        then(reader, host, authors)
        await asyncio.sleep(5)

        assert str(reader.text("t")) == TYPED + PASTED
        assert reader.faults == ()

    run_virtual(main())


def test_an_edit_that_one_alone_has_heard_goes_on_when_that_one_leaves() -> None:
    """Reproduces: it was left to its author to tell, who had died, and its hearer left at once."""

    async def main() -> None:
        network = Network(1, max_delay_s=0.02)
        hosts = [network.host() for _ in range(3)]
        hearer, other, author = (host.join("demo", signaling=URL) for host in hosts)
        await asyncio.sleep(10)
        network.cut([hosts[2]], [hosts[1]])  # the edit is on its way to the other still
        author.map("m")["x"] = 1
        await asyncio.sleep(0.1)
        assert hearer.map("m").to_py() == {"x": 1}
        network.kill(hosts[2])
        await asyncio.sleep(0.1)
        hearer.leave()
        await asyncio.sleep(30)

        assert other.map("m").to_py() == {"x": 1}

    run_virtual(main())


def test_who_leaves_says_what_it_has_held_back() -> None:
    async def main() -> None:
        network = Network(1, max_delay_s=0.02, bytes_per_s=2_000_000)
        one, other = (network.host().join("demo", signaling=URL) for _ in range(2))
        await asyncio.sleep(10)
        one.map("m")["large"] = "x" * 1_500_000  # takes 0.75 s
        await asyncio.sleep(0.01)
        for number in range(4):
            one.map("m")[f"{number}"] = "y" * 400_000
            await asyncio.sleep(0.01)
        one.leave()
        await asyncio.sleep(30)

        assert set(other.map("m").to_py()) == {"large", "0", "1", "2", "3"}

    run_virtual(main())
