"""What can happen to a room: the events that `RoomMachine.handle` takes.

Those of connections (`ConnectionEvent`) and those of a document (`DocumentEvent`), which name it.
`conn` numbers one peer connection of this room; it is the machine that gives out the numbers.
A link (`link`) has the number of its peer connection, or is `TABS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pyodide_rtc.errors import RemoteProtocolError
from pyodide_rtc.wire.messages import StateCheck
from pyodide_rtc.wire.payload import Announce, SignalMessage

LinkId: TypeAlias = int
TABS: Final[LinkId] = 0
"""The link to all tabs of this browser together; peer connections count from 1."""

MAIN: Final = ""
"""The name of a room's main document, which is the one that stock y-webrtc peers share."""

JsonObject: TypeAlias = dict[str, object]
ChannelSide = Literal["agreed", "local", "remote"]
"""Where a data channel comes from: every peer connection has the agreed one, which peers of our own
kind both make beforehand (negotiated); others were created in band by us, or by the peer."""


@dataclass(frozen=True, slots=True)
class ServerOpened:
    """A signaling server is there, and the room's topic is subscribed."""

    url: str


@dataclass(frozen=True, slots=True)
class PayloadReceived:
    """A signaling payload of this room came in, decrypted and decoded."""

    url: str
    payload: Announce | SignalMessage


@dataclass(frozen=True, slots=True)
class StrangerHeard:
    """Something came in, from a server or another tab, that our password does not open."""

    reason: str


@dataclass(frozen=True, slots=True)
class DescriptionMade:
    """The browser made our offer or answer."""

    conn: int
    kind: Literal["offer", "answer"]
    sdp: str


@dataclass(frozen=True, slots=True)
class OfferPrepared:
    """The connection in reserve, which the next `OpenTransport` takes, has its offer in hand.

    Args:
        sdp: which nobody has heard yet; None if it has become void.
    """

    sdp: str | None


@dataclass(frozen=True, slots=True)
class CandidateFound:
    """The browser found a local ICE candidate."""

    conn: int
    candidate: str
    sdp_m_line_index: int | None
    sdp_mid: str | None


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """A data channel can carry frames; messages up to `max_message_bytes`."""

    conn: int
    side: ChannelSide
    max_message_bytes: int


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    """A data channel is closed, or refused a frame."""

    conn: int
    side: ChannelSide
    reason: str


@dataclass(frozen=True, slots=True)
class PathRestored:
    """The peer connection has a network path again."""

    conn: int


@dataclass(frozen=True, slots=True)
class TransportFailed:
    """The peer connection is lost. `is_ice` tells a lacking network path from all else."""

    conn: int
    reason: str
    is_ice: bool = False


@dataclass(frozen=True, slots=True)
class TransportUnsure:
    """The network path to a peer is interrupted (or was, and is there again)."""

    conn: int
    is_sure: bool


@dataclass(frozen=True, slots=True)
class PathFound:
    """The browser tells which way it reaches a peer: directly, or by a TURN server."""

    conn: int
    is_relayed: bool


@dataclass(frozen=True, slots=True)
class PutAway:
    """The page was left, and its peer connections are closed: we are silent until we have woken."""


@dataclass(frozen=True, slots=True)
class Woken:
    """The page was asleep, offline or put away: whatever was known of links may be old."""


@dataclass(frozen=True, slots=True)
class FrameReceived:
    """A frame came in by a peer connection or the tab channel."""

    link: LinkId
    data: bytes


@dataclass(frozen=True, slots=True)
class Flooded:
    """More frames of a link wait for their turn than may.

    Args:
        link: which one.
        waiting_bytes: what waits of it.
    """

    link: LinkId
    waiting_bytes: int


@dataclass(frozen=True, slots=True)
class FramesEnded:
    """A connection is closed, and all that it has brought has been told."""

    conn: int


@dataclass(frozen=True, slots=True)
class FramesReceived:
    """Several frames came in by one link: the turn of what has waited; the link may be gone."""

    link: LinkId
    frames: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class PayloadRefused:
    """A server brought what is no payload, from somebody in the room who cannot be told."""

    error: RemoteProtocolError


@dataclass(frozen=True, slots=True)
class TabOpened:
    """The tab channel is joined."""


@dataclass(frozen=True, slots=True)
class TabPeerGone:
    """A peer of this browser has ended, with or without a word."""

    peer_id: str


@dataclass(frozen=True, slots=True)
class StateVectorRead:
    """Our state vector, as `AskState` wanted it; and the whole state, if that was wanted."""

    document: str
    link: LinkId
    state_vector: bytes
    state: bytes | None = None


@dataclass(frozen=True, slots=True)
class CheckRead:
    """What we have, as `AskCheck` wanted it.

    Args:
        check: what others are told.
        missing: how many units we lack before what we have behind gaps.
    """

    document: str
    check: StateCheck
    missing: int = 0
    link: LinkId | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """What we have, beside what a link told that it has, as `AskComparison` wanted it."""

    document: str
    link: LinkId
    mine: StateCheck
    theirs: StateCheck


@dataclass(frozen=True, slots=True)
class DiffRead:
    """What a peer lacks, as `AskDiff` wanted it, or may lack, as `AskBeyond` did."""

    document: str
    link: LinkId
    update: bytes
    is_answer: bool = True


@dataclass(frozen=True, slots=True)
class FramesGone:
    """A data channel has taken frames that were to be sent; so many bytes since it was told last.

    Args:
        conn: the connection.
        small_bytes: of `SendFrame`.
        bulk_bytes: of `SendBulk`, without what chunks add.
    """

    conn: int
    small_bytes: int
    bulk_bytes: int


@dataclass(frozen=True, slots=True)
class AnswerApplied:
    """The document has what this link answered to our state vector."""

    document: str
    link: LinkId


@dataclass(frozen=True, slots=True)
class UpdateRefused:
    """The document refused an update that this link brought."""

    document: str
    link: LinkId
    reason: str


@dataclass(frozen=True, slots=True)
class UpdateFailed:
    """The document's library failed on an update of this link, which may be an honest one."""

    document: str
    link: LinkId
    reason: str


@dataclass(frozen=True, slots=True)
class UpdateBlocked:
    """An update of this link was dropped: user code holds the document, and too many bytes wait."""

    document: str
    link: LinkId
    waiting_bytes: int


@dataclass(frozen=True, slots=True)
class DocumentChanged:
    """The document changed: `update` is to go to all links but `source`.

    Args:
        update: the change; None for a large one, of which who needs it gets the difference.
        source: the link that it came from; None if it was made here.
        before_state: the state vector before the change; by default that of an empty document.
    """

    document: str
    update: bytes | None
    source: LinkId | None
    before_state: bytes = b"\0"


@dataclass(frozen=True, slots=True)
class LocalStateSet:
    """The user set the own awareness state; None takes it away."""

    document: str
    state: JsonObject | None


@dataclass(frozen=True, slots=True)
class TimePassed:
    """The machine's deadline has come."""


@dataclass(frozen=True, slots=True)
class FlushAsked:
    """The user is about to leave: what others may lack goes to them before."""


@dataclass(frozen=True, slots=True)
class LeaveAsked:
    """The user leaves the room."""


ConnectionEvent: TypeAlias = (
    ServerOpened
    | PayloadReceived
    | StrangerHeard
    | DescriptionMade
    | OfferPrepared
    | CandidateFound
    | ChannelOpened
    | ChannelClosed
    | PathRestored
    | TransportFailed
    | TransportUnsure
    | PathFound
    | PutAway
    | Woken
    | Flooded
    | FramesEnded
    | PayloadRefused
    | TabOpened
    | TabPeerGone
    | FramesGone
)
DocumentEvent: TypeAlias = (
    StateVectorRead
    | CheckRead
    | Compared
    | DiffRead
    | AnswerApplied
    | UpdateFailed
    | DocumentChanged
    | LocalStateSet
)
RoomEvent: TypeAlias = (
    FrameReceived
    | FramesReceived
    | UpdateRefused
    | UpdateBlocked
    | TimePassed
    | FlushAsked
    | LeaveAsked
)
"""What concerns connections and documents."""

Event: TypeAlias = ConnectionEvent | DocumentEvent | RoomEvent
