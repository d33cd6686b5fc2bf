"""Checked values as pycrdt takes them."""

from __future__ import annotations

from typing import Any

from pycrdt import Array, Map, Text

from pyodide_rtc.shared.mirror import shown_text
from pyodide_rtc.shared.plain_values import (
    NewList,
    NewMap,
    PlainDict,
    check_value,
    from_document,
    is_same,
    plain,
)
from pyodide_rtc.shared.text_copy import TextCopy


def to_raw(checked: Any) -> Any:
    """Return a checked value as pycrdt takes it: what is to be shared, as its maps and arrays."""
    match checked:
        case NewMap(entries):
            return Map({key: to_raw(value) for key, value in entries.items()})
        case NewList(items):
            return Array([to_raw(item) for item in items])
    return checked


def copy_to_raw(copied: Any) -> Any:
    """Return what `mirror` copied as pycrdt takes it, to put it back where it was."""
    match copied:
        case TextCopy():
            return Text(shown_text(copied))
        case PlainDict() | tuple():
            return check_value(plain(copied), "")
        case dict():
            return Map({key: copy_to_raw(value) for key, value in copied.items()})
        case list():
            return Array([copy_to_raw(item) for item in copied])
    return copied


def is_stored(raw: Any, checked: Any) -> bool:
    """Return whether a value of pycrdt is what would be written: then it need not be."""
    if isinstance(checked, NewMap):
        return (
            isinstance(raw, Map)
            and set(raw.keys()) == checked.entries.keys()
            and all(is_stored(raw[key], value) for key, value in checked.entries.items())
        )
    if isinstance(checked, NewList):
        return (
            isinstance(raw, Array)
            and len(raw) == len(checked.items)
            and all(map(is_stored, raw, checked.items))
        )
    return is_same(from_document(raw), checked)
