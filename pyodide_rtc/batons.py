"""Batons, for users: one notebook of a room has it at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from types import TracebackType
from typing import Any, Self

from pyodide_rtc import quiet_words, room_repr
from pyodide_rtc.calls import CallRoom, check_label, check_timeout
from pyodide_rtc.errors import BatonError, BatonLostError, BatonTimeoutError, RtcError
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.effects import BatonMoved
from pyodide_rtc.snapshot import BatonState
from pyodide_rtc.wire.call_messages import MAX_BATONS

__all__ = ["Baton"]

_YOU = "you"


@dataclass(slots=True)
class _Turn:
    """Within this kernel one task has a baton at a time; the others wait for its lock."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    owner: asyncio.Task[Any] | None = None
    users: int = 0


class Batons:
    """The batons of one room in this kernel.

    Args:
        room: the room.
    """

    def __init__(self, room: CallRoom) -> None:
        self._room = room
        self._turns: dict[str, _Turn] = {}
        self._waiters: dict[str, asyncio.Future[None]] = {}
        self._held: set[str] = set()
        self._lost: dict[str, Callable[[], str]] = {}
        """Those that were lost while a task had them, with what says why."""
        self._told: dict[str, str] = {}
        """Who had which baton, as far as that was told."""

    def state(self, name: str) -> BatonState:
        """Return who has a baton."""
        return self._room.snapshot.batons.get(name, BatonState())

    def is_held(self, name: str) -> bool:
        """Whether this kernel has a baton."""
        return name in self._held

    def who(self, peer_id: str | None) -> str:
        """Name somebody who has a baton or waits for it; None is who is not reached any more."""
        if peer_id is None:
            return "somebody"
        snapshot = self._room.snapshot
        if peer_id == snapshot.peer_id:
            return _YOU
        names = {peer.peer_id: peer.name for peer in snapshot.peers}
        return room_repr.who(names.get(peer_id), peer_id)

    async def take(self, name: str, timeout_s: float | None) -> None:
        """Wait until this task has a baton."""
        turn = self._turns.get(name)
        if turn is not None and turn.owner is asyncio.current_task():
            raise BatonError(name, "this code has it already, and would wait for itself")
        if turn is None and len(self._turns) >= MAX_BATONS:
            raise BatonError(name, f"{MAX_BATONS} others are held or waited for here already")
        try:
            async with asyncio.timeout(timeout_s):
                await self._wait(name, self._turns.setdefault(name, _Turn()))
        except TimeoutError as error:
            raise BatonTimeoutError(name, self._why_late(name), timeout_s or 0.0) from error

    async def _wait(self, name: str, turn: _Turn) -> None:
        turn.users += 1
        try:
            await turn.lock.acquire()
        except BaseException:
            self._leave(name, turn)
            raise
        turn.owner = asyncio.current_task()
        try:
            await self._room.until_open()
            waiter = self._waiters[name] = asyncio.get_running_loop().create_future()
            self._room.feed(ev.BatonAsked(name))
            await waiter
        except BaseException:
            self.give_back(name)
            raise
        finally:
            self._waiters.pop(name, None)

    def give_back(self, name: str) -> str | None:
        """Let others have a baton.

        Returns:
            why it was not ours any more; None if it was.
        """
        turn = self._turns[name]
        self._held.discard(name)
        self._room.feed(ev.BatonReturned(name))
        turn.owner = None
        turn.lock.release()
        self._leave(name, turn)
        lost = self._lost.pop(name, None)
        return None if lost is None else lost()

    def _leave(self, name: str, turn: _Turn) -> None:
        turn.users -= 1
        if not turn.users:
            del self._turns[name]

    def move(self, moved: BatonMoved) -> None:
        """Something has changed: go on with what waited for it, and tell whose it is now."""
        name, holder = moved.name, self.state(moved.name).holder
        waiter = self._waiters.get(name)
        if moved.change == "got":
            self._held.add(name)
            if waiter is not None and not waiter.done():
                waiter.set_result(None)
        elif moved.change == "lost":
            self._held.discard(name)
            self._lost[name] = partial(self._words_of_loss, holder)
            words = f"lost to {self.who(holder)}"
            self._room.tell("baton", f"baton {room_repr.one_line(name)!r}: {words}")
        if self._told.pop(name, None) != holder:
            self._room.tell("baton", f"baton {room_repr.one_line(name)!r}: {self.words(name)}")
        if holder is not None:
            self._told[name] = holder

    def words(self, name: str) -> str:
        """Say who has a baton, and who waits."""
        state = self.state(name)
        who = "" if state.holder is None else self.who(state.holder)
        holder = f"{who} {'have' if who == _YOU else 'has'} it" if who else "free"
        waiting = room_repr.listed([*map(self.who, state.waiting)])
        return f"{holder}; next: {waiting}" if waiting else holder

    def close(self, error: RtcError) -> None:
        """The room was left, for this reason: nobody has a baton here any more."""
        for waiter in self._waiters.values():
            if not waiter.done():
                waiter.set_exception(error)
        self._lost |= dict.fromkeys(self._held, partial(str, error))
        self._held.clear()

    def _words_of_loss(self, holder: str | None) -> str:
        return f"{self.who(holder)} had it as well, as you could not reach each other"

    def _why_late(self, name: str) -> str:
        state, snapshot = self.state(name), self._room.snapshot
        if state.holder is not None:
            return f"{self.who(state.holder)} has it{self._busy(state.holder)}"
        before = [i for i in state.waiting if i != snapshot.peer_id]
        if before:
            return f"{self.who(before[0])} is next{self._busy(before[0])}"
        late = [f"{self.who(p.peer_id)}{self._busy(p.peer_id)}" for p in snapshot.peers]
        return f"not all of these have answered: {room_repr.listed(late)}"

    def _busy(self, peer_id: str) -> str:
        peers = [peer for peer in self._room.snapshot.peers if peer.peer_id == peer_id]
        return "".join(f" ({words})" for words in map(quiet_words.state_words, peers) if words)


class Baton:
    """A right that one notebook of the room has at a time: to run a measurement, to write a file.

    Whoever asks first has it first. It is free again at the end of the block, and when its holder
    leaves, is restarted or crashes. A kernel that computes keeps it.

    Among notebooks that reach each other one has it at a time. If the network parts, there may be
    one in each part; when they meet, the one that has asked earlier loses it. Who has just joined
    knows nobody yet: wait for `room.until_synced()` first.

    Example:
        >>> async with room.baton("run", timeout_s=60) as baton:
        ...     measure()

    Args:
        batons: the batons of this kernel.
        name: its name.
        timeout_s: how long a block waits for it, in seconds; None for ever.
    """

    def __init__(self, batons: Batons, name: str, timeout_s: float | None) -> None:
        self._batons = batons
        self._name = check_label(name, "baton")
        check_timeout(timeout_s)
        self._timeout_s = timeout_s

    @property
    def name(self) -> str:
        """Its name."""
        return self._name

    @property
    def is_mine(self) -> bool:
        """Whether this notebook has it now."""
        return self._batons.is_held(self._name)

    @property
    def holder(self) -> str | None:
        """Who has it, by the name that is shown (`"you"` for this notebook); None if it is free."""
        holder = self._batons.state(self._name).holder
        return None if holder is None else self._batons.who(holder)

    @property
    def waiting(self) -> tuple[str, ...]:
        """Who waits for it, in the order in which they get it."""
        return tuple(map(self._batons.who, self._batons.state(self._name).waiting))

    async def __aenter__(self) -> Self:
        await self._batons.take(self._name, self._timeout_s)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        lost = self._batons.give_back(self._name)
        if lost is not None and error is None:
            raise BatonLostError(self._name, lost)

    def __repr__(self) -> str:
        words = self._batons.words(self._name)
        return f"<Baton {room_repr.one_line(self._name)!r}: {words}>"
