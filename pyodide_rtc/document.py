"""What users hold of one document of a room: its content, who has it open, and how far they are."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

from pycrdt import Doc

from pyodide_rtc import room_repr
from pyodide_rtc.awareness import Awareness, Company
from pyodide_rtc.errors import ConfigError
from pyodide_rtc.protocol.events import JsonObject
from pyodide_rtc.room_status import Stored
from pyodide_rtc.shared import (
    SharedList,
    SharedMap,
    SharedNamespace,
    SharedText,
    SharedValue,
    UndoManager,
    Values,
)
from pyodide_rtc.snapshot import DocumentSnapshot, Peer
from pyodide_rtc.wire.messages import MAX_DOCUMENT_NAME_BYTES

__all__ = ["Document", "DocumentStatus"]

_REMEDY = f"Give a text of 1 to {MAX_DOCUMENT_NAME_BYTES} bytes."


def check_document_name(name: object) -> str:
    """Return the name of a document, if it is one.

    Raises:
        ConfigError: it is no text, empty, or too long.
    """
    if not isinstance(name, str) or not name:
        raise ConfigError(f"{name!r} is no name of a document", _REMEDY)
    size = len(name.encode(errors="surrogatepass"))
    if size > MAX_DOCUMENT_NAME_BYTES:
        raise ConfigError(f"The document's name {name[:20]!r}... has {size} bytes", _REMEDY)
    try:
        name.encode()
    except UnicodeEncodeError:
        raise ConfigError(f"{name!r} is half a character somewhere", _REMEDY) from None
    return name


@dataclass(frozen=True, slots=True)
class DocumentStatus:
    """A document of a room, at one moment.

    Args:
        name: its name.
        is_open: whether it is open in this notebook.
        peers: the others who have it open.
    """

    name: str
    is_open: bool
    peers: tuple[Peer, ...]

    def __repr__(self) -> str:
        here = "open here" if self.is_open else "not open here"
        return f"<{room_repr.document_text(self)}; {here}>"


class DocumentRoom(Protocol):
    """What a document needs of its room."""

    @property
    def name(self) -> str | None:
        """The room's name; None while it is not known yet."""

    def read_document(self, name: str) -> DocumentSnapshot:
        """Return how a document is now; empty while it is not open."""

    def read_stored(self, name: str) -> Stored:
        """Return how a document is kept in this browser."""

    def show_in(self, name: str, state: JsonObject | None) -> None:
        """Show this awareness state in a document as our own."""

    def soon(self, callback: Callable[[], None]) -> None:
        """Call back once the code that runs now has come to its end."""

    def add_fault(self, error: BaseException) -> None:
        """Keep a fault and report it."""

    def author_of(self, origin: object) -> str:
        """Name the peer whose update a transaction of this origin was; "" if it was none."""

    async def until(self, is_true: Callable[[], bool], timeout_s: float | None) -> None:
        """Wait until something is true."""

    def is_loaded(self, name: str) -> bool:
        """Whether an open document has what this browser keeps of it, as far as it gives it."""

    def check_open(self, name: str) -> None:
        """Check that a document is open.

        Raises:
            ConfigError: it is closed.
        """

    def close_document(self, parts: DocumentParts) -> None:
        """Share a document no longer."""


class DocumentParts:
    """What a document of a room consists of, for the package: users hold a `DocumentBase` of it.

    Args:
        name: its name; empty for the room's own.
        values: its shared values.
        its_room: finds the room that has it now.
        state: our awareness state in it at the start.
    """

    def __init__(
        self, name: str, values: Values, its_room: Callable[[], DocumentRoom], state: JsonObject
    ) -> None:
        def states() -> dict[int, JsonObject]:
            return dict(its_room().read_document(name).states)

        self.name = name
        self.values = values
        self.company = Company(states)
        self.awareness = Awareness(
            values.doc.client_id,
            state,
            lambda state: its_room().show_in(name, state),
            states,
            self.company.observers,
            lambda: room_repr.place(name, its_room().name),
        )
        self._its_room = its_room

    @property
    def doc(self) -> Doc[Any]:
        """Its content."""
        return self.values.doc

    @property
    def room(self) -> DocumentRoom:
        """The room that has it now."""
        return self._its_room()

    @cached_property
    def document(self) -> Document:
        """What users hold of it, always the same; a room's own is held as the room."""
        return Document(self)


class DocumentBase:
    """What each document of a room offers: its shared values, and who is in it.

    Args:
        parts: what it consists of.
    """

    def __init__(self, parts: DocumentParts) -> None:
        self._parts = parts

    @property
    def doc(self) -> Doc[Any]:
        """The document as pycrdt has it."""
        return self._parts.doc

    @property
    def awareness(self) -> Awareness:
        """Who has the document open, and what each shows of itself in it."""
        return self._parts.awareness

    def map(self, name: str) -> SharedMap:
        """Return the shared map of this name: a dict for all who have the document.

        Example:
            >>> state = room.map("state")
            >>> state["n"] = 3

        Args:
            name: its name. Two people who use one name have one value, whoever was first.

        Raises:
            NameInUseError: the name is used as another kind of value here.
            TransactionError: the name is new, and this is inside an observer of pycrdt.
        """
        return self._parts.values.map(name)

    def list(self, name: str) -> SharedList:
        """Return the shared list of this name: a list for all who have the document.

        Example:
            >>> todo = room.list("todo")
            >>> todo.append({"task": "measure", "done": False})

        Args:
            name: its name. Two people who use one name have one value, whoever was first.

        Raises:
            NameInUseError: the name is used as another kind of value here.
            TransactionError: the name is new, and this is inside an observer of pycrdt.
        """
        return self._parts.values.list(name)

    def text(self, name: str) -> SharedText:
        """Return the shared text of this name: a text for all who have the document.

        Example:
            >>> notes = room.text("notes")
            >>> notes += "measured twice"

        Args:
            name: its name. Two people who use one name have one value, whoever was first.

        Raises:
            NameInUseError: the name is used as another kind of value here.
            TransactionError: the name is new, and this is inside an observer of pycrdt.
        """
        return self._parts.values.text(name)

    @property
    def state(self) -> SharedNamespace:
        """What all who have the document share by name: `room.state.n = 3`. It is `map("state")`.

        Raises:
            NameInUseError: when it is used, if `state` is the name of another kind of value here.
        """
        return SharedNamespace(lambda: self.map("state"))

    def transaction(self) -> AbstractContextManager[None]:
        """Group changes into one: others see all of them at once, and observers get one event.

        If the block raises, what it did is taken back, and observers are not told of it. Values
        in maps and lists that it removed are new ones then: read them anew. What cannot be taken
        back: changes of pycrdt's own objects, and a block inside of a transaction of pycrdt. A
        block within another one is a part of it.

        Do not await in the block: changes of others wait for its end.

        Example:
            >>> with room.transaction():
            ...     state["x"] = 1
            ...     state["y"] = 2

        Raises:
            TransactionError: another task has a transaction open, or this is inside an observer
                of pycrdt.
        """
        return self._parts.values.transaction()

    def undo_manager(self, *scopes: SharedValue, group_s: float = 0.5) -> UndoManager:
        """Return what undoes and redoes the changes that this notebook makes from now on.

        Example:
            >>> undo = room.undo_manager(state)
            >>> state["n"] = 4
            >>> undo.undo()

        Args:
            *scopes: the shared values whose changes count, with all that is in them; by default
                all that have a name and were used so far. Texts, and lists and maps of plain values
                are safe; see `UndoManager` for nested ones.
            group_s: changes that follow each other within so many seconds are undone together.

        Raises:
            ConfigError: a scope is no shared value.
            TransactionError: a transaction is open.
            ValueRemovedError: a scope is not in the document any more.
        """
        return self._parts.values.undo_manager(*scopes, group_s=group_s)

    @property
    def stored(self) -> Stored:
        """How the document is kept in this browser."""
        return self._parts.room.read_stored(self._parts.name)

    @property
    def peers(self) -> tuple[Peer, ...]:
        """The others who have the document open, with how far they are in it."""
        return self._parts.room.read_document(self._parts.name).peers

    @property
    def synced(self) -> bool:
        """Whether at least one other has the document open, and each has sent all that it had.

        False also while somebody who does not answer has not taken what was written here.
        """
        peers = self.peers
        return bool(peers) and all(p.is_synced for p in peers)

    async def until_loaded(self, timeout_s: float | None = None) -> None:
        """Wait until the document has what this browser keeps of it.

        Where the kernel can wait (most browsers), `join` and `Room.document` have done so already.

        Example:
            >>> await room.until_loaded(10)

        Args:
            timeout_s: how long to wait, in seconds; None for ever.

        Raises:
            SyncTimeoutError: it took longer; says why.
            ConfigError: the document is closed.
            RoomClosedError: the room was left.
            RtcError: the room could not be opened; says what to do.
        """
        await self._until(lambda: self._parts.room.is_loaded(self._parts.name), timeout_s)

    async def until_synced(self, timeout_s: float | None = None) -> None:
        """Wait until another has the document open, and each of them has sent all that it had.

        Example:
            >>> await room.until_synced(60)

        Args:
            timeout_s: how long to wait, in seconds; None for ever.

        Raises:
            SyncTimeoutError: it took longer; says why.
            ConfigError: the document is closed.
            RoomClosedError: the room was left.
            RtcError: the room could not be opened; says what to do.
        """
        await self._until(lambda: self.synced, timeout_s)

    async def _until(self, is_true: Callable[[], bool], timeout_s: float | None) -> None:
        def ask() -> bool:
            self._parts.room.check_open(self._parts.name)
            return is_true()

        await self._parts.room.until(ask, timeout_s)


class Document(DocumentBase):
    """A document of a room, beside the room's own.

    `Room.document` opens it. It travels by the room's connections, to those who have it open. Who
    leaves the room and joins it again in the same kernel has the same document.

    Example:
        >>> board = room.document("board")
        >>> board.map("state")["n"] = 3

    Args:
        parts: what it consists of.
    """

    @property
    def name(self) -> str:
        """The document's name."""
        return self._parts.name

    def close(self) -> None:
        """Share the document no longer; twice is no error.

        Its content stays as it is. `Room.document` with its name opens it again.

        Example:
            >>> board.close()
        """
        self._parts.room.close_document(self._parts)

    def __repr__(self) -> str:
        return room_repr.document_text(self)
