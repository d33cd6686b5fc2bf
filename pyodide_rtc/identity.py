"""Who sits at the page: a name and a colour to show to the others.

Pure functions over `PageFacts`. The name is shown, and never trusted: it proves nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256

from pyodide_rtc.errors import ConfigError
from pyodide_rtc.looks import as_color, as_name, initials_of
from pyodide_rtc.ports import PageFacts
from pyodide_rtc.protocol.events import JsonObject

NAME_PARAMETER = "username"
COLOR_PARAMETER = "usercolor"

COLORS = (
    "#e12b2b", "#bd581b", "#907115", "#6f7c12", "#4b8313", "#228813", "#138830", "#13865b",
    "#138383", "#1a7cb6", "#456de4", "#7261e8", "#9a4ee6", "#c41fdc", "#d51ea7", "#df2269",
)  # fmt: skip
"""Sixteen hues, of a brightness that is read as well on white as on black."""

ADJECTIVES = (
    "Agile", "Amber", "Brave", "Bright", "Calm", "Cheerful", "Clever", "Curious",
    "Eager", "Gentle", "Golden", "Happy", "Honest", "Jolly", "Kind", "Lively",
    "Lucky", "Merry", "Mindful", "Nimble", "Patient", "Playful", "Polite", "Proud",
    "Quick", "Quiet", "Silver", "Sunny", "Swift", "Tidy", "Warm", "Wise",
)  # fmt: skip

ANIMALS = (
    "Badger", "Bear", "Beaver", "Bison", "Crane", "Deer", "Dolphin", "Falcon",
    "Finch", "Fox", "Gecko", "Hare", "Hedgehog", "Heron", "Ibis", "Kiwi",
    "Koala", "Lark", "Lemur", "Lynx", "Marten", "Moose", "Otter", "Owl",
    "Panda", "Penguin", "Puffin", "Robin", "Seal", "Swan", "Turtle", "Wombat",
)  # fmt: skip


def page_user(facts: PageFacts) -> JsonObject:
    """Return who sits at the page, as other Yjs editors show it: `{"name": ..., "color": ...}`.

    The name is `?username=` of the address, else that of the site's own user, else the one that was
    given in this browser, else one made of an adjective and an animal. The colour is `?usercolor=`,
    else the user's, else the one that was given, else one of `COLORS`. What is made up follows from
    a random number that this browser keeps. So it is the same each time, and says nothing about the
    person.

    Returns:
        an empty object where nothing at all is known.
    """
    given = (facts.query(NAME_PARAMETER), facts.user_name, facts.kept_name)
    named = next(filter(None, map(as_name, given)), "")
    seed = facts.browser_id or named
    if not seed:
        return {}
    number = int.from_bytes(sha256(seed.encode()).digest(), "big")
    number, color = divmod(number, len(COLORS))
    number, animal = divmod(number, len(ANIMALS))
    return {
        "name": named or f"{ADJECTIVES[number % len(ADJECTIVES)]} {ANIMALS[animal]}",
        "color": as_color(facts.query(COLOR_PARAMETER))
        or as_color(facts.user_color or "")
        or as_color(facts.kept_color or "")
        or COLORS[color],
    }


def jupyter_identity(facts: PageFacts, random_bytes: Callable[[int], bytes]) -> dict[str, str]:
    """Return who sits at the page in JupyterLab's form; name and colour come from `page_user`.

    The field `username` identifies a person: it is the same in all tabs of this browser, and in no
    other browser. In a browser that keeps nothing it is another one each time.

    Args:
        facts: what the page says of itself.
        random_bytes: returns so many random bytes.
    """
    kept = facts.browser_id.encode() if facts.browser_id else random_bytes(16)
    user = page_user(facts)
    name = str(user.get("name", "Somebody"))
    return {
        "username": sha256(b"jupyter user " + kept).hexdigest()[:32],
        "name": name,
        "display_name": name,
        "initials": initials_of(name),
        "color": str(user.get("color", COLORS[0])),
    }


def person_id(facts: PageFacts, topic: str) -> str:
    """Return what tells the others in a room that somebody is the same person after a reload.

    It is the same in all tabs of this browser. In other rooms it is another one, so that nobody is
    known by it from one room to the next. It is empty in a browser that keeps nothing.
    """
    if not facts.browser_id:
        return ""
    return sha256(f"person {facts.browser_id} in {topic}".encode()).hexdigest()[:32]


def color_fault(facts: PageFacts) -> ConfigError | None:
    """Return what is wrong with `?usercolor=`, to be reported: the room is opened all the same."""
    text = facts.query(COLOR_PARAMETER)
    if not text or as_color(text):
        return None
    return ConfigError(
        f"{text!r} is no colour",
        f"Give six hexadecimal digits in the address, as in ?{COLOR_PARAMETER}=e65100.",
    )
