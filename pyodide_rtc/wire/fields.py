"""Objects that came from outside: their fields, with the type that each must have.

Owns the errors of a wrong type. Must not know any message.
"""

from __future__ import annotations

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.wire.lib0 import UNDEFINED

__all__ = ["get_string", "to_fields", "unexpected"]


def to_fields(value: object, what: str) -> dict[str, object]:
    """Take the fields of an object; a field that is undefined is not there.

    Args:
        value: what should be an object.
        what: how to name it in the error.

    Raises:
        DecodeError: it is not an object.
    """
    if not isinstance(value, dict):
        raise unexpected(f"{what} to be an object", value)
    # JSON leaves out what JavaScript has as undefined, lib0 does not; both mean the same payload.
    return {key: item for key, item in value.items() if item is not UNDEFINED}


def get_string(fields: dict[str, object], key: str) -> str:
    """Take a field that must be a text.

    Raises:
        DecodeError: it is missing or not a text.
    """
    value = fields.get(key)
    if not isinstance(value, str):
        raise unexpected(f"{key} to be a text", value)
    return value


def unexpected(expected: str, value: object) -> DecodeError:
    """Build the error for a value that is not what it should be.

    It quotes the start of a text, and names but the type of anything else, which can be large.
    """
    found = value[:32] if isinstance(value, str) else type(value).__name__
    return DecodeError(expected, excerpt=found.encode(errors="replace"))
