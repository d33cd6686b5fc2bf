"""What a room wants done: the effects that `RoomMachine.handle` returns, in order.

Those of connections (`ConnectionEffect`) and those of a document (`DocumentEffect`), which name it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pyodide_rtc.errors import RtcError
from pyodide_rtc.protocol.events import ChannelSide, LinkId
from pyodide_rtc.snapshot import Transfer
from pyodide_rtc.wire.messages import StateCheck
from pyodide_rtc.wire.payload import Announce, SignalMessage


@dataclass(frozen=True, slots=True)
class PublishPayload:
    """Publish on the room's topic; by this server, or by all that are open.

    Args:
        payload: what to say.
        url: the server.
    """

    payload: Announce | SignalMessage
    url: str | None = None


@dataclass(frozen=True, slots=True)
class OpenTransport:
    """Open a peer connection under this number; an initiator offers at once.

    Peers of our own kind talk by the agreed data channel, stock peers by one in band.
    """

    conn: int
    is_initiator: bool
    is_own_kind: bool


@dataclass(frozen=True, slots=True)
class RestartIce:
    """Look for a new network path under the same connection: `DescriptionMade` gives the offer."""

    conn: int


@dataclass(frozen=True, slots=True)
class AcceptDescription:
    """Set the remote description; an offer is answered."""

    conn: int
    kind: Literal["offer", "answer"]
    sdp: str


@dataclass(frozen=True, slots=True)
class AddCandidate:
    """Add a remote ICE candidate."""

    conn: int
    candidate: str
    sdp_m_line_index: int | None
    sdp_mid: str | None


@dataclass(frozen=True, slots=True)
class CloseTransport:
    """Close the peer connection; gently, that is after what was sent has gone, or at once."""

    conn: int
    is_gentle: bool = False


@dataclass(frozen=True, slots=True)
class DropHeld:
    """Drop the frames of a link that wait for their turn."""

    link: LinkId


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Send a small frame by the data channel of that side, before all large ones that wait."""

    conn: int
    side: ChannelSide
    data: bytes


@dataclass(frozen=True, slots=True)
class SendBulk:
    """Send large frames by the data channel of that side, when small ones leave room.

    Args:
        conn: the connection.
        side: the data channel.
        frames: they belong together, and go in this order.
        chunk_bytes: the size of the chunks that they are cut to; None if they go whole.
    """

    conn: int
    side: ChannelSide
    frames: tuple[bytes, ...]
    chunk_bytes: int | None


@dataclass(frozen=True, slots=True)
class SendTabFrame:
    """Send a frame to the other tabs."""

    data: bytes


@dataclass(frozen=True, slots=True)
class AskState:
    """Answer with `StateVectorRead`, and in it the whole state if it is small enough.

    Args:
        link: whom to tell.
        max_state_bytes: what its size has to be below.
    """

    document: str
    link: LinkId
    max_state_bytes: int


@dataclass(frozen=True, slots=True)
class AskCheck:
    """Answer with `CheckRead`: what we have, to be told by this link or (None) by all."""

    document: str
    link: LinkId | None = None


@dataclass(frozen=True, slots=True)
class AskComparison:
    """Answer with `Compared`: what we have, beside what this link has."""

    document: str
    link: LinkId
    theirs: StateCheck


@dataclass(frozen=True, slots=True)
class AskBeyond:
    """Answer with `DiffRead`: what we have that no state vector tells."""

    document: str
    link: LinkId


@dataclass(frozen=True, slots=True)
class WatchTabPeer:
    """Tell by `TabPeerGone` when this peer of the same browser has ended."""

    peer_id: str


@dataclass(frozen=True, slots=True)
class AskDiff:
    """Answer with `DiffRead`: what a document with this state vector lacks.

    Args:
        link: whom to tell.
        state_vector: what is there.
        is_answer: whether the peer has asked, with its own state vector.
    """

    document: str
    link: LinkId
    state_vector: bytes
    is_answer: bool = True


@dataclass(frozen=True, slots=True)
class ApplyUpdate:
    """Apply an update to the document, the link as its origin.

    Args:
        link: where it came from.
        update: what to apply.
        is_answer: whether to say `AnswerApplied` once it is in the document.
    """

    document: str
    link: LinkId
    update: bytes
    is_answer: bool = False


@dataclass(frozen=True, slots=True)
class PeersChanged:
    """Tell the user that a peer came, went, or that something else of its connection changed.

    With the client id of the peer's main document, if it told.
    """

    peer_id: str
    change: Literal["joined", "changed", "left"]
    reason: str = ""
    client_id: int | None = None


@dataclass(frozen=True, slots=True)
class SyncChanged:
    """Tell the user that a peer has told all that it has of a document, or is ahead or behind."""

    document: str
    peer_id: str
    change: Literal["synced", "changed"]


@dataclass(frozen=True, slots=True)
class TransferMoved:
    """Tell the user how far a transfer is."""

    peer_id: str
    transfer: Transfer


@dataclass(frozen=True, slots=True)
class AwarenessChanged:
    """Tell the user whose awareness states were added, updated or removed, by client id."""

    document: str
    added: tuple[int, ...]
    updated: tuple[int, ...]
    removed: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Report:
    """Tell the user of something that went wrong; the room goes on.

    Args:
        error: what.
        count: how many like it there were since the last one that was told, this one included.
    """

    error: RtcError
    count: int = 1


@dataclass(frozen=True, slots=True)
class CheckServers:
    """Ask the open servers for a sign of life: perhaps it is our own network that is gone."""


ConnectionEffect: TypeAlias = (
    PublishPayload
    | CheckServers
    | OpenTransport
    | RestartIce
    | AcceptDescription
    | AddCandidate
    | CloseTransport
    | DropHeld
    | SendFrame
    | SendBulk
    | SendTabFrame
    | WatchTabPeer
    | PeersChanged
    | TransferMoved
    | Report
)
DocumentEffect: TypeAlias = (
    AskState
    | AskCheck
    | AskComparison
    | AskBeyond
    | AskDiff
    | ApplyUpdate
    | AwarenessChanged
    | SyncChanged
)
Effect: TypeAlias = ConnectionEffect | DocumentEffect
