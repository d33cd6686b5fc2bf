"""What users hold: a room, its document and who is in it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Protocol, TypeVar, overload

from pycrdt import Doc, merge_updates

from pyodide_rtc import background, causes, people, room_repr
from pyodide_rtc.activity import Activity
from pyodide_rtc.awareness import user_state
from pyodide_rtc.batons import Baton, Batons
from pyodide_rtc.calls import Calls, ExposedFunction
from pyodide_rtc.contents import Contents
from pyodide_rtc.document import (
    Document,
    DocumentBase,
    DocumentParts,
    DocumentStatus,
    check_document_name,
)
from pyodide_rtc.errors import (
    ConfigError,
    IceFailedError,
    RoomClosedError,
    RtcError,
    StorageError,
    SyncTimeoutError,
)
from pyodide_rtc.faults import FaultList, Faults
from pyodide_rtc.live_display import LiveDisplay, find_publisher, time_of_day
from pyodide_rtc.me import Me
from pyodide_rtc.monitor.of_room import make_monitor
from pyodide_rtc.observers import Observation, Observers
from pyodide_rtc.panel.model import Invitation
from pyodide_rtc.panel.of_room import make_panel
from pyodide_rtc.peer_names import PeerNames
from pyodide_rtc.people import Attendance, Person
from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol.events import MAIN, BatonEvent, CallEvent, JsonObject, LinkId
from pyodide_rtc.protocol.open_documents import MAX_DOCUMENTS
from pyodide_rtc.room_status import (
    Peer,
    RoomEvent,
    RoomStage,
    RoomStatus,
    Server,
    Stored,
    stored_of,
)
from pyodide_rtc.session.document_binding import PeerOrigin
from pyodide_rtc.session.room_session import Notice, ServerChanged, ServerOpened
from pyodide_rtc.session.session_document import (
    DocumentEdited,
    DocumentLoaded,
    DocumentUpdated,
    Keeping,
)
from pyodide_rtc.session.timer import DeadlineTimer
from pyodide_rtc.session.traffic import Traffic
from pyodide_rtc.snapshot import DocumentSnapshot, Snapshot
from pyodide_rtc.storage import (
    CompactionFailed,
    KeeperStatus,
    KeptAgain,
    NewerRecords,
    NotKept,
    RecordsSetAside,
    RoomExport,
    pack_room,
)
from pyodide_rtc.storage import Event as StorageEvent

if TYPE_CHECKING:
    from pyodide_rtc.ports import TabChannel, TabChannelHandler
    from pyodide_rtc.widgets.sharing import Resting, Sharing

logger = logging.getLogger("pyodide_rtc.room")

W = TypeVar("W")
F = TypeVar("F", bound=Callable[..., Any])

_CHECK_S = 1.0
"""So long after an update of a peer we look whether names are used for two kinds of values."""

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

    @property
    def traffic(self) -> Traffic:
        """How much has been sent and received so far."""

    @property
    def stored(self) -> Mapping[str, KeeperStatus]:
        """How the open documents are kept in this browser, by name; empty if they are not."""

    def names(self) -> Mapping[str, str]:
        """Return the names that peers show, by peer id; without those who show none."""

    def author(self, link: LinkId) -> str:
        """Name who has sent what came by a link; empty for what was kept here."""

    def open_document(
        self, name: str, doc: Doc[Any], local_state: Callable[[], JsonObject | None]
    ) -> Awaitable[None]:
        """Share another document; return what ends once it has what is kept of it."""

    def close_document(self, name: str) -> None:
        """Share a document no longer."""

    def show(self, document: str, state: JsonObject | None) -> None:
        """Show this awareness state in a document as our own; None removes ours."""

    def feed(self, event: CallEvent | BatonEvent) -> None:
        """Let the room's machine decide about a call or a baton."""

    async def export(self) -> dict[str, bytes]:
        """Return all documents of the room, open or not: name to update."""

    def measure(self) -> None:
        """Have it measured how long the network takes to each peer."""


@dataclass(frozen=True, slots=True)
class Opening:
    """What opens a room: `Rooms` gives it.

    Args:
        name: the room's name.
        route: how the kernel reaches the page, as one word.
        backend: what does its work.
        close: leaves the room.
        forget: removes what this browser keeps of the room, once it is left.
        keep_user: keeps a name and a colour in this browser; None leaves what it keeps.
        reopen: opens the room anew, once it was left.
        invitation: how others come here.
        draws_widgets: whether the page can draw widgets.
        wait: waits for something within a plain call, where that is possible.
        soon: calls back once the code that runs now has come to its end.
        open_channel: opens a channel of this browser, by its name.
    """

    name: str
    route: str
    backend: Backend
    close: Callable[[], None]
    forget: Callable[[], Awaitable[None]]
    keep_user: Callable[[str | None, str | None], None]
    reopen: Callable[[], None]
    invitation: Invitation
    draws_widgets: bool
    wait: Callable[[Awaitable[None]], None]
    soon: Callable[[Callable[[], None]], None]
    open_channel: Callable[[str, TabChannelHandler], TabChannel]


class RoomCore:
    """What a room does: `Rooms` opens it by this, and its documents ask it.

    Users hold its `room`, which offers what is theirs.

    Args:
        name: the room's name; None while it is not known yet.
        contents: its documents.
        user: a name or an object, shown to the others.
        doc: the main document, if it is another one than that of `contents`.
    """

    def __init__(
        self,
        name: str | None,
        contents: Contents,
        user: str | Mapping[str, object] | None,
        doc: Doc[Any] | None = None,
    ) -> None:
        self._name = name
        self._contents = contents
        self._opening: Opening | None = None
        self._is_open = False
        self._end: RtcError | None = None
        self._faults = FaultList()
        self._observers: Observers[RoomEvent] = Observers()
        self._waiters: set[asyncio.Future[None]] = set()
        self._documents: dict[str, DocumentParts] = {}
        self._open_names: set[str] = set()
        self._loaded: set[str] = set()
        self._is_check_due = False
        self._display: LiveDisplay | None = None
        self._names = PeerNames()
        self._attendance = Attendance()
        self._attendance_timer: DeadlineTimer | None = None
        self._activity: Activity | None = None
        self._panel: Any = None
        self._monitor: Any = None
        self._is_forgotten = False
        self._user_to_keep: tuple[str | None, str | None] | None = None
        self._sharing: Sharing | None = None
        self._resting: Resting | None = None
        self.calls = Calls(self, contents.functions)
        self.batons = Batons(self)
        self.main = DocumentParts(MAIN, contents.main(doc), lambda: self, user_state(user))
        self.me = Me(self.main.awareness, self._keep_user)
        self.room = Room(self)

    # What it is.

    @property
    def name(self) -> str | None:
        """The room's name; None while the page was not asked yet."""
        return self._name

    # How it is.

    @property
    def stage(self) -> RoomStage:
        """How far the room is."""
        if self._end is not None:
            return "left" if isinstance(self._end, RoomClosedError) else "failed"
        return "open" if self._is_open else "opening"

    @property
    def error(self) -> RtcError | None:
        """The error that ended the room; None while it goes on."""
        return self._end

    @property
    def faults(self) -> Faults:
        """What went wrong while the room went on."""
        return self._faults.now()

    @property
    def why(self) -> str:
        """How the room is, and what to do if nobody is here."""
        facts = causes.Facts(self.stage, self.snapshot, self._end, self._opening is not None)
        return causes.sentence(facts)

    @property
    def people(self) -> tuple[Person, ...]:
        """Who is in the room and shows a name, ourselves first."""
        return tuple(self._people().values())

    @property
    def invitation(self) -> Invitation | None:
        """How others come here; None while it is not known, and once it was left."""
        return self._opening.invitation if self._opening is not None and self._is_live else None

    @property
    def draws_widgets(self) -> bool:
        """Whether the page can draw widgets, as far as that is known."""
        return self._opening is None or self._opening.draws_widgets

    @property
    def can_rejoin(self) -> bool:
        """Whether it can be joined again as it is."""
        is_over = self._end is not None and self._opening is not None
        return is_over and not self._is_forgotten

    @property
    def route(self) -> str:
        """How the kernel reaches the page, as one word; empty while opening."""
        return "" if self._opening is None else self._opening.route

    @property
    def stored(self) -> Stored:
        """What this browser keeps of the documents that are open."""
        statuses = [self.read_stored(name) for name in (MAIN, *sorted(self._open_names))]
        worst = next((each for each in statuses if each.reason), statuses[0])
        return replace(
            worst,
            size_bytes=sum(each.size_bytes for each in statuses),
            is_saved=all(each.is_saved for each in statuses),
        )

    # What to do with it.

    def _check_not_over(self) -> None:
        """Raise what has ended the room, as if it were new: else it shows earlier cells as well."""
        if self._end is not None:
            raise self._end.with_traceback(None)

    def open_document(self, name: str, doc: Doc[Any] | None) -> Document:
        """Open another document; as `Room.document` tells."""
        name = check_document_name(name)
        self._check_not_over()
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
            known = self._documents[name] = self._contents.document(name, doc)
        if name not in self._open_names:
            self._open_names.add(name)
            loading = self._share(known)
            if loading is not None and self._opening is not None:
                self._opening.wait(loading)
        return known.document

    async def export_file(self) -> bytes:
        """Return the room as a file; as `Room.export` tells."""
        await self.until(lambda: self.stage == "open", None)
        documents = await self._live.export()
        for name, doc in self._contents.docs.items():
            if name != MAIN and name not in self._open_names:
                closed = doc.get_update()
                documents[name] = merge_updates(documents.get(name, closed), closed)
        documents = dict(sorted(documents.items()))
        return pack_room(RoomExport(self._name or "", documents))

    async def forget(self) -> None:
        """Leave the room, and remove what is kept of it; as `Room.forget` tells."""
        if self._end is None:
            await self.until(lambda: self.stage == "open", None)
        if self._opening is None:
            self._check_not_over()
        assert self._opening is not None, "it was open, or it would have raised"
        self.leave()
        await self._opening.forget()
        self._is_forgotten = True

    @property
    def documents(self) -> dict[str, DocumentStatus]:
        """The documents beside the room's own that are open here or at a peer, sorted by name."""
        snapshot = self.snapshot
        peers = {peer.peer_id: peer for peer in snapshot.peers}
        found: dict[str, DocumentStatus] = {}
        for name in sorted(self._open_names | snapshot.documents.keys()):
            ids = snapshot.documents.get(name, ())
            at = tuple(peers[i] for i in ids if i in peers)
            found[name] = DocumentStatus(name, name in self._open_names, at)
        return found

    async def until(self, is_true: Callable[[], bool], timeout_s: float | None) -> None:
        """Wait until something about the room is true; as `Room.until` tells."""
        try:
            async with asyncio.timeout(timeout_s):
                while not is_true():
                    self._check_not_over()
                    await self._next_event()
        except TimeoutError as error:
            if isinstance(error, RtcError):
                raise
            raise SyncTimeoutError(timeout_s or 0.0, self.why) from error

    def observe(self, callback: Callable[[RoomEvent], object]) -> Observation:
        """Call back at each event; as `Room.observe` tells."""
        self._check_not_over()
        return self._observers.add(room_repr.place(MAIN, self._name), callback)

    def display(self) -> None:
        """Show the room as an output that is brought up to date, in the place of an earlier one.

        Raises:
            NotImplementedError: outputs cannot be replaced here.
        """
        publish = find_publisher()
        if publish is None:
            raise NotImplementedError
        if self._display is not None:
            self._display.end()
        self._display = LiveDisplay(self._draw, self._can_change_unseen, publish)
        if self._end is not None:
            self._display.end()

    def leave(self) -> None:
        """Leave the room; as `Room.leave` tells."""
        if self._end is not None:
            return
        self.finish(RoomClosedError(self._name or "", causes.LEFT_BY_USER))

    def rejoin(self) -> None:
        """Join again what was left. Who holds the room, its documents or values goes on with them.

        Raises:
            ConfigError: the room was joined anew meanwhile.
            RtcError: it could never be opened.
        """
        if self._end is None:
            return
        end, opening, was_open = self._end, self._opening, self._is_open
        if opening is None:
            raise end
        self._end, self._opening, self._is_open = None, None, False
        try:
            opening.reopen()
        except RtcError:
            self._end, self._opening, self._is_open = end, opening, was_open
            raise
        self._loaded.clear()
        self._names, self._attendance = PeerNames(), Attendance()
        for name in (MAIN, *self._open_names):
            self._parts_of(name).values.go_on()
        if self._resting is not None:
            self.sharing().go_on(self._resting)
        if self._display is not None:
            self._display.go_on()
        self._look()

    def panel(self) -> Any:
        """Return the panel; as `Room.panel` tells."""
        if self._panel is None or self._panel.is_closed:
            self._panel = make_panel(self)
        return self._panel

    def monitor(self) -> Any:
        """Return the monitor; as `Room.monitor` tells."""
        if self._monitor is None or self._monitor.is_closed:
            self._monitor = make_monitor(self)
        return self._monitor

    def measure(self) -> None:
        """Have it measured how long the network takes to each peer."""
        if self._is_live:
            self._live.measure()

    def sharing(self) -> Sharing:
        """Return its shared widgets; they are made here, as they need ipywidgets.

        Raises:
            ConfigError: there is no ipywidgets.
            RoomClosedError: the room was left.
        """
        self._check_not_over()
        if self._sharing is None:
            try:
                from pyodide_rtc.widgets.sharing import Sharing
            except ModuleNotFoundError as error:
                raise ConfigError(
                    f"Widgets need {error.name}, which is not installed",
                    "Run %pip install ipywidgets.",
                ) from error
            self._sharing = Sharing(self.room, self.add_fault)
            self._let_widgets_hear()
        return self._sharing

    def _let_widgets_hear(self) -> None:
        """Let shared widgets hear their page past the running cell, if it runs their script."""
        opening = self._opening
        if self._sharing is not None and opening is not None and opening.draws_widgets:
            self._sharing.connect(opening.open_channel)

    def expose(self, function: F, name: str | None) -> F:
        """Let others call a function; as `Room.expose` tells."""
        self._check_not_over()
        self._contents.functions.add(function, name)
        self.calls.tell_names()
        return function

    def unexpose(self, function: object) -> None:
        """Let others call a function no longer; as `Room.unexpose` tells."""
        self._contents.functions.remove(function)
        self.calls.tell_names()

    # For calls and batons.

    async def until_open(self) -> None:
        """Wait until the room is open; raise what has ended it."""
        await self.until(lambda: self.stage == "open", None)

    def feed(self, event: CallEvent | BatonEvent) -> None:
        """Tell the room's machine what the user does, if the room is open."""
        if self._is_live:
            self._live.feed(event)

    def tell(self, kind: str, reason: str, peer_id: str | None = None) -> None:
        """Tell something to those who observe the room, of a peer if it is of one."""
        if peer_id is None:
            self._tell(RoomEvent(kind, reason=reason))
        else:
            self._tell_of(peer_id, kind, reason=reason)

    @property
    def snapshot(self) -> Snapshot:
        """How the room is at this moment."""
        return _CLOSED if self.backend is None else self.backend.snapshot()

    # For its documents.

    def read_document(self, name: str) -> DocumentSnapshot:
        """Return how a document is now; empty while it is not open."""
        if name == MAIN:
            snapshot = self.snapshot
            return DocumentSnapshot(snapshot.peers, snapshot.states)
        is_open = self._is_live and name in self._open_names
        return self._live.document(name) if is_open else DocumentSnapshot()

    def read_stored(self, name: str) -> Stored:
        """Return how a document is kept in this browser."""
        if self.backend is None:
            return Stored("opening")
        if name != MAIN and name not in self._open_names:
            return Stored("nowhere", "the document is closed")
        return stored_of(self.backend.stored.get(name))

    def soon(self, callback: Callable[[], None]) -> None:
        """Call back once the code that runs now has come to its end."""
        # The page may not be known yet; its way is faster than the loop's.
        later = background.soon if self._opening is None else self._opening.soon
        later(callback)

    def author_of(self, origin: object) -> str:
        """Name the peer whose update a transaction of this origin was; "" if it was none."""
        if isinstance(origin, PeerOrigin) and self.backend is not None:
            return self.backend.author(origin.link)
        return ""

    def is_loaded(self, name: str) -> bool:
        """Whether an open document has what this browser keeps of it, as far as it gives it."""
        return self._is_open and name in self._loaded

    def check_open(self, name: str) -> None:
        """Check that a document is open.

        Raises:
            ConfigError: it is closed.
        """
        if name != MAIN and name not in self._open_names:
            raise ConfigError(
                f"The document {name!r} is closed", f"Open it by room.document({name!r})."
            )

    def show_in(self, name: str, state: JsonObject | None) -> None:
        """Show this awareness state in a document as our own."""
        if self._activity is not None:
            self._activity.note()
        if self._is_live and (name == MAIN or name in self._open_names):
            self._live.show(name, state)

    def close_document(self, parts: DocumentParts) -> None:
        """Share a document no longer; twice is no error."""
        name = parts.name
        if name in self._open_names and self._documents[name] is parts:
            self._open_names.discard(name)
            self._loaded.discard(name)
            if self._is_live:
                self._live.close_document(name)
            parts.values.close()

    # For `Rooms`, which opens it.

    @property
    def backend(self) -> Backend | None:
        """What does its work; None until it is open."""
        return self._opening.backend if self._opening is not None and self._is_open else None

    @property
    def contents(self) -> Contents:
        """Its documents, which stay when it is left."""
        return self._contents

    def own(self) -> None:
        """Have its documents from now on: they belonged to another room before."""
        self._contents.belong_to(self, self.main.values)

    def begin(self, opening: Opening) -> None:
        """Begin to be opened by this."""
        self.own()
        self._name = opening.name
        self._opening = opening
        self._let_widgets_hear()

    def open(self) -> None:
        """Be open: from now on the backend does the work."""
        self._is_open = True
        self._live.show(MAIN, self.main.awareness.local_state)
        self._attendance_timer = DeadlineTimer(self._look_who_is_here)
        self._activity = Activity(self._show_idle)
        if self._user_to_keep is not None:
            self._keep_user(*self._user_to_keep)
        for name in sorted(self._open_names):
            self._share(self._documents[name])
        self.calls.tell_names()
        self._tell(RoomEvent("opened"))

    def take_in(self, documents: Mapping[str, bytes]) -> dict[str, bytes]:
        """Merge updates into the room's documents: name to update.

        Returns:
            the updates of those that are not open, and so are not stored by that.
        """
        self._contents.take_in(documents)
        return {n: u for n, u in documents.items() if n != MAIN and n not in self._open_names}

    def finish(self, error: RtcError) -> None:
        """Close all that there is of the room, and end it for this reason."""
        self._end = error
        sharing, self._sharing, self._resting = self._sharing, None, None
        if sharing is not None:  # what is still to be written is, as long as there are links
            self._resting = sharing.close(error)
        self.calls.close(error)
        self.batons.close(error)
        if self._opening is not None:
            self._opening.close()
        for parts in (self.main, *self._documents.values()):
            parts.values.pause()
        self.end(error)  # whoever is told of it may join again

    def end(self, error: RtcError) -> None:
        """End the room for this reason."""
        self._end = error
        if self._activity is not None:
            self._activity.close()
        if self._attendance_timer is not None:
            self._attendance_timer.set(None)
        if not isinstance(error, RoomClosedError):
            self.add_fault(error)
        self._tell(RoomEvent("left", reason=str(error)))
        if self._display is not None:
            self._display.finish()

    def add_fault(self, error: BaseException, count: int = 1, *, is_news: bool = True) -> None:
        """Keep a fault, and report it if it is news.

        Args:
            error: what went wrong.
            count: how often it came since the last time.
            is_news: whether to report it to those who observe the room.
        """
        self._faults.add(error, count)
        if not is_news:
            return
        times = "" if count == 1 else f" ({count} times)"
        self._tell(RoomEvent("fault", reason=f"{error}{times}", error=error))

    def on_notice(self, notice: Notice) -> None:  # noqa: C901 - one case each
        """Report a notice of the session to those who observe the room."""
        self._look()
        match notice:
            case fx.AwarenessChanged(document):
                self._tell_company(document, notice)
            case fx.PeersChanged(peer_id, change, reason):
                logger.info("= peer %s %s %s", peer_id[:8], change, reason)
                self._tell_of(peer_id, f"peer-{change}", reason=reason)
                if change == "left":
                    self._names.forget(peer_id)
                    self._tell_names()
            case fx.SyncChanged(document, peer_id, change):
                logger.info("= peer %s %s %r", peer_id[:8], change, document)
                self._tell_of(peer_id, f"peer-{change}", document=document)
            case fx.DocumentAtPeer(document, peer_id, is_open):
                kind = "document-opened" if is_open else "document-closed"
                self._tell_of(peer_id, kind, document=document)
            case fx.PeerExposed(peer_id):
                names = self.snapshot.exposed.get(peer_id, ())
                words = room_repr.listed([f"{name}()" for name in names]) or "nothing"
                self._tell_of(peer_id, "exposed", reason=words)
            case fx.CallCame():
                self.calls.come(notice)
            case fx.CallStopped():
                self.calls.stop(notice)
            case fx.CallAnswered() | fx.CallLost():
                self.calls.end(notice)
            case fx.BatonMoved():
                self.batons.move(notice)
            case fx.TransferMoved(peer_id, transfer):
                words = room_repr.transfer_words(transfer)
                self._tell_of(peer_id, "progress", reason=words, transfer=transfer)
            case fx.Report(error, count, is_news):
                self.add_fault(error, count, is_news=is_news)
            case DocumentLoaded(document):
                self._loaded.add(document)
                if self._is_open:  # else "opened" tells it
                    self._tell(RoomEvent("loaded", document=document))
            case DocumentUpdated():
                self._check_names_soon()
            case DocumentEdited():
                if self._activity is not None:
                    self._activity.note()
            case Keeping(document, event):
                self._on_keeping(document, event)
            case ServerOpened(url):
                self._tell_of_server(url, "server-open")
            case ServerChanged(url):
                if self.backend is not None:  # else the room is still being opened
                    self._tell_of_server(url, "server-changed")

    # Inside.

    def _draw(self, at: str) -> dict[str, str]:
        return {
            "text/plain": room_repr.as_text(self.room, at),
            "text/html": room_repr.as_html(self.room, at),
        }

    def _can_change_unseen(self) -> bool:
        """Whether something is shown that time alone changes, or puts an end to."""
        snapshot = self.snapshot
        is_counting = any(peer.busy_s is not None for peer in snapshot.peers)
        is_met = snapshot.has_strangers or snapshot.obstacle is not None
        return is_counting or is_met or snapshot.is_looking

    def _parts_of(self, name: str) -> DocumentParts:
        return self.main if name == MAIN else self._documents[name]

    @property
    def _is_live(self) -> bool:
        return self._is_open and self._end is None

    @property
    def _live(self) -> Backend:
        assert self._opening is not None, "it is live"
        return self._opening.backend

    def _share(self, parts: DocumentParts) -> Awaitable[None] | None:
        if not self._is_live:
            return None
        awareness = parts.awareness
        return self._live.open_document(parts.name, parts.doc, lambda: awareness.local_state)

    def _on_keeping(self, document: str, event: StorageEvent) -> None:
        where = (
            f"document {document!r} of room {self._name!r}" if document else f"room {self._name!r}"
        )
        match event:
            case NotKept(error) | CompactionFailed(error):
                self.add_fault(error)
            case KeptAgain():
                self._tell(RoomEvent("saved-again", document=document))
            case RecordsSetAside(count):
                self.add_fault(
                    StorageError(
                        f"{count} damaged records were found in what is kept of {where}. "
                        "What can be read of it is used, and they were set aside"
                    )
                )
            case NewerRecords(count):
                self.add_fault(
                    StorageError(
                        f"{count} records of {where} were written by a later version of "
                        "pyodide-rtc. They are left as they are: install that version to see them"
                    )
                )

    def _check_names_soon(self) -> None:
        if not self._is_check_due:
            self._is_check_due = True
            background.later(_CHECK_S, self._check_names)

    def _check_names(self) -> None:
        self._is_check_due = False
        for parts in (self.main, *self._documents.values()):
            parts.values.check_names()

    async def _next_event(self) -> None:
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.add(waiter)
        try:
            await waiter
        finally:
            self._waiters.discard(waiter)

    def _tell_company(self, document: str, change: fx.AwarenessChanged) -> None:
        self._tell_names()
        if document == MAIN:
            self._look_who_is_here()
        company = self._parts_of(document).company
        event = company.event(change)
        for callback in company.observers:
            self._call(callback, event)

    def _people(self) -> dict[int, Person]:
        snapshot = self.snapshot if self._is_live else _CLOSED
        return people.people(snapshot, self.main.doc.client_id)

    def _look_who_is_here(self) -> None:
        """Tell which people have come, and which have gone and are not back in time."""
        if not self._is_live or self._attendance_timer is None:
            return
        now_s = asyncio.get_running_loop().time()
        changes = self._attendance.look(self._people(), self.snapshot.states, now_s)
        self._attendance_timer.set(self._attendance.deadline_s)
        for change, person in changes:
            about = RoomEvent(f"person-{change}", person.peer_id, name=person.name, person=person)
            self._tell(about)

    def _show_idle(self, is_idle: bool) -> None:
        """Show that nobody does anything here, or somebody again."""
        state = self.main.awareness.local_state
        if state is not None and self.me.name and self._is_live:
            self.main.awareness.set_local_state(people.with_idle(state, is_idle=is_idle))

    def _keep_user(self, name: str | None, color: str | None) -> None:
        if self._opening is not None and self._is_open:
            self._user_to_keep = None
            self._opening.keep_user(name, color)
        else:
            before = self._user_to_keep or (None, None)
            self._user_to_keep = name or before[0], color or before[1]

    def _tell_names(self) -> None:
        """Tell by what names peers go: a name comes after the peer, and may change."""
        shown = {} if self.backend is None else self.backend.names()
        for peer_id, before, name in self._names.learn(shown):
            self._tell(RoomEvent("peer-named", peer_id, before, name=name))

    def _tell_of(self, peer_id: str, kind: str, **facts: Any) -> None:
        """Tell something of a peer, by the name that it shows or has shown."""
        self._tell_names()
        self._tell(RoomEvent(kind, peer_id, name=self._names.meet(peer_id), **facts))

    def _tell_of_server(self, url: str, kind: str) -> None:
        server = next((each for each in self.snapshot.servers if each.url == url), None)
        self._tell(RoomEvent(kind, reason=url, server=server))

    def _look(self) -> None:
        """What is shown of the room may have changed."""
        for shown in (self._display, self._panel, self._monitor):
            if shown is not None:
                shown.look()

    def _tell(self, event: RoomEvent) -> None:
        self._look()
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
            self._faults.add(error)


class Room(DocumentBase):
    """A named group that shares documents and knows who is in it.

    It has one document of its own, which stock y-webrtc pages share, too; `document` opens others.

    `join` makes it. The document can be used at once, alone or with others. What is edited before
    anybody is connected reaches the others later.

    Example:
        >>> room = pyodide_rtc.join("physics-101")
        >>> room.map("state")["n"] = 3
        >>> room  # shows who is here, and if nobody is, why
        >>> room.leave()

    Args:
        core: what the room does.
    """

    def __init__(self, core: RoomCore) -> None:
        if not isinstance(core, RoomCore):
            raise ConfigError("Room is not called", 'join() makes rooms: pyodide_rtc.join("demo").')
        super().__init__(core.main)
        self._core = core

    # What it is.

    @property
    def name(self) -> str | None:
        """The room's name; None while the page was not asked yet."""
        return self._core.name

    @property
    def topic(self) -> str | None:
        """The name that a JavaScript page gives to y-webrtc to be in this room."""
        return None if self._core.backend is None else self._core.backend.topic

    # How it is.

    @property
    def stage(self) -> RoomStage:
        """How far the room is, as a word: `"opening"`, `"open"`, `"left"` or `"failed"`.

        Only an open room reaches anybody.
        """
        return self._core.stage

    @property
    def people(self) -> tuple[Person, ...]:
        """The people in the room: who shows a name, ourselves first.

        A reload is neither a leave nor a join: see `observe`. `room.peers` lists connections.
        """
        return self._core.people

    @property
    def me(self) -> Me:
        """The person at this notebook, as the others see them; `room.me.set(name="Ada")`."""
        return self._core.me

    @property
    def servers(self) -> tuple[Server, ...]:
        """The signaling servers, by which people find each other."""
        return self._core.snapshot.servers

    @property
    def status(self) -> RoomStatus:
        """How the room is now: servers, peers, and one sentence about it."""
        return RoomStatus(self.stage, self.servers, self.peers, self.synced, self.why)

    @property
    def has_strangers(self) -> bool:
        """Whether somebody with another password, or none, sent something in the last minute."""
        return self._core.snapshot.has_strangers

    @property
    def ice_failure(self) -> IceFailedError | None:
        """Why the last peer that we found could not be reached.

        None once any peer was reached since, or once this one seems to have gone.
        """
        return self._core.snapshot.ice_failure

    @property
    def obstacle(self) -> str | None:
        """What keeps us from somebody who is here, and what to do, as a sentence; else None."""
        cause = causes.obstacle(self._core.snapshot)
        return None if cause is None else cause.value

    @property
    def error(self) -> RtcError | None:
        """The error that ended the room; None while it goes on."""
        return self._core.error

    @property
    def faults(self) -> Faults:
        """What went wrong while the room went on: each cause once, the latest last, at most 20.

        `room.faults.count(fault)` says how often it came.
        """
        return self._core.faults

    @property
    def why(self) -> str:
        """How the room is, in a sentence for each cause, with what to do if nobody is here."""
        return self._core.why

    @property
    def route(self) -> str:
        """How the kernel reaches the page, as one word; empty while opening."""
        return self._core.route

    @property
    def stored(self) -> Stored:
        """What this browser keeps of the documents that are open."""
        return self._core.stored

    @property
    def documents(self) -> dict[str, DocumentStatus]:
        """The documents beside the room's own that are open here or at a peer, sorted by name."""
        return self._core.documents

    @property
    def exposed(self) -> dict[str, ExposedFunction]:
        """The functions that this notebook and others have exposed, sorted by name."""
        return self._core.calls.exposed

    # What to do with it.

    def document(self, name: str, *, doc: Doc[Any] | None = None) -> Document:
        """Open another document of the room, and share it with all who have it open.

        It has its own content and presence, and travels by the same connections. What others have
        in it comes as soon as they are connected. Opening it twice gives the same document. Stock
        y-webrtc pages see only the room's own document.

        Example:
            >>> board = room.document("board")
            >>> board.map("state")["n"] = 3
            >>> board.close()

        Args:
            name: its name, a text of 1 to 1,024 bytes.
            doc: its content; by default a new one, or what it had when it was closed here.

        Raises:
            ConfigError: it is no name, was opened with another `doc`, or 1,000 are open already.
            RoomClosedError: the room was left.
        """
        return self._core.open_document(name, doc)

    def share(self, widget: W, name: str, *, traits: Iterable[str] | None = None) -> W:
        """Share a widget with all who share one of this type under the same name.

        The first one in gives the value, and later ones take the room's. This browser keeps it. A
        cell may be run again: the new widget takes the place of the old one. Of a box, the children
        that people can change are shared as well, by their positions.

        What one person changes is in the widgets of all others some milliseconds later. Of a widget
        that moves fast, 25 values a second are sent, and always the last one. What several type
        into one text at once is merged. If a widget refuses what comes, `room.faults` tells.

        Example:
            >>> slider = room.share(widgets.IntSlider(description="threshold"), "threshold")

        Args:
            widget: an ipywidget, or an anywidget.
            name: its name in the room.
            traits: the names of the traits that are shared; by default what people change by using
                the widget: its value, choice, text or tab. Of a class that others than ipywidgets
                have written, all public traits that the page has. Bounds, options and looks are
                what each notebook's own code says, unless they are named here.

        Returns:
            the widget.

        Raises:
            ValueRefusedError: it is no widget, the name is no text, a trait cannot be shared, or
                what the widget has now cannot be.
            NameInUseError: the name has a widget of another type; says which.
            TransactionError: another task has a transaction open.
            RoomClosedError: the room was left.
            ConfigError: ipywidgets is not installed.
        """
        self._core.sharing().share(widget, name, traits)
        return widget

    def unshare(self, widget: object) -> None:
        """Share a widget no longer, nor its children; twice is no error.

        It stays as it is, and so does what the room has of it.

        Example:
            >>> room.unshare(slider)

        Args:
            widget: what was shared.

        Raises:
            ValueRefusedError: it is no widget.
            RoomClosedError: the room was left.
        """
        self._core.sharing().unshare(widget)

    async def until_changed(self, widget: object, timeout_s: float | None = None) -> None:
        """Wait until a shared widget changes, whoever changes it.

        What others change arrives while a cell waits so.

        Example:
            >>> await room.until_changed(slider, 60)
            >>> slider.value

        Args:
            widget: a widget that is shared in this room.
            timeout_s: how long to wait, in seconds; None for ever.

        Raises:
            ChangeTimeoutError: it took longer.
            SharedValueError: the widget is not shared, or not any more.
            RoomClosedError: the room was left.
        """
        await self._core.sharing().until_changed(widget, timeout_s)

    @overload
    def expose(self, function: F, /, *, name: str | None = None) -> F: ...

    @overload
    def expose(self, /, *, name: str | None = None) -> Callable[[F], F]: ...

    def expose(self, function: Any = None, /, *, name: str | None = None) -> Any:
        """Let the other notebooks of the room call a function of this one, by its name.

        Whoever is in the room may call it, as often as they like: expose only what may be run for
        everybody here. Arguments come as values: text, numbers, bytes, None, lists and dicts. What
        it returns has to be such a value. What it raises is told to the caller, as text. A cell may
        be run again: the new function takes the place of the old one. `room.observe` tells of each
        call.

        If it has a keyword-only parameter `caller`, it gets the `Peer` that calls. It refuses a
        call by raising `CallRefusedError`. It may be `async`, and is cancelled if the caller waits
        no longer. While a plain function computes, this kernel does nothing else.

        Example:
            >>> @room.expose
            ... def grade(answer, *, caller):
            ...     if caller.name == "Eve":
            ...         raise pyodide_rtc.CallRefusedError("the exam is over")
            ...     return answer == 42

        Args:
            function: the function; or none, in `@room.expose(name="grade")`.
            name: the name by which others call it; by default its own.

        Returns:
            the function, as it is.

        Raises:
            ConfigError: it is no function, has no name, or 200 are exposed.
            RoomClosedError: the room was left.
        """
        if function is None:
            return lambda given: self._core.expose(given, name)
        return self._core.expose(function, name)

    def unexpose(self, function: Callable[..., Any] | str) -> None:
        """Let others call a function no longer; twice is no error.

        Calls that are running go on.

        Example:
            >>> room.unexpose("grade")

        Args:
            function: the function, or the name by which it is called.
        """
        self._core.unexpose(function)

    async def call(
        self,
        name: str,
        /,
        *args: object,
        peer: Peer | str | None = None,
        timeout_s: float | None = 30.0,
        **kwargs: object,
    ) -> Any:
        """Call a function that another notebook has exposed, and wait for what it returns.

        If this is cancelled, the function is as well. Up to 32 calls of this notebook run at one
        peer at a time; further ones wait here for their turn.

        Example:
            >>> await room.call("grade", 42, peer="Bob")

        Args:
            name: the function.
            *args: its positional arguments: text, numbers, bytes, None, lists and dicts of these,
                4 MiB in all. Tuples arrive as lists, 3.0 as 3.
            peer: who has exposed it: one of `room.peers`, or its name; may be left out if only one
                has.
            timeout_s: how long to wait, in seconds; None for ever.
            **kwargs: its named arguments, of the same kind.

        Returns:
            what the function has returned: such a value, too.

        Raises:
            NotExposedError: nobody has exposed it, or not this peer; says who has exposed what.
            ConfigError: several have: say whose function is meant.
            RemoteCallError: it has raised something; `type_name` and `text` tell what.
            CallRefusedError: it does not take this call.
            CallTimeoutError: there was no answer in time; says so if that kernel computes.
            CallLostError: the other one has gone meanwhile.
            ValueRefusedError: an argument cannot be sent, or is too large; says what to write.
            RoomClosedError: the room was left.
        """
        return await self._core.calls.call(name, args, kwargs, peer, timeout_s)

    def baton(self, name: str, *, timeout_s: float | None = None) -> Baton:
        """Return a baton of the room: one notebook at a time has it, within `async with`.

        It is free again when the block ends, and when its holder leaves, is restarted or crashes;
        then the next one gets it, in the order of asking. A kernel that computes keeps it.

        Example:
            >>> async with room.baton("run", timeout_s=60):
            ...     measure()
            >>> room.baton("run").holder

        Args:
            name: its name: who uses the same one has the same baton.
            timeout_s: how long `async with` waits for it, in seconds; None for ever.

        Raises:
            ConfigError: the name is no text of 1 to 200 bytes, or the time is no number.
        """
        return Baton(self._core.batons, name, timeout_s)

    async def export(self) -> bytes:
        """Return the room as a file: all its documents, those that are kept and not open included.

        `import_room` takes it in, here or in another browser. It is a ZIP with a `.ydoc` for each
        document, which stock Yjs reads. Nothing in it is encrypted, whatever the room's password.

        Example:
            >>> pathlib.Path("room.zip").write_bytes(await room.export())

        Raises:
            RoomClosedError: the room was left.
            StorageError: the browser refused to read what it keeps.
        """
        return await self._core.export_file()

    async def forget(self) -> None:
        """Leave the room, and remove all that this browser keeps of it, whatever its password.

        The others keep theirs: who joins again while they are here gets everything back.

        Example:
            >>> await room.forget()

        Raises:
            StorageError: the browser refused; or the room is open elsewhere in this browser, and
                the sentence says where. It is left here all the same.
            RtcError: the room could not be opened; says what to do.
        """
        await self._core.forget()

    async def until(self, is_true: Callable[[], bool], timeout_s: float | None) -> None:
        """Wait until something about the room is true; it is asked at each event.

        Example:
            >>> await room.until(lambda: len(room.peers) == 2, 60)

        Args:
            is_true: says whether it is true.
            timeout_s: how long to wait, in seconds; None for ever.

        Raises:
            SyncTimeoutError: it took longer; says why.
            RoomClosedError: the room was left.
            RtcError: the room could not be opened; says what to do.
        """
        await self._core.until(is_true, timeout_s)

    def observe(self, callback: Callable[[RoomEvent], object]) -> Observation:
        """Call back at each change of peers, servers and stage, and at each fault.

        What the callback prints or draws appears below the cell that calls this.

        Example:
            >>> observation = room.observe(print)  # <Bob is synced>
            >>> observation.cancel()

        Args:
            callback: called with a `RoomEvent`.

        Returns:
            the observation: `cancel()` ends it, and so does the end of a `with` block.

        Raises:
            ConfigError: the callback cannot be called.
        """
        return self._core.observe(callback)

    def panel(self) -> Any:
        """Return a panel of the room, to be shown by a cell: who is here, and how all is.

        It lists the people with their connections, the documents, what is kept and the signaling
        servers, and has a link for others, also as a QR code. By its buttons the room is left and
        joined again, and what is stored is forgotten; a running cell ends first. The panel stays up
        to date, and costs nothing while nobody sees it.

        Called again, it returns the same panel: a cell may be run again, and several may show it.
        A page that cannot draw widgets shows the same as HTML, without buttons.

        Example:
            >>> room.panel()
        """
        return self._core.panel()

    def monitor(self) -> Any:
        """Return a monitor of the room, to be shown by a cell: plots of the last five minutes.

        It draws how many bytes are sent and received a second, how long the network takes to each
        peer and back, and how many peers are connected and synced, and says all that in words as
        well. It takes a sample a second while it is on the screen, and costs nothing else.

        Called again, it returns the same monitor: a cell may be run again, and several may show it.
        A page that cannot draw widgets shows the words as HTML, brought up to date every 5 s.

        Example:
            >>> room.monitor()
        """
        return self._core.monitor()

    def leave(self) -> None:
        """Leave the room: the others see it at once. The document stays; twice is no error.

        Example:
            >>> room.leave()
        """
        self._core.leave()

    def __repr__(self) -> str:
        return room_repr.as_text(self, time_of_day())

    def _repr_html_(self) -> str:
        return room_repr.as_html(self, time_of_day())

    def _ipython_display_(self) -> None:
        """Show the room as the output of a cell, brought up to date as long as it is joined.

        Raises:
            NotImplementedError: outputs cannot be replaced here. IPython then shows it once.
        """
        self._core.display()
