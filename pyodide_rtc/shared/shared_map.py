"""A shared dict."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import TYPE_CHECKING, Any

from pycrdt import Array, Map, MapEvent, Text, Transaction

from pyodide_rtc.shared.context import Context
from pyodide_rtc.shared.mirror import mirror, plain_copy
from pyodide_rtc.shared.plain_values import check_key, check_value, from_document, is_sound
from pyodide_rtc.shared.shared_value import Place, SharedValue
from pyodide_rtc.shared.to_raw import copy_to_raw, is_stored, to_raw
from pyodide_rtc.yrs import is_running

_NOTHING = object()


class KeyPlace:
    """The place of a value in a map.

    Args:
        container: the map.
        key: its key there.
        born_in: the transaction in which the value was read.
    """

    def __init__(self, container: SharedMap, key: str, born_in: Transaction) -> None:
        self._container = container
        self._key = key
        self._born_in = born_in
        self.is_gone = False

    @property
    def path(self) -> tuple[str | int, ...]:
        """The path of the map, and the key."""
        return (*self._container.path, self._key)

    def is_there(self) -> bool:
        """Return whether the value is still there."""
        return not self.is_gone and not self._container.is_removed

    def was_changed(self) -> None:
        """The key has another value, or none: a transaction that ends now tells so.

        A value that was read within this transaction is what it put there.
        """
        if not is_running(self._born_in):
            self.is_gone = True


class SharedMap(SharedValue, MutableMapping[str, Any]):
    """A dict that is shared with all who have the document.

    Keys are texts, and come sorted. Dicts and lists that are assigned become shared ones, at any
    depth: what was assigned is copied, so go on with what the map gives back. Tuples and
    `plain(value)` are stored as one plain value, and come back read-only.

    Example:
        >>> state = room.map("state")
        >>> state["todo"] = []
        >>> state["todo"].append("measure")

    All that writes raises:
        ValueRefusedError: a value or key cannot be shared; nothing has changed then.
        ValueRemovedError: the map is not in the document any more.
        TransactionError: this is inside an observer of pycrdt, or another task has a transaction.
    """

    def __init__(self, context: Context, raw: Map[Any], place: Place) -> None:
        super().__init__(context, raw, place)
        self._children: weakref.WeakValueDictionary[str, SharedValue] = (
            weakref.WeakValueDictionary()
        )
        self._subscription: object = None

    if not TYPE_CHECKING:  # else every wrong name would pass

        def __getattr__(self, name):
            if name.startswith("_"):  # those are asked for by who shows and copies objects
                raise AttributeError(name, name=name, obj=self)
            raise AttributeError(f"A shared map has keys, no attributes: write map[{name!r}]")

    def __setattr__(self, name: str, value: object) -> None:
        if not name.startswith("_"):  # it would be shared with nobody, in silence
            raise AttributeError(f"A shared map has keys, no attributes: write map[{name!r}] = ...")
        super().__setattr__(name, value)

    def __getitem__(self, key: str) -> Any:
        with self._context.reading():
            self._check()
            return self._given(key)

    def __setitem__(self, key: str, value: object) -> None:
        with self._context.writing():
            self._check()
            self._set(check_key(key, self._where()), value)

    def __delitem__(self, key: str) -> None:
        with self._context.writing():
            self._check()
            if key not in self:
                raise KeyError(key)
            self._put(key)

    def __iter__(self) -> Iterator[str]:
        with self._context.reading():
            self._check()
            return iter(sorted(self._raw.keys()))

    def __len__(self) -> int:
        with self._context.reading():
            self._check()
            return len(self._raw)

    def __contains__(self, key: object) -> bool:
        with self._context.reading():
            self._check()
            return isinstance(key, str) and is_sound(key) and key in self._raw

    def __eq__(self, other: object) -> bool:
        if isinstance(other, SharedMap):
            return bool(self.to_py() == other.to_py())
        if isinstance(other, Mapping):
            return bool(self.to_py() == dict(other))
        return NotImplemented

    __hash__ = None  # type: ignore[assignment]

    def __or__(self, other: Mapping[str, Any]) -> dict[str, Any]:
        """Return a plain dict with the entries of both."""
        if not isinstance(other, Mapping):
            return NotImplemented
        return {**self.to_py(), **other}

    def pop(self, key: str, default: Any = _NOTHING) -> Any:
        """Remove an entry, and return a plain copy of its value.

        Args:
            key: its key.
            default: returned if there is none.

        Raises:
            KeyError: there is no such key, and no default was given.
        """
        with self._context.writing():
            if key not in self:
                if default is _NOTHING:
                    raise KeyError(key)
                return default
            value = plain_copy(self._raw[key])
            del self[key]
            return value

    def popitem(self) -> tuple[str, Any]:
        """Remove the last entry by name, and return its key and a plain copy of its value.

        Raises:
            KeyError: the map is empty.
        """
        with self._context.writing():
            keys = list(self)
            if not keys:
                raise KeyError("popitem(): the map is empty")
            return keys[-1], self.pop(keys[-1])

    def clear(self) -> None:
        """Remove all entries, in one transaction."""
        with self._context.writing():
            for key in self:
                del self[key]

    def setdefault(self, key: str, default: Any = None) -> Any:
        """Return the value of a key, which is made if there is none: a list comes as a shared one.

        If two people make it before they hear of each other, one of the two values vanishes. Values
        that have a name of their own in the document merge.

        Args:
            key: the key.
            default: what is assigned if there is no such key.
        """
        if key in self:
            return self[key]
        with self._context.writing():
            self[key] = default
            return self._given(key)

    def update(self, *others: Any, **entries: Any) -> None:
        """Assign entries, in one transaction; those that are there already are not written.

        Args:
            *others: one mapping, or one iterable of pairs.
            **entries: more of them.
        """
        new = dict(*others, **entries)
        with self._context.writing():
            self._check()
            checked = {
                check_key(key, self._where()): check_value(value, f"{self._where()}[{key!r}]")
                for key, value in new.items()
                if not self._is_itself(key, value)
            }
            for key, value in checked.items():
                if key not in self._raw or not is_stored(self._raw[key], value):
                    self._write(key, value)

    def __ior__(self, other: Mapping[str, Any] | Iterable[tuple[str, Any]]) -> SharedMap:
        self.update(other)
        return self

    def copy(self) -> dict[str, Any]:
        """Return a plain copy."""
        copied: dict[str, Any] = self.to_py()
        return copied

    def _set(self, key: str, value: object) -> None:
        if not self._is_itself(key, value):
            self._write(key, check_value(value, f"{self._where()}[{key!r}]"))

    def _is_itself(self, key: str, value: object) -> bool:
        """Return whether a value is where it is to be put: `state["todo"] += [1]` assigns so."""
        return isinstance(value, SharedValue) and self._children.get(key) is value

    def _write(self, key: str, checked: Any) -> None:
        self._put(key, to_raw(checked))

    def _put(self, key: str, raw: Any = _NOTHING) -> None:
        """Set a key to a value of pycrdt, or remove it."""
        if self._context.is_in_block:
            self._remember(key)
        self._forget(key)
        if raw is not _NOTHING:
            self._raw[key] = raw
        elif key in self._raw:
            del self._raw[key]

    def _remember(self, key: str) -> None:
        """Be ready to put back what a key has now."""
        context, path = self._context, self.path
        before = mirror(self._raw[key]) if key in self._raw else _NOTHING

        def take_back() -> None:
            old = before if before is _NOTHING else copy_to_raw(before)
            context.follow(path)._put(key, old)

        context.if_it_raises(take_back)

    def _forget(self, key: str) -> None:
        child = self._children.pop(key, None)
        if child is not None and isinstance(child._place, KeyPlace):
            child._place.is_gone = True

    def _given(self, key: str) -> Any:
        if not isinstance(key, str) or not is_sound(key):
            raise KeyError(key)
        value = self._raw[key]
        if not isinstance(value, (Map, Array, Text)):
            return from_document(value)
        child = self._children.get(key)
        if child is None or child.is_removed:
            self._observe_keys()
            place = KeyPlace(self, key, self._context.doc.transaction())
            child = self._children[key] = self._context.wrap(value, place)
        return child

    def _observe_keys(self) -> None:
        """Hear from now on which keys change, so that values know whether they are still there."""
        if self._subscription is not None:
            return
        reference = weakref.ref(self)

        def on_event(event: MapEvent) -> None:
            shared = reference()
            if shared is not None:
                shared._keys_changed(event.keys)  # type: ignore[attr-defined]

        self._subscription = self._raw.observe(on_event)

    def _keys_changed(self, keys: Iterable[str]) -> None:
        """Take note that keys have other values, or none; pycrdt's observer calls this."""
        for key in keys:
            child = self._children.get(key)
            if child is not None and isinstance(child._place, KeyPlace):
                child._place.was_changed()
