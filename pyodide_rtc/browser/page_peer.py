"""Python's half of a peer connection that the page holds."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pyodide_rtc.browser.channels import NativeChannel, ProxiedChannel
from pyodide_rtc.browser.page_bridge import PageBridge
from pyodide_rtc.ports import ChannelSide, DescriptionType, IceServer, PeerTransportHandler
from pyodide_rtc.protocol.connections.sdp import new_candidates

__all__ = ["PagePeer"]


class PagePeer:
    """One `RTCPeerConnection` that host.js holds. Closing it silences its data channels too."""

    def __init__(
        self,
        bridge: PageBridge,
        handler: PeerTransportHandler,
        *,
        ice_servers: Sequence[IceServer],
        is_offering: bool,
    ) -> None:
        self._bridge = bridge
        self._handler = handler
        self._key = bridge.new_key()
        self._channels: list[NativeChannel | ProxiedChannel] = []
        self._offer: str | None = None
        self._is_offering = False
        self._is_closed = False
        bridge.add(self._key, self)
        config = {"iceServers": [dict(server) for server in ice_servers]}
        bridge.send("open", self._key, config, is_offering)

    def offer(self, *, in_band: bool) -> None:
        """Use the offer; if it is made already, report it at once, while the page still sets it."""
        self._is_offering = True
        self._bridge.send("offer", self._key, in_band)
        if self._offer is not None:
            self._handler.on_description("offer", self._offer)

    def accept_description(self, kind: DescriptionType, sdp: str) -> None:
        """Set the remote description, and answer if it is an offer."""
        self._bridge.send("description", self._key, kind, sdp)

    def add_candidate(
        self, candidate: str, sdp_m_line_index: int | None, sdp_mid: str | None
    ) -> None:
        """Add a remote ICE candidate."""
        self._bridge.send("candidate", self._key, candidate, sdp_m_line_index, sdp_mid)

    def watch(self) -> None:
        """Send signs of life to the page at the other end, and watch for its own."""
        can_answer = True  # what the page asks: an older version does not
        self._bridge.send("watch", self._key, can_answer)

    def measure(self) -> None:
        """Ask the page how long the network takes."""
        self._bridge.send("measure", self._key)

    def restart_ice(self) -> None:
        """Look for a new network path, and make an offer of it."""
        self._bridge.send("restart", self._key)

    def close(self) -> None:
        """Close the connection at once; twice is no error."""
        if self._is_closed:
            return
        self._is_closed = True
        self._bridge.discard(self._key)
        for channel in self._channels:
            channel.release()
        self._bridge.send("close", self._key)

    def receive(self, operation: str, *args: Any) -> None:  # noqa: C901 - one case each
        """Handle one message of host.js."""
        handler = self._handler
        match operation:
            case "prepared":
                self._take_offer(*args)
            case "description":
                handler.on_description(*args)
            case "candidate":
                text, sdp_m_line_index, sdp_mid = args
                handler.on_candidate(text, sdp_m_line_index, sdp_mid)
            case "channel":
                self._take_channel(*args)
            case "state":
                state, *max_message_bytes = args
                handler.on_state(state, *max_message_bytes or [None])
            case "path":
                handler.on_path(*args)
            case "round-trip":
                handler.on_round_trip(*args)
            case "quiet":
                handler.on_quiet(*args)
            case "error":
                handler.on_error(*args)
            case "blocked":
                handler.on_blocked(*args)

    def _take_offer(self, sdp: str) -> None:
        """Keep the offer, or its next state with one more candidate, and report it."""
        known, self._offer = self._offer, sdp
        if not self._is_offering:
            self._handler.on_prepared(sdp)
        elif known is None:
            self._handler.on_description("offer", sdp)
        else:  # we reported the offer while the page found the candidate
            for candidate in new_candidates(sdp, known):
                self._handler.on_candidate(candidate, 0, None)

    def _take_channel(self, key: str, side: ChannelSide, native: Any = None) -> None:
        channel = ProxiedChannel(self._bridge, key) if native is None else NativeChannel(native)
        self._channels.append(channel)
        self._handler.on_channel(channel, side)
