"""What users hold of one document of a room: its content, who has it open, and how far they are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pycrdt import Array, Doc, Map, Text

from pyodide_rtc import room_repr
from pyodide_rtc.awareness import Awareness
from pyodide_rtc.errors import ConfigError
from pyodide_rtc.protocol.events import JsonObject
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


class DocumentRoom(Protocol):
    """What a document needs of its room."""

    def read_document(self, name: str) -> DocumentSnapshot:
        """Return how a document is now; empty while it is not open."""

    def show_in(self, name: str, state: JsonObject | None) -> None:
        """Show this awareness state in a document as our own."""

    async def until(self, is_true: Callable[[], bool], timeout_s: float | None) -> None:
        """Wait until something is true."""

    def close_document(self, document: Document) -> None:
        """Share a document no longer."""


class Document:
    """A document of a room, beside the room's own.

    `Room.document` opens it. It travels by the room's connections, to those who have it open.

    Args:
        name: its name.
        doc: its content.
        room: its room.
        state: our awareness state in it at the start.
    """

    def __init__(self, name: str, doc: Doc[Any], room: DocumentRoom, state: JsonObject) -> None:
        self._name = name
        self._doc = doc
        self._room = room
        self._awareness = Awareness(
            doc.client_id,
            state,
            lambda state: room.show_in(name, state),
            lambda: dict(room.read_document(name).states),
        )

    @property
    def name(self) -> str:
        """The document's name."""
        return self._name

    @property
    def doc(self) -> Doc[Any]:
        """The document as pycrdt has it."""
        return self._doc

    @property
    def awareness(self) -> Awareness:
        """Who has the document open, and what each shows of itself in it."""
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

    @property
    def peers(self) -> tuple[Peer, ...]:
        """The others who have the document open, with how far they are in it."""
        return self._room.read_document(self._name).peers

    @property
    def synced(self) -> bool:
        """Whether at least one other has the document open, and each has sent all that it had."""
        peers = self.peers
        return bool(peers) and all(p.is_synced for p in peers)

    async def until_synced(self, timeout_s: float | None = None) -> None:
        """Wait until another has the document open, and each of them has sent all that it had.

        Args:
            timeout_s: how long to wait, in seconds; None for ever.

        Raises:
            SyncTimeoutError: it took longer; says why.
            RoomClosedError: the room was left.
            RtcError: the room could not be opened; says what to do.
        """
        await self._room.until(lambda: self.synced, timeout_s)

    def close(self) -> None:
        """Share the document no longer; twice is no error.

        Its content stays as it is. `Room.document` with its name opens it again.
        """
        self._room.close_document(self)

    def __repr__(self) -> str:
        return room_repr.document_text(self)
