"""What goes to one peer and comes from it, when it is more than goes at once.

Owns what is small and what is bulk, what waits and what is held back, and how far transfers are.

While a link is congested, changes of the document do not queue up without limit: they are held
back, and only the state vector before the first of them is kept. When there is room again the peer
gets one difference since then.

Small changes that have overtaken a large one are said again after it. The receiving document holds
them as pending, but does not always notice that it could go on: after one update that came late Yrs
0.28, which is pycrdt's, left something pending in a third of all cases (measured). JavaScript's Yjs
13.6 does so seldom: in 2 of 720 documents whose parts came in a random order.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from pyodide_rtc.errors import DecodeError, MessageTooBigError
from pyodide_rtc.peer import Transfer
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.connections.mesh_peer import MeshPeer
from pyodide_rtc.protocol.effects import (
    AskDiff,
    Effect,
    Report,
    SendBulk,
    SendFrame,
    TransferMoved,
)
from pyodide_rtc.wire.chunks import CHUNK_TYPE, MIN_CHUNK_BYTES, Assembler, decode_chunk
from pyodide_rtc.wire.messages import (
    Message,
    SyncStep2,
    SyncUpdate,
    UnknownMessage,
    decode,
    encode,
)
from pyodide_rtc.wire.update import MIN_PIECE_BYTES, cut_update

MAX_RECEIVED_BYTES = 256 * 1024 * 1024
"""The largest frame that is taken from a peer, if the user sets no other limit."""

CHUNK_BYTES = 65_536
"""The size of chunks, and the largest frame that counts as small: it takes 50 ms at 10 Mbit/s."""

MAX_WAITING_BYTES = 1024 * 1024
"""From here on changes are held back."""

RESUME_BYTES = 256 * 1024
"""So much may wait still when they are held back no more."""

MIN_SHOWN_BYTES = 1_000_000
"""Transfers from this size on are shown to the user."""

SHOW_INTERVAL_S = 0.1
"""The progress of a transfer is told once in this time, and at its end."""

_NO_CHANGE = b"\0\0"
_FRAME_HEAD_BYTES = 8
"""What a sync message adds to its update, at most, up to 2^42 bytes."""


@dataclass(slots=True)
class _Progress:
    """How far a transfer is."""

    total_bytes: int
    done_bytes: int = 0
    told_s: float | None = None

    def is_to_be_told(self, now_s: float) -> bool:
        if self.total_bytes < MIN_SHOWN_BYTES:
            return False
        is_early = self.told_s is not None and now_s < self.told_s + SHOW_INTERVAL_S
        if is_early and self.done_bytes < self.total_bytes:
            return False
        self.told_s = now_s
        return True


@dataclass(slots=True)
class Traffic:
    """The frames of one peer connection.

    Args:
        conn: its number.
        peer: the peer at its other end.
        max_received_bytes: the largest frame that is taken.
    """

    conn: int
    peer: MeshPeer
    max_received_bytes: int
    stale_clients: set[int] = field(default_factory=set)
    """Whose awareness the peer is to be told when there is room."""
    _assembler: Assembler = field(init=False)
    _receiving: _Progress | None = None
    _sending: deque[_Progress] = field(default_factory=deque)
    _small_waiting: int = 0
    _bulk_waiting: int = 0
    _missed_since: bytes | None = None  # a state vector: the peer may lack what came after it
    _repeats: list[bytes] | None = None  # frames that say all of that again; None if too many
    _is_holding_back: bool = False
    _question: bytes | None = None  # the peer's state vector, to be answered when there is room

    def __post_init__(self) -> None:
        self._assembler = Assembler(self.max_received_bytes)

    @property
    def transfers(self) -> tuple[Transfer, ...]:
        """The transfers under way that are worth showing."""
        receiving = [] if self._receiving is None else [self._receiving]
        shown = [("receiving", p) for p in receiving] + [("sending", p) for p in self._sending]
        return tuple(
            Transfer(direction, p.done_bytes, p.total_bytes)  # type: ignore[arg-type]
            for direction, p in shown
            if p.total_bytes >= MIN_SHOWN_BYTES
        )

    @property
    def is_full(self) -> bool:
        """Whether small frames should be held back, too."""
        return self._is_holding_back or self._small_waiting > MAX_WAITING_BYTES

    @property
    def is_level(self) -> bool:
        """Whether all that the peer is to be told goes before the next small frame."""
        is_complete = self._missed_since is None and self._question is None
        return is_complete and self._bulk_waiting == 0

    @property
    def is_transferring(self) -> bool:
        """Whether something large is under way, to the peer or from it."""
        return self._bulk_waiting > 0 or self._receiving is not None

    def is_full_for(self, size_bytes: int) -> bool:
        """Whether a frame of that size should be held back: of large ones one after the other."""
        return self.is_full or (size_bytes > CHUNK_BYTES and self._bulk_waiting > 0)

    # Sending.

    def send(self, frame: bytes) -> list[Effect]:
        """Send a frame; what is too large for the peer is reported."""
        side = self.peer.negotiation.send_side
        if side is None:
            return []
        limit = self.peer.negotiation.channels[side]
        if len(frame) <= min(limit, CHUNK_BYTES):
            self._small_waiting += len(frame)
            return [SendFrame(self.conn, side, frame)]
        if self.peer.capability is not None and limit >= MIN_CHUNK_BYTES:
            return self._send_bulk(side, [frame], min(limit, CHUNK_BYTES))
        if len(frame) <= limit:
            return self._send_bulk(side, [frame], None)
        return [Report(MessageTooBigError(len(frame), limit, "out", self.peer.peer_id))]

    def tell_change(self, update: bytes | None, before_state: bytes) -> list[Effect]:
        """Send a change of the document, or remember that the peer lacks it."""
        if update is None:
            self._miss(before_state, None)
            return self._resume() if self._has_room else []
        size = len(update)
        is_small = size + _FRAME_HEAD_BYTES <= CHUNK_BYTES
        waiting = self._small_waiting if is_small else self._bulk_waiting
        if waiting > 0 and waiting + size > MAX_WAITING_BYTES:
            self._is_holding_back = self._is_holding_back or is_small
        elif not self._is_holding_back:
            if is_small and self._bulk_waiting > 0:
                self._miss(before_state, encode(SyncUpdate(update)))
            return self.send_update(update, is_answer=False)
        self._miss(before_state, None)
        return []

    def send_update(self, update: bytes, *, is_answer: bool) -> list[Effect]:
        """Send an update; toward a stock peer that cannot take it whole in several."""
        kind = SyncStep2 if is_answer else SyncUpdate
        frame = encode(kind(update))
        side = self.peer.negotiation.send_side
        if side is None or self.peer.capability is not None:
            return self.send(frame)
        limit = self.peer.negotiation.channels[side]
        if len(frame) <= limit:
            return self.send(frame)
        try:
            pieces = cut_update(update, max(limit - _FRAME_HEAD_BYTES, MIN_PIECE_BYTES))
        except DecodeError:
            return self.send(frame)  # which reports it
        frames = [encode(SyncUpdate(piece)) for piece in pieces]
        effects = [e for f in frames if len(f) > limit for e in self.send(f)]
        fitting = [f for f in frames if len(f) <= limit]
        if is_answer:
            # The peer counts as synced once it has a step 2: it comes last.
            fitting.append(encode(SyncStep2(_NO_CHANGE)))
        return effects + self._send_bulk(side, fitting, None)

    def ask(self, state_vector: bytes) -> list[Effect]:
        """Take the peer's question for what it lacks: answer it now or when there is room.

        Only the latest is kept: a peer that asks and does not read makes us hold one answer.
        """
        if not self._has_room:
            self._question = state_vector
            return []
        return [AskDiff(self.conn, state_vector)]

    def on_gone(self, event: ev.FramesGone, now_s: float) -> list[Effect]:
        """Take what has gone, and send what was held back."""
        self._small_waiting -= event.small_bytes
        self._bulk_waiting -= event.bulk_bytes
        effects = self._advance(event.bulk_bytes, now_s)
        if self._has_room:
            effects += self._resume()
        return effects

    @property
    def _has_room(self) -> bool:
        # No bulk at all: a difference that is small would overtake it.
        return self._bulk_waiting == 0 and self._small_waiting <= RESUME_BYTES

    def _send_bulk(
        self, side: ev.ChannelSide, frames: list[bytes], chunk_bytes: int | None
    ) -> list[Effect]:
        size = sum(map(len, frames))
        if size == 0:
            return []
        self._bulk_waiting += size
        self._sending.append(_Progress(size))
        return [SendBulk(self.conn, side, tuple(frames), chunk_bytes)]

    def _miss(self, before_state: bytes, frame: bytes | None) -> None:
        """Remember a change that the peer may lack, and the frame that says it, if it is to go."""
        if self._missed_since is None:
            self._missed_since = before_state
            self._repeats = []
        if self._repeats is None:
            return
        if frame is None or sum(map(len, self._repeats)) + len(frame) > RESUME_BYTES:
            self._repeats = None
        else:
            self._repeats.append(frame)

    def _resume(self) -> list[Effect]:
        since, self._missed_since = self._missed_since, None
        repeats, self._repeats = self._repeats, None
        question, self._question = self._question, None
        self._is_holding_back = False
        if question is not None:
            return [AskDiff(self.conn, question)]  # with all that was missed since
        if since is None:
            return []
        if repeats is not None:
            return [effect for frame in repeats for effect in self.send(frame)]
        return [AskDiff(self.conn, since, is_answer=False)]

    def _advance(self, bulk_bytes: int, now_s: float) -> list[Effect]:
        effects: list[Effect] = []
        while bulk_bytes > 0:
            progress = self._sending[0]
            step = min(bulk_bytes, progress.total_bytes - progress.done_bytes)
            progress.done_bytes += step
            bulk_bytes -= step
            if progress.is_to_be_told(now_s):
                effects.append(self._moved("sending", progress))
            if progress.done_bytes == progress.total_bytes:
                self._sending.popleft()
        return effects

    # Receiving.

    def on_chunk(self, body: bytes, now_s: float) -> tuple[Message | None, list[Effect]]:
        """Take a chunk: give the message if it is whole, and the progress.

        Raises:
            DecodeError: it is not the next chunk, or a chunk of a chunk.
            MessageTooBigError: the message will be above the limit.
        """
        chunk = decode_chunk(body)
        frame = self._assembler.add(chunk)
        if self._receiving is None:
            self._receiving = _Progress(chunk.total_bytes)
        progress = self._receiving
        progress.done_bytes = chunk.offset + len(chunk.data)
        effects: list[Effect] = []
        if progress.is_to_be_told(now_s):
            effects.append(self._moved("receiving", progress))
        if frame is None:
            return None, effects
        self._receiving = None
        message = decode(frame, max_bytes=self.max_received_bytes)
        if isinstance(message, UnknownMessage) and message.type == CHUNK_TYPE:
            raise DecodeError("no chunk in chunks", 0, frame)
        return message, effects

    def _moved(self, direction: str, progress: _Progress) -> TransferMoved:
        done, total = progress.done_bytes, progress.total_bytes
        return TransferMoved(self.peer.peer_id, Transfer(direction, done, total))  # type: ignore[arg-type]
