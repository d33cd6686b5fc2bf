"""Values of traits as the room has them, and back.

They travel in the form that the widget gives to its page: a date as its parts, bytes as bytes.
"""

from __future__ import annotations

from typing import Any

from pyodide_rtc.errors import ValueRefusedError
from pyodide_rtc.shared import SharedValue, plain
from pyodide_rtc.shared.plain_values import check_value


def to_room(widget: Any, name: str, where: str) -> Any:
    """Return the value of a trait as the room has it: one plain value.

    Args:
        widget: the widget.
        name: the trait.
        where: names the trait, for the error.

    Raises:
        ValueRefusedError: it cannot be shared.
    """
    value = getattr(widget, name)
    to_json = widget.trait_metadata(name, "to_json")
    if to_json is not None:
        try:
            value = to_json(value, widget)
        except Exception as error:  # it is the widget's own, and may raise anything
            what = f"the widget does not give it to its page: {error}"
            raise ValueRefusedError(where, what, "Set another value.") from error
    return check_value(plain(_with_bytes(value)), where)


def from_room(widget: Any, name: str, value: Any) -> Any:
    """Return a value of the room as the trait takes it.

    It is untrusted: what the widget's own conversion raises for it may be anything.
    """
    value = value.to_py() if isinstance(value, SharedValue) else _thawed(value)
    from_json = widget.trait_metadata(name, "from_json")
    if from_json is not None:
        return from_json(value, widget)
    if type(value) is int and type(getattr(widget, name)) is float:
        return float(value)  # in the document 3 and 3.0 are one number
    return value


def _with_bytes(value: Any) -> Any:
    """Copy a value, with bytes in place of views of memory: media have these."""
    if isinstance(value, memoryview):
        return bytes(value)
    if isinstance(value, dict):
        return {key: _with_bytes(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_with_bytes(each) for each in value]
    return value


def _thawed(value: Any) -> Any:
    """Copy a plain value with lists and dicts that can be changed, as a page gives them."""
    if isinstance(value, dict):
        return {key: _thawed(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_thawed(each) for each in value]
    return value
