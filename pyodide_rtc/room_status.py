"""How a room is at one moment: the values of its properties and the contents of its events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from pyodide_rtc import room_repr
from pyodide_rtc.people import Person
from pyodide_rtc.snapshot import Peer, Server, Transfer
from pyodide_rtc.storage import KeeperStatus

__all__ = [
    "Peer",
    "Person",
    "RoomEvent",
    "RoomStage",
    "RoomStatus",
    "Server",
    "Stored",
]

if TYPE_CHECKING:
    RoomStage = Literal["opening", "open", "left", "failed"]
else:
    RoomStage = str
    """What completes code in notebooks (jedi 0.20) fails at a property that returns a `Literal`."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What this browser keeps of a room, or of one of its documents.

    Args:
        where: `"browser"` for its database, `"page"` for the page's `localStorage`, `"memory"` if
            the browser refuses both, so that nothing outlasts the kernel; `"nowhere"` if it was
            joined with `store=False`; `"opening"` while that is not known yet.
        reason: why it is not in the database, or not saved, as a sentence; empty if all is well.
        size_bytes: how large it is there.
        is_saved: whether everything that was changed here is kept.
    """

    where: Literal["opening", "browser", "page", "memory", "nowhere"]
    reason: str = ""
    size_bytes: int = 0
    is_saved: bool = False

    def __repr__(self) -> str:
        return f"<Stored: {room_repr.one_line(room_repr.stored_words(self))}>"


def stored_of(status: KeeperStatus | None) -> Stored:
    """Tell users what a keeper says of itself; None is that there is none."""
    if status is None:
        return Stored("nowhere", "the room was joined with store=False, or the site keeps nothing")
    reason = "" if status.error is None else str(status.error)
    if status.keeping is None:
        return Stored("opening", reason)
    reason = reason or status.keeping.reason
    is_saved = status.is_saved and status.keeping.kind != "memory"
    return Stored(status.keeping.kind, reason, status.size_bytes, is_saved)


@dataclass(frozen=True, slots=True)
class RoomStatus:
    """How a room is, at one moment.

    Args:
        stage: as `Room.stage`.
        servers: the signaling servers.
        peers: the others, those on their way included.
        synced: whether at least one peer is here, each has sent all that it had, and no edits wait
            for any of them.
        why: all this in one sentence, with what to do if nobody is here.
    """

    stage: RoomStage
    servers: tuple[Server, ...]
    peers: tuple[Peer, ...]
    synced: bool
    why: str

    def __repr__(self) -> str:
        return room_repr.status_text(self)


@dataclass(frozen=True, slots=True)
class RoomEvent:
    """Something changed in a room.

    Args:
        kind: `"opened"`, `"peer-joined"`, `"peer-named"` (a moment later, and when the name
            changes), `"peer-synced"`, `"peer-changed"` (see `Peer`), `"peer-left"`,
            `"person-joined"`, `"person-left"` (see `Person`; who is back within 15 s, as after a
            reload, has neither left nor joined),
            `"document-opened"`, `"document-closed"`, `"exposed"` (other functions than before),
            `"call"` (of a function of ours), `"baton"`, `"progress"`, `"server-open"`,
            `"server-changed"`, `"loaded"`, `"saved-again"`, `"fault"` or `"left"`.
        peer_id: the peer, for those kinds.
        reason: in plain words; the address, for servers; the name before, for `"peer-named"`.
        error: what went wrong, for `"fault"`; the room goes on.
        transfer: how far it is, for `"progress"`: at most ten events a second, and one at its end.
        document: the document that a peer has opened, closed or is synced in, or that is loaded
            or saved again; empty for the room's own.
        name: the name by which the peer is or was shown, if any: text from outside, never trusted.
            No two go by one name at a time: it may be `"Ada (2)"`, as in `Peer.name`.
        server: how the server is now, for those kinds.
        person: who has come or gone, for those kinds.
    """

    kind: str
    peer_id: str | None = None
    reason: str = ""
    error: BaseException | None = None
    transfer: Transfer | None = None
    document: str = ""
    name: str | None = None
    server: Server | None = None
    person: Person | None = None

    def __repr__(self) -> str:
        return f"<{room_repr.event_words(self)}>"
