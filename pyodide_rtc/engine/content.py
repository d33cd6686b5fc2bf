"""The content of one lineage of a file: a document of the room, and the page that shows it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

from pycrdt import TransactionEvent, merge_updates

from pyodide_rtc.document import Document
from pyodide_rtc.engine.cells import Cells
from pyodide_rtc.errors import LocalProtocolError
from pyodide_rtc.session.whole_characters import WholeCharacters

__all__ = ["Content"]

_EMPTY = b"\0"
"""The state vector of an empty document."""


class _PageOrigin:
    """The origin of transactions that apply edits of the page."""


class Content:
    """A lineage of a file, as long as it is shared.

    Args:
        seed: the lineage.
        document: the document in which it is edited; nothing else is in it.
        is_notebook: whether the file is a notebook.
        on_update: called with the edits of others, and with what this browser has kept: merged,
            once per turn of the event loop.
        on_removed: called with the number of things among a notebook's cells that were none.
    """

    def __init__(
        self,
        seed: str,
        document: Document,
        *,
        is_notebook: bool,
        on_update: Callable[[Content, bytes], None],
        on_removed: Callable[[int], None],
    ) -> None:
        self.seed = seed
        self.document = document
        self._on_update = on_update
        self._on_removed = on_removed
        self._updates: list[bytes] = []
        self._is_from_page = False
        self._characters = WholeCharacters(document.doc, document.doc.get_update)
        self._cells = Cells(document.doc) if is_notebook else None
        self._subscription = document.doc.observe(self._on_transaction)

    @property
    def is_here(self) -> bool:
        """Whether we have the content from a peer that is synced with us."""
        has_company = any(peer.is_synced for peer in self.document.peers)
        return has_company and self.document.doc.get_state() != _EMPTY

    @property
    def is_on_its_way(self) -> bool:
        """Whether a peer that has it is connected."""
        return any(peer.is_connected for peer in self.document.peers)

    @property
    def state(self) -> bytes:
        """The whole content, as an update; what is no cell is removed first."""
        self._clean()
        return self.document.doc.get_update()

    def apply(self, update: bytes) -> None:
        """Apply an edit of the page.

        Raises:
            ValueError: it is no update.
            LocalProtocolError: it cuts a character that is not here yet.
        """
        doc = self.document.doc
        whole = self._characters.keep(update, doc.apply_update)  # the page hears what that deletes
        if whole is None:
            raise LocalProtocolError("half of a character is missing", "taking an edit of the page")
        self._is_from_page = True
        try:
            with doc.transaction(origin=_PageOrigin()):
                doc.apply_update(whole)
        finally:
            self._is_from_page = False

    def leave(self) -> None:
        """Share it no longer; this browser, the page and the others keep it."""
        self._updates.clear()
        self.document.doc.unobserve(self._subscription)
        if self._cells is not None:
            self._cells.close()
        self.document.close()

    def _on_transaction(self, event: TransactionEvent) -> None:
        if self._is_from_page:
            return
        self._characters.learn(event.update)
        if not self._updates:
            asyncio.get_running_loop().call_soon(self._flush)
        self._updates.append(event.update)

    def _clean(self) -> None:
        removed = 0 if self._cells is None else self._cells.clean()
        if removed:
            self._on_removed(removed)

    def _flush(self) -> None:
        if not self._updates:  # it was left meanwhile
            return
        self._clean()
        updates, self._updates = self._updates, []
        self._on_update(self, _merged(updates))


def _merged(updates: list[bytes]) -> bytes:
    merged: Any = updates[0] if len(updates) == 1 else merge_updates(*updates)
    return bytes(merged)
