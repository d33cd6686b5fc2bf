"""How a room is, at one moment: what its properties give and its events tell."""

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
        synced: whether there is somebody, and all of them have told what they had.
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
            `"peer-left"`, `"progress"`, `"server-open"`, `"server-changed"`, `"fault"` or `"left"`.
        peer_id: the peer, for those kinds.
        reason: in plain words; the address, for servers.
        error: what went wrong, for `"fault"`; the room goes on.
        transfer: how far it is, for `"progress"`: told at most ten times a second, and at its end.
    """

    kind: str
    peer_id: str | None = None
    reason: str = ""
    error: BaseException | None = None
    transfer: Transfer | None = None
