"""The engine's end of the port: the documents that the page has open, and who is in the room."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from pyodide_rtc import identity
from pyodide_rtc.engine.document import SharedDocument
from pyodide_rtc.engine.lineage import read_candidate
from pyodide_rtc.engine.page_presence import PageState, Presence, username
from pyodide_rtc.engine.port import Post
from pyodide_rtc.errors import LocalProtocolError, RtcError
from pyodide_rtc.ports import Host, PageFacts
from pyodide_rtc.room import Room
from pyodide_rtc.room_status import RoomEvent
from pyodide_rtc.rooms import Rooms
from pyodide_rtc.wire.json_text import decode_json, encode_json

__all__ = ["Engine"]

logger = logging.getLogger("pyodide_rtc.engine")

_PEOPLE = "people"
"""The room, below the page's room, that all its people join. No document has this name: those of
documents have a colon."""


class Engine:
    """Joins rooms for a page.

    Args:
        host: the home.
        facts: what the page says of itself.
        room: the name of the page's room; the rooms of documents are named below it.
        post: sends a message to the page (port.py).
    """

    def __init__(self, host: Host, facts: PageFacts, room: str, post: Post) -> None:
        self._name = room
        self._post = post
        self._documents: dict[str, SharedDocument] = {}
        self._told: tuple[str, int] | None = None

        async def open_host() -> Host:
            return host

        self._rooms = Rooms(open_host)
        self._identity = identity.jupyter_identity(facts, host.machine.random_bytes)
        post("user", "", encode_json(self._identity))
        self._people_room = self._join(_PEOPLE)
        self._people = Presence(self._people_room, self._tell_people)
        self._people_room.observe(lambda _event: self._tell_room())

    def receive(self, operation: str, document: str, *about: Any) -> None:
        """Handle a message of the page; report to the page what fails."""
        try:
            self._operations[operation](self, document, *about)
        except (RtcError, ValueError) as error:
            logger.exception("! %s of %s", operation, document)
            self._post("fault", document, str(error))

    def close(self) -> None:
        """Leave all rooms."""
        for document in self._documents.values():
            document.close()
        self._documents.clear()
        self._people_room.leave()

    # What the page tells.

    def _open(self, key: str, candidate: str | None = None, state: bytes | None = None) -> None:
        if key not in self._documents:
            self._documents[key] = SharedDocument(key, self._join, self._post)
        told = None if candidate is None else read_candidate(decode_json(candidate))
        if (told is None) != (candidate is None):
            raise LocalProtocolError(f"{candidate!r} is no lineage", "opening a document")
        self._documents[key].open(told, state)

    def _update(self, key: str, seed: str, update: bytes) -> None:
        if key in self._documents:
            self._documents[key].update(seed, update)

    def _show(self, key: str, client: int, state: str | None) -> None:
        shown: Any = None if state is None else decode_json(state)
        if not key:
            self._people.show(client, shown)
            self._tell_room()
        elif key in self._documents:
            self._documents[key].show(client, shown)

    def _close(self, key: str) -> None:
        document = self._documents.pop(key, None)
        if document is not None:
            document.close()

    _operations: dict[str, Callable[..., None]] = {  # noqa: RUF012 - a table, never written
        "open": _open,
        "update": _update,
        "presence": _show,
        "close": _close,
    }

    # What the rooms tell.

    def _join(self, name: str) -> Room:
        # Which lineage a document has is not kept yet: what was kept of it could double its cells.
        room = self._rooms.join(f"{self._name}/{name}", store=False)
        room.observe(lambda event: self._tell_fault(name, event))
        return room

    def _tell_fault(self, name: str, event: RoomEvent) -> None:
        if event.kind == "fault":
            self._post("fault", name, event.reason)

    def _tell_people(self, others: list[PageState]) -> None:
        self._post("presence", "", encode_json(others))
        self._tell_room()

    def _tell_room(self) -> None:
        """Tell the page how the room is, and how many people are in it: several tabs are one."""
        names = {username(state) for _client, state in self._people.others}
        told = self._people_room.why, len(names | {self._identity["username"]})
        if told != self._told:
            self._told = told
            self._post("room", "", *told)
