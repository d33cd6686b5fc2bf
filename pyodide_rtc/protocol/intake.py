"""What comes in: dealt with at once, or in turn where somebody sends more than there is time for.

A kernel has one thread for all peers and the user's cells. Each source (a link, or a signaling
server) has a budget; within it nothing waits. What is above waits in a queue of the source's own,
and the queues are served in turn, slice by slice: a flood delays its sender, and nobody else.
Nothing is dropped here: a queue that grows too long is the caller's to end. Knows no clock, and of
a frame no more than its type.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable, Iterable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from pyodide_rtc.wire.chunks import CHUNK_TYPE

T = TypeVar("T")

_CHUNK = bytes([CHUNK_TYPE])

RATE_PER_S = 300.0
"""Frames that one source may send per second, for as long as it likes, without waiting. Somebody
who types, points and drags at 60 Hz each makes 180. Who is above waits for a turn, mostly for 10 to
20 ms, and costs less, for what waits is dealt with in runs."""

BURST = 300.0
"""And so many more at once, which takes 0.15 s: a kernel takes 0.5 ms for each small frame that is
dealt with by itself (measured in Chromium on two busy cores: 0.53 for an update, 0.55 for an
awareness state, all that follows included; so 1,900 per second, and nothing else)."""

ALL_SHARE = 0.3
"""What frames of all sources that do not wait may take of the time. What follows from them takes
about as much again. Where it is more, all wait in turn, and who has sent little waits for little.
By time and not by number, for how much is too much depends on the machine and what else it does."""

ALL_BURST_S = 0.15
"""And so many seconds more at once."""

RUN_FRAMES = 25
"""At its turn a source has so many frames taken, in one go: what they change is passed on as one
change, so that a flood is not passed on as a flood."""

RUN_BYTES = 262_144
"""And so many bytes, unless a single frame is larger."""

SLICE_RUNS = 4
"""Without a break so many runs are taken at most."""

SLICE_S = 0.008
"""And no further one after so long: others and the user's cells wait no longer than for that."""

MIN_BREAK_S = 0.01
"""The break after a slice: at least so long, and as long as the slice took. So all floods together
leave half of the time, and at most 10,000 frames per second are taken of them."""

MAX_WAITING_BYTES = 64 * 1024 * 1024
"""What may wait of one source. A burst of 60 MB fits, should the kernel take nothing meanwhile."""

FRAME_OVERHEAD_BYTES = 64
"""What a frame takes beside its bytes while it waits: so their number is bounded, too (a million
empty ones)."""

_COST_BYTES = 262_144
"""So many bytes count as one frame more; most messages and all chunks are below."""

_AWARENESS_COST_BYTES = 4_096
"""The same of an awareness message, which is parsed: two or three dozen states."""

_QUESTION_COST = 10.0
"""What a question counts, for it makes us read the whole document, or say all states."""

_CHUNK_COST = 0.2
"""What a chunk counts, which is only put to the others: 500 per second are 32 MB."""

_LARGE_CHUNK_BYTES = 16_384
"""A smaller one counts as a question: it may be one, and of a transfer only the last is small."""


def cost_of(frame: bytes) -> float:
    """Tell as how many small frames this one counts."""
    if frame[:1] in (b"\x03", b"\x50") or frame[:2] == b"\x00\x00":
        return _QUESTION_COST
    if frame[:1] == _CHUNK:
        return _CHUNK_COST if len(frame) >= _LARGE_CHUNK_BYTES else _QUESTION_COST
    is_awareness = frame[:1] == b"\x01"
    return 1.0 + len(frame) // (_AWARENESS_COST_BYTES if is_awareness else _COST_BYTES)


@dataclass(slots=True)
class Budget:
    """A token bucket, kept as the time until which all that was spent is earned.

    Args:
        rate_per_s: what is earned per second.
        burst: what is saved up at most.
    """

    rate_per_s: float
    burst: float
    _earned_s: float | None = None

    def free_s(self) -> float | None:
        """Tell from when on something may be spent; None for any time."""
        return None if self._earned_s is None else self._earned_s - self.burst / self.rate_per_s

    def may_spend(self, now_s: float) -> bool:
        """Tell whether something may be spent: as much as is wanted, for debts are earned later."""
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
        """Tell how much waits of a source, with what keeping it takes."""
        queue = self._queues.get(source)
        return 0 if queue is None else queue.size_bytes

    def may_pass(self, source: Hashable, cost: float, now_s: float) -> bool:
        """Tell whether what has come is to be dealt with at once; else it has to `wait`.

        Args:
            source: where it came from.
            cost: as how many small frames it counts.
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
        """Take how long it took to deal with what did not wait."""
        self._all.spend(took_s, now_s)

    def wait(self, source: Hashable, items: Iterable[T], sizes: Iterable[int]) -> None:
        """Let something wait behind all that waits of its source.

        Args:
            source: where it came from.
            items: what came, at least one.
            sizes: the size of each, in bytes.
        """
        queue = self._queues.setdefault(source, _Queue())
        for item, size_bytes in zip(items, sizes, strict=True):
            queue.items.append((item, size_bytes))
            queue.size_bytes += size_bytes + FRAME_OVERHEAD_BYTES

    def take(self) -> tuple[Hashable, list[T]] | None:
        """Take a run of what has waited longest, of the source whose turn it is.

        Returns:
            the source, and at least one item: as many as fit into a run; None if nothing waits.
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
        """Take that nothing more comes of a source; what waits of it waits on."""
        self._budgets.pop(source, None)

    def drop(self, source: Hashable) -> None:
        """Drop what waits of a source."""
        self._queues.pop(source, None)
