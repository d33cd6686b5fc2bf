"""How a room is at one moment: who is in it, and by which signaling servers they are found.

The room's backend makes a snapshot; `Room` shows it to users.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pyodide_rtc import room_repr
from pyodide_rtc.errors import IceFailedError


@dataclass(frozen=True, slots=True)
class Transfer:
    """A large frame, or several that belong together, on the way to a peer or from it.

    Args:
        direction: whether we receive or send.
        done_bytes: how much we have received, or have given to the browser.
        total_bytes: the whole size.
    """

    direction: Literal["receiving", "sending"]
    done_bytes: int
    total_bytes: int

    def __repr__(self) -> str:
        return f"<Transfer: {room_repr.transfer_words(self)}>"


@dataclass(frozen=True, slots=True)
class Peer:
    """Somebody else in the room.

    Args:
        peer_id: the network identity.
        name: the name by which the peer is shown, if any: text from outside, never trusted. Of two
            who have one name, one is shown as `"Ada (2)"`, the same one by everybody.
        via: how it is reached: `"webrtc"`, or `"tab"` within this browser.
        is_connected: whether edits can reach it now.
        is_synced: whether it has sent all that it had when it was connected, we lack nothing that
            it has reported since (see `ahead`), and no edits wait for it (see `edits_wait`).
        ahead: how many units of its document we lacked at the last comparison (a unit is a
            character of a text, an item, a value set); None before that, and for stock peers and
            tabs.
        behind: how many units of our document it lacked then; None as with `ahead`.
        is_relayed: whether a TURN server passes everything on; None while that is not known.
        round_trip_ms: how long the network takes to it and back, in milliseconds, as the browser
            measured it last: a second after connecting, and every 2 s while a panel or a monitor of
            the room is shown. None in this browser, and while it is not known.
        transfers: the large transfers (from 1 MB on) to it and from it.
        unknown_messages: how many messages it has sent that are of unknown types, or of documents
            that are not open here; we ignored them. For tabs: how many all of them together.
        retries: how often we have looked for a network path to it in vain, while it is not
            connected.
        busy_s: for how many seconds its kernel has not answered, from 5 s on: it computes, waits in
            `input()`, or is asleep. None while it answers, and for stock peers. In this browser it
            is noticed only after 6 to 21 s.
        is_asleep: whether, while it is busy, its page does not answer either, but its browser does:
            the browser has frozen the page, or the page is busy, too.
        edits_wait: whether it became busy before it had taken all that was written here, as far as
            we know; until it has.
        client_id: the client id of its main document, by which `room.awareness.states` has what it
            shows; None for stock peers, which do not tell it.
    """

    peer_id: str
    name: str | None
    via: Literal["webrtc", "tab"]
    is_connected: bool
    is_synced: bool
    ahead: int | None = None
    behind: int | None = None
    is_relayed: bool | None = None
    round_trip_ms: float | None = None
    transfers: tuple[Transfer, ...] = ()
    unknown_messages: int = 0
    retries: int = 0
    busy_s: float | None = None
    is_asleep: bool = False
    edits_wait: bool = False
    client_id: int | None = None

    def __repr__(self) -> str:
        return f"<Peer {room_repr.peer_words(self)}>"


@dataclass(frozen=True, slots=True)
class DocumentSnapshot:
    """A document of a room at one moment.

    Args:
        peers: those who have it open, with how far they are in it.
        states: the awareness states in it, our own included, by client id.
    """

    peers: tuple[Peer, ...] = ()
    states: Mapping[int, dict[str, object]] = field(default_factory=dict)


SOCKETS_REFUSED = "WebSockets are refused"
"""The `reason` of a server whose address answers http requests, and lets no WebSocket pass."""


@dataclass(frozen=True, slots=True)
class Server:
    """A signaling server, as the room sees it.

    Args:
        url: its address.
        state: `"connecting"`, `"open"`, `"waiting"` for the next attempt, or `"closed"`.
        reason: what went wrong last; empty while all is well.
        retry_in_s: in how many seconds the next attempt comes, in the state `"waiting"`.
    """

    url: str
    state: str
    reason: str
    retry_in_s: float | None = None

    def __repr__(self) -> str:
        return f"<Server {room_repr.one_line(room_repr.server_words(self))}>"


@dataclass(frozen=True, slots=True)
class BatonState:
    """Who has a baton.

    Args:
        holder: the peer id of who holds it; None if nobody does.
        waiting: the peer ids of those who wait for it, in the order in which they get it.
    """

    holder: str | None = None
    waiting: tuple[str, ...] = ()


class Obstacle(enum.Enum):
    """What keeps us from somebody who is in the room."""

    NO_WEBRTC_HERE = "our browser makes no peer connections"
    NO_WEBRTC_THERE = "their browser makes no peer connections"
    NO_ADDRESS_HERE = "no network path: our browser gives no address (ICE candidate)"
    NO_ADDRESS_THERE = "no network path: their browser gives no address (ICE candidate)"
    NO_PATH = "no network path"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """An open room at one moment.

    Args:
        peer_id: our own network identity.
        peers: the others, those on their way included.
        servers: the signaling servers.
        states: the awareness states of all who are here, our own included, by client id.
        documents: who has which other document open, by its name: peer ids.
        has_strangers: whether somebody with another password, or none, has sent something lately.
        ice_failure: why the last peer that we found could not be reached; None once one was.
        obstacle: what keeps us from somebody who is here, and did so in the last attempt.
        is_looking: whether a peer was lost a moment ago before it was linked.
        exposed: which functions each peer has exposed, by peer id.
        batons: who has which baton, by name.
    """

    peer_id: str
    peers: tuple[Peer, ...] = ()
    servers: tuple[Server, ...] = ()
    states: Mapping[int, dict[str, object]] = field(default_factory=dict)
    documents: Mapping[str, list[str]] = field(default_factory=dict)
    has_strangers: bool = False
    ice_failure: IceFailedError | None = None
    obstacle: Obstacle | None = None
    is_looking: bool = False
    exposed: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    batons: Mapping[str, BatonState] = field(default_factory=dict)
