"""The callbacks of users who observe a room or its awareness."""

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
            a function that ends the observation; to call it twice is no error.
        """
        observation = object()
        self._callbacks[observation] = callback

        def end() -> None:
            self._callbacks.pop(observation, None)

        return end

    def __iter__(self) -> Iterator[Callable[[T], Any]]:
        return iter(tuple(self._callbacks.values()))  # a callback may end observations
