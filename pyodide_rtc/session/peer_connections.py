"""The peer connections of a room, with their handlers and their data channels.

Turns what the browser reports into events of the room's machine. Once the room has closed a peer
connection, it reports nothing more. One that is closed gently still sends all that its data
channels hold.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from pyodide_rtc import background
from pyodide_rtc.errors import BridgeError
from pyodide_rtc.ports import (
    ChannelSide,
    ConnectionState,
    DataChannel,
    DescriptionType,
    IceServer,
    Network,
    PeerTransport,
)
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.session.outbox import Outbox
from pyodide_rtc.session.traffic import Traffic

logger = logging.getLogger("pyodide_rtc.snapshot")

Feed = Callable[[ev.Event], None]

_GENTLE_CLOSE_S = 1.0
"""How long a gently closed peer connection may take to send what its data channels hold."""

_GENTLE_SEND_S = 3.0
"""How much longer it may take if frames wait in its outboxes. So the others see us leave within
5 s."""

_RESERVE_DELAY_S = 1.0
"""How long after a peer connection was opened the next one is prepared as the reserve. Joins come
in bursts, and during one the page has other work."""

_UNWANTED = -1
"""The number of the peer connection in reserve: the machine has none of that number, and ignores
its events."""

_DEFAULT_MAX_MESSAGE_BYTES = 65_536
"""What RFC 8841 assumes of a peer whose description names no `max-message-size`."""


class _ChannelHandler:
    """The handler of one data channel of a peer connection."""

    def __init__(
        self, connection: PeerConnection, channel: DataChannel, side: ev.ChannelSide
    ) -> None:
        self._connection = connection
        self._side = side
        self.channel = channel
        self.outbox = Outbox(channel, self._on_gone, connection.traffic)
        self.is_open = False

    def on_open(self) -> None:
        self.is_open = True
        self._connection.announce_channels()

    def on_messages(self, messages: Sequence[bytes]) -> None:
        traffic = self._connection.traffic
        traffic.received_bytes += sum(map(len, messages))
        traffic.received_messages += len(messages)
        # The channel is open, but its size limit may still be unknown: announce it all the same.
        self._connection.announce_channels(is_urgent=True)
        self._connection.feed(ev.FramesReceived(self._connection.conn, tuple(messages)))

    def on_drain(self) -> None:
        try:
            self.outbox.go_on()
        except BridgeError as error:
            self._connection.on_refusal(self._side, error)

    def on_close(self) -> None:
        self.is_open = False
        self._connection.on_channel_closed(self._side, self)

    def _on_gone(self, small_bytes: int, bulk_bytes: int) -> None:
        self._connection.feed(ev.FramesGone(self._connection.conn, small_bytes, bulk_bytes))


class PeerConnection:
    """One peer connection of the room, or the one in reserve.

    Args:
        feed: called with each event.
        traffic: counts what its data channels send and receive.
    """

    def __init__(self, feed: Feed, traffic: Traffic) -> None:
        self.conn = _UNWANTED
        self.traffic = traffic
        self.transport: PeerTransport | None = None
        self._is_own_kind = True
        self._feed: Feed | None = feed
        self._failure: str | None = None
        self._is_interrupted = False
        self._channels: dict[ev.ChannelSide, _ChannelHandler] = {}
        self._announced: set[ev.ChannelSide] = set()
        self._max_message_bytes: int | None = None
        self._on_drained: Callable[[], None] | None = None

    def begin(self, conn: int, *, is_own_kind: bool) -> None:
        """Assign this peer connection to a peer, under this number of the machine."""
        self.conn = conn
        self._is_own_kind = is_own_kind
        if not is_own_kind:
            self._channels.clear()  # a stock peer does not open the agreed channel
        if self._failure is not None:
            self.on_failure(self._failure)

    def silence(self) -> None:
        """Feed the machine no more events."""
        self._feed = None

    @property
    def has_failed(self) -> bool:
        """Whether the peer connection has failed."""
        return self._failure is not None

    def feed(self, event: ev.Event) -> None:
        """Feed an event to the machine, unless the machine has closed this peer connection."""
        if self._feed is not None:
            self._feed(event)

    def on_failure(self, reason: str, *, is_ice: bool = False) -> None:
        """Report a failure to the machine; one of the reserve is reported again in `begin`."""
        self._failure = reason
        if self.conn == _UNWANTED:
            self.feed(ev.OfferPrepared(None))
        self.feed(ev.TransportFailed(self.conn, reason, is_ice=is_ice))

    def outbox(self, side: ev.ChannelSide) -> Outbox:
        """Return the outbox of the data channel of that side.

        Raises:
            BridgeError: there is none.
        """
        handler = self._channels.get(side)
        if handler is None:
            raise BridgeError(f"there is no {side} data channel")
        return handler.outbox

    def on_refusal(self, side: ChannelSide, error: BridgeError) -> None:
        """Report that the browser refused to send a frame: the machine then loses the peer.

        So no frame is dropped in silence: the peer is connected anew, and then gets all that it
        lacks.
        """
        self.feed(ev.ChannelClosed(self.conn, side, f"a frame could not be sent: {error}"))

    def close(self, *, is_gentle: bool) -> None:
        """Close at once, or gently: after all that waits in outboxes and channels was sent."""
        self.silence()
        handlers = [h for h in self._channels.values() if h.is_open]
        if not is_gentle or not handlers:
            self._close_transport()
            return
        has_waiting = any(h.outbox.waiting_bytes for h in handlers)
        patience_s = _GENTLE_CLOSE_S + (_GENTLE_SEND_S if has_waiting else 0.0)
        timer = background.later(patience_s, self._close_transport)

        def on_drained() -> None:
            timer.cancel()
            self._close_transport()

        self._on_drained = on_drained
        for handler in handlers:
            handler.outbox.close()

    def announce_channels(self, *, is_urgent: bool = False) -> None:
        """Report open channels to the machine, once their size limit is known.

        Args:
            is_urgent: whether to report them with the default limit if it is not known yet.
        """
        limit = self._max_message_bytes
        if limit is None:
            if not is_urgent:
                return
            limit = _DEFAULT_MAX_MESSAGE_BYTES
        for side, handler in self._channels.items():
            if handler.is_open and side not in self._announced:
                self._announced.add(side)
                self.feed(ev.ChannelOpened(self.conn, side, limit))
                if side == "agreed" and self.transport is not None:
                    self.transport.watch()

    def on_channel_closed(self, side: ChannelSide, handler: _ChannelHandler) -> None:
        """Report that a data channel has closed; the last one completes a gentle close."""
        if self._on_drained is not None:
            if not any(h.is_open for h in self._channels.values()):
                self._on_drained()
            return
        if self._channels.get(side) is handler:
            self.feed(ev.ChannelClosed(self.conn, side, "the data channel closed"))

    # PeerTransportHandler.

    def on_prepared(self, sdp: str) -> None:
        """Report the prepared offer, or its next state, as long as no peer is called with it."""
        if self.conn == _UNWANTED:
            self.feed(ev.OfferPrepared(sdp))

    def on_description(self, kind: DescriptionType, sdp: str) -> None:
        """Report the local description."""
        self.feed(ev.DescriptionMade(self.conn, kind, sdp))

    def on_candidate(
        self, candidate: str, sdp_m_line_index: int | None, sdp_mid: str | None
    ) -> None:
        """Report a local ICE candidate."""
        self.feed(ev.CandidateFound(self.conn, candidate, sdp_m_line_index, sdp_mid))

    def on_channel(self, channel: DataChannel, side: ChannelSide) -> None:
        """Keep a data channel and listen to it, unless it is the agreed one of a stock peer."""
        if side == "agreed" and not self._is_own_kind:
            return
        handler = self._channels[side] = _ChannelHandler(self, channel, side)
        channel.listen(handler)

    def on_state(self, state: ConnectionState, max_message_bytes: int | None) -> None:
        """Report a change of the connection state."""
        if max_message_bytes is not None:
            self._max_message_bytes = max_message_bytes
            self.announce_channels()
        if self._is_interrupted != (state == "disconnected"):
            self._is_interrupted = state == "disconnected"
            self.feed(ev.TransportUnsure(self.conn, is_sure=not self._is_interrupted))
        if state == "connected" and self._failure is not None:
            self._failure = None
            self.feed(ev.PathRestored(self.conn))
        elif state == "failed":
            self.on_failure("no network path", is_ice=True)
        elif state == "closed":
            self.on_failure("the connection is closed")

    def on_path(self, is_relayed: bool) -> None:
        """Report whether a TURN server relays everything."""
        self.feed(ev.PathFound(self.conn, is_relayed))

    def on_round_trip(self, round_trip_s: float) -> None:
        """Report how long the network takes."""
        self.feed(ev.PathMeasured(self.conn, round_trip_s))

    def on_quiet(self, quiet_s: float, is_asleep: bool) -> None:
        """Report that the peer's kernel does not answer its page, or does again."""
        self.feed(ev.PeerQuiet(self.conn, quiet_s, is_asleep))

    def on_error(self, operation: str, reason: str) -> None:
        """Report an operation that the browser refused; a refused candidate is no failure."""
        if operation != "candidate":
            self.on_failure(f"{operation}: {reason}")

    def on_blocked(self, reason: str) -> None:
        """Report that the browser makes no peer connections at all."""
        self.feed(ev.WebRtcBlocked(reason))

    def _close_transport(self) -> None:
        self._on_drained = None
        waiting_bytes = sum(h.outbox.waiting_bytes for h in self._channels.values())
        if waiting_bytes:
            logger.warning("! connection %d ends with %d bytes unsent", self.conn, waiting_bytes)
        if self.transport is not None:
            self.transport.close()


class PeerConnections:
    """All peer connections of a room, by number.

    Args:
        network: opens them.
        ice_servers: STUN and TURN servers.
        feed: called with each event.
        traffic: counts what they send and receive.
    """

    def __init__(
        self, network: Network, ice_servers: Sequence[IceServer], feed: Feed, traffic: Traffic
    ) -> None:
        self._network = network
        self._ice_servers = ice_servers
        self._feed = feed
        self._traffic = traffic
        self._by_conn: dict[int, PeerConnection] = {}
        self._reserve: PeerConnection | None = None
        self._withdrawn: PeerConnection | None = None
        self._reserve_handle: asyncio.TimerHandle | None = None

    def open(self, conn: int, *, is_initiator: bool, is_own_kind: bool) -> None:
        """Open a peer connection under this number; an initiator takes the one in reserve."""
        if is_initiator:
            connection = self._take_reserve()
        else:
            connection = self._prepare(is_offering=False)
            self._withdraw_reserve()
        self._by_conn[conn] = connection
        connection.begin(conn, is_own_kind=is_own_kind)
        if is_initiator:
            self.transport(conn).offer(in_band=not is_own_kind)
        if self._reserve_handle is None:
            self._reserve_handle = background.later(_RESERVE_DELAY_S, self.restock)

    def transport(self, conn: int) -> PeerTransport:
        """Return the transport of an open peer connection."""
        transport = self._by_conn[conn].transport
        assert transport is not None, "set when it was opened"
        return transport

    def measure(self) -> None:
        """Ask how long the network takes to each peer, and back."""
        for connection in self._by_conn.values():
            if connection.transport is not None:
                connection.transport.measure()

    def send(self, conn: int, side: ev.ChannelSide, data: bytes) -> None:
        """Send a small frame before all large ones that wait; a refusal ends the connection."""
        connection = self._by_conn[conn]
        try:
            connection.outbox(side).send(data)
        except BridgeError as error:
            connection.on_refusal(side, error)

    def send_bulk(
        self, conn: int, side: ev.ChannelSide, frames: Sequence[bytes], chunk_bytes: int | None
    ) -> None:
        """Send large frames when there is room; a refusal ends the connection."""
        connection = self._by_conn[conn]
        try:
            connection.outbox(side).send_bulk(frames, chunk_bytes)
        except BridgeError as error:
            connection.on_refusal(side, error)

    def close(self, conn: int, *, is_gentle: bool) -> None:
        """Close a connection."""
        self._by_conn.pop(conn).close(is_gentle=is_gentle)

    def restock(self) -> None:
        """Prepare a peer connection as the reserve, for the next peer that we call."""
        self._reserve_handle = None
        self._drop_withdrawn()
        self._reserve = self._reserve or self._prepare(is_offering=True)

    def renew_reserve(self) -> None:
        """Replace the peer connection in reserve: we may be in another network now."""
        self.close_reserve()
        self._feed(ev.OfferPrepared(None))
        self.restock()

    def close_reserve(self) -> None:
        """Close the peer connection in reserve, and prepare no other."""
        if self._reserve_handle is not None:
            self._reserve_handle.cancel()
        self._drop_reserve()
        self._drop_withdrawn()

    def _take_reserve(self) -> PeerConnection:
        if self._reserve is not None and self._reserve.has_failed:
            # A page that is put away closes them all. Once it is back, it needs a new one at once.
            self._drop_reserve()
        taken, self._reserve = self._reserve, None
        return taken or self._prepare(is_offering=True)

    def _withdraw_reserve(self) -> None:
        """Silence the reserve: we answer a peer, and the offer of the reserve has become void.

        It is closed later, as to close it now would make that peer wait.
        """
        if self._reserve is not None:
            self._reserve.silence()
            self._withdrawn, self._reserve = self._reserve, None

    def _drop_withdrawn(self) -> None:
        if self._withdrawn is not None:
            self._withdrawn.close(is_gentle=False)
            self._withdrawn = None

    def _drop_reserve(self) -> None:
        if self._reserve is not None:
            self._reserve.close(is_gentle=False)
            self._reserve = None

    def _prepare(self, *, is_offering: bool) -> PeerConnection:
        """Open a peer connection that no peer is assigned to: it takes a busy page 15 ms."""
        connection = PeerConnection(self._feed, self._traffic)
        connection.transport = self._network.open_peer(
            connection, ice_servers=self._ice_servers, is_offering=is_offering
        )
        return connection
