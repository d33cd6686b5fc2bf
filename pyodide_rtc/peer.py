"""What a room tells of a peer. The machine of the room makes it, and users hold it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


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
