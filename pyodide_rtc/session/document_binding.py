"""Binds a pycrdt Doc to a room: what changes here goes out, what comes in is applied.

pycrdt's observers may only enqueue (architecture.md, decision 1), so changes are collected and
handed on once per turn of the event loop, merged into one update per source.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

from pycrdt import Doc, Subscription, TransactionEvent, merge_updates

from pyodide_rtc.protocol.events import LinkId
from pyodide_rtc.session.document_reader import DocumentReader, attempt, is_panic, is_readable
from pyodide_rtc.wire.messages import StateCheck
from pyodide_rtc.wire.state import (
    count_gaps,
    decode_state_vector,
    digest_of,
    encode_state_vector,
)
from pyodide_rtc.wire.update_extent import extent_of

logger = logging.getLogger("pyodide_rtc.sync")

_MERGE_AT_MOST = 8
"""Beyond so many updates a difference of states is smaller and cheaper: merging 1,000 insertions
into a text takes 3.7 ms and keeps all 13 kB of them, the difference 0.2 ms and 1 kB."""

_LARGE_BYTES = 1_000_000
"""An update of a peer from this size on is applied unheard: for any observer pycrdt encodes what
has changed, twice over (at the peak 190 MB for 50 MB, instead of 100), and mostly for nobody. Who
else needs it gets the difference."""

MAX_BLOCKED_BYTES = 64 * 1024 * 1024
"""What waits at most while user code holds a transaction open over an `await`. One update that is
larger may wait alone: how large it may be is limited where it comes in."""

_BLOCKED_RETRY_S = 0.01
"""While user code holds a transaction open over an `await`, updates wait, and try so often."""


@dataclass(frozen=True, slots=True)
class PeerOrigin:
    """The origin of transactions that apply what a link brought."""

    link: LinkId


@dataclass(slots=True)
class _Pending:
    """Changes of one source since the last turn."""

    before_state: bytes
    updates: list[bytes] = field(default_factory=list)
    is_large: bool = False


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a document has, until it changes.

    Args:
        check: what others are told of it.
        missing: how many units are missing before what it has behind gaps.
        beyond: as an update: what it has behind gaps, and all deletions.
    """

    check: StateCheck
    missing: int
    beyond: bytes


class DocumentListener(Protocol):
    """Hears what happens to a document."""

    def on_change(self, update: bytes | None, source: LinkId | None, before_state: bytes) -> None:
        """Take a change.

        Args:
            update: the change; None for a large one, to be had as a difference.
            source: the link that it came from; None if it was made here.
            before_state: the state vector before it.
        """

    def on_answered(self, link: LinkId) -> None:
        """Take that the answer that a link gave is in the document."""

    def on_refused(self, link: LinkId, reason: str) -> None:
        """Take that the document refuses an update of a link."""

    def on_failed(self, link: LinkId, reason: str) -> None:
        """Take that the document's library fails on an update, which may be an honest one."""

    def on_blocked(self, link: LinkId, waiting_bytes: int) -> None:
        """Take that an update was dropped, for too many wait already.

        What the link says later may build upon it.
        """

    def on_fault(self, error: BaseException) -> None:
        """Take what a user's observer raised, or that something in the document is unreadable."""


class DocumentBinding:
    """The document's side of a room.

    Args:
        doc: the document; the caller may go on using it in every way.
        soon: calls back once what runs now has come to its end.
        listener: hears what happens to the document.
    """

    def __init__(
        self,
        doc: Doc[Any],
        soon: Callable[[Callable[[], None]], object],
        listener: DocumentListener,
    ) -> None:
        self._doc = doc
        self._soon = soon
        self._loop = asyncio.get_running_loop()
        self._listener = listener
        self._reader = DocumentReader(doc, listener.on_fault)
        self._pending: dict[LinkId | None, _Pending] = {}
        self._is_flush_due = False
        self._incoming: deque[tuple[LinkId, bytes, bool]] = deque()
        self._incoming_bytes = 0
        self._retry_handle: asyncio.TimerHandle | None = None
        self._applying: LinkId | None = None
        self._state_bytes = 0
        self._inventory: Inventory | None = None  # None after a change
        self._is_closed = False
        self._subscription: Subscription | None = doc.observe(self._on_transaction)

    @property
    def state_vector(self) -> bytes:
        """What the document has."""
        return self._reader.state_vector

    def state(self, max_bytes: int) -> bytes | None:
        """Give all that the document has, or None if that is not below `max_bytes`.

        A document that was too large once counts as such from then on: they seldom shrink, and
        encoding one of 50 MB just to weigh it takes a second.
        """
        if self._state_bytes >= max_bytes:
            return None
        state = self._reader.update_since()
        self._state_bytes = len(state)
        return state if len(state) < max_bytes else None

    def inventory(self) -> Inventory:
        """Give what the document has, for a comparison with others.

        It is read once after each change: for this the last unit of each client has to be, which
        may be large.
        """
        if self._inventory is None:
            self._inventory = self._take_inventory()
        return self._inventory

    def _take_inventory(self) -> Inventory:
        beyond = self._reader.beyond()
        extent = extent_of(beyond)
        clocks = decode_state_vector(self.state_vector)
        told = encode_state_vector(self._reader.told(clocks))
        check = StateCheck(told, digest_of(extent.deletions, extent.spans))
        return Inventory(check, count_gaps(clocks, extent.spans), beyond)

    def diff(self, state_vector: bytes) -> bytes:
        """Give what a document with this state vector lacks.

        Raises:
            ValueError: the state vector is not one.
        """
        return self._reader.update_since(state_vector)

    def apply(self, link: LinkId, update: bytes, *, is_answer: bool = False) -> None:
        """Apply an update of a peer, now or as soon as the document is free.

        Args:
            link: where it came from.
            update: what to apply.
            is_answer: whether to tell `on_answered` when it is in.
        """
        waiting_bytes = self._incoming_bytes
        if waiting_bytes > 0 and waiting_bytes + len(update) > MAX_BLOCKED_BYTES:
            self._listener.on_blocked(link, waiting_bytes)
            return
        self._incoming.append((link, update, is_answer))
        self._incoming_bytes += len(update)
        if self._retry_handle is None:
            self._apply_incoming()

    def flush(self) -> None:
        """Hand on what has changed, without waiting for the turn's end."""
        pending, self._pending = self._pending, {}
        for source, changes in pending.items():
            update = self._merge(changes)
            if source is not None and update is not None and not is_readable(update):
                update = None  # the difference passes over what cannot be read
            self._listener.on_change(update, source, changes.before_state)

    def flush_applied(self) -> None:
        """Hand on what peers have changed; to be called after each run of `apply`.

        No turn is waited for: what came in one message is passed on as one, and there is seldom
        anybody to pass it on to. What was edited here before goes first, for a difference tells
        all deletions, those of that edit included.
        """
        if any(source is not None for source in self._pending):
            self.flush()

    def close(self) -> None:
        """Let the document go; what waits for it is applied once user code lets it go, too."""
        self.flush()
        self._is_closed = True
        self._stop_observing()

    def _stop_observing(self) -> None:
        if self._subscription is not None:
            self._doc.unobserve(self._subscription)
            self._subscription = None

    def _on_transaction(self, event: TransactionEvent) -> None:
        self._inventory = None
        source = self._applying
        if source not in self._pending:  # to read the state costs something: once for all
            before_state = event.before_state  # type: ignore[attr-defined]  # not in its stub
            self._collect(source, before_state)
        self._pending[source].updates.append(event.update)

    def _collect(self, source: LinkId | None, before_state: bytes) -> _Pending:
        """Collect the changes of a source: until the turn's end, or until `flush_applied`."""
        changes = self._pending.setdefault(source, _Pending(before_state))
        if source is None and not self._is_flush_due:
            self._is_flush_due = True
            self._soon(self._flush_due)
        return changes

    def _flush_due(self) -> None:
        self._is_flush_due = False
        self.flush()

    @contextmanager
    def _unheard(self, link: LinkId) -> Iterator[None]:
        """Hear nothing while a large update is applied; whether it changed anything is compared."""
        before = self._reader.state
        self._stop_observing()
        try:
            yield
        finally:
            if not self._is_closed:  # else the room is left, by an observer maybe: nobody is told
                self._subscription = self._doc.observe(self._on_transaction)
                if self._reader.state != before:
                    self._collect(link, before[0]).is_large = True

    def _merge(self, changes: _Pending) -> bytes | None:
        """Merge changes into one update; None where who needs it gets the difference."""
        updates = changes.updates
        if changes.is_large:
            return None
        if len(updates) == 1:
            return updates[0]
        if len(updates) > _MERGE_AT_MOST:
            difference = self._reader.update_since(changes.before_state)
            # A document with a long history of deletions tells them all in each difference.
            if len(difference) <= sum(map(len, updates)):
                return difference
        return attempt(lambda: merge_updates(*updates))

    def _retry(self) -> None:
        self._retry_handle = None
        self._apply_incoming()
        self.flush_applied()

    def _apply_incoming(self) -> None:
        while self._incoming:
            link, update, is_answer = self._incoming[0]
            try:
                transaction = self._doc.transaction(origin=PeerOrigin(link))
            except RuntimeError:
                # User code holds a transaction: ours cannot nest in it without losing its origin.
                self._retry_handle = self._loop.call_later(_BLOCKED_RETRY_S, self._retry)
                return
            self._incoming.popleft()
            self._incoming_bytes -= len(update)
            is_in = self._apply(transaction, link, update)
            if is_answer and is_in:
                self._listener.on_answered(link)

    def _apply(self, transaction: AbstractContextManager[Any], link: LinkId, update: bytes) -> bool:
        """Apply an update, and tell whether it is in."""
        self._applying = link
        is_large = len(update) >= _LARGE_BYTES
        try:
            with self._unheard(link) if is_large else nullcontext(), transaction:
                self._doc.apply_update(update)
        except ValueError as error:
            self._listener.on_refused(link, str(error))
        except RuntimeError as error:  # it contradicts what is here: either may be wrong
            self._listener.on_failed(link, str(error))
        except ExceptionGroup as errors:
            # The update is in; it was an observer of the user that failed.
            logger.error("an observer failed on an update", exc_info=errors)
            self._listener.on_fault(errors)
            return True
        except BaseException as error:
            # Yrs 0.28 panics in BlockSet::exclude on some updates that overlap and come out of
            # order. The update is not in; the room must not end by it.
            if not is_panic(error):
                raise
            logger.error("the document failed on an update", exc_info=error)
            self._listener.on_failed(link, str(error))
        else:
            return True
        finally:
            self._applying = self._inventory = None
        return False
