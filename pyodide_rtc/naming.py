"""The names of a room: its name, from the argument or the page's address, and its topic.

Pure functions over `PageFacts`; every refusal says what to do.
"""

from __future__ import annotations

from urllib.parse import unquote_plus, urlencode, urlsplit

from pyodide_rtc.errors import ConfigError
from pyodide_rtc.ports import PageFacts

ROOM_PARAMETER = "room"
PATH_PARAMETER = "path"
COLLABORATIVE_KEY = "collaborative"

_ADD_ROOM = "Add ?room=NAME to the address of this page and reload it"


def room_name(argument: str | None, facts: PageFacts) -> str:
    """Find the room's name: the argument, else what the page's address says.

    The page's address says it by `?room=`. Without it, the name is the one that the tab remembers,
    from the page that led here. Both count only if the site sets `collaborative`. An argument
    overrides both, and needs no consent of the site.

    Raises:
        ConfigError: there is none, or the site does not allow rooms from the address.
    """
    if argument is not None:
        check_room_name(argument)
        return argument
    named = facts.query(ROOM_PARAMETER) or remembered_name(facts)
    consent = facts.config.get(COLLABORATIVE_KEY)
    is_allowed = consent is True or consent == "true"  # PageConfig turns every value into text
    if not named or not is_allowed:
        raise _what_is_missing(named, is_allowed, facts)
    return named


def is_room_of_page(facts: PageFacts, room: str) -> bool:
    """Return whether a room is the one that the page itself is in."""
    return room == (facts.query(ROOM_PARAMETER) or remembered_name(facts))


def link_to(facts: PageFacts, room: str) -> str:
    """Return a link by which somebody else comes to a room; empty if the page has no address.

    It leads to the same page of the site, and to the document that the address names if the room
    is the page's own. It has nothing else of the address, which may name the person here.
    """
    parts = urlsplit(facts.href)
    if parts.scheme not in ("http", "https"):
        return ""
    query = {ROOM_PARAMETER: room}
    if (path := facts.query(PATH_PARAMETER)) and is_room_of_page(facts, room):
        query[PATH_PARAMETER] = path
    return parts._replace(query=urlencode(query, safe="/"), fragment="").geturl()


def check_room_name(name: object) -> None:
    """Check the name of a room that is given in a call.

    Raises:
        ConfigError: it is no text, or nothing but spaces.
    """
    if not isinstance(name, str) or not name.strip():
        raise ConfigError(
            f"{name!r:.80} is no room name", 'Give a text, as in join("physics-101").'
        )


def remembered_name(facts: PageFacts) -> str:
    """Return the name of the room that the tab remembers; empty if there is none."""
    return unquote_plus(facts.remembered_room or "").strip()


def _what_is_missing(named: str, is_allowed: bool, facts: PageFacts) -> ConfigError:
    key = COLLABORATIVE_KEY
    value = f"it is {facts.config[key]!r}" if key in facts.config else "it is not set"
    closed = f"this site does not allow rooms from its address ({key!r} has to be true, {value})"
    owner = (
        f'the site\'s owner sets {{"{key}": true}} under "jupyter-config-data" in jupyter-lite.json'
    )
    if is_allowed:
        return ConfigError(
            "No room is named", f'{_ADD_ROOM}, or name the room in the call: join("NAME").'
        )
    if named:
        return ConfigError(
            f"The room {named!r} is named, but {closed}",
            f'{_capital(owner)}; or name the room in the call: join("{named}").',
        )
    return ConfigError(
        f"No room is named, and {closed}",
        f'Name the room in the call, which needs neither: join("NAME"). {_ADD_ROOM}, once {owner}.',
    )


def _capital(sentence: str) -> str:
    return sentence[0].upper() + sentence[1:]


def topic_of(facts: PageFacts, room: str) -> str:
    """Return the topic of a room: its name at signaling servers and in the tab channel.

    It is the room name that a JavaScript page has to give to y-webrtc. It begins with the host, so
    the same room name on two sites is two rooms. A host has no slash: so no two pairs of host and
    room share a topic.

    Layout: the page's host (with port, if the address shows one) • "/" • room, verbatim.
    """
    return f"{urlsplit(facts.href).netloc}/{room}"


def name_in(topic: str) -> str:
    """Return the name of the room that has this topic."""
    return topic.partition("/")[2]
