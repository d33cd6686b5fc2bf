"""A file that the page has open: which lineage it has, and where that lineage is edited.

Two documents of the room belong to it. The first is named after the file (front.py): there each
page says which lineage it shows. The second has the content, and is named after the file and the
lineage: so two lineages can never be mixed, neither at the peers nor in what this browser keeps.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable

from pyodide_rtc.engine.content import Content
from pyodide_rtc.engine.front import Front
from pyodide_rtc.engine.lineage import (
    Adopt,
    Candidate,
    Drop,
    Effect,
    Fetch,
    Lineages,
    Share,
    Tell,
)
from pyodide_rtc.engine.page_presence import PageState, Presence
from pyodide_rtc.engine.people import company, in_words
from pyodide_rtc.engine.port import Post
from pyodide_rtc.protocol.events import JsonObject
from pyodide_rtc.room import Room
from pyodide_rtc.room_repr import transfer_words
from pyodide_rtc.session.timer import DeadlineTimer
from pyodide_rtc.wire.json_text import encode_json

__all__ = ["SharedDocument"]

_QUIET_S = 2.0
"""Once a signaling server is open and nothing has changed for so long, we know who is here."""

_PATIENCE_S = 10.0
"""How long at most we look for a document that this browser lacks, if nobody is here."""

_COMPANY_S = 60.0
"""How long at most we wait for those who are here, and have not told what they have."""

_SETTLE_S = 10.0
"""So long we wait for the best lineage while another one has come that wins over ours."""


class SharedDocument:
    """One open file.

    Args:
        key: `"{contentType}:{path}"`.
        front: what is told of the file.
        room: the room of all files.
        post: sends a message to the page.
    """

    def __init__(self, key: str, front: Front, room: Room, post: Post) -> None:
        self.key = key
        self._front = front
        self._room = room
        self._post = post
        self._lineages = Lineages()
        self._content: Content | None = None
        self._fetched: dict[str, Content] = {}
        self._presence: Presence | None = None
        self._patience = DeadlineTimer(self._give_up)
        self._settling = DeadlineTimer(self._settle)
        self._is_settling = False
        self._asked_s = 0.0
        self._latest_s: float | None = None
        self._end_observations: tuple[Callable[[], None], ...] = (
            front.observe(self._hear),
            room.observe(lambda _event: self._look()),
        )

    def open(self, candidate: Candidate | None, state: bytes | None) -> None:
        """Begin with the lineage that the page shows, or (None) look for one in the room.

        A page that has adopted a lineage opens the document again, with that lineage.
        """
        if candidate is None or state is None:
            self._asked_s = asyncio.get_running_loop().time()
            self._latest_s = self._asked_s + _PATIENCE_S
            self._hear()
            self._look()
            return
        self._perform(self._lineages.show(candidate))
        if self._content is not None and self._content.seed == candidate.seed:
            self._content.apply(state)
        self._hear()
        if self._presence is not None:
            self._tell_others(self._presence.others)

    def show_lineage(self, candidate: Candidate) -> None:
        """Note what is new of the lineage that the page shows; that of another is ignored."""
        if self._content is not None and self._content.seed == candidate.seed:
            self._perform(self._lineages.show(candidate))

    def update(self, seed: str, update: bytes) -> None:
        """Apply an edit of the page; one of another lineage is late, and ignored."""
        if self._content is not None and self._content.seed == seed:
            self._content.apply(update)

    def show(self, client: int, state: JsonObject | None) -> None:
        """Show the page's awareness state to the others."""
        if self._presence is not None:
            self._presence.show(client, state)

    def status(self, own: str) -> tuple[str, str]:
        """Say how far it is shared: in one word (port.py has them all), and in one sentence.

        Args:
            own: the user name of the person at the page.
        """
        if self._content is None:
            return "looking", "It is looked for in the room."
        if any(content.is_on_its_way for content in self._fetched.values()):
            return "syncing", "The room has another version of it, which is on its way."
        peers = self._content.document.peers
        if not peers:
            return "alone", "Nobody else has it open."
        others = self._presence.others if self._presence is not None else []
        people = company((state for _client, state in others), own)
        names = [one["name"] for one in people.values()]
        if others and not names:
            names = ["your other tab" if len(others) == 1 else "your other tabs"]
        who = in_words(names, len(peers))
        transfers = [transfer_words(one) for peer in peers for one in peer.transfers]
        if all(peer.is_synced for peer in peers) and not transfers:
            return "synced", f"It is in sync with {who}."
        return "syncing", f"{', '.join([f'Edits are exchanged with {who}', *transfers])}."

    @property
    def size_bytes(self) -> int:
        """How large it is in this browser; 0 while that is not known."""
        return 0 if self._content is None else self._content.document.stored.size_bytes

    def close(self) -> None:
        """Share it no longer."""
        self._stop_waiting()
        for end in self._end_observations:
            end()
        self._settling.set(None)
        for seed in tuple(self._fetched):
            self._fetched.pop(seed).leave()
        self._leave_content()
        self._front.tell(None)

    # Which lineage.

    def _hear(self) -> None:
        """Find out which lineages the other pages show, and whether ours has another name now."""
        new_key = None if self._content is None else self._front.new_key(self._content.seed)
        if new_key is not None:
            self._post("moved", self.key, new_key)
        self._perform(self._lineages.hear(self._front.lineages))

    def _look(self) -> None:
        """Something has happened in the room: what we wait for may be here, or in vain."""
        self._take_arrived()
        self._wait_for_quiet()

    def _take_arrived(self) -> None:
        for seed in [seed for seed, content in self._fetched.items() if content.is_here]:
            if seed in self._fetched:  # else another was adopted just now
                self._perform(self._lineages.arrived(seed))

    def _settle(self) -> None:
        self._is_settling = False
        self._perform(self._lineages.settle())

    def _perform(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            match effect:
                case Share(seed):
                    self._leave_content()
                    self._share(self._content_of(seed))
                case Fetch(seed):
                    self._fetched[seed] = self._content_of(seed)
                case Drop(seed):
                    self._fetched.pop(seed).leave()
                case Adopt(candidate):
                    self._adopt(candidate)
                case Tell(candidate):
                    self._tell(candidate)
        if self._lineages.is_waiting != self._is_settling:
            self._is_settling = not self._is_settling
            settle_s = asyncio.get_running_loop().time() + _SETTLE_S
            self._settling.set(settle_s if self._is_settling else None)

    def _adopt(self, candidate: Candidate) -> None:
        content = self._fetched.pop(candidate.seed)
        self._stop_waiting()
        self._leave_content()
        self._share(content)
        self._post("adopt", self.key, encode_json(candidate.to_json()), content.state)

    def _tell(self, candidate: Candidate) -> None:
        self._front.tell(candidate)
        self._post("lineage", self.key, encode_json(candidate.to_json()))

    # Where it is edited.

    def _content_of(self, seed: str) -> Content:
        return Content(
            seed,
            self._room.document(f"{self.key}/{seed}"),
            is_notebook=self.key.startswith("notebook:"),
            on_update=self._tell_update,
            on_removed=self._tell_removed,
        )

    def _share(self, content: Content) -> None:
        self._content = content
        self._presence = Presence(content.document.awareness, self._tell_others)

    def _leave_content(self) -> None:
        if self._presence is not None:
            self._presence.close()
        if self._content is not None:
            self._content.leave()
        self._content = self._presence = None

    def _tell_update(self, content: Content, update: bytes) -> None:
        if content is self._content:  # else it is part of the state, once that is adopted
            self._post("update", self.key, content.seed, update)

    def _tell_removed(self, count: int) -> None:
        said = f"a peer has put {count} things among the cells that are none; they were removed"
        self._post("fault", self.key, said)

    def _tell_others(self, others: list[PageState]) -> None:
        self._post("presence", self.key, encode_json(others))

    # What this browser lacks.

    def _wait_for_quiet(self) -> None:
        """Wait until we know who is here and that none of them has it; begin anew at each event."""
        if self._latest_s is None:
            return
        if self._room.stage == "failed":
            self._give_up()
            return
        is_reached = any(server.state == "open" for server in self._room.servers)
        quiet_s = asyncio.get_running_loop().time() + _QUIET_S
        self._patience.set(min(quiet_s, self._latest_s) if is_reached else self._latest_s)

    def _give_up(self) -> None:
        now_s = asyncio.get_running_loop().time()
        if self._may_come(now_s):
            self._latest_s = now_s + _PATIENCE_S
            self._patience.set(self._latest_s)
            return
        self._stop_waiting()
        self._post("missing", self.key)

    def _may_come(self, now_s: float) -> bool:
        """Whether it is on its way, or somebody is here who has not told whether they have it."""
        if any(content.is_on_its_way for content in self._fetched.values()):
            return True
        is_untold = any(not peer.is_synced for peer in self._room.peers)
        return is_untold and now_s < self._asked_s + _COMPANY_S

    def _stop_waiting(self) -> None:
        self._latest_s = None
        self._patience.set(None)
