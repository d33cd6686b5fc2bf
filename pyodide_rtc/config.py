"""Finds a room's servers: the arguments name them, else the site's configuration.

Pure functions over `PageFacts`; every refusal says what to do.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import ip_address
from urllib.parse import SplitResult, urljoin, urlsplit, urlunsplit

from pyodide_rtc.errors import ConfigError
from pyodide_rtc.ports import IceServer, PageFacts

SERVERS_KEY = "fullWebRtcSignalingUrls"
ICE_SERVERS_KEY = "webRtcIceServers"
STORE_KEY = "rtcStore"
BASE_KEY = "baseUrl"
EXTENSIONS_KEY = "federated_extensions"

_OF_WIDGETS = {"@jupyter-widgets/jupyterlab-manager", "anywidget"}
"""The extensions of JupyterLab that draw widgets."""

_SCHEMES = {"ws": "ws", "wss": "wss", "http": "ws", "https": "wss"}
_ICE_SCHEMES = ("stun:", "stuns:", "turn:", "turns:")


def draws_widgets(facts: PageFacts) -> bool:
    """Return whether the page can draw widgets of anywidget, as far as it says what it has."""
    extensions = facts.config.get(EXTENSIONS_KEY)
    if not isinstance(extensions, list):
        return True
    names = {each.get("name") for each in extensions if isinstance(each, dict)}
    return names >= _OF_WIDGETS


def server_urls(argument: Iterable[str] | str | None, facts: PageFacts) -> list[str]:
    """Find the signaling servers: the argument, else `fullWebRtcSignalingUrls` of the config.

    All of them are used at the same time. One that cannot be reached harms nothing, but an address
    that can never be right is a fault of the configuration, and the list is refused as a whole.

    Returns:
        absolute `ws:` and `wss:` addresses, without repetition. Relative ones in the argument are
        relative to the page, those in the config to the site.

    Raises:
        ConfigError: there are none, or one cannot be used.
    """
    raw: object = argument
    base = facts.href
    if argument is None:
        raw = _from_config(SERVERS_KEY, facts)
        # JupyterLite makes those of a list absolute itself; a single text it leaves as it is.
        base = urljoin(base, str(facts.config.get(BASE_KEY, "")))
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
    is_secure = urlsplit(facts.href).scheme == "https"
    return list(dict.fromkeys(_server_url(url, base, is_secure) for url in raw))


def ice_servers(argument: object, facts: PageFacts) -> Sequence[IceServer]:
    """Find the STUN and TURN servers: the argument, else `webRtcIceServers` of the config.

    Returns:
        objects as in `RTCConfiguration.iceServers`. None by default: then no third party is asked.

    Raises:
        ConfigError: one cannot be used.
    """
    raw = _from_config(ICE_SERVERS_KEY, facts) if argument is None else argument
    return check_ice_servers(raw)


def check_ice_servers(servers: object) -> Sequence[IceServer]:
    """Check a list of STUN and TURN servers, as browsers do; None is an empty one.

    Raises:
        ConfigError: it is something else.
    """
    if servers is None:
        return ()
    if isinstance(servers, str | Mapping) or not isinstance(servers, Sequence):
        raise ConfigError(
            f"{servers!r} is no list of ICE servers",
            'Give a list, as in [{"urls": "stun:stun.example.org"}].',
        )
    for server in servers:
        _check_ice_server(server)
    return servers


def _check_ice_server(server: object) -> None:
    urls = server.get("urls") if isinstance(server, Mapping) else None
    listed = [urls] if isinstance(urls, str) else urls
    if (
        not isinstance(server, Mapping)
        or not isinstance(listed, Sequence)
        or not listed
        or not all(isinstance(url, str) and url.startswith(_ICE_SCHEMES) for url in listed)
    ):
        raise ConfigError(
            f"{_without_secret(server)!r} is no ICE server",
            'Give {"urls": "stun:stun.example.org"}; addresses begin with stun:, turn: or turns:.',
        )
    has_login = all(isinstance(server.get(key), str) for key in ("username", "credential"))
    if any(url.startswith("turn") for url in listed) and not has_login:
        raise ConfigError(
            f"The TURN server {urls!r} has no login",
            'Give "username" and "credential" beside "urls".',
        )


def _without_secret(server: object) -> object:
    if not isinstance(server, Mapping):
        return server
    return {key: "..." if key == "credential" else value for key, value in server.items()}


def is_stored(argument: bool | None, facts: PageFacts) -> bool:
    """Find whether a room's documents are kept: the argument says it, else `rtcStore`, else yes.

    Raises:
        ConfigError: the site's value is neither true nor false.
    """
    if argument is not None:
        return argument
    value = facts.config.get(STORE_KEY, True)
    # JupyterLab's PageConfig turns every value into text.
    known = {True: True, False: False, "true": True, "false": False}
    if not isinstance(value, bool | str) or value not in known:
        raise ConfigError(
            f"{STORE_KEY!r} of the site's configuration is {value!r}",
            'The site\'s owner sets it to true or false under "jupyter-config-data" in '
            "jupyter-lite.json.",
        )
    return known[value]


def check_store(argument: object) -> None:
    """Check the argument `store`.

    Raises:
        ConfigError: it is neither a boolean nor None.
    """
    if argument is not None and not isinstance(argument, bool):
        raise ConfigError(f"store is {argument!r}", "Give True, False, or leave it out.")


def _from_config(key: str, facts: PageFacts) -> object:
    """Read a value of the config; JupyterLab's PageConfig may have turned a list into JSON text."""
    value = facts.config.get(key)
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{")):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ConfigError(
            f"{key!r} of the site's configuration is no list: {error}",
            'The site\'s owner corrects it under "jupyter-config-data" in jupyter-lite.json.',
        ) from error


def _server_url(url: object, base: str, is_secure: bool) -> str:
    if not isinstance(url, str) or not url.strip():
        raise ConfigError(f"{url!r} is no address of a signaling server", "Give a text.")
    refusal = ConfigError(
        f"{url!r} is no address of a signaling server",
        "It begins with ws://, wss://, http:// or https://, or is relative to the page.",
    )
    try:
        parts = urlsplit(urljoin(base, url.strip()))
        _ = parts.port  # raises if it is no number
    except ValueError as error:
        raise refusal from error
    scheme = _SCHEMES.get(parts.scheme)
    if scheme is None or not parts.hostname:
        raise refusal
    if is_secure and scheme == "ws" and not _is_loopback(parts):
        raise ConfigError(
            f"{url!r} is not encrypted, and browsers keep a page that came by https: from using it",
            "Let the server answer by wss:// (a reverse proxy with a certificate does), or serve "
            "the page itself by http:.",
        )
    return urlunsplit((scheme, parts.netloc, parts.path, parts.query, ""))


def _is_loopback(parts: SplitResult) -> bool:
    """Return whether an address leads to this machine: browsers trust it without encryption.

    Source: W3C Secure Contexts, "Is origin potentially trustworthy?".
    """
    host = (parts.hostname or "").removesuffix(".")
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
