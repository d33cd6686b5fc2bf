"""Performs a `RoomMachine`: the one place where its events come in and its effects go out."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from pycrdt import Doc, merge_updates

from pyodide_rtc import background
from pyodide_rtc.errors import DecodeError, InternalError, PeerLimitError, RtcError
from pyodide_rtc.ports import Host, IceServer, Lock, TabChannel
from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.intake import MAX_WAITING_BYTES, RUN_FRAMES, cost_of
from pyodide_rtc.protocol.room_machine import RoomMachine
from pyodide_rtc.session.arrivals import Arrivals
from pyodide_rtc.session.document_binding import DocumentBinding
from pyodide_rtc.session.peer_connections import PeerConnections
from pyodide_rtc.session.room_storage import RoomStorage
from pyodide_rtc.session.sealer import Sealer
from pyodide_rtc.session.session_document import (
    STORED,
    DocumentEdited,
    DocumentLoaded,
    DocumentUpdated,
    Keeping,
    SessionDocument,
)
from pyodide_rtc.session.signaling_connection import SignalingConnection
from pyodide_rtc.session.timer import DeadlineTimer
from pyodide_rtc.session.traffic import Traffic
from pyodide_rtc.snapshot import DocumentSnapshot, Snapshot
from pyodide_rtc.storage import EMPTY_STATE, KeeperStatus
from pyodide_rtc.wire.payload import decode_payload, encode_payload
from pyodide_rtc.yrs import is_panic

logger = logging.getLogger("pyodide_rtc.room")


T = TypeVar("T")

_OF_OPEN_DOCUMENTS = (
    fx.AskState,
    fx.AskCheck,
    fx.AskComparison,
    fx.AskBeyond,
    fx.AskDiff,
    fx.ApplyUpdate,
)

_REST_S = 1.0
"""After a failure of our own code the timer waits at least so long."""


@dataclass(frozen=True, slots=True)
class ServerOpened:
    """The connection to a signaling server is open."""

    url: str


@dataclass(frozen=True, slots=True)
class ServerChanged:
    """The state of a signaling server has changed to another one than open."""

    url: str


@dataclass(frozen=True, slots=True)
class _Published:
    """A payload from a signaling server that waits for its turn, not decrypted yet."""

    data: object


_Arrived = bytes | _Published | ev.FramesEnded
"""What can wait for its turn: a frame, a payload, or the end of a peer connection's frames."""

Notice = (
    fx.PeersChanged
    | fx.SearchChanged
    | fx.SyncChanged
    | fx.TransferMoved
    | fx.AwarenessChanged
    | fx.DocumentAtPeer
    | fx.PeerExposed
    | fx.CallCame
    | fx.CallStopped
    | fx.CallAnswered
    | fx.CallLost
    | fx.BatonMoved
    | fx.Report
    | ServerOpened
    | ServerChanged
    | Keeping
    | DocumentLoaded
    | DocumentUpdated
    | DocumentEdited
)
"""What a session reports to its room."""


class RoomSession:
    """One open room: feeds events to its machine, and performs the effects.

    Args:
        host: the home.
        topic: the room's name at the signaling servers and in the tab channel.
        machine: decides everything.
        servers: the signaling servers; shared with other rooms.
        sealer: encrypts and decrypts, or passes everything through in a room without password.
        ice_servers: STUN and TURN servers.
        storage: what this browser keeps of it.
        on_notice: called with everything that a user could want to know.
        on_fault: called with what a user's observer raised, and when a part of a document is
            unreadable.
    """

    def __init__(
        self,
        host: Host,
        topic: str,
        machine: RoomMachine,
        servers: Sequence[SignalingConnection],
        sealer: Sealer,
        ice_servers: Sequence[IceServer],
        storage: RoomStorage,
        on_notice: Callable[[Notice], None],
        on_fault: Callable[[BaseException], None],
    ) -> None:
        self.topic = topic
        self.machine = machine
        self.servers = servers
        self.traffic = Traffic()
        self._host = host
        self._sealer = sealer
        self._storage = storage
        self._on_notice = on_notice
        self._on_fault = on_fault
        self._loop = asyncio.get_running_loop()
        self._connections = PeerConnections(
            host.network, ice_servers, self._on_connection, self.traffic
        )
        self._arrivals: Arrivals[_Arrived] = Arrivals(self._on_turn)
        self._tab: TabChannel | None = None
        self._own_tab: TabChannel | None = None  # of our own kind alone
        self._locks: dict[str, Lock] = {}
        self._documents: dict[str, SessionDocument] = {}
        self._tasks: set[asyncio.Task[Any]] = set()  # what reads and writes documents
        self._timer = DeadlineTimer(lambda: self.feed(ev.TimePassed()))
        self._events: deque[ev.Event] = deque()
        self._is_feeding = False
        self._failures: set[tuple[str, type]] = set()
        self._has_failed = False  # since the timer was set last
        self._leaving: asyncio.Future[None] | None = None
        self._left = asyncio.Event()
        self._is_away = False
        self._is_meeting_due = False

    async def open(self, doc: Doc[Any]) -> None:
        """Join: take in what is kept of the main document, and then meet the others.

        If the room is left meanwhile, nobody hears of it.
        """
        document = self._bind(ev.MAIN, doc)
        self._connections.restock()  # the page prepares it while we go on
        await document.load()
        self._is_meeting_due = True
        self._meet()

    def _meet(self) -> None:
        """Open the tab channel, and subscribe to the servers; once, and not while put away."""
        if self._leaving is not None or self._is_away or not self._is_meeting_due:
            return
        self._is_meeting_due = False
        # Other tabs watch our lock to see us end. So we show ourselves only once we hold it.
        claim = _lock_of(self.machine.mesh.peer_id)
        self._locks[claim] = self._host.page.locks.claim(claim, lambda: self.feed(ev.TabOpened()))
        self._tab = self._host.network.open_tab_channel(self.topic, self)
        # A host has no space: so no topic has this name.
        own_topic = f"documents of {self.topic}"
        self._own_tab = self._host.network.open_tab_channel(own_topic, self)
        # Last: an open server announces us at once, and by then the other tabs know us.
        for server in self.servers:
            server.subscribe(self.topic, self)

    def open_document(
        self, name: str, doc: Doc[Any], local_state: Callable[[], ev.JsonObject | None]
    ) -> asyncio.Task[None]:
        """Share another document over the same connections; its name is not open yet.

        Args:
            name: its name.
            doc: the document.
            local_state: returns what we show in it.

        Returns:
            what ends once the document has what is kept of it, and is shared.
        """
        document = self._bind(name, doc)

        async def share() -> None:
            await document.load()
            if self._documents.get(name) is document:  # else it was closed meanwhile
                document.is_shared = True
                self.feed(ev.DocumentOpened(name, doc.client_id))
                self.show(name, local_state())

        return self._hold(background.begin(share()))

    def close_document(self, name: str) -> None:
        """Share a document no longer; it stays as it is."""
        document = self._documents[name]
        document.binding.flush()
        if document.is_shared:
            self.feed(ev.DocumentClosed(name))
        del self._documents[name]
        self._hold(document.close(self._left))

    def _bind(self, name: str, doc: Doc[Any]) -> SessionDocument:
        document = self._documents[name] = SessionDocument(
            name,
            doc,
            self._host.machine.soon,
            self.feed,
            self._on_fault,
            self._on_notice,
            self._storage.make_keeper if self._storage.is_on else None,
        )
        return document

    def _binding(self, name: str) -> DocumentBinding:
        return self._documents[name].binding

    def _hold(self, task: asyncio.Task[T]) -> asyncio.Task[T]:
        """Keep a task until it has ended: nobody else does."""
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def leave(self) -> asyncio.Future[None]:
        """Leave: tell all peers, and close everything that the room has opened so far.

        Returns:
            a future that is done once the last frames are encrypted and sent. Nobody has to wait
            for it.
        """
        self._arrivals.drain()  # the sender may be gone, and nobody else may have what it sent
        for document in tuple(self._documents.values()):
            document.binding.flush()
        self.feed(ev.FlushAsked())
        self.feed(ev.LeaveAsked())
        self._left.set()
        self._timer.set(None)
        self._arrivals.close()
        self._connections.close_reserve()
        for document in self._documents.values():
            self._hold(document.close(self._left))
        self._leaving = background.begin(self._finish())
        return self._leaving

    def snapshot(self) -> Snapshot:
        """Return how the room is now."""
        machine, now_s = self.machine, self._loop.time()
        return Snapshot(
            machine.mesh.peer_id,
            machine.peers(now_s),
            tuple(server.snapshot for server in self.servers),
            machine.main.presence.awareness.states,
            machine.documents.elsewhere,
            machine.connections.strangers.are_here(now_s),
            machine.connections.unreached.error(now_s),
            machine.connections.obstacle(now_s),
            machine.mesh.is_looking(now_s),
            machine.calls.elsewhere,
            machine.batons.states,
        )

    def document(self, name: str) -> DocumentSnapshot:
        """Return how an open document is now."""
        here = self.machine.documents.here.get(name)
        if here is None:  # it is not shared yet
            return DocumentSnapshot()
        states = here.machine.presence.awareness.states
        return DocumentSnapshot(self.machine.peers_in(name, self._loop.time()), states)

    @property
    def stored(self) -> dict[str, KeeperStatus]:
        """How the open documents are kept, by name; empty if they are not kept."""
        found = {name: document.stored for name, document in self._documents.items()}
        return {name: status for name, status in found.items() if status is not None}

    def names(self) -> dict[str, str]:
        """Return the names that peers show, by peer id; without those who show none."""
        return self.machine.names

    def author(self, link: ev.LinkId) -> str:
        """Name who has sent what came by a link; empty for what was kept here."""
        return "" if link == STORED else self.machine.author(link)

    async def export(self) -> dict[str, bytes]:
        """Return all documents of the room, those that are kept and not open included.

        Returns:
            name to update.

        Raises:
            StorageError: the browser refused to read what is kept.
        """
        # Held: the key is closed only after it.
        return await self._hold(background.begin(self._export()))

    async def _export(self) -> dict[str, bytes]:
        kept = await self._storage.read() if self._storage.is_on else {}
        for name, document in self._documents.items():
            here = document.binding.diff(EMPTY_STATE)
            kept[name] = merge_updates(kept[name], here) if name in kept else here
        return kept

    async def forget(self) -> None:
        """Remove what is kept of the room, once it is left.

        Raises:
            StorageError: the browser refused, or the room is open elsewhere in it.
        """
        assert self._leaving is not None, "it is left"
        await asyncio.shield(self._leaving)
        await self._storage.forget()

    def show(self, document: str, state: ev.JsonObject | None) -> None:
        """Show this awareness state in a document as our own; None removes ours."""
        self.feed(ev.LocalStateSet(document, state))

    def measure(self) -> None:
        """Ask how long the network takes to each peer; the next snapshots show it."""
        self._connections.measure()

    def put_away(self) -> None:
        """Send nothing until `wake`: the page is put away, and has closed all peer connections."""
        self._is_away = True
        self.feed(ev.PutAway())
        self._connections.close_reserve()
        for document in tuple(self._documents.values()):
            self._hold(background.begin(document.write()))

    def wake(self) -> None:
        """Come back to the room, or check all links at once: the page was put away, or asleep."""
        self._is_away = False
        self._connections.renew_reserve()
        self._meet()
        self.feed(ev.Woken())

    async def _finish(self) -> None:
        if self._tasks:
            await asyncio.wait(self._tasks)  # before the key is closed
        await self._sealer.aclose()
        for server in self.servers:
            server.unsubscribe(self.topic, self)
        for tab in (self._tab, self._own_tab):
            if tab is not None:
                tab.close()
        self._tab = self._own_tab = None
        for lock in self._locks.values():
            lock.close()

    def feed(self, event: ev.Event) -> None:
        """Feed an event to the machine, and perform the effects that it returns.

        An event that arises while effects are performed waits until they are done. So the effects
        of two events are never mixed.
        """
        self._events.append(event)
        if self._is_feeding:
            return
        self._is_feeding = True
        self._has_failed = False
        try:
            while self._events:
                self._handle(self._events.popleft())
                if not self._events:
                    for document in tuple(self._documents.values()):
                        # This appends further events, and the loop goes on.
                        self._try("telling of a change", document.binding.flush_applied)
        finally:
            self._is_feeding = False
            self._set_timer()

    def _handle(self, event: ev.Event) -> None:
        """Have the machine decide, and perform each of its effects, whatever becomes of another."""
        decide = partial(self.machine.handle, event, self._loop.time())
        for effect in self._try(type(event).__name__, decide) or ():
            self._try(type(effect).__name__, partial(self._perform, effect))

    def _try(self, task: str, act: Callable[[], T]) -> T | None:
        """Act. If that fails, report it once for each kind of failure; the room goes on."""
        try:
            return act()
        except BaseException as error:  # no failure may keep the other effects from being performed
            if not isinstance(error, Exception) and not is_panic(error):
                raise
            logger.exception("! %s failed", task)
            self._has_failed = True
            kind = task, type(error)
            if kind not in self._failures:
                self._failures.add(kind)
                self._on_notice(fx.Report(InternalError.of(task, error)))
            return None

    def _set_timer(self) -> None:
        deadline_s = self.machine.deadline_s
        if deadline_s is not None and self._has_failed:
            # What failed may still be due. Without a rest it would be tried in an endless loop.
            deadline_s = max(deadline_s, self._loop.time() + _REST_S)
        self._timer.set(deadline_s)

    # TopicListener, TabChannelHandler.

    def on_server_opened(self, url: str) -> None:
        """Tell the machine and the user that a signaling server is open."""
        self.feed(ev.ServerOpened(url))
        self._on_notice(ServerOpened(url))

    def on_server_changed(self, url: str) -> None:
        """Tell the user that the state of a signaling server has changed."""
        self._on_notice(ServerChanged(url))

    def on_server_fault(self, url: str, error: RtcError, *, is_news: bool) -> None:
        """Tell the user of a fault of a signaling server."""
        self._on_notice(fx.Report(error, is_news=is_news))

    def on_published(self, url: str, data: object) -> None:
        """Receive a published payload: open it now, or let it wait for its turn."""
        if self._arrivals.may_pass(url, 1.0):
            self._open_payload(url, data)
            return
        waiting_bytes = self._arrivals.intake.waiting_bytes(url)
        if waiting_bytes > MAX_WAITING_BYTES:
            what = "bytes published faster than they can be taken"
            self.feed(ev.PayloadRefused(PeerLimitError(what, waiting_bytes, MAX_WAITING_BYTES)))
        else:
            self._arrivals.wait(url, [_Published(data)], [len(str(data))])

    def on_message(self, data: bytes) -> None:
        """Receive a frame of the tab channel."""
        self.traffic.received_bytes += len(data)
        self.traffic.received_messages += 1
        self._sealer.open_frame(data, lambda frame: self._on_frames(ev.TABS, (frame,)))

    def _open_payload(self, url: str, data: object) -> None:
        self._sealer.open_payload(data, partial(self._on_payload, url))

    def _on_payload(self, url: str, plain: object) -> None:
        try:
            payload = decode_payload(plain)
        except DecodeError as error:
            self.feed(ev.PayloadRefused(error))
        else:
            self.feed(ev.PayloadReceived(url, payload))

    # What comes in by links.

    def _on_connection(self, event: ev.Event) -> None:
        """Receive an event of a peer connection; its frames are subject to the link's budget."""
        if isinstance(event, ev.FramesReceived):
            self._on_frames(event.link, event.frames)
        else:
            self.feed(event)

    def _on_frames(self, link: ev.LinkId, frames: tuple[bytes, ...]) -> None:
        # A large bundle waits: to handle each of its frames by itself would block all others.
        if len(frames) <= RUN_FRAMES:
            frames = self._pass(link, frames)
        if not frames:
            return
        self._arrivals.wait(link, frames, map(len, frames))
        waiting_bytes = self._arrivals.intake.waiting_bytes(link)
        if waiting_bytes > MAX_WAITING_BYTES:
            self.feed(ev.Flooded(link, waiting_bytes))

    def _pass(self, link: ev.LinkId, frames: tuple[bytes, ...]) -> tuple[bytes, ...]:
        """Feed the frames within the budget to the machine, and return those that have to wait."""
        for number, frame in enumerate(frames):
            cost = cost_of(frame)
            if not self._arrivals.may_pass(link, cost):
                return frames[number:]
            self.feed(ev.FrameReceived(link, frame))
            if cost >= 1:  # chunks do not count: a transfer neither slows down, nor slows others
                self._arrivals.worked()
        return ()

    def _on_turn(self, source: Hashable, run: list[_Arrived]) -> None:
        """Handle what has waited, now that it is the turn of its source."""
        if isinstance(source, int):
            frames = tuple(item for item in run if isinstance(item, bytes))
            self.feed(ev.FramesReceived(source, frames))
            if isinstance(run[-1], ev.FramesEnded):
                self.feed(run[-1])
        elif isinstance(source, str):
            for item in run:
                if isinstance(item, _Published):
                    self._open_payload(source, item.data)

    def _end_frames(self, conn: int) -> None:
        """Feed `FramesEnded` for a closed peer connection, after its frames that still wait."""
        self._arrivals.intake.end(conn)
        ended = ev.FramesEnded(conn)
        if self._arrivals.intake.waiting_bytes(conn) > 0:
            self._arrivals.wait(conn, (ended,), (0,))
        else:
            self.feed(ended)

    def _perform(self, effect: fx.Effect) -> None:  # noqa: C901 - one case each
        if isinstance(effect, _OF_OPEN_DOCUMENTS) and effect.document not in self._documents:
            return  # it was closed meanwhile
        match effect:
            case fx.SendFrame(conn, side, data):
                self._connections.send(conn, side, data)
            case fx.SendBulk(conn, side, frames, chunk_bytes):
                self._connections.send_bulk(conn, side, frames, chunk_bytes)
            case fx.ApplyUpdate(name, link, update, is_answer):
                self._binding(name).apply(link, update, is_answer=is_answer)
            case fx.SendTabFrame(data, is_own_kind):
                self._sealer.seal_frame(data, partial(self._send_tab, is_own_kind))
            case fx.AskState():
                self._tell_state(effect)
            case fx.AskCheck(name, link):
                inventory = self._binding(name).inventory()
                self.feed(ev.CheckRead(name, inventory.check, inventory.missing, link))
            case fx.AskComparison(name, link, theirs):
                self.feed(ev.Compared(name, link, self._binding(name).inventory().check, theirs))
            case fx.AskBeyond(name, link):
                beyond = self._binding(name).inventory().beyond
                self.feed(ev.DiffRead(name, link, beyond, is_answer=False))
            case fx.WatchTabPeer(peer_id):
                self._watch_tab_peer(peer_id)
            case fx.AskDiff():
                self._tell_diff(effect)
            case fx.PublishPayload():
                self._publish(effect)
            case fx.CheckServers():
                for server in self.servers:
                    server.check()
            case fx.OpenTransport(conn, is_initiator, is_own_kind):
                self._connections.open(conn, is_initiator=is_initiator, is_own_kind=is_own_kind)
            case fx.RestartIce(conn):
                self._connections.transport(conn).restart_ice()
            case fx.AcceptDescription(conn, kind, sdp):
                self._connections.transport(conn).accept_description(kind, sdp)
            case fx.AddCandidate(conn, candidate, index, mid):
                self._connections.transport(conn).add_candidate(candidate, index, mid)
            case fx.CloseTransport(conn, is_gentle):
                try:
                    self._connections.close(conn, is_gentle=is_gentle)
                finally:
                    self._end_frames(conn)
            case fx.DropHeld(link):
                self._arrivals.intake.drop(link)
            case (
                fx.Report()
                | fx.PeersChanged()
                | fx.SearchChanged()
                | fx.SyncChanged()
                | fx.TransferMoved()
                | fx.AwarenessChanged()
                | fx.DocumentAtPeer()
                | fx.PeerExposed()
                | fx.CallCame()
                | fx.CallStopped()
                | fx.CallAnswered()
                | fx.CallLost()
                | fx.BatonMoved()
            ):
                self._on_notice(effect)

    def _watch_tab_peer(self, peer_id: str) -> None:
        name = _lock_of(peer_id)

        def on_free() -> None:
            self._locks.pop(name, None)  # a watch calls back once, and is over then
            self.feed(ev.TabPeerGone(peer_id))

        if name not in self._locks:
            self._locks[name] = self._host.page.locks.watch(name, on_free)

    def _send_tab(self, is_own_kind: bool, data: bytes) -> None:
        tab = self._own_tab if is_own_kind else self._tab
        if tab is not None:
            tab.send(data)
            self.traffic.sent_bytes += len(data)
            self.traffic.sent_messages += 1

    def _tell_state(self, wish: fx.AskState) -> None:
        document = self._binding(wish.document)
        state = document.state(wish.max_state_bytes)
        self.feed(ev.StateVectorRead(wish.document, wish.link, document.state_vector, state))

    def _tell_diff(self, wish: fx.AskDiff) -> None:
        try:
            update = self._binding(wish.document).diff(wish.state_vector)
        except ValueError as error:
            self.feed(ev.UpdateRefused(wish.document, wish.link, str(error)))
        else:
            self.feed(ev.DiffRead(wish.document, wish.link, update, wish.is_answer))

    def _publish(self, wish: fx.PublishPayload) -> None:
        def publish(data: object) -> None:
            for server in self.servers:
                if wish.url is None or server.machine.url == wish.url:
                    server.publish(self.topic, data)

        self._sealer.seal_payload(encode_payload(wish.payload), publish)


def _lock_of(peer_id: str) -> str:
    """Return the name of the lock that a peer of our own kind holds as long as it lives."""
    return f"pyodide-rtc peer {peer_id}"
