"""What went wrong in a room while it went on: each cause once, with how often it came."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable, Sequence
from typing import Any, Self

from pyodide_rtc.room_repr import one_line

__all__ = ["FaultList", "Faults"]

_MOST_KEPT = 20
"""So many causes are kept; the one that has not come for the longest time goes first."""

_VARIABLE = re.compile(r"\bpeer \S+:|(?<!\S)\d[\d.,]*")
"""What differs between two faults of one cause: which peer it was, and how much there was of it.

A number within a word counts: servers at two ports are two causes.
"""


class Faults(tuple[BaseException, ...]):
    """What went wrong in a room, the latest last: errors, each cause once.

    Two errors have one cause if they are of one type and their sentences differ in nothing but the
    peer and in numbers. The latest of them is shown.

    Example:
        >>> room.faults[-1]
        >>> room.faults.count(room.faults[-1])  # how often it came

    Args:
        faults: the errors, each with how often its cause came.
    """

    _counts: Sequence[int]
    _at: str = ""

    def __new__(cls, faults: Iterable[tuple[BaseException, int]] = (), at: str = "") -> Self:
        """Make it out of errors and counts, and of when the latest came."""
        pairs = tuple(faults)
        made = super().__new__(cls, (error for error, _ in pairs))
        made._counts = [count for _, count in pairs]
        made._at = at
        return made

    @property
    def at(self) -> str:
        """When the latest came, by the local clock, such as `14:05:09`."""
        return self._at

    def count(self, fault: Any, /) -> int:
        """Return how often the cause of a fault came.

        Args:
            fault: one of these.
        """
        return sum(n for error, n in zip(self, self._counts, strict=True) if error == fault)

    def __repr__(self) -> str:
        if not self:
            return "no faults"
        head = "1 fault:" if len(self) == 1 else f"{len(self)} faults, the latest last:"
        return "\n".join([head, *map(self._line, self, self._counts)])

    def _line(self, error: BaseException, count: int) -> str:
        times = "" if count == 1 else f" ({count} times)"
        return f"  {one_line(_sentence(error))}{times}"


def _sentence(error: BaseException) -> str:
    """Name an error with its sentence; of a group, that of each error in it."""
    if isinstance(error, BaseExceptionGroup):
        return "; ".join(map(_sentence, error.exceptions))
    return f"{type(error).__name__}: {error}"


class FaultList:
    """Keeps the faults of a room."""

    def __init__(self) -> None:
        self._by_cause: dict[str, tuple[BaseException, int]] = {}
        self._at = ""

    def add(self, error: BaseException, count: int = 1) -> None:
        """Keep a fault as the latest.

        Args:
            error: what went wrong.
            count: how often it came since it was added last.
        """
        cause = _VARIABLE.sub("", _sentence(error))
        _, before = self._by_cause.pop(cause, (error, 0))
        if len(self._by_cause) >= _MOST_KEPT:
            del self._by_cause[next(iter(self._by_cause))]
        self._by_cause[cause] = error, before + count
        self._at = time.strftime("%H:%M:%S")

    def now(self) -> Faults:
        """Return the faults as they are now."""
        return Faults(self._by_cause.values(), self._at)
