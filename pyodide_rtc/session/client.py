"""All rooms of one kernel, and the signaling servers that they share."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable, Mapping, Sequence

from pyodide_rtc.errors import RemoteProtocolError, RtcError
from pyodide_rtc.ports import Host, IceServer
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.connections.mesh import Mesh
from pyodide_rtc.protocol.room_machine import RoomMachine
from pyodide_rtc.session.room_session import Notice, RoomSession
from pyodide_rtc.session.room_storage import RoomStorage
from pyodide_rtc.session.sealer import PasswordSealer, PlainSealer, Sealer
from pyodide_rtc.session.signaling_connection import SignalingConnection
from pyodide_rtc.storage import write_room


class Client:
    """Opens rooms on one host.

    Args:
        host: the home.
    """

    def __init__(self, host: Host) -> None:
        self.host = host
        self._links: dict[str, SignalingConnection] = {}
        self._sessions: set[RoomSession] = set()
        self._leaving: set[asyncio.Future[None]] = set()
        host.page.on_life(self._put_away, self._wake)

    def open_room(
        self,
        topic: str,
        client_id: int,
        *,
        password: str | None,
        servers: Sequence[str],
        ice_servers: Sequence[IceServer],
        max_received_bytes: int,
        holder: str,
        is_kept: bool,
        on_notice: Callable[[Notice], None],
        on_fault: Callable[[BaseException], None],
    ) -> RoomSession:
        """Make a room's session; `RoomSession.open` joins.

        Args:
            topic: the room's name at the servers and in the tab channel.
            client_id: that of the shared document.
            password: encrypts signaling and the tab channel.
            servers: addresses of signaling servers.
            ice_servers: STUN and TURN servers.
            max_received_bytes: the largest message that a peer may send.
            holder: says to people who has the room open in this browser.
            is_kept: whether the browser keeps its documents.
            on_notice: called with everything that a user could want to know.
            on_fault: called with faults of the encryption, and with what a user's observer raised.
        """
        host = self.host
        # The key takes longest: we begin with it.
        key = None if password is None else host.machine.crypto.derive_key(password, topic)
        links = [self._link_to(url) for url in servers]
        mesh = Mesh(
            peer_id=str(uuid.UUID(bytes=host.machine.random_bytes(16), version=4)),
            client_id=client_id,
            # As in y-webrtc: if the limits differ, no group of peers fills up and shuts others out.
            max_peers=20 + int(host.machine.random() * 15),
            new_token=lambda: host.machine.wall_time_s() * 1000 + host.machine.random(),
            abilities=host.network.abilities,
            max_received_bytes=max_received_bytes,
        )

        def on_stranger(reason: str) -> None:
            session.feed(ev.StrangerHeard(reason))

        def on_seal_fault(error: RtcError) -> None:
            if isinstance(error, RemoteProtocolError):
                session.feed(ev.PayloadRefused(error))
            else:
                on_fault(error)

        sealer: Sealer = PlainSealer(on_stranger)
        if key is not None:
            sealer = PasswordSealer(key, on_stranger, on_seal_fault)
        machine = RoomMachine(mesh)
        storage = RoomStorage(host, topic, key, holder, is_kept)
        session = RoomSession(
            host, topic, machine, links, sealer, ice_servers, storage, on_notice, on_fault
        )
        self._sessions.add(session)
        return session

    async def write(self, topic: str, password: str | None, documents: Mapping[str, bytes]) -> None:
        """Add documents to what this browser keeps of a room: name to update.

        Raises:
            BrowserUnsupportedError: there is a password, and the browser has no cryptography.
            StorageError: the browser refused.
        """
        machine = self.host.machine
        key = None if password is None else machine.crypto.derive_key(password, topic)
        try:
            await write_room(await machine.open_store(), topic, key, documents)
        finally:
            if key is not None:
                key.close()

    def close_room(self, session: RoomSession) -> asyncio.Future[None]:
        """Leave a room, and then forget the signaling servers that no other room uses."""
        self._sessions.discard(session)
        leaving = session.leave()
        self._leaving.add(leaving)
        leaving.add_done_callback(self._on_left)
        return leaving

    async def aclose(self) -> None:
        """Close the home, once all rooms that were left have said all that they had to say."""
        if self._leaving:
            await asyncio.wait(self._leaving)
        await self.host.aclose()

    def _on_left(self, leaving: asyncio.Future[None]) -> None:
        self._leaving.discard(leaving)
        self._drop_idle_links()

    def _link_to(self, url: str) -> SignalingConnection:
        if url not in self._links:
            self._links[url] = SignalingConnection(self.host.network, url, self.host.machine.random)
        return self._links[url]

    def _put_away(self) -> None:
        for session in tuple(self._sessions):
            session.put_away()
        for link in self._links.values():
            link.put_away()

    def _wake(self) -> None:
        for link in self._links.values():
            link.wake()
        for session in tuple(self._sessions):
            session.wake()

    def _drop_idle_links(self) -> None:
        used = {link.machine.url for session in self._sessions for link in session.servers}
        self._links = {url: link for url, link in self._links.items() if url in used}
