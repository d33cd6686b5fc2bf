"""What a home of the package has to offer: the Protocols that `browser/` and `testing/` implement.

Each docstring states the guarantees that the session relies on. Callbacks are called one at a time
in the event loop's thread, never from within a call of the same object, and must not block.
Objects that are closed make no further callback, unless their docstring says otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol, TypeAlias
from urllib.parse import parse_qs, urlsplit

from pyodide_rtc.errors import RtcError
from pyodide_rtc.protocol.abilities import Abilities
from pyodide_rtc.protocol.events import ChannelSide

__all__ = [
    "LOW_BUFFERED_BYTES",
    "Abilities",
    "ChannelSide",
    "ConnectionState",
    "Crypto",
    "DataChannel",
    "DataChannelHandler",
    "DescriptionType",
    "Host",
    "IceServer",
    "KeyValueStore",
    "Lock",
    "Locks",
    "Machine",
    "Network",
    "Page",
    "PageFacts",
    "PeerTransport",
    "PeerTransportHandler",
    "RoomKey",
    "Sealed",
    "SignalingSocket",
    "SignalingSocketHandler",
    "TabChannel",
    "TabChannelHandler",
]

DescriptionType = Literal["offer", "answer"]
ConnectionState = Literal["new", "connecting", "connected", "disconnected", "failed", "closed"]
LOW_BUFFERED_BYTES = 256 * 1024
"""A data channel that holds no more than this calls for more."""

IceServer = Mapping[str, object]
"""One member of `RTCConfiguration.iceServers`: `urls`, and for TURN `username`, `credential`."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What the page says about itself, read once when the room is opened.

    Args:
        href: the page's address, with query and fragment.
        config: the merged JSON of the `jupyter-config-data` element; empty where there is none.
        remembered_room: the last `?room=` of this site that this tab, or the one that opened it,
            has seen and not left, as the address wrote it: percent-encoded.
        user_name: the name of JupyterLite's own user, if it has one.
        user_color: that user's colour.
        browser_id: a random text that this browser keeps for this origin, and tells to nobody.
    """

    href: str
    config: Mapping[str, object] = field(default_factory=dict)
    remembered_room: str | None = None
    user_name: str | None = None
    user_color: str | None = None
    browser_id: str | None = None

    def query(self, name: str) -> str:
        """Give a parameter of the address, decoded and trimmed; empty where there is none."""
        return parse_qs(urlsplit(self.href).query).get(name, [""])[0].strip()


class SignalingSocketHandler(Protocol):
    """Hears one signaling socket. `on_open` comes at most once, `on_close` exactly once."""

    def on_open(self) -> None:
        """Tell that frames can be sent."""

    def on_text(self, text: str) -> None:
        """Take one text frame, in the order sent."""

    def on_close(self, reason: str) -> None:
        """Tell that the socket is closed or could not be opened, with what is known of why."""


class SignalingSocket(Protocol):
    """One WebSocket to a signaling server: ordered, reliable while it is open."""

    def send(self, text: str) -> None:
        """Send one text frame. After the socket has closed this does nothing: `on_close` tells."""

    def close(self) -> None:
        """Close. `on_close` is not called any more."""


class DataChannelHandler(Protocol):
    """Hears one data channel."""

    def on_open(self) -> None:
        """Tell that messages can be sent. Comes once, before any message."""

    def on_messages(self, messages: Sequence[bytes]) -> None:
        """Take messages, each whole, in the order sent: one, or several that came about at once."""

    def on_drain(self) -> None:
        """Tell that what is buffered has sunk, from above `LOW_BUFFERED_BYTES` to that or below."""

    def on_close(self) -> None:
        """Tell that the channel is closed, by either side. Comes once."""


class DataChannel(Protocol):
    """One `RTCDataChannel`: ordered, reliable, message boundaries kept."""

    @property
    def buffered_bytes(self) -> int:
        """Bytes given to `send` that have not gone yet."""

    def listen(self, handler: DataChannelHandler) -> None:
        """Set the handler; once, within the `on_channel` call that brought this channel."""

    def send(self, data: bytes) -> None:
        """Send one message.

        Raises:
            BridgeError: the browser refused: the channel is not open, its buffer is full, or the
                message is above the size that the peer accepts.
        """

    def close(self) -> None:
        """Close once everything that was sent has gone; `on_close` tells when that is."""


class PeerTransportHandler(Protocol):
    """Hears one peer connection."""

    def on_prepared(self, sdp: str) -> None:
        """Tell the offer that is in hand, and again with each candidate that is found for it.

        Not once it is wanted: `on_description` and `on_candidate` tell the rest then.
        """

    def on_description(self, kind: DescriptionType, sdp: str) -> None:
        """Take the local description: it is to be sent to the peer before any candidate."""

    def on_candidate(
        self, candidate: str, sdp_m_line_index: int | None, sdp_mid: str | None
    ) -> None:
        """Take one local ICE candidate: it is to be sent to the peer."""

    def on_channel(self, channel: DataChannel, side: ChannelSide) -> None:
        """Take a data channel before it opens. The agreed one of a stock peer leads nowhere."""

    def on_state(self, state: ConnectionState, max_message_bytes: int | None) -> None:
        """Tell the connection state and, once known, the largest message that the peer accepts."""

    def on_path(self, is_relayed: bool) -> None:
        """Tell, some time after connecting, whether a TURN server passes everything on."""

    def on_error(self, operation: str, reason: str) -> None:
        """Tell that the browser refused an operation; the connection may go on."""


class PeerTransport(Protocol):
    """One `RTCPeerConnection`. Operations are carried out one after another, in the order asked.

    It gets ready as soon as it is open, with its agreed channel and, if it is to offer, its offer
    in hand: it can be kept in reserve. Nothing of it goes to any server before it is wanted;
    without servers it looks for its own candidates already.
    """

    def offer(self, *, in_band: bool) -> None:
        """Make the offer: `on_description` gives it, within this call if it is in hand already.

        Args:
            in_band: whether to create a channel that the peer hears of in band, which is the only
                one that a stock peer listens to.
        """

    def accept_description(self, kind: DescriptionType, sdp: str) -> None:
        """Set the remote description. An offer is answered, and rolls back a pending own one.

        Without the ability to roll back there is no pending own one.
        """

    def add_candidate(
        self, candidate: str, sdp_m_line_index: int | None, sdp_mid: str | None
    ) -> None:
        """Add a remote ICE candidate; only after a remote description was given."""

    def watch(self) -> None:
        """Give signs of life to a peer of our own kind, that does the same, and watch for its own.

        Once, when it is connected. When none come for some 2 s, nor anything else by the network
        (from a page that is busy its browser still answers), `on_state` tells "disconnected", and
        the state once more when there are some again.
        """

    def restart_ice(self) -> None:
        """Look for a new network path: `on_description` gives an offer with new credentials.

        Channels and what they hold live on; `on_state` tells "connected" once there is a path. Only
        where the network has this ability.
        """

    def close(self) -> None:
        """Close the connection at once; its channels drop what they hold, and call back no more."""


class TabChannelHandler(Protocol):
    """Hears a tab channel."""

    def on_message(self, data: bytes) -> None:
        """Take one frame from another tab, in that tab's order."""


class TabChannel(Protocol):
    """A `BroadcastChannel`: reaches every other tab and worker of this browser and origin."""

    def send(self, data: bytes) -> None:
        """Send one frame to all others; not to ourselves."""

    def close(self) -> None:
        """Leave the channel."""


class Lock(Protocol):
    """A lock that is held, or one that is watched."""

    def close(self) -> None:
        """Give it up, or watch no longer. Twice is no error."""


class Locks(Protocol):
    """The browser's locks: all its tabs and workers see who holds which, and when one has died.

    Where a browser has none (on insecure pages) every lock counts as held for ever.
    """

    def claim(self, name: str, on_held: Callable[[], None]) -> Lock:
        """Take a lock of our own, until it is closed or we die; `on_held` tells that we have it."""

    def watch(self, name: str, on_free: Callable[[], None]) -> Lock:
        """Tell once by `on_free` when nobody holds the lock any more."""


class KeyValueStore(Protocol):
    """The page's `localStorage`: text under text keys, kept in this browser only."""

    async def get(self, key: str) -> str | None:
        """Read a value; None where there is none.

        Raises:
            StorageError: the browser refused.
        """

    async def set(self, key: str, value: str) -> None:
        """Write a value.

        Raises:
            QuotaExceededError: the storage is full.
            StorageError: the browser refused.
        """

    async def remove(self, key: str) -> None:
        """Remove a value; no error where there is none.

        Raises:
            StorageError: the browser refused.
        """


Sealed: TypeAlias = tuple[bytes, bytes]
"""An iv of 12 bytes, and ciphertext with its tag of 16 bytes."""


class RoomKey(Protocol):
    """An AES-GCM 256 key, perhaps still on its way: what is asked for before waits.

    It calls back from a turn of its own, with an error instead of raising it; one that cannot be
    made calls back with a `BrowserUnsupportedError`. No order is promised. No tasks: those that
    wait for a browser's promises take longer than the work itself.
    """

    def encrypt(self, plain: bytes, done: Callable[[Sealed | RtcError], None]) -> None:
        """Encrypt with a fresh random iv."""

    def decrypt(
        self, iv: bytes, ciphertext: bytes, done: Callable[[bytes | RtcError], None]
    ) -> None:
        """Decrypt and check the tag: a `DecryptionError` for another key, or altered bytes."""

    def close(self) -> None:
        """Call back no more; twice is no error."""


class Crypto(Protocol):
    """The cryptography of password rooms."""

    def require(self) -> None:
        """Make sure that there is one.

        Raises:
            BrowserUnsupportedError: no `crypto.subtle`, as on an insecure page.
        """

    def derive_key(self, password: str, salt: str) -> RoomKey:
        """Begin to derive the key: PBKDF2, 100,000 rounds, SHA-256, both texts as utf-8.

        Raises:
            BrowserUnsupportedError: no `crypto.subtle`, as on an insecure page.
        """


class Network(Protocol):
    """What reaches others: signaling servers, peers, and the other tabs of this browser."""

    @property
    def abilities(self) -> Abilities:
        """What its peer connections can do: all of them the same, for ever."""

    def open_socket(self, url: str, handler: SignalingSocketHandler) -> SignalingSocket:
        """Open a WebSocket; failing to connect is told by `on_close`."""

    async def answers_http(self, url: str) -> bool:
        """Ask a signaling server's address by HTTP: whether anything is there that answers.

        Not when a gateway says that what is behind it is away, where the browser lets that be seen.
        May take as long as the network does; to be cancelled then.

        Args:
            url: the server's, `ws:` or `wss:`.
        """

    def open_peer(
        self, handler: PeerTransportHandler, *, ice_servers: Sequence[IceServer], is_offering: bool
    ) -> PeerTransport:
        """Open a peer connection.

        Args:
            handler: hears it, perhaps within this call already.
            ice_servers: STUN and TURN servers.
            is_offering: whether it is to offer; otherwise it can only answer.
        """

    def open_tab_channel(self, name: str, handler: TabChannelHandler) -> TabChannel:
        """Join the tab channel of that name."""


class Page(Protocol):
    """The page that we are on, or belong to."""

    @property
    def route(self) -> str:
        """How the page is reached, as one word for the room's repr."""

    @property
    def storage(self) -> KeyValueStore:
        """The page's storage."""

    @property
    def locks(self) -> Locks:
        """The browser's locks."""

    async def facts(self) -> PageFacts:
        """Ask the page about itself.

        Raises:
            BridgeTimeoutError: the page did not answer.
            BridgeError: its configuration is no JSON, or the link to it is closed.
        """

    def on_life(self, on_away: Callable[[], None], on_woken: Callable[[], None]) -> None:
        """Call back when the page is put away, and when it is there again.

        Args:
            on_away: people have left the page, which closes all its peer connections. The browser
                may keep it and freeze us a moment later, or close it and end us.
            on_woken: the page is shown again; or it was asleep or offline, which nobody told.
        """

    def forget_room(self) -> None:
        """Forget the room that this tab remembers; no error where there is none."""


class Machine(Protocol):
    """What the computer gives to everybody on it: turns, time, chance and cryptography."""

    @property
    def crypto(self) -> Crypto:
        """The cryptography of password rooms."""

    def soon(self, callback: Callable[[], None]) -> None:
        """Call back once what runs now has come to its end or to an `await` that waits.

        Not later than `call_soon` of the event loop, and in a browser earlier: a turn of Pyodide's
        loop takes 0.3 ms there (measured in Chromium).
        """

    def wall_time_s(self) -> float:
        """Give the seconds since 1970, as other peers count them."""

    def random(self) -> float:
        """Give a random number, at least 0 and below 1."""

    def random_bytes(self, count: int) -> bytes:
        """Give `count` bytes fit for identities."""


class Host(Protocol):
    """A home of the package: everything that it needs from outside, in three parts.

    Who needs one part only gets that part only. All of them live until `aclose`.
    """

    @property
    def network(self) -> Network:
        """What reaches others."""

    @property
    def page(self) -> Page:
        """The page."""

    @property
    def machine(self) -> Machine:
        """The computer."""

    async def aclose(self) -> None:
        """Close everything that was opened, and release the page."""
