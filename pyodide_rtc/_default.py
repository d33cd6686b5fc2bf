"""The kernel's own rooms: what `pyodide_rtc.join` uses. Made at the first call, not at import."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any

from pycrdt import Doc

from pyodide_rtc import browser
from pyodide_rtc.kernel import take_over
from pyodide_rtc.protocol.link import MAX_RECEIVED_BYTES
from pyodide_rtc.room import Room
from pyodide_rtc.rooms import Rooms
from pyodide_rtc.storage import StoredRoom

logging.getLogger("pyodide_rtc").addHandler(logging.NullHandler())


@cache
def _rooms() -> Rooms:
    rooms = Rooms(browser.open_host, lambda: browser.block if browser.can_block() else None)
    rooms.take_in(take_over(rooms))
    return rooms


def join(
    room: str | None = None,
    *,
    signaling: Iterable[str] | str | None = None,
    password: str | None = None,
    doc: Doc[Any] | None = None,
    user: str | Mapping[str, object] | None = None,
    ice_servers: Sequence[Mapping[str, object]] | None = None,
    max_received_bytes: int = MAX_RECEIVED_BYTES,
    store: bool | None = None,
) -> Room:
    """Join a room: share a document with all who are in it.

    Where the kernel can wait (most browsers), `join` returns once the room has what this
    browser keeps of it, after 3 s at the latest. Elsewhere it returns at once. It waits for
    nobody else.

    A cell can be run twice: for a room that this kernel has joined already, the same room is
    returned. Another `user` is shown from then on; any other argument that differs is an error.
    Where the kernel can wait, a missing room, a site without collaboration or a bad server
    raise here. Where it cannot, the room's `state` and `error` show them.

    Each argument overrides what the page's address and the site's configuration say: a room
    that is named here needs neither `?room=` nor `collaborative`.

    Example:
        >>> room = pyodide_rtc.join()  # the room of ?room= in the address of the page
        >>> room = pyodide_rtc.join("physics-101", user="Ada", password="what we agreed upon")

    Args:
        room: its name; by default from `?room=` of the page's address, or of the page from
            which people walked here, where the site sets `collaborative`.
        signaling: addresses of signaling servers (`wss://...`, or relative to the page), all
            used at the same time; by default `fullWebRtcSignalingUrls` of the site.
        password: encrypts what the servers and other tabs see; all peers need the same.
        doc: the document to share; by default a new one, or that of the same room if this
            kernel has left it before.
        user: a name, or an object with `name` and `color`, shown to the others. What it leaves
            out comes from `?username=` and `?usercolor=`, else from JupyterLite's own user,
            else from what was given in this browser, else it is made up, the same each time.
        ice_servers: STUN and TURN servers, as `RTCConfiguration.iceServers`; by default
            `webRtcIceServers` of the site, else none.
        max_received_bytes: the largest message that a peer may send, and so the most that it
            can make this kernel hold. A peer that sends more is refused. 256 MiB by default.
        store: whether this browser keeps the room's documents; by default `rtcStore` of the
            site, else it does.

    Raises:
        ConfigError: something is missing or cannot be used; says what to do.
        BrowserUnsupportedError: the kernel has no way to the page; or there is a password, and
            the page has no cryptography, because it came by `http:` from another machine.
    """
    return _rooms().join(
        room,
        signaling=signaling,
        password=password,
        doc=doc,
        user=user,
        ice_servers=ice_servers,
        max_received_bytes=max_received_bytes,
        store=store,
    )


async def stored_rooms() -> list[StoredRoom]:
    """List what this browser keeps of rooms for this site, those of other passwords included.

    Example:
        >>> for stored in await pyodide_rtc.stored_rooms():
        ...     print(stored)

    Raises:
        StorageError: the browser refused.
    """
    return await _rooms().stored_rooms()


async def import_room(data: bytes, *, room: str | None = None, password: str | None = None) -> str:
    """Take in a room that `Room.export` has made a file of.

    What this browser keeps of the room is merged with it. If this kernel has the room open,
    the others get it as well. Where rooms are not kept, it is for this kernel alone.

    Example:
        >>> name = await pyodide_rtc.import_room(pathlib.Path("room.zip").read_bytes())
        >>> room = pyodide_rtc.join(name)

    Args:
        data: the file.
        room: the name of the room to take it into; by default that of the file.
        password: the password of that room in this browser; none by default.

    Returns:
        the room's name, for `join`.

    Raises:
        DecodeError: it is no such file, or damaged.
        MessageTooBigError: it is larger than 256 MiB, or would be.
        ConfigError: the name of the room or of a document is none, or the room is joined with
            another password.
        StorageError: the browser refused.
    """
    return await _rooms().import_room(data, room=room, password=password)


def enable_logging(level: int | str = "INFO") -> None:
    """Show what the package logs, for finding faults; the one opt-in for notebooks.

    Example:
        >>> pyodide_rtc.enable_logging("DEBUG")

    Args:
        level: a level of `logging`; DEBUG shows each message by type and size, never its content.
    """
    logger = logging.getLogger("pyodide_rtc")
    logger.setLevel(level)
    if not any(isinstance(h, logging.StreamHandler) for h in logger.handlers):
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
        logger.addHandler(handler)
