"""Observations: the callbacks of users, each until it is cancelled."""

from __future__ import annotations

import html
from collections.abc import Callable, Iterator
from typing import Any, Generic, Self, TypeVar

from pyodide_rtc.cells import for_this_cell
from pyodide_rtc.errors import ConfigError

T = TypeVar("T")


def check_callback(callback: object) -> None:
    """Check what is to be called back.

    Raises:
        ConfigError: it cannot be called.
    """
    if not callable(callback):
        raise ConfigError(f"{callback!r:.80} cannot be called", "Give a function: observe(print).")


class Observation:
    """What every `observe()` returns: it goes on until it is cancelled.

    `with` cancels it at its end; to call it does as well. To cancel it twice is no error.

    Example:
        >>> observation = room.observe(print)
        >>> observation.cancel()
        >>> with room.map("state").observe(print):
        ...     await room.until_synced()

    Args:
        where: what is observed.
        begin: called when it begins, and each time that it goes on; returns what ends it.
    """

    def __init__(self, where: str, begin: Callable[[], Callable[[], object]]) -> None:
        self._where = where
        self._begin = begin
        self._end: Callable[[], object] | None = begin()
        self._is_cancelled = False

    @property
    def is_active(self) -> bool:
        """Whether it goes on."""
        return self._end is not None

    def cancel(self) -> None:
        """End it: the callback is not called any more, not even for what has happened already."""
        self._is_cancelled = True
        self._pause()

    def _pause(self) -> None:
        """Rest until `_go_on`: its room was left."""
        end, self._end = self._end, None
        if end is not None:
            end()

    def _go_on(self) -> None:
        """Go on, unless it was cancelled: its room was joined again."""
        if not self._is_cancelled and self._end is None:
            self._end = self._begin()

    __call__ = cancel

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.cancel()

    def __repr__(self) -> str:
        state = "cancelled" if self._is_cancelled else "its room was left"
        state = "cancel() ends it" if self.is_active else state
        return f"<Observation of {self._where}: {state}>"

    def _repr_html_(self) -> str:
        return f"<code>{html.escape(repr(self))}</code>"


class Observers(Generic[T]):
    """Callbacks, each called once for each time that it was added."""

    def __init__(self) -> None:
        self._callbacks: dict[object, Callable[[T], Any]] = {}

    def add(self, where: str, callback: Callable[[T], Any]) -> Observation:
        """Add a callback.

        Args:
            where: what is observed, in words.
            callback: called with each event.

        Returns:
            the observation.

        Raises:
            ConfigError: the callback cannot be called.
        """
        check_callback(callback)
        key, in_cell = object(), for_this_cell(callback)

        def begin() -> Callable[[], object]:
            self._callbacks[key] = in_cell
            return lambda: self._callbacks.pop(key)

        return Observation(where, begin)

    def __iter__(self) -> Iterator[Callable[[T], Any]]:
        return iter(tuple(self._callbacks.values()))  # a callback may end observations
