"""The engine's end of the port: the documents that the page has open, and who is in the room."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from pyodide_rtc import identity
from pyodide_rtc.engine.document import SharedDocument
from pyodide_rtc.engine.front import Front, Renames
from pyodide_rtc.engine.lineage import Candidate, read_candidate
from pyodide_rtc.engine.page_presence import PageState, Presence
from pyodide_rtc.engine.panel import DialogFacts, dialog_facts
from pyodide_rtc.engine.people import company, person
from pyodide_rtc.engine.port import Post
from pyodide_rtc.engine.troubles import Troubles
from pyodide_rtc.errors import LocalProtocolError, RtcError
from pyodide_rtc.panel.feed import Feed
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
        self._page = host.page
        self._documents: dict[str, SharedDocument] = {}
        self._fronts: dict[str, Front] = {}
        self._renames = Renames()
        self._told: dict[tuple[str, str], tuple[Any, ...]] = {}
        self._is_telling = False
        self._shown_user: object = None
        self._asking: set[asyncio.Task[None]] = set()

        async def open_host() -> Host:
            return host

        self._identity = identity.jupyter_identity(facts, host.machine.random_bytes)
        post("user", "", encode_json(self._identity))
        host.page.on_user(self._ask_user)
        self._rooms = Rooms(open_host)
        self._room = self._rooms.join(f"{room}/{_FILES}")
        self._room.observe(self._on_event)
        self._people = Presence(self._room.awareness, self._tell_people)
        self._dialog: Feed[DialogFacts] = Feed(
            self._dialog_facts,
            lambda facts: post("panel", "", encode_json(facts.as_json())),
            lambda: self._rooms.measure(self._room),
        )
        self._troubles = Troubles(self._room, self._is_settled, self._tell)
        self._tell()

    def receive(self, operation: str, document: str, *about: Any) -> None:
        """Handle a message of the page; report to the page what fails."""
        try:
            self._operations[operation](self, document, *about)
        except (RtcError, ValueError) as error:
            logger.exception("! %s of %s", operation, document)
            self._post("fault", document, str(error))
            if operation in ("open", "update"):
                self._troubles.note_unshared(document, error)
                self._tell_soon()

    def close(self) -> None:
        """Leave the room."""
        self._troubles.close()
        self._dialog.close()
        for task in self._asking:
            task.cancel()
        for document in self._documents.values():
            document.close()
        self._documents.clear()
        self._fronts.clear()
        self._room.leave()

    # What the page tells.

    def _open(self, key: str, candidate: str | None = None, state: bytes | None = None) -> None:
        if key not in self._documents:
            front = self._front(key)
            self._documents[key] = SharedDocument(key, front, self._room, self._pass_on)
        self._documents[key].open(None if candidate is None else _lineage(candidate), state)
        self._troubles.note_shared(key)
        self._tell_soon()

    def _show_lineage(self, key: str, candidate: str) -> None:
        if key in self._documents:
            self._documents[key].show_lineage(_lineage(candidate))

    def _update(self, key: str, seed: str, update: bytes) -> None:
        if key in self._documents:
            self._documents[key].update(seed, update)

    def _show(self, key: str, client: int, state: str | None) -> None:
        shown: Any = None if state is None else decode_json(state)
        if not key:
            self._shown_user = shown.get("user") if isinstance(shown, dict) else None
            self._people.show(client, shown)
            self._tell_soon()
        elif key in self._documents:
            self._documents[key].show(client, shown)

    def _close(self, key: str) -> None:
        document = self._documents.pop(key, None)
        if document is None:
            return
        document.close()
        if not self._fronts[key].is_needed:
            self._fronts.pop(key).close()
        self._told.pop(("document", key), None)
        self._troubles.note_shared(key)
        self._tell_soon()

    def _move(self, key: str, seed: str, new_key: str) -> None:
        self._front(key).move(seed, new_key)

    def _show_dialog(self, _key: str, is_shown: bool) -> None:
        if is_shown:
            self._dialog.show("dialog")
        else:
            self._dialog.hide("dialog")

    def _ping(self, _key: str) -> None:
        self._post("pong", "")

    _operations: dict[str, Callable[..., None]] = {  # noqa: RUF012 - a table, never written
        "open": _open,
        "lineage": _show_lineage,
        "update": _update,
        "presence": _show,
        "close": _close,
        "move": _move,
        "panel": _show_dialog,
        "ping": _ping,
    }

    def _front(self, key: str) -> Front:
        if key not in self._fronts:
            self._fronts[key] = Front(key, self._room, self._renames)
        return self._fronts[key]

    # Who sits at the page.

    def _ask_user(self) -> None:
        task = asyncio.ensure_future(self._learn_user())
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _learn_user(self) -> None:
        try:
            facts = await self._page.facts()
        except RtcError as error:
            self._post("fault", "", str(error))
            return
        # Without a kept number the user name is one of chance: it stays as long as we do.
        named = identity.jupyter_identity(facts, bytes)
        self._identity = {**named, "username": self._identity["username"]}
        self._post("user", "", encode_json(self._identity))
        self._tell_soon()

    # What the room tells.

    def _on_event(self, event: RoomEvent) -> None:
        if event.kind == "fault":
            self._post("fault", "", event.reason)
            self._troubles.note_fault(event.error)
        self._tell_soon()

    def _pass_on(self, operation: str, key: str, *about: Any) -> None:
        """Send what a document tells; if it is no edit, it may be shared further, or less, now."""
        self._post(operation, key, *about)
        if operation != "update":
            self._tell_soon()

    def _tell_people(self, others: list[PageState]) -> None:
        self._post("presence", "", encode_json(others))
        self._tell_soon()

    def _is_settled(self) -> bool:
        own = self._username
        return all(one.status(own)[0] in ("synced", "alone") for one in self._documents.values())

    @property
    def _username(self) -> str:
        """The name that identifies the person here: a site can have users of its own."""
        shown = self._shown_user
        name = shown.get("username") if isinstance(shown, dict) else None
        return name if isinstance(name, str) else self._identity["username"]

    def _tell_soon(self) -> None:
        """Tell the page how all is, once in this turn of the loop, however much has happened."""
        if not self._is_telling:
            self._is_telling = True
            asyncio.get_running_loop().call_soon(self._tell)

    def _tell(self) -> None:
        """Tell the page what is new: of the room, its people, its troubles, and each document."""
        self._is_telling = False
        own = self._username
        others = company((state for _client, state in self._people.others), own)
        myself = person(self._shown_user or self._identity)
        self._tell_new("people", "", encode_json([myself, *others.values()]))
        self._tell_new("troubles", "", encode_json(self._troubles.now()))
        for key, document in self._documents.items():
            self._tell_new("document", "", key, *document.status(own))
        self._tell_new("room", "", self._room.why, len(others) + 1)
        self._dialog.look()

    def _dialog_facts(self) -> DialogFacts:
        myself = self._shown_user or self._identity
        others = self._people.others_by_client
        sizes = {key: document.size_bytes for key, document in self._documents.items()}
        return dialog_facts(self._room, myself, self._username, others, sizes)

    def _tell_new(self, operation: str, key: str, *about: Any) -> None:
        name = operation, str(about[0]) if operation == "document" else key
        if self._told.get(name) != about:
            self._told[name] = about
            self._post(operation, key, *about)


def _lineage(text: str) -> Candidate:
    """Read a lineage that the page tells."""
    candidate = read_candidate(decode_json(text))
    if candidate is None:
        raise LocalProtocolError(f"{text!r} is no lineage", "hearing the page")
    return candidate
