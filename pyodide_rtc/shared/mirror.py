"""A copy of an observed value, kept up to date by pycrdt's events.

When pycrdt tells of a change, what was removed can be read no more. So observers are told out of
this copy what was there before. It also converts positions of texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pycrdt import Array, ArrayEvent, Map, MapEvent, Text, TextEvent

from pyodide_rtc.shared.changes import Change
from pyodide_rtc.shared.plain_values import from_document, is_same
from pyodide_rtc.shared.text_copy import EMBEDDED, TextCopy

SHOWN_EMBEDDED = "\N{OBJECT REPLACEMENT CHARACTER}"
"""How an object in a text is given to users: one character, as it is one unit."""

Path = tuple[str | int, ...]


def copy_text(raw: Text) -> TextCopy:
    """Copy a shared text, with `EMBEDDED` for each object that another editor put into it."""
    text = str(raw)
    if (len(raw) == len(text) and text.isascii()) or len(raw) == len(text.encode()):
        return TextCopy(text)
    parts = (part if isinstance(part, str) else EMBEDDED for part, _ in raw.diff())
    return TextCopy("".join(parts))


def shown_text(copy: TextCopy) -> str:
    """Return a copied text as users see it."""
    return str(copy).replace(EMBEDDED, SHOWN_EMBEDDED)


def mirror(raw: Any) -> Any:
    """Copy a value of pycrdt: shared ones as dict, list and `TextCopy`, plain ones read-only."""
    match raw:
        case Map():
            return {key: mirror(raw[key]) for key in sorted(raw.keys())}
        case Array():
            return [mirror(item) for item in raw]
        case Text():
            return copy_text(raw)
    return from_document(raw)


def unmirror(copied: Any) -> Any:
    """Copy what `mirror` made, with texts as users see them."""
    if isinstance(copied, TextCopy):
        return shown_text(copied)
    if type(copied) is dict:
        return {key: unmirror(value) for key, value in copied.items()}
    if type(copied) is list:
        return [unmirror(item) for item in copied]
    return copied


def plain_copy(raw: Any) -> Any:
    """Copy a value of pycrdt in plain Python."""
    return unmirror(mirror(raw))


class Mirror:
    """The copy of one observed value.

    Args:
        raw: pycrdt's object.
    """

    def __init__(self, raw: Any) -> None:
        self._raw = raw
        self._copy = mirror(raw)
        self.is_stale = False
        """Whether events could not be taken over: the value is then copied anew at the next."""

    def apply(self, events: list[Any]) -> Iterator[Change]:
        """Take over the events of a transaction, outer values first, and tell what they changed."""
        if self.is_stale:
            self._copy = mirror(self._raw)
            self.is_stale = False
            return
        for event in sorted(events, key=lambda event: len(event.path)):
            path, copied = tuple(event.path), self._copy
            for step in path:
                copied = copied[step]
            match event:
                case MapEvent():
                    yield from _apply_keys(event.keys, copied, path)  # type: ignore[attr-defined]
                case ArrayEvent():
                    yield from _apply_items(event.delta, copied, path)  # type: ignore[attr-defined]
                case TextEvent():
                    yield from _apply_text(event.delta, copied, path)  # type: ignore[attr-defined]


def _apply_keys(keys: dict[str, Any], copied: dict[str, Any], path: Path) -> Iterator[Change]:
    for key in sorted(keys):
        old = unmirror(copied.get(key))
        if keys[key]["action"] == "delete":
            copied.pop(key, None)
            yield Change((*path, key), "removed", old)
            continue
        new = copied[key] = mirror(keys[key]["newValue"])
        if keys[key]["action"] == "add":
            yield Change((*path, key), "added", None, unmirror(new))
        elif _is_container(new) or not is_same(old, unmirror(new)):
            yield Change((*path, key), "changed", old, unmirror(new))


def _is_container(copied: Any) -> bool:
    """Return whether a copy is of a shared value: one that is equal is another one."""
    return isinstance(copied, (dict, list, TextCopy))


def _runs(delta: list[dict[str, Any]]) -> Iterator[tuple[int, int, list[Any]]]:
    """Give the changes of a delta: how much before each stays, is deleted, and what is inserted."""
    kept, deleted, inserted = 0, 0, list[Any]()
    for step in [*delta, {"retain": 0}]:
        if "retain" in step:
            if deleted or inserted:
                yield kept, deleted, inserted
                kept, deleted, inserted = 0, 0, []
            kept += step["retain"]
        elif "delete" in step:
            deleted += step["delete"]
        else:
            inserted.append(step["insert"])


def _apply_items(delta: list[dict[str, Any]], copied: list[Any], path: Path) -> Iterator[Change]:
    position = 0
    for kept, deleted, inserted in _runs(delta):
        position += kept
        old = copied[position : position + deleted]
        new = [mirror(item) for items in inserted for item in items]
        copied[position : position + deleted] = new
        yield from _change((*path, position), unmirror(old), unmirror(new))
        position += len(new)


def _apply_text(delta: list[dict[str, Any]], copied: TextCopy, path: Path) -> Iterator[Change]:
    offset_bytes = 0
    for kept, deleted, inserted in _runs(delta):
        offset_bytes += kept
        start = copied.characters_before(offset_bytes)
        stop = copied.characters_before(offset_bytes + deleted)
        new = "".join(part if isinstance(part, str) else EMBEDDED for part in inserted)
        old = copied.part(start, stop)
        copied.splice(start, stop, new)
        offset_bytes = copied.bytes_before(start + len(new))
        shown = [text.replace(EMBEDDED, SHOWN_EMBEDDED) for text in (old, new)]
        yield from _change((*path, start), *shown)


def _change(path: Path, old: Any, new: Any) -> Iterator[Change]:
    if old and new:
        yield Change(path, "changed", old, new)
    elif old:
        yield Change(path, "removed", old)
    elif new:
        yield Change(path, "added", None, new)
