from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from pyodide_rtc.errors import BridgeError
from pyodide_rtc.ports import DataChannelHandler, PeerTransportHandler
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.session.outbox import FULL_BYTES
from pyodide_rtc.session.peer_connections import PeerConnections
from pyodide_rtc.session.traffic import Traffic
from pyodide_rtc.testing import Network, run_virtual

LIMIT = 262_144


class Channel:
    """A data channel that does what the test says."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []
        self.handler: DataChannelHandler | None = None
        self.is_closing = False
        self.refusal = ""

        self.buffered_bytes = 0

    def listen(self, handler: DataChannelHandler) -> None:
        self.handler = handler

    def send(self, data: bytes) -> None:
        if self.refusal:
            raise BridgeError(self.refusal)
        self.sent.append(data)
        self.buffered_bytes += len(data)

    def drain(self) -> None:
        """Send all that is buffered."""
        self.buffered_bytes = 0
        assert self.handler is not None
        self.handler.on_drain()

    def close(self) -> None:
        self.is_closing = True


class Transport:
    """A peer connection that records what is asked."""

    def __init__(self, handler: PeerTransportHandler, is_offering: bool) -> None:
        self.handler = handler
        self.is_offering = is_offering
        self.is_closed = False
        self.offers: list[bool] = []
        self.watches = 0

    def offer(self, *, in_band: bool) -> None:
        self.offers.append(in_band)

    def accept_description(self, kind: str, sdp: str) -> None: ...

    def watch(self) -> None:
        self.watches += 1

    def add_candidate(self, candidate: str, index: int | None, mid: str | None) -> None: ...

    def close(self) -> None:
        self.is_closed = True


class World:
    """Connections whose network is in the test's hands."""

    def __init__(self) -> None:
        self.events: list[ev.Event] = []
        self.transports: list[Transport] = []
        self.fails_with = ""
        network = Network().host().network
        network.open_peer = self._open_peer  # type: ignore[method-assign]
        self.traffic = Traffic()
        self.connections = PeerConnections(network, (), self.events.append, self.traffic)
        self.connections.restock()

    def _open_peer(
        self, handler: PeerTransportHandler, *, ice_servers: Sequence[object], is_offering: bool
    ) -> Transport:
        self.transports.append(Transport(handler, is_offering))
        if self.fails_with:
            handler.on_error("open", self.fails_with)
        return self.transports[-1]

    def linked(self, *, is_local: bool = True) -> tuple[Transport, Channel]:
        """Connection 1 with one open channel."""
        self.connections.open(1, is_initiator=is_local, is_own_kind=False)
        channel = Channel()
        handler = self.transports[-1].handler
        handler.on_channel(channel, "local" if is_local else "remote")
        handler.on_state("connected", LIMIT)
        assert channel.handler is not None
        channel.handler.on_open()
        return self.transports[-1], channel


@pytest.fixture
async def world() -> World:
    return World()


class TestChannels:
    async def test_one_is_told_once_open_with_the_size_limit(self, world: World) -> None:
        world.linked()

        assert world.events == [ev.ChannelOpened(1, "local", LIMIT)]

    async def test_the_limit_may_come_after_the_opening(self, world: World) -> None:
        world.connections.open(1, is_initiator=False, is_own_kind=False)
        channel, handler = Channel(), world.transports[-1].handler
        handler.on_channel(channel, "remote")
        assert channel.handler is not None
        channel.handler.on_open()
        handler.on_state("connecting", None)
        assert world.events == []
        handler.on_state("connected", 100)
        handler.on_state("connected", 100)

        assert world.events == [ev.ChannelOpened(1, "remote", 100)]

    async def test_a_frame_does_not_wait_for_the_limit(self, world: World) -> None:
        world.connections.open(1, is_initiator=False, is_own_kind=False)
        channel = Channel()
        world.transports[-1].handler.on_channel(channel, "remote")
        assert channel.handler is not None
        channel.handler.on_open()
        channel.handler.on_messages([b"x", b"y"])

        opened, frame = world.events
        assert isinstance(opened, ev.ChannelOpened)
        assert opened.max_message_bytes == 65_536, "what RFC 8841 assumes"
        assert frame == ev.FramesReceived(1, (b"x", b"y"))

    async def test_two_channels_are_kept_apart(self, world: World) -> None:
        _, local = world.linked()
        remote = Channel()
        world.transports[0].handler.on_channel(remote, "remote")
        assert remote.handler is not None
        remote.handler.on_open()
        world.connections.send(1, "remote", b"r")
        world.connections.send(1, "local", b"l")

        assert (local.sent, remote.sent) == ([b"l"], [b"r"])
        assert world.events[-1] == ev.ChannelOpened(1, "remote", LIMIT)

    async def test_its_end_is_told(self, world: World) -> None:
        _, channel = world.linked()
        assert channel.handler is not None
        channel.handler.on_close()

        assert isinstance(world.events[-1], ev.ChannelClosed)


class TestTraffic:
    async def test_it_counts_what_the_browser_has_accepted_and_what_has_come(
        self, world: World
    ) -> None:
        _, channel = world.linked()
        world.connections.send(1, "local", b"abc")
        world.connections.send_bulk(1, "local", [b"defg"], None)
        assert channel.handler is not None
        channel.handler.on_messages([b"12", b"345"])
        channel.handler.on_messages([b"6"])

        assert world.traffic == Traffic(
            sent_bytes=7, sent_messages=2, received_bytes=6, received_messages=3
        )

    async def test_what_is_refused_or_waits_does_not_count(self, world: World) -> None:
        _, channel = world.linked()
        world.connections.send_bulk(1, "local", [bytes(FULL_BYTES), b"waits"], None)
        assert world.traffic == Traffic(sent_bytes=FULL_BYTES, sent_messages=1)
        channel.refusal = "closed"
        channel.drain()
        assert isinstance(world.events[-1], ev.ChannelClosed)
        assert world.traffic == Traffic(sent_bytes=FULL_BYTES, sent_messages=1)


class TestReserve:
    async def test_one_is_ready_before_it_is_wanted(self, world: World) -> None:
        [reserve] = world.transports
        world.connections.open(1, is_initiator=True, is_own_kind=True)

        assert world.transports == [reserve]
        assert (reserve.is_offering, reserve.offers) == (True, [False])

    async def test_a_stock_peer_is_offered_a_channel_in_band(self, world: World) -> None:
        world.connections.open(1, is_initiator=True, is_own_kind=False)

        assert world.transports[0].offers == [True]

    async def test_an_answerer_offers_nothing(self, world: World) -> None:
        world.connections.open(1, is_initiator=False, is_own_kind=True)

        [_, answerer] = world.transports
        assert (answerer.is_offering, answerer.offers) == (False, [])

    @pytest.mark.parametrize("is_early", [True, False])
    @pytest.mark.parametrize("is_own_kind", [True, False])
    async def test_the_agreed_channel_is_for_our_own_kind(
        self, world: World, is_early: bool, is_own_kind: bool
    ) -> None:
        channel, handler = Channel(), world.transports[0].handler
        if is_early:
            handler.on_channel(channel, "agreed")
        world.connections.open(1, is_initiator=True, is_own_kind=is_own_kind)
        if not is_early:
            handler.on_channel(channel, "agreed")
        handler.on_state("connected", LIMIT)
        if channel.handler is not None:
            channel.handler.on_open()
            channel.handler.on_close()

        expected = [
            ev.ChannelOpened(1, "agreed", LIMIT),
            ev.ChannelClosed(1, "agreed", "the data channel closed"),
        ]
        assert world.events == (expected if is_own_kind else [])
        assert world.transports[0].watches == is_own_kind, "once, and no stock peer: it is silent"

    async def test_the_offer_of_the_one_in_reserve_is_told_until_it_is_wanted(
        self, world: World
    ) -> None:
        [reserve] = world.transports
        reserve.handler.on_prepared("its offer")
        assert world.events == [ev.OfferPrepared("its offer")]
        reserve.handler.on_prepared("its offer, with a candidate")
        told = [ev.OfferPrepared("its offer"), ev.OfferPrepared("its offer, with a candidate")]
        assert world.events == told
        world.connections.open(1, is_initiator=True, is_own_kind=True)
        reserve.handler.on_prepared("its offer, with another")

        assert world.events == told

    def test_its_offer_is_void_when_we_answer_and_it_is_closed_a_little_later(self) -> None:
        async def main() -> None:
            world = World()
            world.connections.open(1, is_initiator=False, is_own_kind=True)
            [withdrawn, _] = world.transports
            withdrawn.handler.on_prepared("its offer, with a candidate")
            withdrawn.handler.on_state("closed", None)
            assert world.events == []
            assert not withdrawn.is_closed, "a peer is waiting"
            await asyncio.sleep(5)
            [_, _, reserve] = world.transports
            assert withdrawn.is_closed
            assert (reserve.is_offering, reserve.is_closed) == (True, False)

        run_virtual(main())

    async def test_it_is_renewed_and_its_offer_void(self, world: World) -> None:
        world.connections.renew_reserve()

        [old, fresh] = world.transports
        assert (old.is_closed, fresh.is_closed) == (True, False)
        assert world.events == [ev.OfferPrepared(None)]

    async def test_one_that_is_withdrawn_is_closed_at_the_end(self, world: World) -> None:
        world.connections.open(1, is_initiator=False, is_own_kind=True)
        world.connections.close_reserve()

        assert [t.is_closed for t in world.transports] == [True, False]

    async def test_it_is_void_when_that_connection_fails(self, world: World) -> None:
        [reserve] = world.transports
        reserve.handler.on_state("closed", None)

        assert world.events[0] == ev.OfferPrepared(None)

    async def test_one_that_failed_in_reserve_is_replaced(self, world: World) -> None:
        # The page closes all when it is put away: the first attempt after its return came to
        # nothing, and the peer was "connecting" for more than 5 s.
        world.transports[0].handler.on_state("closed", None)
        assert [e for e in world.events if getattr(e, "conn", 0) > 0] == []
        world.connections.open(1, is_initiator=True, is_own_kind=True)

        [failed, fresh] = world.transports
        assert failed.is_closed
        assert fresh.offers == [False]
        assert [e for e in world.events if getattr(e, "conn", 0) > 0] == []

    async def test_one_that_fails_as_soon_as_it_is_made_says_so(self, world: World) -> None:
        world.connections.close_reserve()
        world.fails_with = "no such server"
        world.connections.open(1, is_initiator=True, is_own_kind=True)

        assert world.events[-1] == ev.TransportFailed(1, "open: no such server")

    def test_the_next_one_comes_after_a_while_and_is_closed_at_the_end(self) -> None:
        async def main() -> None:
            world = World()
            world.connections.open(1, is_initiator=True, is_own_kind=True)
            world.connections.open(2, is_initiator=True, is_own_kind=True)
            await asyncio.sleep(0.9)
            assert len(world.transports) == 2
            await asyncio.sleep(5)
            [_, _, reserve] = world.transports
            world.connections.close_reserve()
            assert reserve.is_closed

        run_virtual(main())

    def test_none_comes_after_the_end(self) -> None:
        async def main() -> None:
            world = World()
            world.connections.open(1, is_initiator=True, is_own_kind=True)
            world.connections.close_reserve()
            await asyncio.sleep(5)
            assert len(world.transports) == 1

        run_virtual(main())


def told(world: World) -> tuple[int, int]:
    """The bytes of small and large frames that the machine was told of as gone."""
    events = [e for e in world.events if isinstance(e, ev.FramesGone)]
    return sum(e.small_bytes for e in events), sum(e.bulk_bytes for e in events)


class TestSending:
    async def test_the_browser_holds_about_a_mebibyte_and_the_rest_waits(
        self, world: World
    ) -> None:
        _, channel = world.linked()
        world.connections.send_bulk(1, "local", [bytes(200_000)] * 20, None)
        assert FULL_BYTES <= channel.buffered_bytes < FULL_BYTES + 200_000
        assert told(world) == (0, channel.buffered_bytes)

        while len(channel.sent) < 20:
            channel.drain()
            assert channel.buffered_bytes < FULL_BYTES + 200_000
        assert told(world) == (0, 4_000_000)

    async def test_a_small_frame_goes_before_what_waits(self, world: World) -> None:
        _, channel = world.linked()
        world.connections.send_bulk(1, "local", [bytes(5_000_000)], 65_536)
        world.connections.send(1, "local", b"small")
        before = len(channel.sent)
        channel.drain()

        assert channel.sent[before] == b"small"
        assert max(map(len, channel.sent)) <= 65_536

    async def test_small_frames_are_told_of_now_and_then(self, world: World) -> None:
        world.linked()
        for _ in range(50):
            world.connections.send(1, "local", bytes(1000))
        assert told(world) == (0, 0)
        for _ in range(50):
            world.connections.send(1, "local", bytes(1000))
        assert told(world) == (66_000, 0)

    async def test_a_refusal_of_what_waited_is_told_as_the_channels_end(self, world: World) -> None:
        _, channel = world.linked()
        world.connections.send_bulk(1, "local", [bytes(5_000_000)], 65_536)
        channel.refusal = "it is closing"
        channel.drain()

        event = world.events[-1]
        assert isinstance(event, ev.ChannelClosed)
        assert "it is closing" in event.reason

    async def test_a_refusal_of_bulk_is_the_same(self, world: World) -> None:
        world.linked()
        world.connections.send_bulk(1, "remote", [b"x"], None)

        assert isinstance(world.events[-1], ev.ChannelClosed)


class TestRefusals:
    async def test_a_frame_that_cannot_go_is_told_as_the_channels_end(self, world: World) -> None:
        _, channel = world.linked()
        channel.refusal = "the buffer is full"
        world.connections.send(1, "local", b"x")

        event = world.events[-1]
        assert isinstance(event, ev.ChannelClosed)
        assert "the buffer is full" in event.reason

    async def test_a_channel_that_is_not_there_is_the_same(self, world: World) -> None:
        world.linked()
        world.connections.send(1, "remote", b"x")

        assert isinstance(world.events[-1], ev.ChannelClosed)

    async def test_a_refused_description_fails_and_a_candidate_does_not(self, world: World) -> None:
        world.connections.open(1, is_initiator=True, is_own_kind=False)
        handler = world.transports[0].handler
        handler.on_error("candidate", "no such mid")
        assert world.events == []
        handler.on_error("description", "bad sdp")

        assert world.events == [ev.TransportFailed(1, "description: bad sdp")]

    @pytest.mark.parametrize(("state", "is_ice"), [("failed", True), ("closed", False)])
    async def test_the_end_of_the_connection_is_told(
        self, world: World, state: str, is_ice: bool
    ) -> None:
        world.connections.open(1, is_initiator=True, is_own_kind=False)
        world.transports[0].handler.on_state(state, None)  # type: ignore[arg-type]

        [event] = world.events
        assert isinstance(event, ev.TransportFailed)
        assert event.is_ice is is_ice


class TestClosing:
    async def test_at_once(self, world: World) -> None:
        transport, _ = world.linked()
        world.connections.close(1, is_gentle=False)

        assert transport.is_closed

    async def test_a_closed_connection_is_deaf(self, world: World) -> None:
        transport, channel = world.linked()
        world.connections.close(1, is_gentle=False)
        before = list(world.events)
        assert channel.handler is not None
        channel.handler.on_messages([b"late"])
        channel.handler.on_close()
        transport.handler.on_state("failed", None)
        transport.handler.on_candidate("c", 0, "0")
        transport.handler.on_description("offer", "late")

        assert world.events == before

    async def test_gently_waits_until_the_channels_are_empty(self, world: World) -> None:
        transport, channel = world.linked()
        world.connections.close(1, is_gentle=True)
        assert channel.is_closing
        assert not transport.is_closed
        assert channel.handler is not None
        channel.handler.on_close()

        assert transport.is_closed

    async def test_gently_waits_for_both_channels(self, world: World) -> None:
        transport, local = world.linked()
        remote = Channel()
        transport.handler.on_channel(remote, "remote")
        assert remote.handler is not None
        assert local.handler is not None
        remote.handler.on_open()
        world.connections.close(1, is_gentle=True)
        local.handler.on_close()
        assert not transport.is_closed
        remote.handler.on_close()

        assert transport.is_closed

    async def test_gently_without_an_open_channel_is_at_once(self, world: World) -> None:
        world.connections.open(1, is_initiator=True, is_own_kind=False)
        world.connections.close(1, is_gentle=True)

        assert world.transports[0].is_closed

    async def test_gently_sends_what_waits_and_then_closes(self, world: World) -> None:
        transport, channel = world.linked()
        world.connections.send_bulk(1, "local", [bytes(2_000_000)], 65_536)
        world.connections.send(1, "local", b"goodbye")
        world.connections.close(1, is_gentle=True)
        assert not channel.is_closing
        channel.drain()
        assert channel.is_closing
        assert b"goodbye" in channel.sent
        assert not transport.is_closed
        assert channel.handler is not None
        channel.handler.on_close()

        assert transport.is_closed

    async def test_gently_closes_at_once_what_refuses(self, world: World) -> None:
        _, channel = world.linked()
        world.connections.send_bulk(1, "local", [bytes(2_000_000)], 65_536)
        channel.buffered_bytes = 0
        channel.refusal = "it is closing"
        world.connections.close(1, is_gentle=True)

        assert channel.is_closing

    def test_gently_does_not_wait_for_ever_for_what_waits(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        async def main() -> None:
            world = World()
            transport, channel = world.linked()
            world.connections.send_bulk(1, "local", [bytes(2_000_000)], 65_536)
            world.connections.close(1, is_gentle=True)
            await asyncio.sleep(3.9)
            assert not transport.is_closed
            await asyncio.sleep(0.2)
            assert transport.is_closed
            unsent = 2_000_000 - sum(map(len, channel.sent))
            assert unsent > 0
            assert "bytes unsent" in caplog.text

        run_virtual(main())

    def test_gently_does_not_wait_for_ever(self) -> None:
        async def main() -> None:
            world = World()
            transport, _ = world.linked()
            world.connections.close(1, is_gentle=True)
            await asyncio.sleep(0.9)
            assert not transport.is_closed
            await asyncio.sleep(0.2)
            assert transport.is_closed

        run_virtual(main())
