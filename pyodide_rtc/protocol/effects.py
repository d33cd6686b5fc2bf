"""What a room wants done: the effects that `RoomMachine.handle` returns, in order.

There are effects of connections (`ConnectionEffect`), effects of a document (`DocumentEffect`),
which name it, and effects of calls and batons (`CallEffect`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pyodide_rtc.errors import RtcError
from pyodide_rtc.protocol.events import ChannelSide, LinkId
from pyodide_rtc.snapshot import Transfer
from pyodide_rtc.wire.call_messages import AnswerKind
from pyodide_rtc.wire.messages import StateCheck
from pyodide_rtc.wire.payload import Payload


@dataclass(frozen=True, slots=True)
class PublishPayload:
    """Publish on the room's topic.

    Args:
        payload: what to publish.
        url: the signaling server; None for all that are open.
    """

    payload: Payload
    url: str | None = None


@dataclass(frozen=True, slots=True)
class OpenTransport:
    """Open a peer connection under this number; an initiator makes its offer at once.

    Peers of our own kind use the agreed data channel, stock peers one that is created in band.
    """

    conn: int
    is_initiator: bool
    is_own_kind: bool


@dataclass(frozen=True, slots=True)
class RestartIce:
    """Restart ICE: look for a new network path. `DescriptionMade` brings the new offer."""

    conn: int


@dataclass(frozen=True, slots=True)
class AcceptDescription:
    """Set the remote description, and make an answer if it is an offer."""

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
    """Close the peer connection at once, or gently: after all that waits was sent."""

    conn: int
    is_gentle: bool = False


@dataclass(frozen=True, slots=True)
class DropHeld:
    """Drop the frames of a link that wait for their turn."""

    link: LinkId


@dataclass(frozen=True, slots=True)
class SendFrame:
    """Send a small frame by the data channel of that side, before all bulk that waits."""

    conn: int
    side: ChannelSide
    data: bytes


@dataclass(frozen=True, slots=True)
class SendBulk:
    """Send large frames by the data channel of that side, when small frames leave room.

    Args:
        conn: the peer connection.
        side: the data channel.
        frames: the frames; they belong together, and are sent in this order.
        chunk_bytes: the size of the chunks that they are cut into; None sends them whole.
    """

    conn: int
    side: ChannelSide
    frames: tuple[bytes, ...]
    chunk_bytes: int | None


@dataclass(frozen=True, slots=True)
class SendTabFrame:
    """Send a frame to the other tabs.

    Args:
        data: the frame.
        is_own_kind: whether it goes by the channel that only our own kind hears.
    """

    data: bytes
    is_own_kind: bool = False


@dataclass(frozen=True, slots=True)
class AskState:
    """Answer with `StateVectorRead`; it holds the whole state, too, if that is small enough.

    Args:
        document: the document's name.
        link: the link to be greeted.
        max_state_bytes: the state has to be smaller than this.
    """

    document: str
    link: LinkId
    max_state_bytes: int


@dataclass(frozen=True, slots=True)
class AskCheck:
    """Answer with `CheckRead`: what we have, to be sent by this link, or by all if it is None."""

    document: str
    link: LinkId | None = None


@dataclass(frozen=True, slots=True)
class AskComparison:
    """Answer with `Compared`: what we have, and what the other end of this link has (`theirs`)."""

    document: str
    link: LinkId
    theirs: StateCheck


@dataclass(frozen=True, slots=True)
class AskBeyond:
    """Answer with `DiffRead`: all deletions, and what we have behind gaps.

    No state vector shows either.
    """

    document: str
    link: LinkId


@dataclass(frozen=True, slots=True)
class WatchTabPeer:
    """Feed `TabPeerGone` when this peer of the same browser has ended."""

    peer_id: str


@dataclass(frozen=True, slots=True)
class AskDiff:
    """Answer with `DiffRead`: what a document with this state vector lacks.

    Args:
        document: the document's name.
        link: the link to send it by.
        state_vector: what the other end of the link has.
        is_answer: whether the peer has asked, with its own state vector.
    """

    document: str
    link: LinkId
    state_vector: bytes
    is_answer: bool = True


@dataclass(frozen=True, slots=True)
class ApplyUpdate:
    """Apply an update to the document, with the link as its origin.

    Args:
        document: the document's name.
        link: where the update came from.
        update: the update.
        is_answer: whether to feed `AnswerApplied` once the document has it.
    """

    document: str
    link: LinkId
    update: bytes
    is_answer: bool = False


@dataclass(frozen=True, slots=True)
class PeersChanged:
    """Tell the user that a peer came, went, or that something else of its connection changed.

    `client_id` is that of the peer's main document, if the peer has sent it.
    """

    peer_id: str
    change: Literal["joined", "changed", "left"]
    reason: str = ""
    client_id: int | None = None


@dataclass(frozen=True, slots=True)
class SyncChanged:
    """Tell the user that a peer is synced (it sent all that it had), or is ahead or behind."""

    document: str
    peer_id: str
    change: Literal["synced", "changed"]


@dataclass(frozen=True, slots=True)
class DocumentAtPeer:
    """Tell the user that a peer has opened a document beside the main one, or closed it."""

    document: str
    peer_id: str
    is_open: bool


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
        error: what went wrong.
        count: how many faults of its kind came since the last report, this one included.
        is_news: whether to tell those who observe the room; else it is only kept and counted.
    """

    error: RtcError
    count: int = 1
    is_news: bool = True


@dataclass(frozen=True, slots=True)
class PeerExposed:
    """Tell the user that a peer has exposed other functions than before."""

    peer_id: str


@dataclass(frozen=True, slots=True)
class CallCame:
    """A peer calls a function of ours: `CallDone` has to follow, whatever becomes of it.

    Args:
        peer_id: the caller.
        number: tells the calls of this peer apart.
        name: the function, which we have exposed.
        args: its positional arguments.
        kwargs: its named arguments.
    """

    peer_id: str
    number: int
    name: str
    args: list[object]
    kwargs: dict[str, object]


@dataclass(frozen=True, slots=True)
class CallStopped:
    """The caller does not wait any more, or is gone: the function may stop."""

    peer_id: str
    number: int


@dataclass(frozen=True, slots=True)
class CallAnswered:
    """A call of ours was answered.

    Args:
        number: that of the call.
        kind: what became of it.
        content: as the kind says.
    """

    number: int
    kind: AnswerKind
    content: object


@dataclass(frozen=True, slots=True)
class CallLost:
    """A call of ours will not be answered: its peer is gone."""

    number: int


@dataclass(frozen=True, slots=True)
class BatonMoved:
    """Tell the user of a baton: we have got it or lost it, or something changed among others."""

    name: str
    change: Literal["got", "lost", "changed"]


@dataclass(frozen=True, slots=True)
class SearchChanged:
    """Others are looked for than before: some were found, or lost before they were linked."""


@dataclass(frozen=True, slots=True)
class CheckServers:
    """Ask the open signaling servers for a sign of life: our own network may have failed."""


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
    | SearchChanged
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
    | DocumentAtPeer
)
CallEffect: TypeAlias = PeerExposed | CallCame | CallStopped | CallAnswered | CallLost | BatonMoved
Effect: TypeAlias = ConnectionEffect | DocumentEffect | CallEffect
