"""Binds a pycrdt Doc to a room: reports its changes, and applies what comes in.

pycrdt's observers may only collect (docs/architecture.md, decision 1). So changes are collected,
merged into one update per source, and reported once per turn of the event loop.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import Any, Protocol

from pycrdt import Doc, Subscription, TransactionEvent

from pyodide_rtc import background
from pyodide_rtc.protocol.events import LinkId
from pyodide_rtc.session.document_reader import DocumentReader
from pyodide_rtc.session.whole_characters import WholeCharacters
from pyodide_rtc.storage import EMPTY_STATE
from pyodide_rtc.wire.messages import StateCheck
from pyodide_rtc.wire.state import (
    count_gaps,
    decode_state_vector,
    digest_of,
    encode_state_vector,
)
from pyodide_rtc.wire.update_extent import MAX_DEPTH, extent_of, nests_too_deep, reaches_beyond
from pyodide_rtc.yrs import is_panic, is_readable, is_running, merged

logger = logging.getLogger("pyodide_rtc.sync")

_LARGE_BYTES = 1_000_000
"""While an update of a peer from this size on is applied, we do not observe the document. For an
observer pycrdt encodes the change twice (at the peak 190 MB for 50 MB, instead of 100), and mostly
nobody needs it. Peers that do need it get a difference of states."""

MAX_BLOCKED_BYTES = 64 * 1024 * 1024
"""The most that waits while user code holds a transaction open over an `await`. One larger update
may wait alone: its size is limited where it comes in."""

_BLOCKED_RETRY_S = 0.01
"""How often waiting updates try again while user code holds a transaction open over an `await`."""

_CUT_TOO_EARLY = "it cuts a character in half that waits for missing changes. It is asked for again"


@dataclass(frozen=True, slots=True)
class PeerOrigin:
    """The origin of transactions that apply an update which came by a link."""

    link: LinkId


@dataclass(slots=True)
class _Pending:
    """Changes of one source since the last turn of the loop."""

    before_state: bytes
    updates: list[bytes] = field(default_factory=list)
    is_large: bool = False


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a document has; valid until it changes.

    Args:
        check: what we tell others of it, for a comparison.
        missing: how many units the document lacks, of which it has later ones: its gaps.
        beyond: an update with what the document has behind gaps, and with all deletions.
    """

    check: StateCheck
    missing: int
    beyond: bytes


class DocumentListener(Protocol):
    """Called with what happens to a document."""

    def on_change(self, update: bytes | None, source: LinkId | None, before_state: bytes) -> None:
        """The document has changed.

        Args:
            update: the change; None for a large one, which is to be read as a difference.
            source: the link that it came from; None if it was made here.
            before_state: the state vector before it.
        """

    def on_answered(self, link: LinkId) -> None:
        """The document now has the answer that a link gave to our state vector."""

    def on_refused(self, link: LinkId, reason: str) -> None:
        """The document has refused an update of a link: it is malformed."""

    def on_failed(self, link: LinkId, reason: str) -> None:
        """The document's library has failed on an update of a link, which may be a correct one."""

    def on_blocked(self, link: LinkId, waiting_bytes: int) -> None:
        """An update of a link was dropped, as too many bytes wait already.

        Later updates of the link may build upon it.
        """

    def on_fault(self, error: BaseException) -> None:
        """A user's observer has raised this, or a part of the document is unreadable."""


class DocumentBinding:
    """The document's side of a room.

    Args:
        doc: the document; the caller may go on using it in every way.
        soon: calls back once the code that runs now has come to its end.
        listener: called with what happens to the document.
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
        self._characters = WholeCharacters(doc, self._reader.update_since)
        self._pending: dict[LinkId | None, _Pending] = {}
        self._is_flush_due = False
        self._incoming: deque[tuple[LinkId, bytes, bool]] = deque()
        self._incoming_bytes = 0
        self._retry_handle: asyncio.TimerHandle | None = None
        self._applying: tuple[LinkId, bytes] | None = None
        self._last_change = b""
        self._state_bytes = 0
        self._inventory: Inventory | None = None  # None after a change
        self._is_closed = False
        self.closed: asyncio.Future[None] = self._loop.create_future()
        """Done once it is closed, and everything is reported."""
        self._subscription: Subscription | None = None
        self._begin()

    @property
    def state_vector(self) -> bytes:
        """How far the document goes without a gap, by client, encoded."""
        return self._reader.state_vector

    def state(self, max_bytes: int) -> bytes | None:
        """Return the whole document as an update, or None if that is not below `max_bytes`.

        A document that was too large once counts as too large from then on: documents seldom
        shrink, and to encode one of 50 MB just to measure it takes a second.
        """
        if self._state_bytes >= max_bytes:
            return None
        state = self._reader.update_since()
        self._state_bytes = len(state)
        return state if len(state) < max_bytes else None

    def inventory(self) -> Inventory:
        """Return what the document has, for a comparison with others.

        It is read at most once after each change: the last unit of each client has to be encoded
        for it, and that can be large.
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
        """Return what a document with this state vector lacks.

        Raises:
            ValueError: the state vector is not one.
        """
        return self._reader.update_since(state_vector)

    def apply(self, link: LinkId, update: bytes, *, is_answer: bool = False) -> None:
        """Apply an update of a peer, now or as soon as the document is free.

        Args:
            link: where it came from.
            update: what to apply.
            is_answer: whether to call `on_answered` once the document has it.
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
        """Report what has changed, without waiting for the end of the turn."""
        pending, self._pending = self._pending, {}
        for source, changes in pending.items():
            update = self._merge(changes)
            if source is not None and update is not None and not is_readable(update):
                update = None  # the difference leaves out what cannot be read
            self._listener.on_change(update, source, changes.before_state)

    def flush_applied(self) -> None:
        """Report what peers have changed; to be called after each run of `apply`.

        This does not wait for the end of the turn: what came in one message is passed on as one,
        and there is seldom anybody to pass it on to. Earlier edits of our own are reported first:
        a difference has all deletions, those of our edits included.
        """
        if any(source is not None for source in self._pending):
            self.flush()

    def close(self) -> None:
        """Stop observing, and report what has changed.

        What the code that runs now still changes is reported as well. While user code has a
        transaction open, this goes on until it has ended, and the updates that wait for it are
        applied. `closed` is done then.
        """
        self._is_closed = True
        self.flush()
        background.soon(self._end)

    def _begin(self) -> None:
        """Observe; within a transaction pycrdt cannot, so this waits, and then reports all."""
        if self._is_closed:
            return
        if not self._is_busy:
            self._subscription = self._doc.observe(self._on_transaction)
            return

        def begin_late() -> None:
            self._begin()
            if self._subscription is not None:
                self._characters.forget()
                self._collect(None, EMPTY_STATE).is_large = True

        background.later(_BLOCKED_RETRY_S, begin_late)

    def _end(self) -> None:
        if self._is_busy or self._incoming:
            background.later(_BLOCKED_RETRY_S, self._end)
            return
        if self._subscription is None and self.state_vector != EMPTY_STATE:
            self._collect(None, EMPTY_STATE).is_large = True  # it was closed before it began
        self.flush()
        self._stop_observing()
        if not self.closed.done():  # else it was closed twice
            self.closed.set_result(None)

    @property
    def _is_busy(self) -> bool:
        """Whether a transaction is open."""
        return is_running(self._doc.transaction())

    def _stop_observing(self) -> None:
        if self._subscription is not None:
            self._doc.unobserve(self._subscription)
            self._subscription = None

    def _on_transaction(self, event: TransactionEvent) -> None:
        self._inventory = None
        self._last_change = event.update
        if self._applying is None:
            self._characters.learn(event.update)
        source = self._source_of(event.update)
        if source not in self._pending:  # read once for all its changes: the state costs time
            before_state = event.before_state  # type: ignore[attr-defined]  # not in its stub
            self._collect(source, before_state)
        self._pending[source].updates.append(event.update)

    def _source_of(self, change: bytes) -> LinkId | None:
        """Return the link that has brought a change of the document.

        If an update lets in what came before by other links and waited for it, the whole change
        counts as made here. For the update's sender may lack what waited, and those who hear that
        sender do not receive it from there.
        """
        if self._applying is None:
            return None
        link, update = self._applying
        has_more = reaches_beyond(change, update) and is_readable(change)
        return None if has_more else link

    def _collect(self, source: LinkId | None, before_state: bytes) -> _Pending:
        """Collect changes of a source until the end of the turn, or until `flush_applied`."""
        changes = self._pending.setdefault(source, _Pending(before_state))
        if source is None and not self._is_flush_due:
            self._is_flush_due = True
            self._soon(self._flush_due)
        return changes

    def _flush_due(self) -> None:
        self._is_flush_due = False
        self.flush()

    @contextmanager
    def _unheard(self, source: LinkId | None) -> Iterator[None]:
        """Stop observing while a large update is applied; compare whether it changed anything."""
        before = self._reader.state
        self._stop_observing()
        try:
            yield
        finally:
            self._subscription = self._doc.observe(self._on_transaction)
            if self._reader.state != before:
                self._collect(source, before[0]).is_large = True

    def _merge(self, changes: _Pending) -> bytes | None:
        """Merge changes into one update; None if peers are to get a difference instead."""
        if changes.is_large:
            return None
        return merged(changes.updates, lambda: self._reader.update_since(changes.before_state))

    def _retry(self) -> None:
        self._retry_handle = None
        self._apply_incoming()
        self.flush_applied()

    def _apply_incoming(self) -> None:
        while self._incoming:
            link, update, is_answer = self._incoming[0]
            if self._is_busy:
                # User code holds a transaction. Nested in it, ours would lose its origin.
                self._retry_handle = background.later(_BLOCKED_RETRY_S, self._retry)
                return
            self._incoming.popleft()
            self._incoming_bytes -= len(update)
            if nests_too_deep(update):
                self._listener.on_refused(link, f"a value nests deeper than {MAX_DEPTH} levels")
                continue
            is_in = self._apply(link, update)
            if is_answer and is_in:
                self._listener.on_answered(link)

    def _apply(self, link: LinkId, update: bytes) -> bool:
        """Apply an update, and return whether the document has it."""

        def delete(deletions: bytes) -> None:
            self._take_in(link, deletions, source=None)  # the sender has to hear of it, too

        whole = self._characters.keep(update, delete)
        if whole is None:
            self._listener.on_failed(link, _CUT_TOO_EARLY)
            return False
        self._applying = link, whole
        try:
            is_in = self._take_in(link, whole, source=link)
        finally:
            self._applying = None
        if is_in and self._last_change != whole:  # something may wait in the document
            self._characters.expect(whole)
        return is_in

    def _take_in(self, link: LinkId, update: bytes, source: LinkId | None) -> bool:
        """Have the document take an update, and return whether it has.

        Args:
            link: where it came from, or what it is the answer to.
            update: what to take.
            source: the link that does not need to hear of it.
        """
        is_large = len(update) >= _LARGE_BYTES
        transaction = self._doc.transaction(origin=PeerOrigin(link))
        try:
            with self._unheard(source) if is_large else nullcontext(), transaction:
                self._doc.apply_update(update)
        except ValueError as error:
            self._listener.on_refused(link, str(error))
        except RuntimeError as error:  # it contradicts the document: either may be wrong
            self._listener.on_failed(link, str(error))
        except ExceptionGroup as errors:
            # The document has the update. It was an observer of the user that failed.
            logger.error("an observer failed on an update", exc_info=errors)
            self._listener.on_fault(errors)
            return True
        except BaseException as error:
            # Yrs 0.28 panics in BlockSet::exclude on some updates that overlap and come out of
            # order. The document does not have the update, and the room goes on.
            if not is_panic(error):
                raise
            logger.error("the document failed on an update", exc_info=error)
            self._listener.on_failed(link, str(error))
        else:
            return True
        finally:
            self._inventory = None
        return False
