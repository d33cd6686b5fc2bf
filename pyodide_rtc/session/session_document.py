"""One document that is open in a room: its binding, and what keeps it in this browser."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from pycrdt import Doc

from pyodide_rtc import background
from pyodide_rtc.errors import InternalError, RtcError, StorageError
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.session.document_binding import DocumentBinding
from pyodide_rtc.storage import Event as StorageEvent
from pyodide_rtc.storage import Keeper, KeeperStatus, Source

__all__ = [
    "LOADING_S",
    "STORED",
    "DocumentEdited",
    "DocumentLoaded",
    "DocumentUpdated",
    "Keeping",
    "SessionDocument",
]

logger = logging.getLogger("pyodide_rtc.storage")

STORED: ev.LinkId = -1
"""The link that what was kept in this browser comes by: no peer is at its other end."""

RETRY_S = 10.0
"""So long after a refusal the browser is asked again for what it keeps."""

LOADING_S = 3.0
"""A document is shared after so long at the latest, even if the browser has not given yet what it
keeps. What it gives later is merged."""


@dataclass(frozen=True, slots=True)
class Keeping:
    """Something about the storage of a document that a person may want to know.

    Args:
        document: the document's name.
        event: what the keeper tells.
    """

    document: str
    event: StorageEvent


@dataclass(frozen=True, slots=True)
class DocumentLoaded:
    """A document has what is kept of it, or that could not be read.

    Args:
        document: the document's name.
    """

    document: str


@dataclass(frozen=True, slots=True)
class DocumentUpdated:
    """Others have changed a document.

    Args:
        document: the document's name.
    """

    document: str


@dataclass(frozen=True, slots=True)
class DocumentEdited:
    """A document was changed here.

    Args:
        document: the document's name.
    """

    document: str


class KeeperMaker(Protocol):
    """Makes the keeper of a document."""

    def __call__(
        self, document: str, source: Source, on_event: Callable[[StorageEvent], None]
    ) -> Keeper:
        """Make the keeper of the document of this name."""


class SessionDocument:
    """An open document: it tells its changes to the room's machine and to its keeper.

    Args:
        name: the document's name.
        doc: the document.
        soon: see `DocumentBinding`.
        feed: called with each event of the room's machine.
        on_fault: called with what a user's observer raised, and with what cannot be read.
        on_notice: called when it has what is kept of it, when it was changed, and with what is told
            of its storage.
        make_keeper: makes the keeper; None if the document is not kept.
    """

    def __init__(
        self,
        name: str,
        doc: Doc[Any],
        soon: Callable[[Callable[[], None]], object],
        feed: Callable[[ev.Event], None],
        on_fault: Callable[[BaseException], None],
        on_notice: Callable[[Keeping | DocumentLoaded | DocumentUpdated | DocumentEdited], None],
        make_keeper: KeeperMaker | None,
    ) -> None:
        self.name = name
        self._feed = feed
        self._on_notice = on_notice
        self.on_fault = on_fault
        self._loading: asyncio.Task[None] | None = None
        self._tried = asyncio.Event()
        self._is_closed = False
        self.is_shared = False
        """Whether the room's machine knows it."""
        self.binding = DocumentBinding(doc, soon, self)
        self._keeper: Keeper | None = None
        if make_keeper is not None:
            self._keeper = make_keeper(
                name, self.binding, lambda event: on_notice(Keeping(name, event))
            )

    @property
    def stored(self) -> KeeperStatus | None:
        """How it is kept; None if it is not kept."""
        return None if self._keeper is None else self._keeper.status

    async def load(self) -> None:
        """Take in what was kept; return once that is done or has failed, or after `LOADING_S`.

        What the browser refuses to give now is taken in later.
        """
        if self._keeper is None:
            self._on_notice(DocumentLoaded(self.name))
            return
        self._loading = background.begin(self._load(self._keeper))
        with suppress(TimeoutError):
            await asyncio.wait_for(self._tried.wait(), LOADING_S)

    async def write(self) -> None:
        """Write all changes to the storage."""
        self.binding.flush()
        if self._keeper is not None:
            await self._keeper.flush()

    def close(self, leaving: asyncio.Event) -> asyncio.Task[None]:
        """Share the document no longer.

        Args:
            leaving: set once the room is left. Until then, what cannot be written is tried again.

        Returns:
            what ends once the last changes are written.
        """
        self.binding.close()
        self._is_closed = True
        if self._loading is not None:
            self._loading.cancel()
        self._tried.set()
        return background.begin(self._finish(leaving))

    async def _finish(self, leaving: asyncio.Event) -> None:
        await self.binding.closed
        if self._keeper is None:
            return
        await self._keeper.flush()
        while self._keeper.status.error is not None and not leaving.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(leaving.wait(), RETRY_S)
        await self._keeper.aclose()

    async def _load(self, keeper: Keeper) -> None:
        """Take in what was kept. If the browser refuses, tell it once, and try again."""
        is_told = False
        while not await self._try_to_load(keeper, is_told):
            is_told = True
            self._on_tried()
            await asyncio.sleep(RETRY_S)
        self._on_tried()

    async def _try_to_load(self, keeper: Keeper, is_told: bool) -> bool:
        try:
            self._take_in(await keeper.load())
        except StorageError as error:
            if not is_told:
                self.on_fault(error)
            return False
        except RtcError as error:
            self.on_fault(error)
        except Exception as error:  # else the room would never be open
            logger.exception("! reading what is kept of %r", self.name)
            self.on_fault(InternalError.of("reading what is kept", error))
        return True

    def _on_tried(self) -> None:
        if not self._tried.is_set():
            self._tried.set()
            self._on_notice(DocumentLoaded(self.name))

    def _take_in(self, updates: list[bytes]) -> None:
        for update in updates:
            self.binding.apply(STORED, update)
        self.binding.flush_applied()

    # DocumentListener.

    def on_change(
        self, update: bytes | None, source: ev.LinkId | None, before_state: bytes
    ) -> None:
        """Tell a change to the machine, and to the keeper unless it has just given it."""
        if source != STORED and self._keeper is not None:
            self._keeper.on_change(update, before_state)
        # Whoever is connected already has not seen what was kept here: it counts as made here.
        by_link = None if source == STORED else source
        self._feed(ev.DocumentChanged(self.name, update, by_link, before_state))
        edited = source is None
        self._on_notice((DocumentEdited if edited else DocumentUpdated)(self.name))

    def on_answered(self, link: ev.LinkId) -> None:
        """Tell that an answer to our state vector is in the document."""
        self._feed(ev.AnswerApplied(self.name, link))

    def on_refused(self, link: ev.LinkId, reason: str) -> None:
        """Tell that an update is malformed."""
        if link == STORED:
            self.on_fault(InternalError("reading what is kept", reason))
        else:
            self._feed(ev.UpdateRefused(self.name, link, reason))

    def on_failed(self, link: ev.LinkId, reason: str) -> None:
        """Tell that the document's library has failed on an update."""
        if link == STORED:
            self.on_fault(InternalError("reading what is kept", reason))
        else:
            self._feed(ev.UpdateFailed(self.name, link, reason))

    def on_blocked(self, link: ev.LinkId, waiting_bytes: int) -> None:
        """Tell that an update was dropped, as too many bytes wait already."""
        if link == STORED:
            reason = f"a transaction stays open, for which {waiting_bytes} bytes wait"
            self.on_fault(InternalError("reading what is kept", reason))
            return
        self._feed(ev.UpdateBlocked(self.name, link, waiting_bytes))
