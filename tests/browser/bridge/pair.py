"""Runs in Pyodide: two peer connections of one kernel, connected to each other."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from pyodide_rtc.browser import open_host
from pyodide_rtc.ports import ChannelSide, DataChannel, DescriptionType, Host, PeerTransport
from pyodide_rtc.protocol.connections.sdp import session_of

PATIENCE_S = 15


class End:
    """One end of a pair: writes down what it hears, and carries signals to the other end."""

    host: Host
    transport: PeerTransport
    other: End

    def __init__(self, *, in_band: bool = False) -> None:
        self.in_band = in_band
        self.channel: DataChannel | None = None
        self.channels: list[tuple[str, bool]] = []
        self.log: list[str] = []
        self.messages: asyncio.Queue[bytes] = asyncio.Queue()
        self.opened = asyncio.Event()
        self.closed = asyncio.Event()
        self.drained = asyncio.Event()
        self.failed = asyncio.Event()
        self.session: str | None = None
        self.states: list[str] = []
        self.changed = asyncio.Event()
        self.max_message_bytes: int | None = None
        self.limited = asyncio.Event()
        self.prepared: asyncio.Queue[str] = asyncio.Queue()

    def on_prepared(self, sdp: str) -> None:
        self.prepared.put_nowait(sdp)

    def on_description(self, kind: DescriptionType, sdp: str) -> None:
        self.session = session_of(sdp)
        self.other.transport.accept_description(kind, sdp)

    def on_candidate(
        self, candidate: str, sdp_m_line_index: int | None, sdp_mid: str | None
    ) -> None:
        self.other.transport.add_candidate(candidate, sdp_m_line_index, sdp_mid)

    def on_channel(self, channel: DataChannel, side: ChannelSide) -> None:
        self.channels.append((type(channel).__name__, side))
        # In band, as with a stock peer, or by the agreed channel, as between our own kind.
        if (side == "agreed") is not self.in_band:
            self.channel = channel
            channel.listen(self)

    def on_state(self, state: str, max_message_bytes: int | None) -> None:
        self.states.append(state)
        self.changed.set()
        if max_message_bytes is not None:
            self.max_message_bytes = max_message_bytes
            self.limited.set()

    def on_path(self, is_relayed: bool) -> None: ...
    def on_round_trip(self, round_trip_s: float) -> None: ...

    def on_quiet(self, quiet_s: float, is_asleep: bool) -> None: ...

    def on_error(self, operation: str, reason: str) -> None:
        self.log.append(f"{operation}: {reason}")
        self.failed.set()

    def on_open(self) -> None:
        self.log.append("open")
        self.opened.set()

    def on_messages(self, messages: Sequence[bytes]) -> None:
        for data in messages:
            self.messages.put_nowait(data)

    def on_drain(self) -> None:
        self.drained.set()

    def on_close(self) -> None:
        self.log.append("close")
        self.closed.set()

    def send(self, data: bytes) -> None:
        assert self.channel is not None
        self.channel.send(data)

    async def receive(self) -> bytes:
        return await soon(self.messages.get())


async def soon(awaitable):
    return await asyncio.wait_for(awaitable, PATIENCE_S)


async def drained(end: End) -> None:
    """Wait until everything that was sent has gone."""

    async def poll() -> None:
        while end.channel.buffered_bytes:  # noqa: ASYNC110  the port tells no event
            await asyncio.sleep(0.01)

    await soon(poll())


def join(host: Host, other_host: Host, *, in_band: bool = False) -> tuple[End, End]:
    """Open both ends; the first offers."""
    ends = End(in_band=in_band), End(in_band=in_band)
    for end, other, home in ((ends[1], ends[0], other_host), (ends[0], ends[1], host)):
        end.host, end.other = home, other
        end.transport = home.network.open_peer(end, ice_servers=[], is_offering=end is ends[0])
    ends[0].transport.offer(in_band=in_band)
    return ends


@asynccontextmanager
async def connected(*, in_band: bool = False) -> AsyncIterator[tuple[End, End]]:
    """Give two ends whose channels are open, each of a host of its own."""
    hosts = await open_host(), await open_host()
    try:
        ends = join(*hosts, in_band=in_band)
        for end in ends:
            await soon(end.opened.wait())
            await soon(end.limited.wait())  # a busy page can be slower to tell than the channel
        yield ends
    finally:
        for host in hosts:
            await host.aclose()
