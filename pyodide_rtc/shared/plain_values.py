"""Python's values as the document stores them, and back.

Checking comes before writing: what is refused has changed nothing. This module knows no document.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any, Never, NoReturn

from pyodide_rtc.errors import ValueRefusedError

MAX_VALUE_BYTES = 256 * 1024 * 1024
"""The largest value: peers take no larger message."""

MAX_NESTING = 100
"""How deep a value may nest. The document takes 1,000 levels, but Python's own recursion, here and
at the peers, comes to its end before."""

MAX_INT = 2**53 - 1
"""Numbers are those of JavaScript: whole ones are exact up to here."""

_REMEDIES = {
    "set": "Write sorted(value) or list(value).",
    "frozenset": "Write sorted(value) or list(value).",
    "datetime": "Write value.isoformat().",
    "date": "Write value.isoformat().",
    "time": "Write value.isoformat().",
    "Timestamp": "Write value.isoformat().",
    "timedelta": "Write value.total_seconds().",
    "Timedelta": "Write value.total_seconds().",
    "Decimal": "Write float(value), or str(value) to keep all digits.",
    "complex": "Write [value.real, value.imag].",
    "NAType": "Write None.",
    "NaTType": "Write None.",
    "ndarray": "Write value.tolist(), or pyodide_rtc.plain(value.tolist()) for many numbers.",
    "DataFrame": 'Write pyodide_rtc.plain(value.to_dict("list")); dates first as text.',
    "Series": "Write pyodide_rtc.plain(value.to_list()); dates first as text.",
    "generator": "Write list(value).",
    "range": "Write list(value).",
    "memoryview": "Write bytes(value).",
}
_REMEDY = "Write it as text, numbers, bytes, None, and lists or dicts of these."
_READ_ONLY = "This is a plain value, and read-only: to change it would share nothing"


class InDocument:
    """Marks what is in a document already: it cannot be put into it again."""


class PlainDict(dict[str, Any]):
    """A dict that was stored as one plain value: read-only. `dict(it)` gives one to change."""

    def _refuse(self, *_: object, **__: object) -> NoReturn:
        raise ValueRefusedError("plain value", _READ_ONLY, "Assign a new value in its place.")

    __setitem__ = __delitem__ = _refuse
    clear = pop = popitem = setdefault = update = _refuse
    __ior__ = _refuse

    def __reduce__(self) -> tuple[type[PlainDict], tuple[dict[str, Any]]]:
        return PlainDict, (dict(self),)


@dataclass(frozen=True, slots=True)
class Plain:
    """A value that is to be stored as one: `plain` makes it."""

    value: object


def plain(value: object) -> Plain:
    """Mark a value to be stored as one plain value, instead of as shared lists and dicts.

    Whoever changes it replaces it whole. It comes back read-only: lists as tuples, dicts as
    read-only dicts. Tables of many rows are to be stored so.

    Example:
        >>> state["table"] = pyodide_rtc.plain(rows)

    Args:
        value: text, numbers, bytes, None, and lists, tuples or dicts of these.
    """
    return value if isinstance(value, Plain) else Plain(value)


@dataclass(slots=True)
class NewMap:
    """A shared map that is to be made: its checked entries."""

    entries: dict[str, Any]


@dataclass(slots=True)
class NewList:
    """A shared list that is to be made: its checked items."""

    items: list[Any]


@dataclass(slots=True)
class _Checker:
    """Checks one value with all that is in it."""

    where: str
    size_bytes: int = 0
    path: list[str | int] = field(default_factory=list)
    seen: dict[int, object] = field(default_factory=dict)

    def check(self, value: object) -> Any:
        """Return the value as it is to be stored; dicts and lists as ones that are to be made."""
        match value:
            case InDocument():
                self._refuse_second_place(value)
            case Plain():
                return self.as_plain(value.value)
            case PlainDict() | tuple():
                return self.as_plain(value)
            case Mapping():
                self._see(value)
                return NewMap(dict(self._entries(value, self.check)))
            case list():
                self._see(value)
                return NewList(list(self._items(value, self.check)))
        return self._single(value)

    def as_plain(self, value: object) -> Any:
        """Return the value as one plain value."""
        match value:
            case InDocument():
                self._refuse_second_place(value)
            case Plain():
                return self.as_plain(value.value)
            case Mapping():
                return dict(self._entries(value, self.as_plain))
            case list() | tuple():
                return list(self._items(value, self.as_plain))
        return self._single(value)

    def _see(self, value: object) -> None:
        if id(value) in self.seen:
            kind = type(value).__name__
            self._refuse(
                f"the same {kind} is in it twice, and would be two", "Write a copy of it there."
            )
        self.seen[id(value)] = value

    def _entries(self, value: Mapping[Any, Any], check: Any) -> Iterator[tuple[str, Any]]:
        for key in value:
            text = check_key(key, self._place())
            self._count(len(text))
            yield text, self._inside(text, value[key], check)

    def _items(self, value: Iterable[Any], check: Any) -> Iterator[Any]:
        for index, item in enumerate(value):
            yield self._inside(index, item, check)

    def _inside(self, step: str | int, value: object, check: Any) -> Any:
        self.path.append(step)
        if len(self.path) > MAX_NESTING:
            self._refuse(
                f"it nests deeper than {MAX_NESTING} levels", "Store it flat, or as JSON text."
            )
        checked = check(value)
        self.path.pop()
        return checked

    def _single(self, value: object) -> Any:
        match value:
            case None | bool():
                self._count(1)
                return value
            case str():
                return self._text(value)
            case bytes() | bytearray():
                self._count(len(value))
                return bytes(value)
        return self._number(value)

    def _text(self, value: str) -> str:
        self._count(len(value))
        text = str(value)
        if not is_sound(text):
            self._refuse_surrogate()
        return text

    def _number(self, value: Any) -> Any:
        self._count(8)
        if hasattr(value, "dtype"):  # numpy's scalars, its bool included
            if getattr(value, "shape", None) != ():
                return self._refuse_type(value)
            item = value.item()
            if not hasattr(item, "dtype"):
                return self._single(item)
        if isinstance(value, Integral) or hasattr(type(value), "__index__"):
            return self._whole(value.__index__())
        if isinstance(value, Real):
            return float(value)
        return self._refuse_type(value)

    def _whole(self, value: int) -> int:
        if abs(value) > MAX_INT:
            self._refuse(
                f"the int {_short(value)} is beyond 2**53 - 1, where numbers are not exact",
                "Write str(value).",
            )
        return int(value)

    def _count(self, size_bytes: int) -> None:
        self.size_bytes += size_bytes
        if self.size_bytes > MAX_VALUE_BYTES:
            self._refuse(
                f"it is larger than {MAX_VALUE_BYTES >> 20} MiB, which peers do not take",
                "Store it in parts.",
            )

    def _place(self) -> str:
        return self.where + "".join(f"[{step!r}]" for step in self.path)

    def _refuse(self, what: str, remedy: str) -> Never:
        raise ValueRefusedError(self._place(), what, remedy)

    def _refuse_surrogate(self) -> Never:
        self._refuse("the text has half a character", 'Write text.encode("utf-8", "replace").')

    def _refuse_second_place(self, value: object) -> Never:
        self._refuse(
            f"this {type(value).__name__} is in the document already, and cannot be in two places",
            "Write a copy: value.to_py().",
        )

    def _refuse_type(self, value: object) -> Never:
        kind = type(value)
        if kind.__module__.startswith("pycrdt"):
            self._refuse(
                f"a {kind.__name__} of pycrdt cannot be put here",
                "Write a list, a dict or a text, or use pycrdt for the whole value.",
            )
        remedies = [_REMEDIES[base.__name__] for base in kind.__mro__ if base.__name__ in _REMEDIES]
        self._refuse(f"a {kind.__name__} cannot be shared", (remedies or [_REMEDY])[0])


def _short(value: int) -> str:
    """Show an int in bounded space; Python refuses to print very long ones."""
    return str(value) if abs(value) < 10**40 else f"of {value.bit_length()} bits"


def is_sound(text: str) -> bool:
    """Return whether a text has no half characters, which only exist in UTF-16."""
    try:
        text.isascii() or text.encode()
    except UnicodeEncodeError:
        return False
    return True


def check_key(key: object, where: str) -> str:
    """Return a key of a map, checked.

    Raises:
        ValueRefusedError: it is no text, or not a sound one.
    """
    if not isinstance(key, str):
        what = f"the key {key!r:.80} is of type {type(key).__name__}"
        raise ValueRefusedError(where, what, "Write str(key): keys are texts.")
    if not is_sound(key):
        raise ValueRefusedError(where, "the key has half a character", "Use another key.")
    return str(key)


def check_value(value: object, where: str) -> Any:
    """Check a value with all that is in it, and return it as it is to be stored.

    Args:
        value: what a user assigns.
        where: the place that it is meant for, for the error.

    Returns:
        a plain value, or a `NewMap` or `NewList` of what this returns.

    Raises:
        ValueRefusedError: it cannot be shared; names the place in it and the type.
    """
    return _Checker(where).check(value)


def check_text(text: object, where: Callable[[], str]) -> str:
    """Return a text that is to be put into a shared one, checked.

    Args:
        text: what a user writes.
        where: names the place that it is meant for, for the error.

    Raises:
        ValueRefusedError: it is no text, not a sound one, or too large.
    """
    if type(text) is str and len(text) <= MAX_VALUE_BYTES // 4 and is_sound(text):
        return text  # nearly all, and it costs next to nothing
    if not isinstance(text, str):
        what = f"it is of type {type(text).__name__}, and has to be a text"
        raise ValueRefusedError(where(), what, "Write str(value).")
    checked: str = _Checker(where()).check(text)
    return checked


def from_document(value: Any, depth: int = 0) -> Any:
    """Return a plain value of the document as Python's own: whole numbers as int, read-only.

    Args:
        value: as pycrdt gives it.
        depth: how deep it is inside of another one. What a peer nests deeper than values may nest
            stays as it is, so that Python's recursion does not come to its end.
    """
    if depth > MAX_NESTING:
        return value
    match value:
        case float():
            return int(value) if value.is_integer() and abs(value) <= MAX_INT else value
        case list():
            return tuple(from_document(item, depth + 1) for item in value)
        case dict():
            return PlainDict({key: from_document(item, depth + 1) for key, item in value.items()})
        case bytearray():
            return bytes(value)
    return value


def is_same(one: Any, other: Any) -> bool:
    """Return whether two plain values are stored the same: True is no 1, nan is nan."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, (list, tuple)) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(map(is_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(is_same(one[key], other[key]) for key in one)
    return bool(one == other or (one != one and other != other))
