"""How people look to each other: a name in one line, its initials, a colour.

Names and colours come from outside, or are typed: here they become what can be shown.
"""

from __future__ import annotations

import re

__all__ = ["MAX_NAME_CHARS", "NO_COLOR", "as_color", "as_line", "as_name", "initials_of"]

MAX_NAME_CHARS = 60
"""So much of a name is shown."""

NO_COLOR = "#808080"
"""The colour of who shows none that we read."""

_MOST_INITIALS = 2

_HEX_COLOR = re.compile(r"#?([0-9a-f]{6}|[0-9a-f]{3})", re.IGNORECASE)


def as_line(text: str, max_chars: int) -> str:
    """Return a text in one line, cut to so many characters; empty if nothing of it is shown."""
    shown = "".join(char if char.isprintable() else " " for char in text[: max_chars * 10])
    return " ".join(shown.split())[:max_chars].rstrip()


def as_name(text: str | None) -> str:
    """Return a name in one line, cut to what is shown; empty if nothing of it is shown."""
    return as_line(text or "", MAX_NAME_CHARS)


def as_color(text: str) -> str | None:
    """Read a colour of three or six digits, with or without `#`, as `#rrggbb`."""
    found = _HEX_COLOR.fullmatch(text.strip())
    if found is None:
        return None
    digits = found[1].lower()
    return "#" + (digits if len(digits) == 6 else "".join(digit * 2 for digit in digits))


def initials_of(name: str) -> str:
    """Return the first letters of the first two words of a name, in capitals."""
    return "".join(word[0] for word in name.split()[:_MOST_INITIALS]).upper()
