"""What can happen to a room: the events that `RoomMachine.handle` takes.

There are events of connections (`ConnectionEvent`), events of a document (`DocumentEvent`), which
name it, events of calls and batons (`CallEvent`, `BatonEvent`), and a few that concern several of
these (`RoomEvent`).
`conn` is the number of a peer connection of this room; the machine assigns the numbers. `link` is
the number of a link: that of its peer connection, or `TABS`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pyodide_rtc.errors import RemoteProtocolError
from pyodide_rtc.wire.call_messages import AnswerKind
from pyodide_rtc.wire.messages import StateCheck
from pyodide_rtc.wire.payload import Payload

LinkId: TypeAlias = int
TABS: Final[LinkId] = 0
"""The link to all tabs of this browser together; peer connections count from 1."""

MAIN: Final = ""
"""The name of a room's main document, which is the one that stock y-webrtc peers share."""

JsonObject: TypeAlias = dict[str, object]
ChannelSide = Literal["agreed", "local", "remote"]
"""Who created a data channel. Every peer connection has the agreed one, which both peers of our own
kind create beforehand (negotiated). Others were created in band, by us ("local") or by the peer
("remote")."""


@dataclass(frozen=True, slots=True)
class ServerOpened:
    """The connection to a signaling server is open, and the room's topic is subscribed."""

    url: str


@dataclass(frozen=True, slots=True)
class PayloadReceived:
    """A signaling payload of this room came in, decrypted and decoded."""

    url: str
    payload: Payload


@dataclass(frozen=True, slots=True)
class StrangerHeard:
    """Something came from a signaling server or another tab that our password does not decrypt."""

    reason: str


@dataclass(frozen=True, slots=True)
class DescriptionMade:
    """The browser has made our offer or answer."""

    conn: int
    kind: Literal["offer", "answer"]
    sdp: str


@dataclass(frozen=True, slots=True)
class OfferPrepared:
    """The peer connection in reserve, which the next `OpenTransport` takes, has made its offer.

    Args:
        sdp: the offer, which no peer has seen yet; None if the earlier one has become void.
    """

    sdp: str | None


@dataclass(frozen=True, slots=True)
class CandidateFound:
    """The browser has found a local ICE candidate."""

    conn: int
    candidate: str
    sdp_m_line_index: int | None
    sdp_mid: str | None


@dataclass(frozen=True, slots=True)
class ChannelOpened:
    """A data channel is open; it can send messages of up to `max_message_bytes`."""

    conn: int
    side: ChannelSide
    max_message_bytes: int


@dataclass(frozen=True, slots=True)
class ChannelClosed:
    """A data channel has closed, or the browser refused to send a frame by it."""

    conn: int
    side: ChannelSide
    reason: str


@dataclass(frozen=True, slots=True)
class PathRestored:
    """The peer connection has a network path again."""

    conn: int


@dataclass(frozen=True, slots=True)
class TransportFailed:
    """The peer connection has failed. `is_ice` says whether it lacks a network path."""

    conn: int
    reason: str
    is_ice: bool = False


@dataclass(frozen=True, slots=True)
class WebRtcBlocked:
    """Our browser makes no peer connections at all. `reason` is what it said."""

    reason: str


@dataclass(frozen=True, slots=True)
class TransportUnsure:
    """The network path to a peer is interrupted (or, if `is_sure`, it is there again)."""

    conn: int
    is_sure: bool


@dataclass(frozen=True, slots=True)
class PathFound:
    """The browser says how it reaches a peer: directly, or by a TURN server."""

    conn: int
    is_relayed: bool


@dataclass(frozen=True, slots=True)
class PathMeasured:
    """The browser says how long the network takes to a peer and back."""

    conn: int
    round_trip_s: float


@dataclass(frozen=True, slots=True)
class PeerQuiet:
    """The page of a peer says that its kernel does not answer, or does again.

    Args:
        conn: the peer connection.
        quiet_s: for how many seconds it has not answered; 0 if it does again.
        is_asleep: whether the page does not answer either, while its browser does.
    """

    conn: int
    quiet_s: float
    is_asleep: bool = False


@dataclass(frozen=True, slots=True)
class PutAway:
    """People left the page, and its peer connections are closed: we are silent until `Woken`."""


@dataclass(frozen=True, slots=True)
class Woken:
    """The page was asleep, offline or put away: what we know of our links may be out of date."""


@dataclass(frozen=True, slots=True)
class FrameReceived:
    """A frame came in by a link."""

    link: LinkId
    data: bytes


@dataclass(frozen=True, slots=True)
class Flooded:
    """More bytes of a link wait for their turn than the limit allows.

    Args:
        link: the link.
        waiting_bytes: how many wait.
    """

    link: LinkId
    waiting_bytes: int


@dataclass(frozen=True, slots=True)
class FramesEnded:
    """A peer connection is closed, and no frame of it waits any more."""

    conn: int


@dataclass(frozen=True, slots=True)
class FramesReceived:
    """Several frames that came in by one link; if they have waited, the link may be closed."""

    link: LinkId
    frames: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class PayloadRefused:
    """A signaling server brought something that is no payload; its sender is unknown."""

    error: RemoteProtocolError


@dataclass(frozen=True, slots=True)
class TabOpened:
    """We have joined the tab channel."""


@dataclass(frozen=True, slots=True)
class TabPeerGone:
    """A peer of this browser has ended, whether or not it said so."""

    peer_id: str


@dataclass(frozen=True, slots=True)
class StateVectorRead:
    """The answer to `AskState`: our state vector, and the whole state if it is small enough."""

    document: str
    link: LinkId
    state_vector: bytes
    state: bytes | None = None


@dataclass(frozen=True, slots=True)
class CheckRead:
    """The answer to `AskCheck`: what we have.

    Args:
        document: the document's name.
        check: what we tell others, for a comparison.
        missing: how many units we lack, of which we have later ones: our gaps.
        link: the link to send the check by; None for all.
    """

    document: str
    check: StateCheck
    missing: int = 0
    link: LinkId | None = None


@dataclass(frozen=True, slots=True)
class Compared:
    """The answer to `AskComparison`: what we have, and what the other end of a link says it has."""

    document: str
    link: LinkId
    mine: StateCheck
    theirs: StateCheck


@dataclass(frozen=True, slots=True)
class DiffRead:
    """The answer to `AskDiff`, what a peer lacks; or to `AskBeyond`, what it may lack."""

    document: str
    link: LinkId
    update: bytes
    is_answer: bool = True


@dataclass(frozen=True, slots=True)
class FramesGone:
    """The browser has accepted frames for a data channel: so many bytes since the last report.

    Args:
        conn: the peer connection.
        small_bytes: of `SendFrame`.
        bulk_bytes: of `SendBulk`, without what chunks add.
    """

    conn: int
    small_bytes: int
    bulk_bytes: int


@dataclass(frozen=True, slots=True)
class AnswerApplied:
    """The document now has the answer that this link gave to our state vector."""

    document: str
    link: LinkId


@dataclass(frozen=True, slots=True)
class UpdateRefused:
    """The document refused an update of this link: it is malformed."""

    document: str
    link: LinkId
    reason: str


@dataclass(frozen=True, slots=True)
class UpdateFailed:
    """The document's library failed on an update of this link, which may be a correct one."""

    document: str
    link: LinkId
    reason: str


@dataclass(frozen=True, slots=True)
class UpdateBlocked:
    """An update of this link was dropped: too much waits, as user code keeps a transaction open."""

    document: str
    link: LinkId
    waiting_bytes: int


@dataclass(frozen=True, slots=True)
class DocumentChanged:
    """The document changed: `update` is to be sent by all links but `source`.

    Args:
        document: the document's name.
        update: the change; None for a large one: peers that need it get a difference of states.
        source: the link that it came from; None if it was made here.
        before_state: the state vector before the change; by default that of an empty document.
    """

    document: str
    update: bytes | None
    source: LinkId | None
    before_state: bytes = b"\0"


@dataclass(frozen=True, slots=True)
class DocumentOpened:
    """The user has opened a document beside the main one; the client id is ours in it."""

    document: str
    client_id: int


@dataclass(frozen=True, slots=True)
class DocumentClosed:
    """The user closes a document."""

    document: str


@dataclass(frozen=True, slots=True)
class LocalStateSet:
    """The user set our own awareness state; None removes it."""

    document: str
    state: JsonObject | None


@dataclass(frozen=True, slots=True)
class NamesExposed:
    """The user lets others call these functions, and no other ones."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class CallAsked:
    """The user calls a function of a peer.

    Args:
        number: tells our calls apart.
        peer_id: whose function it is.
        name: its name.
        arguments: encoded.
    """

    number: int
    peer_id: str
    name: str
    arguments: bytes


@dataclass(frozen=True, slots=True)
class CallWithdrawn:
    """The user does not wait for the answer to this call any more."""

    number: int


@dataclass(frozen=True, slots=True)
class CallDone:
    """A call of a peer has ended here.

    Args:
        peer_id: the caller.
        number: that of the call.
        kind: what became of it.
        content: encoded, as the kind says.
    """

    peer_id: str
    number: int
    kind: AnswerKind
    content: bytes


@dataclass(frozen=True, slots=True)
class BatonAsked:
    """The user wants to have a baton that we neither hold nor wait for."""

    name: str


@dataclass(frozen=True, slots=True)
class BatonReturned:
    """The user holds a baton no longer, or does not wait for it any more."""

    name: str


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
    | WebRtcBlocked
    | TransportUnsure
    | PathFound
    | PathMeasured
    | PeerQuiet
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
CallEvent: TypeAlias = NamesExposed | CallAsked | CallWithdrawn | CallDone
BatonEvent: TypeAlias = BatonAsked | BatonReturned
RoomEvent: TypeAlias = (
    FrameReceived
    | FramesReceived
    | UpdateRefused
    | UpdateBlocked
    | DocumentOpened
    | DocumentClosed
    | TimePassed
    | FlushAsked
    | LeaveAsked
)
"""Events that concern several of them."""

Event: TypeAlias = ConnectionEvent | DocumentEvent | CallEvent | BatonEvent | RoomEvent
