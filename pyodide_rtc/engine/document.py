"""A document that the page has open: which lineage it has, and where that lineage is edited.

Two rooms belong to it. The first is named after the document. In its awareness each page says which
lineage it shows; its document stays empty. The second has the content, and is named after the
document and the lineage: so two lineages can never be mixed. An awareness state vanishes with its
page: so a lineage that nobody has any more is no candidate, and nobody waits for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pyodide_rtc.engine.content import Content
from pyodide_rtc.engine.lineage import Candidate, read_candidate, winner
from pyodide_rtc.engine.page_presence import PageState, Presence
from pyodide_rtc.engine.port import Post
from pyodide_rtc.protocol.events import JsonObject
from pyodide_rtc.room import Room
from pyodide_rtc.session.timer import DeadlineTimer
from pyodide_rtc.wire.json_text import encode_json

__all__ = ["SharedDocument"]

_FIELD = "lineage"

_QUIET_S = 2.0
"""Once a signaling server is open and nothing has changed for so long, we know who is here."""

_PATIENCE_S = 10.0
"""How long at most we look for a document that this browser lacks."""


class SharedDocument:
    """One open document.

    Args:
        key: `"{contentType}:{path}"`.
        join: joins the room of this name, below the page's room.
        post: sends a message to the page.
    """

    def __init__(self, key: str, join: Callable[[str], Room], post: Post) -> None:
        self.key = key
        self._join = join
        self._post = post
        self._own: Candidate | None = None
        self._content: Content | None = None
        self._pursued: Content | None = None
        self._presence: Presence | None = None
        self._patience = DeadlineTimer(self._give_up)
        self._latest_s: float | None = None
        self._room = join(key)
        self._room.awareness.observe(lambda _change: self._decide())
        self._room.observe(lambda _event: self._wait_for_quiet())

    def open(self, candidate: Candidate | None, state: bytes | None) -> None:
        """Begin with the lineage that the page shows, or (None) look for one in the room.

        A page that has adopted a lineage opens the document again, with that lineage.
        """
        if candidate is None or state is None:
            self._latest_s = asyncio.get_running_loop().time() + _PATIENCE_S
            self._wait_for_quiet()
            self._decide()
            return
        if self._content is None or self._content.candidate.seed != candidate.seed:
            self._leave_content()
            self._enter(self._content_of(candidate))
        assert self._content is not None, "entered"
        self._content.apply(state)
        self._decide()
        self._tell_presence()

    def update(self, seed: str, update: bytes) -> None:
        """Apply an edit of the page; one of another lineage is late, and ignored."""
        if self._content is not None and self._content.candidate.seed == seed:
            self._content.apply(update)

    def show(self, client: int, state: JsonObject | None) -> None:
        """Show the page's awareness state to the others."""
        if self._presence is not None:
            self._presence.show(client, state)

    def close(self) -> None:
        """Leave its rooms."""
        self._stop_waiting()
        self._drop_pursued()
        self._leave_content()
        self._room.leave()

    # Which lineage.

    def _decide(self) -> None:
        """Find the lineage that wins among all that are shown, and go to it."""
        own = [] if self._own is None else [self._own]
        best = winner([*self._heard(), *own])
        if best is None:
            self._drop_pursued()
        elif self._own is not None and best.seed == self._own.seed:
            self._drop_pursued()
            self._set_own(best)
        else:
            self._pursue(best)

    def _heard(self) -> list[Candidate]:
        own = self._room.awareness.client_id
        states = self._room.awareness.states.items()
        found = (read_candidate(state.get(_FIELD)) for client, state in states if client != own)
        return [candidate for candidate in found if candidate is not None]

    def _set_own(self, candidate: Candidate | None) -> None:
        if candidate != self._own:
            self._own = candidate
            told = None if candidate is None else candidate.to_json()
            self._room.awareness.set_local_state_field(_FIELD, told)

    def _pursue(self, candidate: Candidate) -> None:
        """Get a lineage from its room; until it is here, the page shows its present one."""
        if self._pursued is None or self._pursued.candidate.seed != candidate.seed:
            self._drop_pursued()
            self._pursued = self._content_of(candidate)
        self._pursued.candidate = candidate
        self._adopt_when_here()

    def _adopt_when_here(self) -> None:
        content = self._pursued
        if content is None or not content.is_here:
            return
        self._pursued = None
        self._leave_content()
        self._stop_waiting()
        self._enter(content)
        self._post("adopt", self.key, encode_json(content.candidate.to_json()), content.state)

    def _drop_pursued(self) -> None:
        if self._pursued is not None:
            self._pursued.leave()
            self._pursued = None

    # Where it is edited.

    def _content_of(self, candidate: Candidate) -> Content:
        room = self._join(f"{self.key}/{candidate.seed}")
        return Content(candidate, room, self._tell_update, self._adopt_when_here)

    def _enter(self, content: Content) -> None:
        self._content = content
        self._presence = Presence(content.room, self._tell_others)
        self._set_own(content.candidate)

    def _leave_content(self) -> None:
        if self._content is not None:
            self._content.leave()
            self._content = self._presence = None

    def _tell_update(self, content: Content, update: bytes) -> None:
        if content is self._content:  # else it is part of the state, once that is adopted
            self._post("update", self.key, content.candidate.seed, update)

    def _tell_presence(self) -> None:
        if self._presence is not None:
            self._tell_others(self._presence.others)

    def _tell_others(self, others: list[PageState]) -> None:
        self._post("presence", self.key, encode_json(others))

    # What this browser lacks.

    def _wait_for_quiet(self) -> None:
        """Wait until we know who is here and that none of them has it; begin anew at each event."""
        if self._latest_s is None:
            return
        if self._room.state == "failed":
            self._give_up()
            return
        is_reached = any(server.state == "open" for server in self._room.servers)
        quiet_s = asyncio.get_running_loop().time() + _QUIET_S
        self._patience.set(min(quiet_s, self._latest_s) if is_reached else self._latest_s)

    def _give_up(self) -> None:
        pursued = self._pursued
        if pursued is not None and any(peer.is_connected for peer in pursued.room.peers):
            self._latest_s = asyncio.get_running_loop().time() + _PATIENCE_S  # it is on its way
            self._patience.set(self._latest_s)
            return
        self._stop_waiting()
        self._post("missing", self.key)

    def _stop_waiting(self) -> None:
        self._latest_s = None
        self._patience.set(None)
