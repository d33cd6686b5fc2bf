"""What a home of the package has to offer: the Protocols that `browser/` and `testing/` implement.

A home is what the package runs on: a browser, or a test. Each docstring states the guarantees that
the session relies on. Callbacks are called one at a time in the event loop's thread, never from
within a call of the same object, and must not block. Objects that are closed make no further
callback, unless their docstring says otherwise.
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
    "Keeping",
    "KeyValueStore",
    "Lock",
    "Locks",
    "LogContents",
    "LogSize",
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
    "Store",
    "TabChannel",
    "TabChannelHandler",
]

DescriptionType = Literal["offer", "answer"]
ConnectionState = Literal["new", "connecting", "connected", "disconnected", "failed", "closed"]
LOW_BUFFERED_BYTES = 256 * 1024
"""When a data channel holds no more than this, it calls `on_drain`."""

IceServer = Mapping[str, object]
"""One member of `RTCConfiguration.iceServers`: `urls`, and for TURN `username`, `credential`."""


@dataclass(frozen=True, slots=True)
class PageFacts:
    """What the page says about itself, read once when the room is opened.

    Args:
        href: the page's address, with query and fragment.
        config: the merged JSON of the `jupyter-config-data` element; empty where there is none.
        remembered_room: the last `?room=` of this site that this tab, or the one that opened it,
            has seen and not left. It is percent-encoded, as in the address.
        user_name: the name of JupyterLite's own user, if it has one.
        user_color: that user's colour.
        browser_id: a random text that this browser keeps for this origin, and sends to nobody.
        kept_name: the name that a person gave once; this browser keeps it for this origin.
        kept_color: the colour that they gave.
    """

    href: str
    config: Mapping[str, object] = field(default_factory=dict)
    remembered_room: str | None = None
    user_name: str | None = None
    user_color: str | None = None
    browser_id: str | None = None
    kept_name: str | None = None
    kept_color: str | None = None

    def query(self, name: str) -> str:
        """Return a parameter of the address, decoded and trimmed; empty if there is none."""
        return parse_qs(urlsplit(self.href).query).get(name, [""])[0].strip()


class SignalingSocketHandler(Protocol):
    """Called by one signaling socket: `on_open` at most once, `on_close` exactly once."""

    def on_open(self) -> None:
        """The socket is open: frames can be sent."""

    def on_text(self, text: str) -> None:
        """A text frame came; frames come in the order in which they were sent."""

    def on_close(self, reason: str) -> None:
        """The socket has closed or could not be opened.

        Args:
            reason: what is known of why; browsers mostly say nothing, and then it is empty.
        """


class SignalingSocket(Protocol):
    """One WebSocket to a signaling server: ordered, reliable while it is open."""

    def send(self, text: str) -> None:
        """Send one text frame; once the socket has closed (see `on_close`), do nothing."""

    def close(self) -> None:
        """Close the socket. `on_close` is not called for this."""


class DataChannelHandler(Protocol):
    """Called by one data channel."""

    def on_open(self) -> None:
        """The data channel is open. This is called once, before any message comes."""

    def on_messages(self, messages: Sequence[bytes]) -> None:
        """One message came, or several at about the same time: each whole, in the order sent."""

    def on_drain(self) -> None:
        """`buffered_bytes` has sunk from above `LOW_BUFFERED_BYTES` to that or below."""

    def on_close(self) -> None:
        """The data channel was closed, by either side. This is called once."""


class DataChannel(Protocol):
    """One `RTCDataChannel`: ordered, reliable, message boundaries kept."""

    @property
    def buffered_bytes(self) -> int:
        """How many bytes were given to `send` and have not gone yet."""

    def listen(self, handler: DataChannelHandler) -> None:
        """Set the handler: once, within the `on_channel` call that brings this data channel."""

    def send(self, data: bytes) -> None:
        """Send one message.

        Raises:
            BridgeError: the browser refused: the data channel is not open, its buffer is full, or
                the message is larger than the peer accepts.
        """

    def close(self) -> None:
        """Close once everything that was sent has gone; `on_close` is called then."""


class PeerTransportHandler(Protocol):
    """Called by one peer connection."""

    def on_prepared(self, sdp: str) -> None:
        """The offer is made, or a candidate was added to it.

        This is called only until `PeerTransport.offer` was called. From then on `on_description`
        and `on_candidate` are called instead.
        """

    def on_description(self, kind: DescriptionType, sdp: str) -> None:
        """The local description is made: it is to be sent to the peer before any candidate."""

    def on_candidate(
        self, candidate: str, sdp_m_line_index: int | None, sdp_mid: str | None
    ) -> None:
        """A local ICE candidate was found: it is to be sent to the peer."""

    def on_channel(self, channel: DataChannel, side: ChannelSide) -> None:
        """There is a data channel, not open yet. With a stock peer the agreed one never opens."""

    def on_state(self, state: ConnectionState, max_message_bytes: int | None) -> None:
        """The connection state changed, or the largest message that the peer accepts is known."""

    def on_path(self, is_relayed: bool) -> None:
        """Some time after connecting: whether a TURN server passes everything on."""

    def on_round_trip(self, round_trip_s: float) -> None:
        """How long the network takes to the peer and back.

        This is called some time after connecting, and after each `PeerTransport.measure`; not if
        the browser does not know it.
        """

    def on_quiet(self, quiet_s: float, is_asleep: bool) -> None:
        """The peer's kernel has not answered its page, or does again; only once it is watched.

        Args:
            quiet_s: for how many seconds it has not answered; 0 if it does again.
            is_asleep: whether its page does not answer either, while its browser does.
        """

    def on_error(self, operation: str, reason: str) -> None:
        """The browser refused an operation; the peer connection may go on."""

    def on_blocked(self, reason: str) -> None:
        """The browser makes no peer connections at all, so this one has failed.

        Args:
            reason: what it said.
        """


class PeerTransport(Protocol):
    """One `RTCPeerConnection`. Operations are carried out one after another, in the order asked.

    As soon as it is made it prepares itself, so that it can be kept in reserve: it creates its
    agreed data channel and, if it is to offer, its offer. Before `offer` is called it contacts no
    STUN or TURN server. If there are none, it looks for its candidates already.
    """

    def offer(self, *, in_band: bool) -> None:
        """Use the offer: `on_description` brings it, within this call if it is made already.

        Args:
            in_band: whether to create a data channel in band: a stock peer listens to no other.
        """

    def accept_description(self, kind: DescriptionType, sdp: str) -> None:
        """Set the remote description. An offer is answered, and rolls back our pending offer.

        Without the ability to roll back this is never called while our own offer is pending.
        """

    def add_candidate(
        self, candidate: str, sdp_m_line_index: int | None, sdp_mid: str | None
    ) -> None:
        """Add a remote ICE candidate; only after a remote description was given."""

    def watch(self) -> None:
        """Send signs of life to a peer of our own kind, which does the same, and watch for its own.

        To be called once, when it is connected. The signs say whether the kernel answers:
        `on_quiet` tells it. If no signs come for some 2 s, nor anything else by the network (the
        browser of a busy page still answers), `on_state` is called with "disconnected", and with
        the real state when they come again.
        """

    def measure(self) -> None:
        """Ask the browser how long the network takes; `on_round_trip` tells it.

        This sends nothing: browsers measure it by checks that they make in any case.
        """

    def restart_ice(self) -> None:
        """Look for a new network path: `on_description` brings an offer with new credentials.

        Data channels live on, and keep what they hold. `on_state` is called with "connected" once
        there is a path. This is called only if the network has this ability.
        """

    def close(self) -> None:
        """Close at once; its data channels drop what they hold, and make no further callback."""


class TabChannelHandler(Protocol):
    """Called by a tab channel."""

    def on_message(self, data: bytes) -> None:
        """A frame came from another tab; frames of one tab come in the order sent."""


class TabChannel(Protocol):
    """A `BroadcastChannel`: reaches every other tab and worker of this browser and origin."""

    def send(self, data: bytes) -> None:
        """Send one frame to all others; not to ourselves."""

    def close(self) -> None:
        """Leave the channel."""


class Lock(Protocol):
    """A lock that is held, or one that is watched."""

    def close(self) -> None:
        """Release the lock, or stop watching it. Twice is no error."""


class Locks(Protocol):
    """The browser's locks. A lock is free again when its holder, a tab or worker, dies.

    If a browser has no locks (on insecure pages), every lock counts as held for ever.
    """

    def claim(self, name: str, on_held: Callable[[], None]) -> Lock:
        """Hold a lock until it is closed or we die; `on_held` is called once we have it.

        Only one holds it at a time; who claims it meanwhile waits, in the order of the claims.
        """

    def watch(self, name: str, on_free: Callable[[], None]) -> Lock:
        """Call `on_free` once, when nobody holds the lock any more."""

    async def names(self) -> Sequence[str]:
        """Return the names of the locks that tabs and workers of this browser hold.

        Where there are no locks, it is empty.
        """


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


@dataclass(frozen=True, slots=True)
class Keeping:
    """Where a `Store` keeps its logs.

    Args:
        kind: "browser" for the browser's database, IndexedDB; "page" for the page's `localStorage`,
            some 5 MB for all of a site; "memory" if nothing is kept.
        reason: why not in the database, as a sentence; empty where it is.
    """

    kind: Literal["browser", "page", "memory"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LogSize:
    """One log, without its records.

    Args:
        life: a random text that a log gets with its first record. It tells a log from one of the
            same name that was begun anew, after the first was removed or the browser was cleared.
        records: how many records it has.
        size_bytes: the bytes of all its records.
        changed_s: when it was last written to, in seconds since 1970.
    """

    life: str
    records: int
    size_bytes: int
    changed_s: float


@dataclass(frozen=True, slots=True)
class LogContents:
    """The records of one log.

    Args:
        life: see `LogSize`; empty for a log that does not exist.
        records: number and bytes of each record, oldest first. Within one life no number is given
            twice.
    """

    life: str
    records: Sequence[tuple[int, bytes]]


class Store(Protocol):
    """Logs of records, kept in this browser: all tabs and workers of one origin share them.

    A log is there from its first record until its last one is gone. Its name is any text without
    surrogates. Each operation is done as a whole or not at all, also if we die meanwhile; those of
    several tabs and workers come one after another. An operation that failed, or was cancelled, may
    have been done all the same.

    Raises:
        QuotaExceededError: from each that writes: the browser has no more room.
        StorageError: from each: the browser refused.
    """

    @property
    def keeping(self) -> Keeping:
        """Where the logs are kept."""

    async def read(self, log: str) -> LogContents:
        """Read all records of a log."""

    async def append(self, log: str, record: bytes, life: str) -> LogSize | None:
        """Append a record.

        Args:
            log: the log's name.
            record: what to append.
            life: the life of the log that the record belongs to; empty for whatever log there is.

        Returns:
            the log as it is now; None, with nothing done, if it has not that life.
        """

    async def replace(
        self, log: str, life: str, numbers: Sequence[int], record: bytes
    ) -> LogSize | None:
        """Put one record in the place of several.

        Returns:
            the log as it is now; None, with nothing done, if one of them is gone.
        """

    async def move(self, log: str, life: str, numbers: Sequence[int], to: str) -> bool:
        """Move records to the end of another log.

        Returns:
            whether they were moved; nothing is done if one of them is gone.
        """

    async def remove(self, log: str) -> None:
        """Remove a log with all its records; no error where there is none."""

    async def logs(self) -> Mapping[str, LogSize]:
        """List all logs by name, without reading their records."""


Sealed: TypeAlias = tuple[bytes, bytes]
"""An iv of 12 bytes, and ciphertext with its tag of 16 bytes."""


class RoomKey(Protocol):
    """An AES-GCM 256 key. It may still be in the making: calls before that wait.

    `done` is called in a later turn of the loop, in no certain order. It is called with an error
    instead of raising it; if the key cannot be made, with a `BrowserUnsupportedError`. These are
    callbacks and no coroutines: a task that awaits a browser's promise takes longer than the work.
    """

    def encrypt(self, plain: bytes, done: Callable[[Sealed | RtcError], None]) -> None:
        """Encrypt with a fresh random iv."""

    def decrypt(
        self, iv: bytes, ciphertext: bytes, done: Callable[[bytes | RtcError], None]
    ) -> None:
        """Decrypt and check the tag: a `DecryptionError` for another key, or altered bytes."""

    def close(self) -> None:
        """Make no further callback; twice is no error."""


class Crypto(Protocol):
    """The cryptography of password rooms."""

    def require(self) -> None:
        """Check that there is cryptography.

        Raises:
            BrowserUnsupportedError: no `crypto.subtle`, as on an insecure page.
        """

    def derive_key(self, password: str, salt: str) -> RoomKey:
        """Begin to derive the key: PBKDF2, 100,000 rounds, SHA-256, both texts as utf-8.

        Raises:
            BrowserUnsupportedError: no `crypto.subtle`, as on an insecure page.
        """


class Network(Protocol):
    """The ways to others: signaling servers, peers, and the other tabs of this browser."""

    @property
    def abilities(self) -> Abilities:
        """What its peer connections can do: the same for all of them, at all times."""

    def open_socket(self, url: str, handler: SignalingSocketHandler) -> SignalingSocket:
        """Open a WebSocket; if that fails, `on_close` is called."""

    async def answers_http(self, url: str) -> bool:
        """Ask by HTTP whether anything answers at the address of a signaling server.

        A gateway's answer that the server behind it is away does not count, if the browser shows
        it. This can take as long as the network does; the caller cancels it.

        Args:
            url: the signaling server's address, `ws:` or `wss:`.
        """

    def open_peer(
        self, handler: PeerTransportHandler, *, ice_servers: Sequence[IceServer], is_offering: bool
    ) -> PeerTransport:
        """Open a peer connection.

        Args:
            handler: called by it, perhaps within this call already.
            ice_servers: STUN and TURN servers.
            is_offering: whether it is to offer; otherwise it can only answer.
        """

    def open_tab_channel(self, name: str, handler: TabChannelHandler) -> TabChannel:
        """Join the tab channel of that name."""


class Page(Protocol):
    """The page that Python runs on, or whose worker Python runs in."""

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
            BridgeError: its configuration is no JSON, or the bridge to it is closed.
        """

    def on_life(self, on_away: Callable[[], None], on_woken: Callable[[], None]) -> None:
        """Call back when the page is put away, and when it is there again.

        Args:
            on_away: called when people have left the page, which closes all its peer connections.
                A moment later the browser freezes us and keeps the page, or closes it and ends us.
            on_woken: called when the page is shown again, and after it was asleep or offline.
        """

    def on_user(self, callback: Callable[[], None]) -> None:
        """Call back, as all who asked, when `facts` may say something else of who sits there."""

    async def keep_user(self, name: str | None, color: str | None) -> None:
        """Keep the name and colour that a person gave, for all pages of this origin.

        All who asked by `on_user` are called back then.

        Args:
            name: None to make one up again.
            color: None to make one up again.

        Raises:
            StorageError: the page did not answer, or the bridge to it is closed.
        """

    def forget_room(self) -> None:
        """Forget the room that this tab remembers; no error where there is none."""


class Machine(Protocol):
    """What the computer offers to every program: turns, time, chance, cryptography, storage."""

    @property
    def crypto(self) -> Crypto:
        """The cryptography of password rooms."""

    async def open_store(self) -> Store:
        """Open what is kept in this browser: once that went well, always the same.

        If the browser refuses its database, the store is another; its `keeping` says why.

        Raises:
            StorageError: it could not be opened now; another time it may be.
        """

    def soon(self, callback: Callable[[], None]) -> None:
        """Call back once the code that runs now has come to its end or to an `await` that waits.

        This is not later than `call_soon` of the event loop, and in a browser it is earlier: a turn
        of Pyodide's loop takes 0.3 ms there (measured in Chromium).
        """

    def wall_time_s(self) -> float:
        """Return the seconds since 1970, as other peers count them."""

    def random(self) -> float:
        """Return a random number, at least 0 and below 1."""

    def random_bytes(self, count: int) -> bytes:
        """Return `count` random bytes, fit for identities."""


class Host(Protocol):
    """A home of the package: everything that it needs from outside, in three parts.

    Code that needs only one part gets only that part. All parts live until `aclose`.
    """

    @property
    def network(self) -> Network:
        """The ways to others."""

    @property
    def page(self) -> Page:
        """The page."""

    @property
    def machine(self) -> Machine:
        """The computer."""

    async def aclose(self) -> None:
        """Close everything that was opened, and release the page."""
