"""A link: one way for frames, to a peer or to the tabs of this browser.

Owns flow control, the assembly of chunks, and how far transfers are. Knows no document.

A frame for a peer is *small* or *bulk*. Small frames go first. Bulk goes when small frames leave
room, in chunks if the peer is of our own kind. A frame that is too large for a stock peer is
reported. While a link is congested the documents hold changes back (`admits`), and go on when it
has room again (`has_room`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Literal, TypeAlias, TypeGuard

from pyodide_rtc.errors import DecodeError, MessageTooBigError
from pyodide_rtc.protocol.effects import (
    ConnectionEffect,
    Report,
    SendBulk,
    SendFrame,
    SendTabFrame,
    TransferMoved,
)
from pyodide_rtc.protocol.events import TABS, ChannelSide, FramesGone, LinkId
from pyodide_rtc.snapshot import Transfer
from pyodide_rtc.wire.chunks import CHUNK_TYPE, MIN_CHUNK_BYTES, Assembler, decode_chunk
from pyodide_rtc.wire.messages import Message, UnknownMessage, decode

MAX_RECEIVED_BYTES = 256 * 1024 * 1024
"""The largest frame that a peer may send, if the user sets no other limit."""

CHUNK_BYTES = 65_536
"""The size of chunks, and the largest frame that counts as small: it takes 50 ms at 10 Mbit/s."""

MAX_WAITING_BYTES = 1024 * 1024
"""While more than this waits to be sent, changes are held back."""

RESUME_BYTES = 256 * 1024
"""Once no more than this waits, changes are sent again."""

MIN_SHOWN_BYTES = 1_000_000
"""Transfers from this size on are shown to the user."""

SHOW_INTERVAL_S = 0.1
"""The progress of a transfer is shown once in this time, and at its end."""

STALLED_S = 10.0
"""A transfer of which nothing has come for so long is not waited for any more."""

MAX_AWAITED_S = 60.0
"""Nor is one that takes longer: else a peer could keep us from asking others by dribbling."""

FRAME_HEAD_BYTES = 8
"""What a sync message adds to its update, at most, up to 2^42 bytes."""


@dataclass(slots=True)
class _Progress:
    """How far a transfer is."""

    total_bytes: int
    done_bytes: int = 0
    started_s: float = 0.0
    moved_s: float = 0.0
    told_s: float | None = None

    def is_to_be_told(self, now_s: float) -> bool:
        if self.total_bytes < MIN_SHOWN_BYTES:
            return False
        is_early = self.told_s is not None and now_s < self.told_s + SHOW_INTERVAL_S
        if is_early and self.done_bytes < self.total_bytes:
            return False
        self.told_s = now_s
        return True


@dataclass(frozen=True, slots=True)
class Quiet:
    """A peer's kernel does not answer its page.

    Args:
        since_s: when it answered last.
        is_asleep: whether its page does not answer either, while its browser does.
    """

    since_s: float
    is_asleep: bool


@dataclass(slots=True)
class PeerLink:
    """The link to one peer, by a peer connection.

    Args:
        id: the number of the peer connection.
        peer_id: the peer's network identity.
        client_id: the client id of its main document; None for a stock peer.
        max_received_bytes: the largest frame that it may send.
        side: the data channel to send on.
        max_frame_bytes: the largest message that this channel can send.
    """

    id: LinkId
    peer_id: str
    client_id: int | None
    max_received_bytes: int
    side: ChannelSide
    max_frame_bytes: int
    is_open: bool = False
    """Whether what is sent now arrives; False while a new network path is looked for."""
    linked_peers: frozenset[str] = frozenset()
    """Whom the peer is linked with itself, as it says."""
    told_peers: frozenset[str] = frozenset()
    """Whom we have said that we are linked with."""
    unknown_messages: int = 0
    quiet: Quiet | None = None
    """Since when the peer does not answer, as its page says; None while it does."""
    _assembler: Assembler = field(init=False)
    _receiving: _Progress | None = None
    _sending: deque[_Progress] = field(default_factory=deque)
    _small_waiting: int = 0
    _bulk_waiting: int = 0
    _is_holding_back: bool = False

    def __post_init__(self) -> None:
        self._assembler = Assembler(self.max_received_bytes)

    @property
    def is_own_kind(self) -> bool:
        """Whether its peer understands what y-webrtc does not: chunks, state checks."""
        return self.client_id is not None

    def hears(self, source: Link) -> bool:
        """Whether the peer is itself linked with all who send by the link `source`, as it says."""
        if isinstance(source, PeerLink):
            return source.peer_id in self.linked_peers
        return source.is_open and source.peers.keys() <= self.linked_peers

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        """The transfers under way that are worth showing."""
        receiving = [] if self._receiving is None else [self._receiving]
        shown = [_transfer("receiving", p) for p in receiving]
        shown += [_transfer("sending", p) for p in self._sending]
        return tuple(t for t in shown if t.total_bytes >= MIN_SHOWN_BYTES)

    def is_receiving(self, now_s: float) -> bool:
        """Whether something large is on its way from the peer, and moves."""
        progress = self._receiving
        if progress is None or now_s >= progress.moved_s + STALLED_S:
            return False
        return now_s < progress.started_s + MAX_AWAITED_S

    def is_transferring(self, now_s: float) -> bool:
        """Whether something large is under way, to the peer or from it."""
        return self._bulk_waiting > 0 or self.is_receiving(now_s)

    @property
    def is_sending_bulk(self) -> bool:
        """Whether a small frame that is sent now overtakes a large one."""
        return self._bulk_waiting > 0

    @property
    def has_room(self) -> bool:
        """Whether what was held back may go; not while bulk waits, which it would overtake."""
        return self._bulk_waiting == 0 and self._small_waiting <= RESUME_BYTES

    @property
    def is_full(self) -> bool:
        """Whether small frames, too, should be held back."""
        return self._is_holding_back or self._small_waiting > MAX_WAITING_BYTES

    def is_full_for(self, size_bytes: int) -> bool:
        """Whether a frame of that size should be held back: large frames go one at a time."""
        return self.is_full or (size_bytes > CHUNK_BYTES and self._bulk_waiting > 0)

    def admits(self, size_bytes: int) -> bool:
        """Whether a change of that size goes now.

        Once a small change was held back, all changes are until the link has room again.
        """
        is_small = is_small_change(size_bytes)
        waiting = self._small_waiting if is_small else self._bulk_waiting
        if waiting > 0 and waiting + size_bytes > MAX_WAITING_BYTES:
            self._is_holding_back = self._is_holding_back or is_small
            return False
        return not self._is_holding_back

    # Sending.

    def send(self, frame: bytes) -> list[ConnectionEffect]:
        """Send a frame; report it if it is too large for the peer."""
        limit = self.max_frame_bytes
        if len(frame) <= min(limit, CHUNK_BYTES):
            self._small_waiting += len(frame)
            return [SendFrame(self.id, self.side, frame)]
        if self.is_own_kind and limit >= MIN_CHUNK_BYTES:
            return self._send_bulk([frame], min(limit, CHUNK_BYTES))
        if len(frame) <= limit:
            return self._send_bulk([frame], None)
        return [Report(MessageTooBigError(len(frame), limit, "out", self.peer_id))]

    def send_series(self, frames: list[bytes]) -> list[ConnectionEffect]:
        """Send frames that belong together as bulk; each must fit into one message."""
        return self._send_bulk(frames, None)

    def _send_bulk(self, frames: list[bytes], chunk_bytes: int | None) -> list[ConnectionEffect]:
        size = sum(map(len, frames))
        if size == 0:
            return []
        self._bulk_waiting += size
        self._sending.append(_Progress(size))
        return [SendBulk(self.id, self.side, tuple(frames), chunk_bytes)]

    def on_gone(self, event: FramesGone, now_s: float) -> list[ConnectionEffect]:
        """Count frames that the browser has accepted, and report the progress of transfers."""
        self._small_waiting -= event.small_bytes
        self._bulk_waiting -= event.bulk_bytes
        if self.has_room:
            self._is_holding_back = False
        return self._advance(event.bulk_bytes, now_s)

    def _advance(self, bulk_bytes: int, now_s: float) -> list[ConnectionEffect]:
        effects: list[ConnectionEffect] = []
        while bulk_bytes > 0:
            progress = self._sending[0]
            step = min(bulk_bytes, progress.total_bytes - progress.done_bytes)
            progress.done_bytes += step
            bulk_bytes -= step
            if progress.is_to_be_told(now_s):
                effects.append(TransferMoved(self.peer_id, _transfer("sending", progress)))
            if progress.done_bytes == progress.total_bytes:
                self._sending.popleft()
        return effects

    # Receiving.

    def read(self, frame: bytes, now_s: float) -> tuple[Message | None, list[ConnectionEffect]]:
        """Read a frame.

        Returns:
            its message, or None if it is a chunk and not the last; and the transfer's progress.

        Raises:
            DecodeError: it is no message, not the next chunk, or a chunk of a chunk.
            MessageTooBigError: the frame, or the whole of which it is a chunk, is above the limit.
        """
        message = decode(frame, max_bytes=self.max_received_bytes)
        if self.is_own_kind and _is_chunk(message):
            return self._read_chunk(message.body, now_s)
        return message, []

    def _read_chunk(
        self, body: bytes, now_s: float
    ) -> tuple[Message | None, list[ConnectionEffect]]:
        chunk = decode_chunk(body)
        frame = self._assembler.add(chunk)
        if self._receiving is None:
            self._receiving = _Progress(chunk.total_bytes, started_s=now_s)
        progress = self._receiving
        progress.moved_s = now_s
        progress.done_bytes = chunk.offset + len(chunk.data)
        effects: list[ConnectionEffect] = []
        if progress.is_to_be_told(now_s):
            effects.append(TransferMoved(self.peer_id, _transfer("receiving", progress)))
        if frame is None:
            return None, effects
        self._receiving = None
        message = decode(frame, max_bytes=self.max_received_bytes)
        if _is_chunk(message):
            raise DecodeError("no chunk in chunks", 0, frame)
        return message, effects


@dataclass(slots=True)
class TabsLink:
    """The link to all peers in other tabs and kernels of this browser: all receive each frame.

    A frame names no sender, and is sent at once.

    Args:
        max_received_bytes: the largest frame that may come in.
        is_own_kind: whether only peers of our own kind hear it; stock pages hear the other one.
        peers: who is there, by peer id: the client id of the document there, None for a stock page.
    """

    id: ClassVar[LinkId] = TABS
    is_sending_bulk: ClassVar[bool] = False
    quiet: ClassVar[Quiet | None] = None
    has_room: ClassVar[bool] = True
    is_full: ClassVar[bool] = False

    max_received_bytes: int
    is_own_kind: bool = False
    peers: dict[str, int | None] = field(default_factory=dict)
    unknown_messages: int = 0

    @property
    def is_open(self) -> bool:
        """Whether anybody is there."""
        return bool(self.peers)

    def hears(self, source: Link) -> bool:
        """Whether all there are linked with all who send by `source`: tabs never say so."""
        return False

    def is_receiving(self, now_s: float) -> bool:
        """Whether something large is on its way from somebody: nobody can see that."""
        return False

    def is_transferring(self, now_s: float) -> bool:
        """Whether something large is under way: nobody can see that."""
        return False

    def is_full_for(self, size_bytes: int) -> bool:
        """Whether a frame of that size should be held back: none is."""
        return False

    def admits(self, size_bytes: int) -> bool:
        """Whether a change of that size goes now: every change does."""
        return True

    def send(self, frame: bytes) -> list[ConnectionEffect]:
        """Send a frame."""
        return [SendTabFrame(frame, self.is_own_kind)]

    def read(self, frame: bytes, now_s: float) -> tuple[Message | None, list[ConnectionEffect]]:
        """Read a frame.

        Raises:
            DecodeError: it is no message.
            MessageTooBigError: it is above the limit.
        """
        return decode(frame, max_bytes=self.max_received_bytes), []


Link: TypeAlias = PeerLink | TabsLink
Ways: TypeAlias = Callable[[], Mapping[str, Link]]
"""Tells how each peer of our own kind is reached now, by peer id."""


def is_small_change(update_bytes: int) -> bool:
    """Whether the message with an update of that size is a small frame."""
    return update_bytes + FRAME_HEAD_BYTES <= CHUNK_BYTES


def _is_chunk(message: Message) -> TypeGuard[UnknownMessage]:
    return isinstance(message, UnknownMessage) and message.type == CHUNK_TYPE


def _transfer(direction: Literal["receiving", "sending"], progress: _Progress) -> Transfer:
    return Transfer(direction, progress.done_bytes, progress.total_bytes)
