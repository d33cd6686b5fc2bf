"""Tells users of changes: after them, in a turn of its own.

pycrdt's observers may only collect: they run while the change is made. So what they are told is put
into plain Python at once, and users are called once the code that made the change has ended.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

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
        self._kept: dict[int, Observation] = {}
        self._waiting: list[tuple[Observation, Callback, ValuesChanged]] = []

    def add(self, raw: Any, where: str, callback: Callback) -> Observation:
        """Observe a value of pycrdt with all that is in it, until it is cancelled."""
        check_callback(callback)
        mirror = Mirror(raw)

        def collect(events: list[Any]) -> None:
            origin = events[0].transaction.origin
            changes = self._changes(mirror, events)
            if changes and not self._context.is_undoing and observation.is_active:
                event = ValuesChanged(where, changes, self._author(origin))
                self._put(observation, callback, event)

        def end() -> None:
            self._kept.pop(id(observation), None)
            raw.unobserve(subscription)

        observation = Observation(where, end)
        subscription = raw.observe_deep(collect)
        self._kept[id(observation)] = observation
        return observation

    def close(self) -> None:
        """End all of them."""
        for observation in tuple(self._kept.values()):
            observation.cancel()

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
