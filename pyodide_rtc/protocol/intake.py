"""What comes in is handled at once, or in turn if a source sends more than there is time for.

A kernel has one thread for all peers and the user's cells. Each source (a link, or a signaling
server) has a budget; within it nothing waits. What exceeds it waits in a queue of that source. The
queues are served in turn, slice by slice: a flood delays its sender, and nobody else.
Nothing is dropped here: if a queue grows too long, the caller ends its source. This module knows no
clock, and of a frame only the type.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pyodide_rtc.wire.chunks import CHUNK_TYPE
from pyodide_rtc.wire.messages import envelope_bytes

T = TypeVar("T")

_CHUNK = bytes([CHUNK_TYPE])

RATE_PER_S = 300.0
"""Frames that one source may send per second, for as long as it likes, without waiting. Somebody
who types, points and drags at 60 Hz each makes 180. Frames above the rate wait for a turn, mostly
for 10 to 20 ms. They also cost less, as what waits is handled in runs."""

BURST = 300.0
"""Frames that one source may send at once beyond that rate. They take 0.15 s: a kernel needs 0.5 ms
for each small frame that is handled by itself (measured in Chromium on two busy cores: 0.53 for an
update, 0.55 for an awareness state, all that follows included; so 1,900 per second, and nothing
else)."""

ALL_SHARE = 0.3
"""The share of time that frames of all sources may take without waiting. What follows from them
takes about as much again. If they take more, all sources wait in turn, and a source that has sent
little waits for little. It is a time and no number of frames, as the limit depends on the machine
and on what else it does."""

ALL_BURST_S = 0.15
"""So many seconds they may take at once beyond that share."""

RUN_FRAMES = 25
"""A run: at its turn up to so many frames of a source are handled in one go. What they change is
passed on as one change. So a flood is not passed on as a flood."""

RUN_BYTES = 262_144
"""A run has at most so many bytes, unless a single frame is larger."""

SLICE_RUNS = 4
"""A slice has at most so many runs, without a break between them."""

SLICE_S = 0.008
"""After so long a slice begins no further run: other events and the user's cells wait no longer."""

MIN_BREAK_S = 0.01
"""The break after a slice lasts at least so long, and as long as the slice took. So all floods
together leave half of the time, and at most 10,000 of their frames per second are handled."""

MAX_WAITING_BYTES = 64 * 1024 * 1024
"""How much of one source may wait. A burst of 60 MB fits, even if the kernel is busy meanwhile."""

FRAME_OVERHEAD_BYTES = 64
"""What a waiting frame counts beside its own bytes. So the number of frames is bounded, too (a
million empty ones)."""

_COST_BYTES = 262_144
"""So many bytes count as one frame more; most messages and all chunks are below."""

_AWARENESS_COST_BYTES = 4_096
"""The same for an awareness message, which is parsed: this is two or three dozen states."""

_QUESTION_COST = 10.0
"""What a question counts: the answer needs the whole document, or all awareness states."""

_CHUNK_COST = 0.2
"""What a chunk counts: it is only stored, until the last one comes. 500 per second are 32 MB."""

_LARGE_CHUNK_BYTES = 16_384
"""A smaller one counts as a question: it may be one, and of a transfer only the last is small."""


def cost_of(frame: bytes) -> float:
    """Return as how many small frames this one counts."""
    at = envelope_bytes(frame)
    kind = frame[at : at + 1]
    if kind in (b"\x03", b"\x50") or frame[at : at + 2] == b"\x00\x00":
        return _QUESTION_COST
    if kind == _CHUNK:
        return _CHUNK_COST if len(frame) >= _LARGE_CHUNK_BYTES else _QUESTION_COST
    is_awareness = kind == b"\x01"
    return 1.0 + len(frame) // (_AWARENESS_COST_BYTES if is_awareness else _COST_BYTES)


@dataclass(slots=True)
class Budget:
    """A token bucket, stored as one time: the time at which all that was spent is earned back.

    Args:
        rate_per_s: what is earned per second.
        burst: what can be saved up at most.
    """

    rate_per_s: float
    burst: float
    _earned_s: float | None = None

    def free_s(self) -> float | None:
        """Return from when on something may be spent; None for any time."""
        return None if self._earned_s is None else self._earned_s - self.burst / self.rate_per_s

    def may_spend(self, now_s: float) -> bool:
        """Return whether something may be spent. Any amount may: debts are earned back later."""
        free_s = self.free_s()
        return free_s is None or now_s >= free_s

    def spend(self, cost: float, now_s: float) -> None:
        """Spend."""
        since_s = now_s if self._earned_s is None else max(self._earned_s, now_s)
        self._earned_s = since_s + cost / self.rate_per_s


@dataclass(slots=True)
class _Queue(Generic[T]):
    """What waits of one source."""

    items: deque[tuple[T, int]] = field(default_factory=deque)
    size_bytes: int = 0


@dataclass(slots=True)
class Intake(Generic[T]):
    """The budgets of all sources, and what waits of them."""

    _all: Budget = field(default_factory=lambda: Budget(ALL_SHARE, ALL_BURST_S))  # seconds
    _budgets: dict[Hashable, Budget] = field(default_factory=dict)
    _queues: dict[Hashable, _Queue[T]] = field(default_factory=dict)  # in the order of their turns

    @property
    def is_waiting(self) -> bool:
        """Whether anything waits."""
        return bool(self._queues)

    def waiting_bytes(self, source: Hashable) -> int:
        """Return how many bytes of a source wait, `FRAME_OVERHEAD_BYTES` for each item included."""
        queue = self._queues.get(source)
        return 0 if queue is None else queue.size_bytes

    def may_pass(self, source: Hashable, cost: float, now_s: float) -> bool:
        """Return whether to handle an item at once; if not, call `wait` with it.

        Args:
            source: where the item came from.
            cost: as how many small frames the item counts.
            now_s: the time.
        """
        if source in self._queues:  # it must not overtake
            return False
        budget = self._budgets.get(source)
        if budget is None:
            budget = self._budgets[source] = Budget(RATE_PER_S, BURST)
        if not (budget.may_spend(now_s) and self._all.may_spend(now_s)):
            return False
        budget.spend(cost, now_s)
        return True

    def worked(self, took_s: float, now_s: float) -> None:
        """Count the time that it took to handle an item which did not wait."""
        self._all.spend(took_s, now_s)

    def wait(self, source: Hashable, items: Iterable[T], sizes: Iterable[int]) -> None:
        """Queue items behind all that waits of their source.

        Args:
            source: where the items came from.
            items: at least one.
            sizes: the size of each, in bytes.
        """
        queue = self._queues.setdefault(source, _Queue())
        for item, size_bytes in zip(items, sizes, strict=True):
            queue.items.append((item, size_bytes))
            queue.size_bytes += size_bytes + FRAME_OVERHEAD_BYTES

    def take(self) -> tuple[Hashable, list[T]] | None:
        """Take out a run of the source whose turn it is, oldest items first.

        Returns:
            the source and at least one item, as many as fit into a run; None if nothing waits.
        """
        source = next(iter(self._queues), None)
        if source is None:
            return None
        queue = self._queues.pop(source)
        run: list[T] = []
        run_bytes = 0
        while queue.items and (not run or run_bytes + queue.items[0][1] <= RUN_BYTES):
            item, size_bytes = queue.items.popleft()
            queue.size_bytes -= size_bytes + FRAME_OVERHEAD_BYTES
            run.append(item)
            run_bytes += size_bytes
            if len(run) == RUN_FRAMES:
                break
        if queue.items:
            self._queues[source] = queue
        return source, run

    def end(self, source: Hashable) -> None:
        """Forget the budget of a source from which nothing more comes; what waits of it stays."""
        self._budgets.pop(source, None)

    def drop(self, source: Hashable) -> None:
        """Drop what waits of a source."""
        self._queues.pop(source, None)
