"""What a room is called: its name, from the argument or the page's address, and its topic outside.

Pure functions over `PageFacts`; every refusal says what to do.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from urllib.parse import unquote_plus, urlsplit

from pyodide_rtc.errors import ConfigError
from pyodide_rtc.ports import PageFacts

ROOM_PARAMETER = "room"
COLLABORATIVE_KEY = "collaborative"
PREFIX_KEY = "webRtcRoomPrefix"

_ADD_ROOM = "Add ?room=NAME to the address of this page and reload it"


def room_name(argument: str | None, facts: PageFacts) -> str:
    """Find the room's name: the argument, else what the page's address says.

    The address says it by `?room=`; or the page from which this one was opened said it, and the
    tab remembers. That counts only where the site sets `collaborative`. An argument overrides both.

    Raises:
        ConfigError: there is none, or the site does not allow rooms from the address.
    """
    if argument is not None:
        if not isinstance(argument, str) or not argument.strip():
            raise ConfigError(
                f"{argument!r} is no room name", 'Give a text, as in join("physics-101").'
            )
        return argument
    named = facts.query(ROOM_PARAMETER) or remembered_name(facts)
    consent = facts.config.get(COLLABORATIVE_KEY)
    is_allowed = consent is True or consent == "true"  # PageConfig turns every value into text
    if not named or not is_allowed:
        raise _what_is_missing(named, is_allowed, facts)
    return named


def remembered_name(facts: PageFacts) -> str:
    """Give the name of the room that the tab remembers; empty where there is none."""
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


def page_host(facts: PageFacts) -> str:
    """Give the page's host, with its port if the address shows one."""
    return urlsplit(facts.href).netloc


def topic_of(host: str, room: str) -> str:
    """Give the name under which a room is known outside: its topic.

    It is the room name that a JavaScript page has to give to y-webrtc. Rooms are grouped by host,
    so the same room name on two sites is two rooms. A host has no slash: no two pairs of host and
    room share a topic.

    Layout: host (with port, if the address shows one) • "/" • room, verbatim.
    """
    return f"{host}/{room}"


def jupyterlite_0_1_0b5(facts: PageFacts, room: str, path: str = "") -> str:
    """Give the topic that JupyterLite's built-in collaboration used up to 0.1.0b5.

    Nothing stands between its parts: the room `ab` without path, and `a` with the path `b`, share
    a topic. The scheme is no part of it, either.

    Layout: host with port • "-" • room, trimmed, as the address writes it (%20 stays) • path.

    Source: wire.md section 8.
    """
    return f"{page_host(facts)}-{_as_written(facts, room)}{path}"


def jupyterlite_0_1_1(facts: PageFacts, room: str, path: str = "") -> str:
    """Give the topic of JupyterLite's collaboration extension 0.1.1.

    The server cannot read the room's name in it, but it can guess: host and name are all that is
    hashed, and the path follows in clear.

    Layout: SHA-256, as 64 hexadecimal digits, of (prefix • "-" • room) in utf-8 • path. The prefix
    is `webRtcRoomPrefix` of the site's config, else the page's origin.

    Source: wire.md section 8.
    """
    parts = urlsplit(facts.href)
    prefix = facts.config.get(PREFIX_KEY) or f"{parts.scheme}://{parts.netloc}"
    return sha256(f"{prefix}-{room.strip()}".encode()).hexdigest() + path


_FORMULAS: dict[str, Callable[[PageFacts, str, str], str]] = {
    "host": lambda facts, room, _: topic_of(page_host(facts), room),
    "jupyterlite-0.1.0b5": jupyterlite_0_1_0b5,
    "jupyterlite-0.1.1": jupyterlite_0_1_1,
}


def check_naming(naming: object, path: object) -> None:
    """Check the name of a formula, and the path that goes with it.

    Raises:
        ConfigError: there is no such formula, or it has no place for a path.
    """
    if not isinstance(naming, str) or naming not in _FORMULAS:
        known = ", ".join(repr(name) for name in _FORMULAS)
        raise ConfigError(f"{naming!r} is no way of naming", f"Give one of {known}.")
    if not isinstance(path, str):
        raise ConfigError(f"{path!r} is no path", 'Give a text, as in path="notebook.ipynb".')
    if path and naming == "host":
        raise ConfigError(
            f"The path {path!r} has no place in this naming",
            'Leave it away, or give naming="jupyterlite-0.1.1" or "jupyterlite-0.1.0b5".',
        )


def topic(naming: str, facts: PageFacts, room: str, path: str = "") -> str:
    """Give a room's topic by the formula of this name; see `check_naming`."""
    return _FORMULAS[naming](facts, room, path)


def _as_written(facts: PageFacts, room: str) -> str:
    """Give the room as the address writes it, should it be the address's room."""
    for pair in urlsplit(facts.href).query.split("&"):
        name, _, value = pair.partition("=")
        if unquote_plus(name) == ROOM_PARAMETER and unquote_plus(value).strip() == room.strip():
            return value.strip()
    if facts.remembered_room and remembered_name(facts) == room.strip():
        return facts.remembered_room
    return room.strip()
