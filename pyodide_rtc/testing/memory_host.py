"""A host in memory: it has every port. Its fabric is the `Network` of this package."""

from __future__ import annotations

import asyncio
import dataclasses
import hashlib
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from pyodide_rtc.errors import BrowserUnsupportedError, DecryptionError, RtcError
from pyodide_rtc.ports import (
    Abilities,
    IceServer,
    PageFacts,
    PeerTransport,
    PeerTransportHandler,
    RoomKey,
    Sealed,
    SignalingSocket,
    SignalingSocketHandler,
    Store,
    TabChannel,
    TabChannelHandler,
)
from pyodide_rtc.room import Room
from pyodide_rtc.rooms import Rooms
from pyodide_rtc.testing.memory_locks import MemoryLocks
from pyodide_rtc.testing.memory_peer import MemoryPeer
from pyodide_rtc.testing.memory_store import MemoryStore
from pyodide_rtc.testing.network import MemorySocket, MemoryTabChannel, Network

T = TypeVar("T")

BUSY_AFTER_S = 5.0
"""A kernel that has not answered for so long is busy, as host.js has it."""


class MemoryValues:
    """The page's storage in memory."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    async def get(self, key: str) -> str | None:
        """Read a value."""
        return self.values.get(key)

    async def set(self, key: str, value: str) -> None:
        """Write a value."""
        self.values[key] = value

    async def remove(self, key: str) -> None:
        """Remove a value."""
        self.values.pop(key, None)


class MemoryKey:
    """NOT encryption: a keyed checksum and a keyed xor, enough to tell keys apart in a test."""

    def __init__(self, fabric: Network, secret: bytes) -> None:
        self._random = fabric.random
        self._secret = secret
        self._is_closed = False

    def encrypt(self, plain: bytes, done: Callable[[Sealed | RtcError], None]) -> None:
        """Scramble."""
        iv = self._random.randbytes(12)
        self._tell(done, (iv, self._mix(iv, plain) + self._tag(iv, plain)))

    def decrypt(
        self, iv: bytes, ciphertext: bytes, done: Callable[[bytes | RtcError], None]
    ) -> None:
        """Unscramble and check."""
        plain = self._mix(iv, ciphertext[:-16])
        is_ours = self._tag(iv, plain) == ciphertext[-16:]
        self._tell(done, plain if is_ours else DecryptionError("another key, or altered bytes"))

    def close(self) -> None:
        """Make no further callback."""
        self._is_closed = True

    def _tell(self, done: Callable[[T], None], result: T) -> None:
        def tell() -> None:
            if not self._is_closed:
                done(result)

        asyncio.get_running_loop().call_soon(tell)

    def _mix(self, iv: bytes, data: bytes) -> bytes:
        pad = hashlib.shake_128(self._secret + iv).digest(len(data))
        return bytes(a ^ b for a, b in zip(data, pad, strict=True))

    def _tag(self, iv: bytes, plain: bytes) -> bytes:
        return hashlib.blake2b(iv + plain, key=self._secret, digest_size=16).digest()


class MemoryCrypto:
    """Key derivation for `MemoryKey`."""

    def __init__(self, fabric: Network) -> None:
        self._fabric = fabric
        self.is_missing = False

    def require(self) -> None:
        """Raise if a test has set `is_missing`."""
        if self.is_missing:
            raise BrowserUnsupportedError("no cryptography", "worker", "Serve the page by https.")

    def derive_key(self, password: str, salt: str) -> RoomKey:
        """Derive a key, cheaply."""
        secret = hashlib.sha256(f"{password}\0{salt}".encode()).digest()
        return MemoryKey(self._fabric, secret)


class MemoryNetwork:
    """The ways of one host to others.

    Args:
        host: the host.
        abilities: what its peer connections can do.
    """

    def __init__(self, host: MemoryHost, abilities: Abilities) -> None:
        self._host = host
        self.abilities = abilities
        self.blocked = ""
        """What the browser says if it makes no peer connections; set it before joining."""
        self.hides_addresses = False
        """Whether it gives no ICE candidates; two such hosts have no path to each other."""

    def open_socket(self, url: str, handler: SignalingSocketHandler) -> SignalingSocket:
        """Open a socket to the signaling server of that address."""
        return MemorySocket(self._host, url, handler)

    async def answers_http(self, url: str) -> bool:
        """Ask whether the signaling server of that address is up."""
        return await self._host.fabric.probe(self._host, url)

    def open_peer(
        self, handler: PeerTransportHandler, *, ice_servers: Sequence[IceServer], is_offering: bool
    ) -> PeerTransport:
        """Open a peer connection."""
        peer = MemoryPeer(self._host, handler, is_offering=is_offering)
        self._host.peers.append(peer)
        return peer

    def open_tab_channel(self, name: str, handler: TabChannelHandler) -> TabChannel:
        """Join the tab channel of that name."""
        return MemoryTabChannel(self._host, name, handler)


class MemoryPage:
    """The page of one host; it says about itself what the host's `facts` say.

    Args:
        host: the host.
    """

    route = "memory"

    def __init__(self, host: MemoryHost) -> None:
        self._host = host
        self.storage = MemoryValues()
        self.locks = MemoryLocks(host.fabric, host.browser)
        self.on_away: Callable[[], None] = lambda: None
        self.on_woken: Callable[[], None] = lambda: None
        self._on_user: list[Callable[[], None]] = []

    async def facts(self) -> PageFacts:
        """Return the page's facts."""
        return self._host.facts

    def on_life(self, on_away: Callable[[], None], on_woken: Callable[[], None]) -> None:
        """Keep the callbacks."""
        self.on_away, self.on_woken = on_away, on_woken

    def on_user(self, callback: Callable[[], None]) -> None:
        """Keep the callback."""
        self._on_user.append(callback)

    def change_user(self, name: str | None, color: str | None = None) -> None:
        """Give the page's user another name and colour, as people do by their user menu."""
        facts = dataclasses.replace(self._host.facts, kept_name=name, kept_color=color)
        self._host.facts = facts
        for callback in self._on_user:
            callback()

    async def keep_user(self, name: str | None, color: str | None) -> None:
        """Keep the name and colour that a person gave."""
        self.change_user(name, color)

    def forget_room(self) -> None:
        """Forget the room of the host's `facts`."""
        self._host.facts = dataclasses.replace(self._host.facts, remembered_room=None)


class MemoryMachine:
    """A computer on which every run is the same.

    Args:
        fabric: its seed decides all that is random.
        browser: hosts of the same browser share what is kept.
    """

    def __init__(self, fabric: Network, browser: str) -> None:
        self._random = fabric.random
        self.crypto = MemoryCrypto(fabric)
        self.store = MemoryStore(fabric.disks[browser])

    async def open_store(self) -> Store:
        """Open what is kept in this browser."""
        return self.store

    def soon(self, callback: Callable[[], None]) -> None:
        """Call back in the loop's next turn."""
        asyncio.get_running_loop().call_soon(callback)

    def wall_time_s(self) -> float:
        """Return a time that is the same in every run."""
        return 1_700_000_000.0

    def random(self) -> float:
        """Return a random number that follows from the network's seed."""
        return self._random.random()

    def random_bytes(self, count: int) -> bytes:
        """Return random bytes that follow from the network's seed."""
        return self._random.randbytes(count)


class MemoryHost:
    """One host on the network, and what a test can do to it.

    Args:
        fabric: the network that connects it to all others.
        browser: hosts of the same browser share tab channels, locks and what is kept.
        href: the page's address.
        abilities: what its peer connections can do.
    """

    def __init__(self, fabric: Network, browser: str, href: str, abilities: Abilities) -> None:
        self.fabric = fabric
        self.browser = browser
        self.facts = PageFacts(
            href,
            {"collaborative": True, "fullWebRtcSignalingUrls": ["wss://relay.example.org/"]},
        )
        """What the page says about itself; set it to change that."""
        self.peers: list[MemoryPeer] = []
        self.is_closed = False
        self.is_dead = False
        self.is_busy = False
        self._quiet: asyncio.TimerHandle | None = None
        self._rooms = Rooms(self._open)
        self.network = MemoryNetwork(self, abilities)
        self.page = MemoryPage(self)
        self.machine = MemoryMachine(fabric, browser)

    def join(self, room: str | None = None, **arguments: Any) -> Room:
        """Join a room as the kernel of this host; it opens while the loop runs.

        Example:
            >>> ada, bob = (network.host().join("lesson", user=name) for name in ("Ada", "Bob"))

        Args:
            room: its name; by default that of the host's address.
            arguments: as `pyodide_rtc.join` takes them.

        Raises:
            ConfigError: an argument cannot be used; says what to do.
        """
        return self._rooms.join(room, **arguments)

    async def _open(self) -> MemoryHost:
        return self

    @property
    def connected(self) -> list[MemoryPeer]:
        """The peer connections that are connected with their other end."""
        return [peer for peer in self.peers if peer.is_connected]

    def be_busy(self, *, is_asleep: bool = False) -> None:
        """Take nothing and send nothing until `be_free`, as a kernel that computes.

        Its page tells the pages at the other ends.

        Args:
            is_asleep: whether the page is frozen, too, so that the others' pages notice by
                themselves.
        """
        self.is_busy = True

        def tell() -> None:
            for peer in self.connected:
                peer.tell_quiet(BUSY_AFTER_S, is_asleep=is_asleep)

        self._quiet = asyncio.get_running_loop().call_later(BUSY_AFTER_S, tell)

    def be_free(self) -> None:
        """Take what has come meanwhile, and send what was to be sent."""
        self.is_busy = False
        if self._quiet is not None:
            self._quiet.cancel()
        self.fabric.go_on()
        for peer in self.connected:
            peer.tell_quiet(0.0, is_asleep=False)

    def put_away(self) -> None:
        """Put the page away, as if people left it; that closes all peer connections."""
        self.page.on_away()
        for peer in self.peers:
            peer.close()

    def wake(self) -> None:
        """Show the page again."""
        self.page.on_woken()

    async def aclose(self) -> None:
        """Close all peer connections, as a page that is closed does."""
        self.is_closed = True
        self.page.locks.release_all()
        for peer in self.peers:
            peer.close()
