"""How a room is at one moment: the values of its properties and the contents of its events."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from pyodide_rtc.snapshot import Peer, Server, Transfer

__all__ = ["Peer", "RoomEvent", "RoomStatus", "Server"]


@dataclass(frozen=True, slots=True)
class RoomStatus:
    """How a room is, at one moment.

    Args:
        state: as `Room.state`.
        servers: the signaling servers.
        peers: the others, those on their way included.
        synced: whether at least one peer is here, and each has sent all that it had.
        why: all this in one sentence, with what to do if nobody is here.
    """

    state: Literal["opening", "open", "left", "failed"]
    servers: tuple[Server, ...]
    peers: tuple[Peer, ...]
    synced: bool
    why: str


@dataclass(frozen=True, slots=True)
class RoomEvent:
    """Something changed in a room.

    Args:
        kind: `"opened"`, `"peer-joined"`, `"peer-synced"`, `"peer-changed"` (see `Peer`),
            `"peer-left"`, `"document-opened"`, `"document-closed"`, `"progress"`,
            `"server-open"`, `"server-changed"`, `"fault"` or `"left"`.
        peer_id: the peer, for those kinds.
        reason: in plain words; the address, for servers.
        error: what went wrong, for `"fault"`; the room goes on.
        transfer: how far it is, for `"progress"`: at most ten events a second, and one at its end.
        document: the document that a peer has opened, closed or is synced in; empty for the room's
            own.
    """

    kind: str
    peer_id: str | None = None
    reason: str = ""
    error: BaseException | None = None
    transfer: Transfer | None = None
    document: str = ""
