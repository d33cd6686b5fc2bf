"""How shared values read and write their document.

All access goes through here: what pycrdt raises in its own words becomes a typed error, and while a
transaction is open, nobody but its own task writes.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Any

from pycrdt import Doc, ReadTransaction, Transaction

from pyodide_rtc.errors import TransactionError
from pyodide_rtc.shared.faults import IN_OBSERVER, typed
from pyodide_rtc.shared.observation import Observations
from pyodide_rtc.yrs import is_panic, is_running

logger = logging.getLogger("pyodide_rtc.shared")


def current_task() -> object:
    """Return the task that runs now; None outside of tasks."""
    try:
        return asyncio.current_task()
    except RuntimeError:
        return None


class Access:
    """Reads or writes the document in one go. A class, as it is entered at each access.

    Args:
        transaction: pycrdt's, the one that is open or a new one.
        on_observer_error: takes what observers of pycrdt's own raised: the change is made.
        is_block: whether a user's block runs inside: what it raises is the user's own.
    """

    __slots__ = ("_is_block", "_on_observer_error", "_transaction")

    def __init__(
        self,
        transaction: Transaction,
        on_observer_error: Callable[[BaseException], None],
        is_block: bool = False,
    ) -> None:
        self._transaction = transaction
        self._on_observer_error = on_observer_error
        self._is_block = is_block

    def __enter__(self) -> None:
        try:
            self._transaction.__enter__()
        except BaseException as error:
            raise typed(error) from None

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            self._transaction.__exit__(kind, error, traceback)
        except ExceptionGroup as errors:
            self._on_observer_error(errors)
        except BaseException as at_end:
            raise typed(at_end) from None
        if error is None or (self._is_block and not is_panic(error)):
            return
        if (made := typed(error)) is not error:
            raise made


class _Running:
    """A transaction of a user's block."""

    def __init__(self, task: object) -> None:
        self.task = task
        self.take_back: list[Callable[[], None]] = []
        """What takes back the changes of the block, one by one, the last one first."""


class Context:
    """One document, as its shared values use it.

    Args:
        doc: the document.
        soon: calls back once the code that runs now has come to its end.
        on_error: takes what is wrong and nobody can be told otherwise.
        author_of: names the peer whose update a transaction of this origin was.
        wrap: makes a shared value out of pycrdt's, at this place.
        find_root: finds the shared value of a name.
    """

    def __init__(
        self,
        doc: Doc[Any],
        soon: Callable[[Callable[[], None]], object],
        on_error: Callable[[BaseException], None],
        author_of: Callable[[object], str],
        wrap: Callable[[Context, Any, Any], Any],
        find_root: Callable[[str], Any],
    ) -> None:
        self.doc = doc
        self.soon = soon
        self.on_error = on_error
        self._wrap = wrap
        self._find_root = find_root
        self._running: _Running | None = None
        self._at_end: list[Callable[[], None]] = []
        self.is_undoing = False
        """Whether changes are made of which observers are not told: what failed is taken back."""
        self.observations = Observations(self, author_of)

    def wrap(self, raw: Any, place: Any) -> Any:
        """Return the shared value for one of pycrdt's, which is at this place."""
        return self._wrap(self, raw, place)

    def follow(self, path: tuple[str | int, ...]) -> Any:
        """Return the shared value that a path leads to."""
        value = self._find_root(str(path[0]))
        for step in path[1:]:
            value = value[step]
        return value

    def reading(self) -> Access:
        """Read the document in one go.

        Raises:
            TransactionError: this is inside an observer of the whole pycrdt document.
            InternalError: pycrdt failed.
        """
        return Access(self.doc.transaction(), self.tell)

    @contextmanager
    def guarded(self) -> Iterator[None]:
        """Do something that makes its own transaction.

        Raises:
            TransactionError: another task has a transaction open, or this is inside an observer.
            InternalError: pycrdt failed.
        """
        self._check_task()
        try:
            yield
        except BaseException as error:
            if (made := typed(error)) is not error:
                raise made from None
            raise

    def writing(self, is_block: bool = False) -> Access:
        """Write the document in one go; within a transaction, as a part of it.

        Args:
            is_block: whether a user's block runs inside.

        Raises:
            TransactionError: this is inside an observer of pycrdt, or another task has a
                transaction open.
            InternalError: pycrdt failed.
        """
        self._check_task()
        transaction = self.doc.transaction()
        if isinstance(transaction, ReadTransaction):
            raise TransactionError(*IN_OBSERVER)
        return Access(transaction, self.tell, is_block)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Group changes into one, and undo them if the block raises.

        Raises:
            TransactionError: another task has a transaction open, or this is inside an observer.
        """
        self._check_task()
        if self._running is not None or self.open_transaction() is not None:
            with self.writing(is_block=True):
                yield
            return
        running = self._running = _Running(current_task())
        try:
            self.soon(lambda: self._tell_if_open(running))
            with self.writing(is_block=True):
                try:
                    yield
                except BaseException:
                    self.is_undoing = True
                    for take_back in reversed(running.take_back):
                        take_back()
                    raise
        finally:
            self.is_undoing = False
            self._running = None
            waiting, self._at_end = self._at_end, []
            for callback in waiting:
                self.soon(callback)

    def open_transaction(self) -> Transaction | None:
        """Return the transaction that is open now, pycrdt's own included."""
        transaction = self.doc.transaction()
        return transaction if is_running(transaction) else None

    def when_free(self, callback: Callable[[], None]) -> bool:
        """Call back once the transaction of a block has ended; False if there is none."""
        if self._running is None:
            return False
        self._at_end.append(callback)
        return True

    @property
    def is_in_block(self) -> bool:
        """Whether a change may have to be taken back."""
        return self._running is not None and not self.is_undoing

    def if_it_raises(self, take_back: Callable[[], None]) -> None:
        """Take back a change with this if the block raises in which it is made.

        Yrs has an undo of its own. But after it has given back nested values, the document here may
        differ from what peers get (seen in 5 of 100 random plays).
        """
        if self._running is not None:
            self._running.take_back.append(take_back)

    def tell(self, error: BaseException) -> None:
        """Show an error that cannot be raised to anybody."""
        logger.error("! %s", type(error).__name__, exc_info=error)
        self.on_error(error)

    def _check_task(self) -> None:
        if self._running is not None and self._running.task is not current_task():
            raise TransactionError(
                "A transaction of another task is open, and waits for something",
                "Write once it has ended; in that task, do not await within a transaction.",
            )

    def _tell_if_open(self, running: _Running) -> None:
        if self._running is running:
            self.tell(
                TransactionError(
                    "A transaction is open while its block waits, and so do changes of others",
                    "Await before or after the block. Nothing is lost: it goes on when it ends.",
                )
            )
