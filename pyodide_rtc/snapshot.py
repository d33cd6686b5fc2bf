"""How a room is at one moment: who is in it, and by which servers they are found.

Whatever does the work of a room makes a snapshot, and users hold it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pyodide_rtc.errors import IceFailedError


@dataclass(frozen=True, slots=True)
class Transfer:
    """Something large on its way.

    Args:
        direction: which way.
        done_bytes: how much has come, or has been given to the browser.
        total_bytes: how much it is.
    """

    direction: Literal["receiving", "sending"]
    done_bytes: int
    total_bytes: int


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody else in the room.

    Args:
        peer_id: the network identity.
        name: the name that the peer shows, if any: text from outside, never trusted.
        via: how it is reached: `"webrtc"`, or `"tab"` within this browser.
        is_connected: whether edits can reach it now.
        is_synced: whether it has told all that it had when it was connected, and nothing is missing
            of what it has told since (see `ahead`).
        ahead: how many units of its document we lacked when we were last compared (a character of a
            text, an item, a value set); None before that, and for stock peers and tabs.
        behind: how many units of ours it lacked then; None as with `ahead`.
        is_relayed: whether a TURN server passes everything on; None while that is not known.
        transfers: what is large (from 1 MB on) and on its way to it or from it.
        unknown_messages: how many messages of unknown types it has sent, which were ignored; of
            tabs, how many all of them together.
        retries: how often a network path to it was looked for in vain, while it is not connected.
    """

    peer_id: str
    name: str | None
    via: Literal["webrtc", "tab"]
    is_connected: bool
    is_synced: bool
    ahead: int | None = None
    behind: int | None = None
    is_relayed: bool | None = None
    transfers: tuple[Transfer, ...] = ()
    unknown_messages: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Server:
    """A signaling server, as the room sees it.

    Args:
        url: its address.
        state: `"connecting"`, `"open"`, `"waiting"` for the next attempt, or `"closed"`.
        reason: what went wrong last; empty while all is well.
        retry_in_s: in how many seconds the next attempt comes, while it waits for that.
    """

    url: str
    state: str
    reason: str
    retry_in_s: float | None = None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An open room at one moment.

    Args:
        peer_id: our own network identity.
        peers: the others, those on their way included.
        servers: the signaling servers.
        states: what everybody shows of themselves, by client id, ourselves included.
        has_strangers: whether somebody with another password, or none, was heard lately.
        ice_failure: how the last peer that was found was not reached; None once one was.
    """

    peer_id: str
    peers: tuple[Peer, ...] = ()
    servers: tuple[Server, ...] = ()
    states: Mapping[int, dict[str, object]] = field(default_factory=dict)
    has_strangers: bool = False
    ice_failure: IceFailedError | None = None
