"""A shared dict whose entries are attributes as well."""

from __future__ import annotations

from collections.abc import Callable, Iterator, MutableMapping
from typing import Any

from pyodide_rtc.errors import ValueRefusedError
from pyodide_rtc.observers import Observation
from pyodide_rtc.shared.changes import ValuesChanged
from pyodide_rtc.shared.shared_map import SharedMap


class SharedNamespace(MutableMapping[str, Any]):
    """What all who have the document share by name, as attributes and as items.

    It behaves as the `SharedMap` below it.

    Example:
        >>> room.state.threshold = 3
        >>> room.state["threshold"]
        3

    All that writes raises:
        ValueRefusedError: a value or name cannot be shared; nothing has changed then.
        TransactionError: this is inside an observer of pycrdt, or another task has a transaction.

    Args:
        entries: returns the shared map that has them.
    """

    __slots__ = ("_entries",)
    _entries: Callable[[], SharedMap]

    def __init__(self, entries: Callable[[], SharedMap]) -> None:
        object.__setattr__(self, "_entries", entries)

    def __getitem__(self, name: str) -> Any:
        return self._entries()[name]

    def __setitem__(self, name: str, value: object) -> None:
        self._entries()[name] = value

    def __delitem__(self, name: str) -> None:
        del self._entries()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries())

    def __len__(self) -> int:
        return len(self._entries())

    def __getattr__(self, name: str) -> Any:
        if not name.startswith("_"):  # those are asked for by who shows and copies objects
            try:
                return self._entries()[name]
            except KeyError:
                pass
        raise AttributeError(f"nobody has shared {name!r}", name=name, obj=self)

    def __setattr__(self, name: str, value: object) -> None:
        if name.startswith("_") or hasattr(type(self), name):
            what = f"{name!r} is an attribute of this object itself"
            raise ValueRefusedError("state", what, f"Write state[{name!r}].")
        self._entries()[name] = value

    def __delattr__(self, name: str) -> None:
        try:
            del self._entries()[name]
        except KeyError:
            raise AttributeError(f"nobody has shared {name!r}", name=name, obj=self) from None

    def __dir__(self) -> list[str]:
        return [*super().__dir__(), *(name for name in self if name.isidentifier())]

    def observe(self, callback: Callable[[ValuesChanged], object]) -> Observation:
        """Call back after each change of an entry, and of all that is in it.

        Example:
            >>> observation = room.state.observe(print)  # <Bob: state['threshold'] added 3>
            >>> observation.cancel()

        Args:
            callback: called with a `ValuesChanged`, in a turn of its own.

        Returns:
            the observation: `cancel()` ends it, and so does the end of a `with` block, and that the
            room is left.

        Raises:
            ConfigError: the callback cannot be called.
        """
        return self._entries().observe(callback)

    def to_py(self) -> dict[str, Any]:
        """Return a copy in plain Python."""
        return self._entries().copy()

    def __repr__(self) -> str:
        return repr(self._entries()).replace("SharedMap", "SharedNamespace", 1)

    def _repr_html_(self) -> str:
        return self._entries()._repr_html_().replace("SharedMap", "SharedNamespace", 1)
