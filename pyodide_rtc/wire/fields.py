"""Reads the fields of objects that came from outside, and checks the type of each.

Owns the errors of a wrong type. Must not know any message.
"""

from __future__ import annotations

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.wire.lib0 import UNDEFINED

__all__ = ["get_string", "to_fields", "unexpected"]


def to_fields(value: object, what: str) -> dict[str, object]:
    """Return the fields of an object, without those that are undefined.

    Args:
        value: the value that should be an object.
        what: how the error names it.

    Raises:
        DecodeError: it is not an object.
    """
    if not isinstance(value, dict):
        raise unexpected(f"{what} to be an object", value)
    # JSON leaves undefined fields out, and lib0 does not. Both mean the same payload.
    return {key: item for key, item in value.items() if item is not UNDEFINED}


def get_string(fields: dict[str, object], key: str) -> str:
    """Return a field that must be a text.

    Raises:
        DecodeError: it is missing or not a text.
    """
    value = fields.get(key)
    if not isinstance(value, str):
        raise unexpected(f"{key} to be a text", value)
    return value


def unexpected(expected: str, value: object) -> DecodeError:
    """Return the error for a value that is not what it should be.

    It quotes the start of a text. Of any other value, which can be large, it names only the type.
    """
    found = value[:32] if isinstance(value, str) else type(value).__name__
    return DecodeError(expected, excerpt=found.encode(errors="replace"))
