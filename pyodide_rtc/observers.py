"""Those who observe something, for what users hold."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Observers(Generic[T]):
    """Callbacks, each called once for each time that it was added."""

    def __init__(self) -> None:
        self._callbacks: dict[object, Callable[[T], Any]] = {}

    def add(self, callback: Callable[[T], Any]) -> Callable[[], None]:
        """Add a callback.

        Returns:
            what ends the observation; twice is no error.
        """
        observation = object()
        self._callbacks[observation] = callback

        def end() -> None:
            self._callbacks.pop(observation, None)

        return end

    def __iter__(self) -> Iterator[Callable[[T], Any]]:
        return iter(tuple(self._callbacks.values()))  # a callback may end observations
