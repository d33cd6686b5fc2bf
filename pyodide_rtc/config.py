"""Where a room's name and servers come from: arguments, the page's address, the site's config.

Pure functions over `PageFacts`; every refusal says what to do.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from urllib.parse import parse_qs, urljoin, urlsplit, urlunsplit

from pyodide_rtc.errors import ConfigError
from pyodide_rtc.ports import PageFacts

ROOM_PARAMETER = "room"
COLLABORATIVE_KEY = "collaborative"
SERVERS_KEY = "fullWebRtcSignalingUrls"

_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}


def topic_of(host: str, room: str) -> str:
    """Give the name under which a room is known outside: its topic.

    It is the room name that a JavaScript page has to give to y-webrtc. Rooms are grouped by host,
    so the same room name on two sites is two rooms. A host has no slash: no two pairs of host and
    room share a topic.

    Layout: host (with port, if the address shows one) • "/" • room, verbatim.
    """
    return f"{host}/{room}"


def page_host(facts: PageFacts) -> str:
    """Give the page's host, with its port if the address shows one."""
    return urlsplit(facts.href).netloc


def room_name(argument: str | None, facts: PageFacts) -> str:
    """Find the room's name: the argument, else `?room=` of the page's address.

    Raises:
        ConfigError: there is none, or the site does not allow rooms from the address.
    """
    if argument is not None:
        if not isinstance(argument, str) or not argument.strip():
            raise ConfigError(
                f"{argument!r} is no room name", 'Give a text, as in join("physics-101").'
            )
        return argument
    named = parse_qs(urlsplit(facts.href).query).get(ROOM_PARAMETER, [""])[0].strip()
    if not named:
        raise ConfigError(
            "No room is named",
            "Add ?room=NAME to the address of this page and reload it, "
            'or name the room in the call: join("NAME").',
        )
    if not _is_true(facts.config.get(COLLABORATIVE_KEY)):
        raise ConfigError(
            f"This site does not allow rooms from its address: {COLLABORATIVE_KEY!r} is not set",
            f'The site\'s owner sets {{"{COLLABORATIVE_KEY}": true}} under '
            '"jupyter-config-data" in jupyter-lite.json; or name the room in the call: '
            f'join("{named}").',
        )
    return named


def server_urls(argument: Iterable[str] | str | None, facts: PageFacts) -> list[str]:
    """Find the signaling servers: the argument, else `fullWebRtcSignalingUrls` of the config.

    Returns:
        absolute `ws:` and `wss:` addresses, without repetition; relative ones are relative to the
        page.

    Raises:
        ConfigError: there are none, or one cannot be used.
    """
    raw: object = facts.config.get(SERVERS_KEY) if argument is None else argument
    if raw is None:
        raise ConfigError(
            "No signaling server is named",
            f'The site\'s owner sets {{"{SERVERS_KEY}": ["./signaling"]}} under '
            '"jupyter-config-data" in jupyter-lite.json; or name one in the call: '
            'join(signaling=["wss://signaling.example.org"]).',
        )
    if isinstance(raw, str):
        raw = [raw]
    if isinstance(raw, Mapping) or not isinstance(raw, Iterable):
        raise ConfigError(f"{raw!r} is no list of signaling servers", "Give a list of addresses.")
    return list(dict.fromkeys(_server_url(url, facts) for url in raw))


def check_ice_servers(argument: object) -> Sequence[Mapping[str, object]]:
    """Check the ICE servers: a list of objects with `urls`; none by default.

    Raises:
        ConfigError: it is something else.
    """
    if argument is None:
        return ()
    if isinstance(argument, str | Mapping) or not isinstance(argument, Sequence):
        raise ConfigError(
            f"{argument!r} is no list of ICE servers",
            'Give a list, as in [{"urls": "stun:stun.example.org"}].',
        )
    for server in argument:
        if not isinstance(server, Mapping) or "urls" not in server:
            raise ConfigError(
                f"{server!r} is no ICE server", 'Give {"urls": "stun:stun.example.org"}.'
            )
    return argument


def _server_url(url: object, facts: PageFacts) -> str:
    if not isinstance(url, str) or not url.strip():
        raise ConfigError(f"{url!r} is no address of a signaling server", "Give a text.")
    refusal = ConfigError(
        f"{url!r} is no address of a signaling server",
        "It begins with ws://, wss://, http:// or https://, or is relative to the page.",
    )
    try:
        parts = urlsplit(urljoin(facts.href, url.strip()))
        _ = parts.port  # raises if it is no number
    except ValueError as error:
        raise refusal from error
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.netloc:
        raise refusal
    return urlunsplit((scheme, parts.netloc, parts.path, parts.query, ""))


def _is_true(value: object) -> bool:
    # PageConfig turns every value into text.
    return value is True or value == "true"
