"""One lineage of a document: the room in which it is edited, and the page that shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pycrdt import TransactionEvent, merge_updates

from pyodide_rtc.engine.lineage import Candidate
from pyodide_rtc.room import Room

__all__ = ["Content"]

_EMPTY = b"\0"
"""The state vector of an empty document."""


class _PageOrigin:
    """The origin of transactions that apply edits of the page."""


class Content:
    """A lineage in its room.

    Args:
        candidate: the lineage.
        room: the room in which it is edited; the room's document has nothing else in it.
        on_update: called with the edits of others, merged, once per turn of the event loop.
        on_room: called at each event of the room.
    """

    def __init__(
        self,
        candidate: Candidate,
        room: Room,
        on_update: Callable[[Content, bytes], None],
        on_room: Callable[[], None],
    ) -> None:
        self.candidate = candidate
        self.room = room
        self._on_update = on_update
        self._updates: list[bytes] = []
        self._is_from_page = False
        self._subscription = room.doc.observe(self._on_transaction)
        self._end_observation = room.observe(lambda _event: on_room())

    @property
    def is_here(self) -> bool:
        """Whether we have the content from a peer that is synced with us."""
        has_company = any(peer.is_synced for peer in self.room.peers)
        return has_company and self.room.doc.get_state() != _EMPTY

    @property
    def state(self) -> bytes:
        """The whole content, as an update."""
        return self.room.doc.get_update()

    def apply(self, update: bytes) -> None:
        """Apply an edit of the page.

        Raises:
            ValueError: it is no update.
        """
        self._is_from_page = True
        try:
            with self.room.doc.transaction(origin=_PageOrigin()):
                self.room.doc.apply_update(update)
        finally:
            self._is_from_page = False

    def leave(self) -> None:
        """Leave its room; the page and the others keep the content."""
        self._updates.clear()
        self._end_observation()
        self.room.doc.unobserve(self._subscription)
        self.room.leave()

    def _on_transaction(self, event: TransactionEvent) -> None:
        if self._is_from_page:
            return
        if not self._updates:
            asyncio.get_running_loop().call_soon(self._flush)
        self._updates.append(event.update)

    def _flush(self) -> None:
        updates, self._updates = self._updates, []
        if updates:  # else it was left meanwhile
            self._on_update(self, _merged(updates))


def _merged(updates: list[bytes]) -> bytes:
    merged: Any = updates[0] if len(updates) == 1 else merge_updates(*updates)
    return bytes(merged)
