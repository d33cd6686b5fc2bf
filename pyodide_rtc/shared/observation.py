"""Tells users of changes: after them, in a turn of its own.

pycrdt's observers may only collect: they run while the change is made. So what they are told is put
into plain Python at once, and users are called once the code that made the change has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from pyodide_rtc.cells import for_this_cell
from pyodide_rtc.observers import Observation, check_callback
from pyodide_rtc.shared.changes import Change, ValuesChanged
from pyodide_rtc.shared.faults import typed
from pyodide_rtc.shared.mirror import Mirror

if TYPE_CHECKING:
    from pyodide_rtc.shared.context import Context

Callback = Callable[[ValuesChanged], object]


def is_of_others(origin: object) -> bool:
    """Return whether a transaction of this origin may be that of somebody else.

    Those of this notebook have none. An undo manager's is a number: pycrdt knows no object for it.
    """
    return origin is not None and not isinstance(origin, int)


class Observations:
    """All observations of one document.

    Args:
        context: the document.
        author_of: names the peer whose update a transaction of this origin was.
    """

    def __init__(self, context: Context, author_of: Callable[[object], str]) -> None:
        self._context = context
        self._author_of = author_of
        self._active: dict[object, Observation] = {}
        self._paused: dict[object, Observation] = {}
        self._waiting: list[tuple[Observation, Callback, ValuesChanged]] = []

    def add(self, raw: Any, where: str, callback: Callback) -> Observation:
        """Observe a value of pycrdt with all that is in it, until it is cancelled."""
        check_callback(callback)
        key, in_cell = object(), for_this_cell(callback)

        def begin() -> Callable[[], None]:
            mirror = Mirror(raw)

            def collect(events: list[Any]) -> None:
                origin = events[0].transaction.origin
                changes = self._changes(mirror, events)
                if changes and not self._context.is_undoing and key in self._active:
                    event = ValuesChanged(where, changes, self._author(origin))
                    self._put(self._active[key], in_cell, event)

            subscription = raw.observe_deep(collect)

            def end() -> None:
                self._active.pop(key, None)
                raw.unobserve(subscription)

            return end

        observation = Observation(where, begin)
        self._active[key] = observation
        return observation

    def close(self) -> None:
        """End all of them."""
        for observation in (*self._active.values(), *self._paused.values()):
            observation.cancel()

    def pause(self) -> None:
        """Let all of them rest."""
        self._paused = dict(self._active)
        for observation in self._paused.values():
            observation._pause()

    def go_on(self) -> None:
        """Let those go on that rest, but for those that were cancelled meanwhile."""
        for key, observation in self._paused.items():
            observation._go_on()
            if observation.is_active:
                self._active[key] = observation

    def _changes(self, mirror: Mirror, events: list[Any]) -> tuple[Change, ...]:
        try:
            return tuple(mirror.apply(events))
        except Exception as error:  # raised here, it would come out in the code that writes
            self._context.tell(typed(error))
            mirror.is_stale = True
            return ()

    def _author(self, origin: object) -> str:
        return self._author_of(origin) if is_of_others(origin) else ""

    def _put(self, observation: Observation, callback: Callback, event: ValuesChanged) -> None:
        self._waiting.append((observation, callback, event))
        if len(self._waiting) == 1:
            self._context.soon(self._deliver)

    def _deliver(self) -> None:
        if self._context.when_free(self._deliver):
            return
        waiting, self._waiting = self._waiting, []
        for observation, callback, event in waiting:
            if observation.is_active:
                self._call(callback, event)

    def _call(self, callback: Callback, event: ValuesChanged) -> None:
        try:
            callback(event)
        except Exception as error:  # a user's callback may raise anything; others are called too
            self._context.tell(error)
