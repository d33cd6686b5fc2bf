"""What all shared values have in common: where they are, and whether they are still there.

pycrdt makes a new object for each access, and a value that was removed reads as empty and takes
changes in silence. So a value knows its container and its place in it, and asks whether it is
still there before it is used.
"""

from __future__ import annotations

import html
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from pyodide_rtc.errors import ValueRemovedError
from pyodide_rtc.observers import Observation
from pyodide_rtc.shared.changes import ValuesChanged
from pyodide_rtc.shared.context import Context
from pyodide_rtc.shared.mirror import plain_copy
from pyodide_rtc.shared.plain_values import InDocument

MAX_REPR_CHARACTERS = 1_000
"""How much of a value its repr shows."""


class Place(Protocol):
    """Where a shared value is."""

    @property
    def path(self) -> tuple[str | int, ...]:
        """The name of the outermost value, and the keys and positions that lead from it."""

    def is_there(self) -> bool:
        """Return whether the value is still there."""


@dataclass(frozen=True, slots=True)
class RootPlace:
    """The place of a value that has a name: it is never removed."""

    name: str

    @property
    def path(self) -> tuple[str | int, ...]:
        """The name."""
        return (self.name,)

    def is_there(self) -> bool:
        """Return True."""
        return True


class SharedValue(InDocument):
    """A value that is shared with all who have the document.

    `SharedMap`, `SharedList` and `SharedText` are its kinds. It is made by the document.

    Args:
        context: the document.
        raw: pycrdt's own object.
        place: where it is.
    """

    def __init__(self, context: Context, raw: Any, place: Place) -> None:
        self._context = context
        self._raw = raw
        self._place = place

    __hash__ = None  # type: ignore[assignment]  # as list and dict: it is equal by its content

    @property
    def raw(self) -> Any:
        """Pycrdt's own object, for whoever wants it; it counts and converts in its own way.

        Raises:
            ValueRemovedError: the value is not in the document any more.
        """
        self._check()
        return self._raw

    @property
    def is_removed(self) -> bool:
        """Whether the value is not in the document any more."""
        return not self._place.is_there()

    @property
    def path(self) -> tuple[str | int, ...]:
        """Where it is: the name of the outermost value, then keys and positions.

        Raises:
            ValueRemovedError: the value is not in the document any more.
        """
        self._check()
        return self._place.path

    def to_py(self) -> Any:
        """Return a copy in plain Python: dicts, lists and texts that are not shared.

        Raises:
            ValueRemovedError: the value is not in the document any more.
        """
        with self._context.reading():
            self._check()
            return plain_copy(self._raw)

    def observe(self, callback: Callable[[ValuesChanged], object]) -> Observation:
        """Call back after each change of this value, and of all that is in it.

        The callback gets one event for each transaction, in a turn of its own: it may read and
        write everything. What it raises is shown among the faults; others are called all the same.
        What it prints or draws appears below the cell that calls this.

        Example:
            >>> observation = state.observe(print)  # <Bob: state['n'] changed 3 to 4>
            >>> observation.cancel()

        Args:
            callback: called with a `ValuesChanged`.

        Returns:
            the observation: `cancel()` ends it, and so does the end of a `with` block, and that the
            document is closed or the room left.

        Raises:
            ConfigError: the callback cannot be called.
            ValueRemovedError: the value is not in the document any more.
        """
        with self._context.reading():
            self._check()
            return self._context.observations.add(self._raw, self._where(), callback)

    def _check(self) -> None:
        if not self._place.is_there():
            raise ValueRemovedError(type(self).__name__)

    def _where(self) -> str:
        """Name the place, for a sentence."""
        name, *steps = self._place.path
        return str(name) + "".join(f"[{step!r}]" for step in steps)

    def _shown(self) -> str:
        if self.is_removed:
            return "removed"
        try:
            shown = repr(self.to_py())
        except Exception as error:  # a repr must not raise: debuggers and tracebacks need it
            return f"not readable now: {error}"
        if len(shown) > MAX_REPR_CHARACTERS:
            return shown[:MAX_REPR_CHARACTERS] + "..."
        return shown

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._shown()})"

    def _repr_html_(self) -> str:
        kind = html.escape(type(self).__name__)
        return f"<code>{kind}({html.escape(self._shown())})</code>"
