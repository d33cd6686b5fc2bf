"""The names by which people are shown: two of one name are told apart, as "Ada" and "Ada (2)".

Nothing of this is sent. Each peer computes it from the awareness states, which all have, and so
all come to the same names. They stay as long as the same people are here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from pyodide_rtc.protocol.events import JsonObject


def shown_names(states: Mapping[int, JsonObject]) -> dict[int, str]:
    """Return the names of all who show one, by client id.

    Of several who have one name, the one with the lowest client id is shown by it, and the others
    with a number that nobody has as a part of their own name.
    """
    own = {client: name for client in sorted(states) if (name := _name_in(states[client]))}
    taken = {*own.values()}
    counts: Counter[str] = Counter()
    shown = {}
    for client, name in own.items():
        counts[name] += 1
        text = name
        while counts[name] > 1 and (text := f"{name} ({counts[name]})") in taken:
            counts[name] += 1
        shown[client] = text
    return shown


def _name_in(state: JsonObject) -> str | None:
    """Return the name in a client's state: `{"user": {"name": ...}}`."""
    user = state.get("user")
    name = user.get("name") if isinstance(user, dict) else None
    return name if isinstance(name, str) else None
