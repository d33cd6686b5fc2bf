"""The engine's end of the port: the documents that the page has open, and who is in the room."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from pyodide_rtc import identity
from pyodide_rtc.engine.document import SharedDocument
from pyodide_rtc.engine.lineage import Candidate, read_candidate
from pyodide_rtc.engine.page_presence import PageState, Presence, username
from pyodide_rtc.engine.port import Post
from pyodide_rtc.errors import LocalProtocolError, RtcError
from pyodide_rtc.ports import Host, PageFacts
from pyodide_rtc.room_status import RoomEvent
from pyodide_rtc.rooms import Rooms
from pyodide_rtc.wire.json_text import decode_json, encode_json

__all__ = ["Engine"]

logger = logging.getLogger("pyodide_rtc.engine")

_FILES = "files"
"""The room, below the page's room, in which its people share files. Notebook code is in the page's
room itself: who counts its peers there does not meet the engines of all."""


class Engine:
    """Shares the files of a page.

    Args:
        host: the home.
        facts: what the page says of itself.
        room: the name of the page's room.
        post: sends a message to the page (port.py).
    """

    def __init__(self, host: Host, facts: PageFacts, room: str, post: Post) -> None:
        self._post = post
        self._documents: dict[str, SharedDocument] = {}
        self._told: tuple[str, int] | None = None

        async def open_host() -> Host:
            return host

        self._identity = identity.jupyter_identity(facts, host.machine.random_bytes)
        post("user", "", encode_json(self._identity))
        self._room = Rooms(open_host).join(f"{room}/{_FILES}")
        self._room.observe(self._on_event)
        self._people = Presence(self._room.awareness, self._tell_people)

    def receive(self, operation: str, document: str, *about: Any) -> None:
        """Handle a message of the page; report to the page what fails."""
        try:
            self._operations[operation](self, document, *about)
        except (RtcError, ValueError) as error:
            logger.exception("! %s of %s", operation, document)
            self._post("fault", document, str(error))

    def close(self) -> None:
        """Leave the room."""
        for document in self._documents.values():
            document.close()
        self._documents.clear()
        self._room.leave()

    # What the page tells.

    def _open(self, key: str, candidate: str | None = None, state: bytes | None = None) -> None:
        if key not in self._documents:
            self._documents[key] = SharedDocument(key, self._room, self._post)
        self._documents[key].open(None if candidate is None else _lineage(candidate), state)

    def _show_lineage(self, key: str, candidate: str) -> None:
        if key in self._documents:
            self._documents[key].show_lineage(_lineage(candidate))

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
        "lineage": _show_lineage,
        "update": _update,
        "presence": _show,
        "close": _close,
    }

    # What the room tells.

    def _on_event(self, event: RoomEvent) -> None:
        if event.kind == "fault":
            self._post("fault", "", event.reason)
        self._tell_room()

    def _tell_people(self, others: list[PageState]) -> None:
        self._post("presence", "", encode_json(others))
        self._tell_room()

    def _tell_room(self) -> None:
        """Tell the page how the room is, and how many people are in it: several tabs are one."""
        names = {username(state) for _client, state in self._people.others}
        told = self._room.why, len(names | {self._identity["username"]})
        if told != self._told:
            self._told = told
            self._post("room", "", *told)


def _lineage(text: str) -> Candidate:
    """Read a lineage that the page tells."""
    candidate = read_candidate(decode_json(text))
    if candidate is None:
        raise LocalProtocolError(f"{text!r} is no lineage", "hearing the page")
    return candidate
