"""What users hold: a room, its document and who is in it."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, Literal, Protocol

from pycrdt import Array, Doc, Map, Text

from pyodide_rtc import room_repr
from pyodide_rtc.awareness import Awareness, user_state
from pyodide_rtc.document import Document, DocumentStatus, check_document_name
from pyodide_rtc.errors import (
    ConfigError,
    IceFailedError,
    RoomClosedError,
    RtcError,
    SyncTimeoutError,
)
from pyodide_rtc.observers import Observers
from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol.events import MAIN, JsonObject
from pyodide_rtc.protocol.open_documents import MAX_DOCUMENTS
from pyodide_rtc.room_status import Peer, RoomEvent, RoomStatus, Server
from pyodide_rtc.session.room_session import Notice, ServerChanged, ServerOpened
from pyodide_rtc.snapshot import DocumentSnapshot, Snapshot

logger = logging.getLogger("pyodide_rtc.room")

_FAULTS_KEPT = 20

_CLOSED = Snapshot(peer_id="")
"""The snapshot of a room that is not open yet."""


class Backend(Protocol):
    """What does the work of an open room."""

    @property
    def topic(self) -> str:
        """The room's name at the signaling servers and in the tab channel."""

    def snapshot(self) -> Snapshot:
        """Return how the room is now."""

    def document(self, name: str) -> DocumentSnapshot:
        """Return how a document is now that is open beside the main one."""

    def open_document(self, name: str, doc: Doc[Any]) -> None:
        """Share another document."""

    def close_document(self, name: str) -> None:
        """Share a document no longer."""

    def show(self, document: str, state: JsonObject | None) -> None:
        """Show this awareness state in a document as our own; None removes ours."""


class Room:
    """A named group that shares documents and knows who is in it.

    It has one document of its own, which stock y-webrtc pages share, too; `document` opens others.

    `join` makes it. The document can be used at once, alone or with others. What is edited before
    anybody is connected reaches the others later.

    Args:
        name: the room's name; None while it is not known yet.
        doc: the shared document.
        user: a name or an object, shown to the others.
    """

    def __init__(
        self, name: str | None, doc: Doc[Any], user: str | Mapping[str, object] | None
    ) -> None:
        self._name = name
        self._doc = doc
        self._topic: str | None = None
        self._route = ""
        self._backend: Backend | None = None
        self._end: RtcError | None = None
        self._close: Callable[[], None] = lambda: None
        self._faults: deque[BaseException] = deque(maxlen=_FAULTS_KEPT)
        self._observers: Observers[RoomEvent] = Observers()
        self._waiters: set[asyncio.Future[None]] = set()
        self._documents: dict[str, Document] = {}
        self._open_names: set[str] = set()
        self._awareness = Awareness(
            doc.client_id,
            user_state(user),
            lambda state: self.show_in(MAIN, state),
            lambda: dict(self._snapshot.states),
        )

    # What it is.

    @property
    def name(self) -> str | None:
        """The room's name; None while the page was not asked yet."""
        return self._name

    @property
    def topic(self) -> str | None:
        """The name that a JavaScript page gives to y-webrtc to be in this room."""
        return self._topic

    @property
    def doc(self) -> Doc[Any]:
        """The shared document."""
        return self._doc

    @property
    def awareness(self) -> Awareness:
        """Who is here, and what each shows of itself."""
        return self._awareness

    def map(self, name: str) -> Map[Any]:
        """Return the shared map of this name."""
        shared: Map[Any] = self._doc.get(name, type=Map)
        return shared

    def text(self, name: str) -> Text:
        """Return the shared text of this name."""
        shared: Text = self._doc.get(name, type=Text)
        return shared

    def array(self, name: str) -> Array[Any]:
        """Return the shared list of this name."""
        shared: Array[Any] = self._doc.get(name, type=Array)
        return shared

    # How it is.

    @property
    def state(self) -> Literal["opening", "open", "left", "failed"]:
        """The room's state: only an open room reaches anybody."""
        if self._end is not None:
            return "left" if isinstance(self._end, RoomClosedError) else "failed"
        return "open" if self._backend is not None else "opening"

    @property
    def peers(self) -> tuple[Peer, ...]:
        """The others, those on their way included."""
        return self._snapshot.peers

    @property
    def servers(self) -> tuple[Server, ...]:
        """The signaling servers."""
        return self._snapshot.servers

    @property
    def status(self) -> RoomStatus:
        """How the room is now: servers, peers, and one sentence about it."""
        return RoomStatus(self.state, self.servers, self.peers, self.synced, self.why)

    @property
    def has_strangers(self) -> bool:
        """Whether somebody with another password, or none, sent something in the last minute."""
        return self._snapshot.has_strangers

    @property
    def ice_failure(self) -> IceFailedError | None:
        """Why the last peer that we found could not be reached.

        None once any peer was reached since, or once this one seems to have gone.
        """
        return self._snapshot.ice_failure

    @property
    def synced(self) -> bool:
        """Whether at least one peer is here, and each has sent all that it had."""
        peers = self.peers
        return bool(peers) and all(p.is_synced for p in peers)

    @property
    def error(self) -> RtcError | None:
        """The error that ended the room; None while it goes on."""
        return self._end

    @property
    def faults(self) -> tuple[BaseException, ...]:
        """The last 20 things that went wrong, newest last; the room went on."""
        return tuple(self._faults)

    @property
    def why(self) -> str:
        """One sentence about the room's state."""
        return room_repr.sentence(self)

    @property
    def route(self) -> str:
        """How the kernel reaches the page, as one word; empty while opening."""
        return self._route

    # What to do with it.

    async def until_synced(self, timeout_s: float | None = None) -> None:
        """Wait until at least one peer is here, and each has sent all that it had.

        Args:
            timeout_s: how long to wait, in seconds; None for ever.

        Raises:
            SyncTimeoutError: it took longer; says why.
            RoomClosedError: the room was left.
            RtcError: the room could not be opened; says what to do.
        """
        await self.until(lambda: self.synced, timeout_s)

    def document(self, name: str, *, doc: Doc[Any] | None = None) -> Document:
        """Open another document of the room, and share it with all who have it open.

        It has its own content and presence, and travels by the same connections. What others have
        in it comes as soon as they are connected. Opening it twice gives the same document. Stock
        y-webrtc pages see only the room's own document.

        Args:
            name: its name, a text of 1 to 1,024 bytes.
            doc: its content; by default a new one, or what it had when it was closed here.

        Raises:
            ConfigError: it is no name, is open with another `doc`, or 1,000 are open already.
            RoomClosedError: the room was left.
        """
        name = check_document_name(name)
        if self._end is not None:
            raise self._end
        known = self._documents.get(name)
        if known is not None and doc is not None and doc is not known.doc:
            raise ConfigError(
                f"The document {name!r} was opened with another doc",
                "Leave out doc=, or choose another name.",
            )
        if name not in self._open_names and len(self._open_names) >= MAX_DOCUMENTS:
            raise ConfigError(
                f"{MAX_DOCUMENTS} documents are open in this room", "Close some of them first."
            )
        if known is None:
            known = Document(name, doc if doc is not None else Doc(), self, {})
            self._documents[name] = known
        if name not in self._open_names:
            self._open_names.add(name)
            self._share(known)
        return known

    @property
    def documents(self) -> dict[str, DocumentStatus]:
        """The documents beside the room's own that are open here or at a peer, sorted by name."""
        snapshot = self._snapshot
        peers = {peer.peer_id: peer for peer in snapshot.peers}
        found: dict[str, DocumentStatus] = {}
        for name in sorted(self._open_names | snapshot.documents.keys()):
            ids = snapshot.documents.get(name, ())
            at = tuple(peers[i] for i in ids if i in peers)
            found[name] = DocumentStatus(name, name in self._open_names, at)
        return found

    async def until(self, is_true: Callable[[], bool], timeout_s: float | None) -> None:
        """Wait until something about the room is true; it is asked at each event.

        Args:
            is_true: says whether it is true.
            timeout_s: how long to wait, in seconds; None for ever.

        Raises:
            SyncTimeoutError: it took longer; says why.
            RoomClosedError: the room was left.
            RtcError: the room could not be opened; says what to do.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not is_true():
                    if self._end is not None:
                        raise self._end
                    await self._next_event()
        except TimeoutError as error:
            if isinstance(error, RtcError):
                raise
            raise SyncTimeoutError(timeout_s or 0.0, self.why) from error

    def observe(self, callback: Callable[[RoomEvent], None]) -> Callable[[], None]:
        """Call back at each change of peers, servers and state, and at each fault.

        Returns:
            a function that ends the observation; to call it twice is no error.
        """
        return self._observers.add(callback)

    def leave(self) -> None:
        """Leave the room: the others see it at once. The document stays; twice is no error."""
        if self._end is not None:
            return
        self.end(RoomClosedError(self._name or "", "it was left"))
        self._close()

    def __repr__(self) -> str:
        return room_repr.as_text(self)

    def _repr_html_(self) -> str:
        return room_repr.as_html(self)

    # For its documents.

    def read_document(self, name: str) -> DocumentSnapshot:
        """Return how a document is now; empty while it is not open."""
        is_open = self._is_live and name in self._open_names
        return self._live.document(name) if is_open else DocumentSnapshot()

    def show_in(self, name: str, state: JsonObject | None) -> None:
        """Show this awareness state in a document as our own."""
        if self._is_live and (name == MAIN or name in self._open_names):
            self._live.show(name, state)

    def close_document(self, document: Document) -> None:
        """Share a document no longer; twice is no error."""
        if document.name in self._open_names:
            self._open_names.discard(document.name)
            if self._is_live:
                self._live.close_document(document.name)

    # For `Rooms`, which opens it, and for tests.

    @property
    def backend(self) -> Backend | None:
        """What does its work; None until it is open."""
        return self._backend

    def open(self, name: str, route: str, backend: Backend, close: Callable[[], None]) -> None:
        """Open the room: from now on this backend does its work."""
        self._name = name
        self._topic = backend.topic
        self._route = route
        self._backend = backend
        self._close = close
        backend.show(MAIN, self._awareness.local_state)
        for name in sorted(self._open_names):
            self._share(self._documents[name])
        self._tell(RoomEvent("opened"))

    def end(self, error: RtcError) -> None:
        """End the room for this reason."""
        self._end = error
        if not isinstance(error, RoomClosedError):
            self.add_fault(error)
        self._tell(RoomEvent("left", reason=str(error)))

    def add_fault(self, error: BaseException, count: int = 1) -> None:
        """Keep a fault and report it; `count` is how often it came since the last report."""
        self._faults.append(error)
        times = "" if count == 1 else f" ({count} times)"
        self._tell(RoomEvent("fault", reason=f"{error}{times}", error=error))

    def on_notice(self, notice: Notice) -> None:  # noqa: C901 - one case each
        """Report a notice of the session to those who observe the room."""
        match notice:
            case fx.AwarenessChanged(document):
                for callback in self._awareness_of(document).callbacks:
                    self._call(callback, notice)
            case fx.PeersChanged(peer_id, change, reason):
                logger.info("= peer %s %s %s", peer_id[:8], change, reason)
                self._tell(RoomEvent(f"peer-{change}", peer_id, reason))
            case fx.SyncChanged(document, peer_id, change):
                logger.info("= peer %s %s %r", peer_id[:8], change, document)
                self._tell(RoomEvent(f"peer-{change}", peer_id, document=document))
            case fx.DocumentAtPeer(document, peer_id, is_open):
                kind = "document-opened" if is_open else "document-closed"
                self._tell(RoomEvent(kind, peer_id, document=document))
            case fx.TransferMoved(peer_id, transfer):
                words = room_repr.transfer_words(transfer)
                self._tell(RoomEvent("progress", peer_id, words, transfer=transfer))
            case fx.Report(error, count):
                self.add_fault(error, count)
            case ServerOpened(url):
                self._tell(RoomEvent("server-open", reason=url))
            case ServerChanged(url):
                if self._backend is not None:  # else the room is still being opened
                    self._tell(RoomEvent("server-changed", reason=url))

    # Inside.

    @property
    def _snapshot(self) -> Snapshot:
        return _CLOSED if self._backend is None else self._backend.snapshot()

    def _awareness_of(self, name: str) -> Awareness:
        return self._awareness if name == MAIN else self._documents[name].awareness

    @property
    def _is_live(self) -> bool:
        return self._backend is not None and self._end is None

    @property
    def _live(self) -> Backend:
        assert self._backend is not None, "it is live"
        return self._backend

    def _share(self, document: Document) -> None:
        if self._is_live:
            self._live.open_document(document.name, document.doc)
            self._live.show(document.name, document.awareness.local_state)

    async def _next_event(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)

    def _tell(self, event: RoomEvent) -> None:
        for callback in self._observers:
            self._call(callback, event)
        for waiter in tuple(self._waiters):
            if not waiter.done():
                waiter.set_result(None)

    def _call(self, callback: Callable[[Any], None], argument: object) -> None:
        try:
            callback(argument)
        except Exception as error:  # a user's callback may raise anything; the room must go on
            logger.exception("! a callback failed")
            self._faults.append(error)
