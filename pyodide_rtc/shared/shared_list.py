"""A shared list."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, MutableSequence
from operator import index as as_index
from typing import Any, Self, SupportsIndex

from pycrdt import Array, ArrayEvent, Map, StickyIndex, Text

from pyodide_rtc.errors import ValueRefusedError
from pyodide_rtc.shared.context import Context
from pyodide_rtc.shared.mirror import mirror, plain_copy
from pyodide_rtc.shared.plain_values import check_value, from_document
from pyodide_rtc.shared.shared_value import Place, SharedValue
from pyodide_rtc.shared.to_raw import copy_to_raw, is_stored, to_raw


class ItemPlace:
    """The place of a value in a list: it moves with the items before it.

    Args:
        container: the list.
        sticky: pycrdt's name for the item.
    """

    def __init__(self, container: SharedList, sticky: StickyIndex) -> None:
        self._container = container
        self._sticky = sticky
        self._checked_at = container._removals
        self._is_gone = False

    @property
    def path(self) -> tuple[str | int, ...]:
        """The path of the list, and the position of the value."""
        return (*self._container.path, self._sticky.get_index())

    def is_there(self) -> bool:
        """Return whether the value is still there; looks only if something was removed."""
        if self._container.is_removed:
            return False
        if not self._is_gone and self._checked_at != self._container._removals:
            self._checked_at = self._container._removals
            self._is_gone = not self._container._has_item(self._sticky)
        return not self._is_gone


class SharedList(SharedValue, MutableSequence[Any]):
    """A list that is shared with all who have the document.

    Dicts and lists that are put into it become shared ones, at any depth: what was put is copied,
    so go on with what the list gives back. Tuples and `plain(value)` are stored as one plain value,
    and come back read-only. An item that is replaced or moved is removed and put in anew.

    Example:
        >>> todo = room.list("todo")
        >>> todo.append({"task": "measure", "done": False})
        >>> todo[0]["done"] = True

    All that writes raises:
        ValueRefusedError: a value cannot be shared; nothing has changed then.
        ValueRemovedError: the list is not in the document any more.
        TransactionError: this is inside an observer of pycrdt, or another task has a transaction.
    """

    def __init__(self, context: Context, raw: Array[Any], place: Place) -> None:
        super().__init__(context, raw, place)
        self._children: weakref.WeakValueDictionary[bytes, SharedValue] = (
            weakref.WeakValueDictionary()
        )
        self._subscription: object = None
        self._removals = 0
        """How often items were removed; the values in the list then look whether they are there."""

    def __getitem__(self, key: SupportsIndex | slice) -> Any:
        with self._context.reading():
            self._check()
            if isinstance(key, slice):
                return [self._given(i) for i in range(*key.indices(len(self._raw)))]
            return self._given(self._position(key))

    def __setitem__(self, key: SupportsIndex | slice, value: Any) -> None:
        with self._context.writing():
            self._check()
            if isinstance(key, slice):
                self._set_slice(key, list(value))
                return
            position = self._position(key)
            if not self._is_itself(position, value):
                self._splice(position, position + 1, [self._checked(position, value)])

    def __delitem__(self, key: SupportsIndex | slice) -> None:
        with self._context.writing():
            self._check()
            if isinstance(key, slice):
                positions = sorted(range(*key.indices(len(self._raw))))
            else:
                positions = [self._position(key)]
            if positions and positions[-1] - positions[0] == len(positions) - 1:
                self._splice(positions[0], positions[-1] + 1, [])
                return
            for position in reversed(positions):
                self._splice(position, position + 1, [])

    def __len__(self) -> int:
        with self._context.reading():
            self._check()
            return len(self._raw)

    def __iter__(self) -> Iterator[Any]:
        with self._context.reading():
            self._check()
            return iter([self._given(i) for i in range(len(self._raw))])

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SharedList):
            return bool(self.to_py() == other.to_py())
        if isinstance(other, list):
            return bool(self.to_py() == other)
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __add__(self, other: list[Any] | SharedList) -> list[Any]:
        """Return a plain list with the items of both."""
        if not isinstance(other, (list, SharedList)):
            return NotImplemented
        copied: list[Any] = self.to_py()
        return copied + (other.to_py() if isinstance(other, SharedList) else other)

    def __radd__(self, other: list[Any]) -> list[Any]:
        """Return a plain list with the items of both."""
        copied: list[Any] = self.to_py()
        return other + copied

    def insert(self, index: SupportsIndex, value: Any) -> None:
        """Put a value before a position.

        Args:
            index: the position, as `list.insert` takes it.
            value: what to put there.
        """
        with self._context.writing():
            self._check()
            position = slice(as_index(index), None).indices(len(self._raw))[0]
            self._splice(position, position, [self._checked(position, value)])

    def append(self, value: Any) -> None:
        """Put a value at the end.

        Args:
            value: what to put there.
        """
        self.extend([value])

    def extend(self, values: Iterable[Any]) -> None:
        """Put values at the end, in one transaction.

        Args:
            values: what to put there.
        """
        new = values.to_py() if isinstance(values, SharedList) else list(values)
        with self._context.writing():
            self._check()
            length = len(self._raw)
            checked = [self._checked(length + i, value) for i, value in enumerate(new)]
            self._splice(length, length, checked)

    def __iadd__(self, values: Iterable[Any]) -> Self:
        self.extend(values)
        return self

    def pop(self, index: SupportsIndex = -1) -> Any:
        """Remove an item, and return a plain copy of it.

        Args:
            index: its position.

        Raises:
            IndexError: there is no such item.
        """
        with self._context.writing():
            self._check()
            position = self._position(index)
            value = plain_copy(self._raw[position])
            self._splice(position, position + 1, [])
            return value

    def clear(self) -> None:
        """Remove all items."""
        del self[:]

    def reverse(self) -> None:
        """Turn the order around. Items that move are put in anew, as copies."""
        self[:] = self.to_py()[::-1]

    def sort(self, *, key: Any = None, reverse: bool = False) -> None:
        """Sort the list. Items that move are put in anew, as copies.

        Args:
            key: as `list.sort` takes it; called with plain copies.
            reverse: whether the largest come first.
        """
        self[:] = sorted(self.to_py(), key=key, reverse=reverse)

    def copy(self) -> list[Any]:
        """Return a plain copy."""
        copied: list[Any] = self.to_py()
        return copied

    def _has_item(self, sticky: StickyIndex) -> bool:
        """Return whether an item is still in the list; the values in it ask so."""
        with self._context.reading():
            position = sticky.get_index()
            if position >= len(self._raw):
                return False
            return bool(self._raw.sticky_index(position).encode() == sticky.encode())

    def _position(self, key: SupportsIndex) -> int:
        position, length = as_index(key), len(self._raw)
        if position < 0:
            position += length
        if not 0 <= position < length:
            raise IndexError("list index out of range")
        return position

    def _checked(self, position: int, value: Any) -> Any:
        return check_value(value, f"{self._where()}[{position}]")

    def _set_slice(self, key: slice, values: list[Any]) -> None:
        start, stop, step = key.indices(len(self._raw))
        if step == 1:
            self._set_run(start, max(start, stop), values)
            return
        positions = range(start, stop, step)
        if len(positions) != len(values):
            problem = f"{len(values)} values cannot replace {len(positions)} items, with a step"
            raise ValueRefusedError(self._where(), problem, "Assign as many.")
        pairs = [
            (i, v) for i, v in zip(positions, values, strict=True) if not self._is_itself(i, v)
        ]
        for position, checked in [(i, self._checked(i, v)) for i, v in pairs]:
            self._splice(position, position + 1, [checked])

    def _set_run(self, start: int, stop: int, values: list[Any]) -> None:
        """Replace a run of items, but for those at its ends that stay the same."""
        first, last = start, stop
        begin, end = 0, len(values)
        while first < last and begin < end and self._stays(first, values[begin]):
            first, begin = first + 1, begin + 1
        while first < last and begin < end and self._stays(last - 1, values[end - 1]):
            last, end = last - 1, end - 1
        checked = [self._checked(first + i, value) for i, value in enumerate(values[begin:end])]
        self._splice(first, last, checked)

    def _stays(self, position: int, value: Any) -> bool:
        if isinstance(value, SharedValue):
            return self._is_itself(position, value)
        return is_stored(self._raw[position], self._checked(position, value))

    def _is_itself(self, position: int, value: Any) -> bool:
        """Return whether a value is where it is to be put: `rows[0] += [1]` assigns so."""
        return isinstance(value, SharedValue) and self._given(position) is value

    def _splice(self, start: int, stop: int, checked: list[Any]) -> None:
        self._put(start, stop, [to_raw(value) for value in checked])

    def _put(self, start: int, stop: int, raw_items: list[Any]) -> None:
        """Replace a run of items by values of pycrdt."""
        if self._context.is_in_block:
            self._remember(start, stop, len(raw_items))
        if stop > start:
            self._removals += 1
            del self._raw[start:stop]
        if raw_items:
            self._raw[start:start] = raw_items

    def _remember(self, start: int, stop: int, count: int) -> None:
        """Be ready to put back a run of items, for so many that come in their place."""
        context, path = self._context, self.path
        before = [mirror(self._raw[i]) for i in range(start, stop)]

        def take_back() -> None:
            old = [copy_to_raw(item) for item in before]
            context.follow(path)._put(start, start + count, old)

        context.if_it_raises(take_back)

    def _given(self, position: int) -> Any:
        value = self._raw[position]
        if not isinstance(value, (Map, Array, Text)):
            return from_document(value)
        sticky = self._raw.sticky_index(position)
        name = sticky.encode()
        child = self._children.get(name)
        if child is None:
            self._observe_removals()
            child = self._context.wrap(value, ItemPlace(self, sticky))
            self._children[name] = child
        return child

    def _observe_removals(self) -> None:
        """Hear from now on that items are removed, so that values know when to look."""
        if self._subscription is not None:
            return
        reference = weakref.ref(self)

        def on_event(event: ArrayEvent) -> None:
            shared = reference()
            if shared is not None and any("delete" in step for step in event.delta):  # type: ignore[attr-defined]
                shared._removals += 1

        self._subscription = self._raw.observe(on_event)
