"""A peer connection on the page, as Python sees it, and those that are ready beforehand."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from pyodide_rtc.browser.channels import NativeChannel, ProxiedChannel
from pyodide_rtc.browser.link import PageLink
from pyodide_rtc.ports import ChannelSide, DescriptionType, IceServer, PeerTransportHandler
from pyodide_rtc.protocol.connections.sdp import new_candidates

__all__ = ["PagePeer", "SparePeers"]

_SPARE_DELAY_S = 0.25
"""From a connection's opening until the next spare ones are opened: joins come in bursts, and while
they last the page has better to do."""


class PagePeer:
    """One `RTCPeerConnection` that host.js holds. Closing it silences its data channels too.

    Until it is given to a handler, what the page tells of it is kept.
    """

    def __init__(
        self, link: PageLink, *, ice_servers: Sequence[IceServer], is_offering: bool
    ) -> None:
        self.ice_servers = tuple(ice_servers)
        self._link = link
        self._handler: PeerTransportHandler | None = None
        self._early: list[tuple[Any, ...]] = []
        self._key = link.new_key()
        self._channels: list[NativeChannel | ProxiedChannel] = []
        self._offer: str | None = None
        self._is_offering = False
        self._is_closed = False
        link.add(self._key, self)
        config = {"iceServers": [dict(server) for server in ice_servers]}
        link.send("open", self._key, config, is_offering)

    @property
    def is_sound(self) -> bool:
        """Whether the page has told nothing bad of it, as long as nobody was given it."""
        return all(operation in ("channel", "prepared") for operation, *_ in self._early)

    def give_to(self, handler: PeerTransportHandler) -> None:
        """Tell `handler` of it, from the next turn of the event loop on."""
        asyncio.get_running_loop().call_soon(self._begin, handler)

    def offer(self, *, in_band: bool) -> None:
        """Make the offer; the one in hand is given at once, while the page still sets it."""
        self._is_offering = True
        self._link.send("offer", self._key, in_band)
        if self._offer is not None and self._handler is not None:
            self._handler.on_description("offer", self._offer)

    def accept_description(self, kind: DescriptionType, sdp: str) -> None:
        """Set the remote description, and answer if it is an offer."""
        self._link.send("description", self._key, kind, sdp)

    def add_candidate(
        self, candidate: str, sdp_m_line_index: int | None, sdp_mid: str | None
    ) -> None:
        """Add a remote ICE candidate."""
        self._link.send("candidate", self._key, candidate, sdp_m_line_index, sdp_mid)

    def watch(self) -> None:
        """Give signs of life to the page at the other end, and watch for its own."""
        self._link.send("watch", self._key)

    def restart_ice(self) -> None:
        """Look for a new network path, and make an offer of it."""
        self._link.send("restart", self._key)

    def close(self) -> None:
        """Close the connection at once; twice is no error."""
        if self._is_closed:
            return
        self._is_closed = True
        self._link.discard(self._key)
        for channel in self._channels:
            channel.release()
        self._link.send("close", self._key)

    def receive(self, operation: str, *args: Any) -> None:
        """Take one message of host.js."""
        if operation == "channel":
            args = self._take_channel(*args)
        if self._handler is None:
            if operation == "prepared":  # the last state of the offer says it all
                self._early = [news for news in self._early if news[0] != operation]
            self._early.append((operation, *args))
        else:
            self._tell(self._handler, operation, *args)

    def _begin(self, handler: PeerTransportHandler) -> None:
        if self._is_closed:
            return
        self._handler = handler
        early, self._early = self._early, []
        for operation, *args in early:
            self._tell(handler, operation, *args)

    def _tell(self, handler: PeerTransportHandler, operation: str, *args: Any) -> None:
        match operation:
            case "prepared":
                self._take_offer(handler, *args)
            case "description":
                handler.on_description(*args)
            case "candidate":
                text, sdp_m_line_index, sdp_mid = args
                handler.on_candidate(text, sdp_m_line_index, sdp_mid)
            case "channel":
                handler.on_channel(*args)
            case "state":
                state, *max_message_bytes = args
                handler.on_state(state, *max_message_bytes or [None])
            case "path":
                handler.on_path(*args)
            case "error":
                handler.on_error(*args)

    def _take_offer(self, handler: PeerTransportHandler, sdp: str) -> None:
        """Take the offer, or its next state: with a candidate more."""
        known, self._offer = self._offer, sdp
        if not self._is_offering:
            handler.on_prepared(sdp)
        elif known is None:
            handler.on_description("offer", sdp)
        else:  # it was given out while the page found the candidate
            for candidate in new_candidates(sdp, known):
                handler.on_candidate(candidate, 0, None)

    def _take_channel(
        self, key: str, side: ChannelSide, native: Any = None
    ) -> tuple[NativeChannel | ProxiedChannel, ChannelSide]:
        channel = ProxiedChannel(self._link, key) if native is None else NativeChannel(native)
        self._channels.append(channel)
        return channel, side


class SparePeers:
    """Keeps two connections ready for who opens the next: to make one takes a busy page 15 ms.

    One has its offer made, the other is for an answer: an own offer would have to be taken back.
    Both have the ICE servers of the one that was opened last.

    Args:
        link: the way to the page.
    """

    def __init__(self, link: PageLink) -> None:
        self._link = link
        self._peers: dict[bool, PagePeer] = {}  # by whether it offers
        self._ice_servers: tuple[IceServer, ...] = ()
        self._timer: asyncio.TimerHandle | None = None

    def take(self, ice_servers: Sequence[IceServer], *, is_offering: bool) -> PagePeer:
        """Give a spare one, or a new one, and make the next one soon."""
        self._ice_servers = tuple(ice_servers)
        peer = self._peers.pop(is_offering, None)
        if peer is not None and not (peer.is_sound and peer.ice_servers == self._ice_servers):
            peer.close()
            peer = None
        self._prepare_soon()
        return peer or PagePeer(self._link, ice_servers=ice_servers, is_offering=is_offering)

    def renew(self) -> None:
        """Make others instead of those that are there, if there are any."""
        if self._peers:
            self.close()
            self._prepare_soon()

    def close(self) -> None:
        """Close them, and make none before one is taken again."""
        if self._timer is not None:
            self._timer.cancel()
        for peer in self._peers.values():
            peer.close()
        self._peers.clear()

    def _prepare_soon(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = asyncio.get_running_loop().call_later(_SPARE_DELAY_S, self._prepare)

    def _prepare(self) -> None:
        for is_offering in (True, False):
            if is_offering not in self._peers:
                self._peers[is_offering] = PagePeer(
                    self._link, ice_servers=self._ice_servers, is_offering=is_offering
                )
