"""The people in a room, for those who look: names and colours, each person once."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping

from pyodide_rtc.engine.page_presence import username
from pyodide_rtc.protocol.events import JsonObject
from pyodide_rtc.room_repr import one_line

__all__ = ["company", "in_words", "person"]

_MOST_NAMED = 3
_NAME_CHARS = 40
_COLOR = re.compile(r"#[0-9a-f]{3,8}|var\(--jp-[a-z0-9-]+\)", re.IGNORECASE)
_NO_COLOR = "#808080"
_NAMELESS = "Somebody"


def person(user: object) -> dict[str, str]:
    """Return name and colour of a user, fit to be shown. Both are text from outside."""
    known = user if isinstance(user, Mapping) else {}
    named = (known.get("display_name"), known.get("name"))
    name = next((text for text in named if isinstance(text, str) and text.strip()), _NAMELESS)
    color = known.get("color")
    is_color = isinstance(color, str) and _COLOR.fullmatch(color)
    return {
        "name": one_line(name)[:_NAME_CHARS].strip() or _NAMELESS,
        "color": str(color) if is_color else _NO_COLOR,
    }


def company(states: Iterable[JsonObject], own: str) -> dict[str, dict[str, str]]:
    """Return the other people by user name. Several pages of one person are one.

    Args:
        states: what the other pages show.
        own: the user name of the person here, who is none of them.
    """
    found: dict[str, dict[str, str]] = {}
    for state in states:
        if (name := username(state)) != own:
            found.setdefault(name, person(state["user"]))
    return found


def in_words(names: list[str], pages: int) -> str:
    """Say who has a document open: their names, or how many pages if no name is known yet.

    Args:
        names: of the other people, as far as they are known.
        pages: how many other pages have it open.
    """
    if not names:
        return "another page" if pages == 1 else f"{pages} other pages"
    if len(names) > _MOST_NAMED:
        return f"{', '.join(names[: _MOST_NAMED - 1])} and {len(names) - _MOST_NAMED + 1} others"
    *first, last = names
    return f"{', '.join(first)} and {last}" if first else last
