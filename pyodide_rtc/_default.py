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
    """Join a room: share a document with all who are in it. See `Rooms.join`."""
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
    """List what this browser keeps of rooms. See `Rooms.stored_rooms`."""
    return await _rooms().stored_rooms()


async def import_room(data: bytes, *, room: str | None = None, password: str | None = None) -> str:
    """Take in a room that `Room.export` has made a file of. See `Rooms.import_room`."""
    return await _rooms().import_room(data, room=room, password=password)


def enable_logging(level: int | str = "INFO") -> None:
    """Show what the package logs, for finding faults; the one opt-in for notebooks.

    Args:
        level: a level of `logging`; DEBUG shows each message by type and size, never its content.
    """
    logger = logging.getLogger("pyodide_rtc")
    logger.setLevel(level)
    if not any(isinstance(h, logging.StreamHandler) for h in logger.handlers):
        handler = logging.StreamHandler()
        handler.setFormatter(logging.Formatter("%(asctime)s %(name)s %(message)s"))
        logger.addHandler(handler)
