"""Undo and redo of what this notebook did."""

from __future__ import annotations

import weakref
from collections.abc import Sequence
from typing import Any

import pycrdt
from pycrdt import Array, Map, MapEvent, Text

from pyodide_rtc.errors import TransactionError
from pyodide_rtc.shared.context import Context
from pyodide_rtc.shared.observation import is_of_others
from pyodide_rtc.shared.shared_value import SharedValue


class UndoManager:
    """Takes back what this notebook did to some shared values, never what others did.

    Edits of pycrdt's own objects count as well, unless their transaction has an origin. A value
    that is given back is a new one: those who hold the old one read it anew.

    If somebody else removes or replaces a nested value, what was done before that can be undone no
    more: Yrs would put things into what is not there (seen to let documents differ for ever, and to
    end the process).

    Args:
        context: the document.
        scopes: the shared values; all that is in them belongs to them.
        group_s: changes that follow each other within so many seconds are undone together.
    """

    def __init__(self, context: Context, scopes: Sequence[SharedValue], group_s: float) -> None:
        self._context = context
        self._check_free()
        self._is_unsafe = False
        with context.guarded():
            self._manager = pycrdt.UndoManager(
                scopes=[scope.raw for scope in scopes], capture_timeout_millis=round(group_s * 1000)
            )
            self._subscriptions = [self._observe(scope.raw) for scope in scopes]

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return not self._is_unsafe and self._manager.can_undo()

    @property
    def can_redo(self) -> bool:
        """Whether there is something to redo."""
        return not self._is_unsafe and self._manager.can_redo()

    def undo(self) -> bool:
        """Take back the last change, or the last changes that followed each other closely.

        What others have written over it since stays.

        Returns:
            whether anything was changed.

        Raises:
            TransactionError: a transaction is open.
        """
        self._prepare()
        with self._context.guarded():
            return self._manager.undo()

    def redo(self) -> bool:
        """Make again what was undone last.

        Returns:
            whether anything was changed.

        Raises:
            TransactionError: a transaction is open.
        """
        self._prepare()
        with self._context.guarded():
            return self._manager.redo()

    def clear(self) -> None:
        """Forget all changes: they can be undone and redone no more.

        Raises:
            TransactionError: a transaction is open.
        """
        self._check_free()
        with self._context.guarded():
            self._manager.clear()
        self._is_unsafe = False

    def __repr__(self) -> str:
        able = [word for word, can in (("undo", self.can_undo), ("redo", self.can_redo)) if can]
        return f"<UndoManager: can {' and '.join(able) or 'neither undo nor redo'}>"

    def take_note(self, events: list[Any]) -> None:
        """Take note of a transaction of somebody else; pycrdt's observer calls this."""
        if not self._is_unsafe and any(map(_removes_shared, events)):
            self._is_unsafe = True
            self._context.soon(self._forget_if_free)

    def _observe(self, raw: Any) -> object:
        reference = weakref.ref(self)

        def on_events(events: list[Any]) -> None:
            manager = reference()
            if manager is not None and is_of_others(events[0].transaction.origin):
                manager.take_note(events)

        subscription: object = raw.observe_deep(on_events)
        return subscription

    def _forget_if_free(self) -> None:
        if self._is_unsafe and self._context.open_transaction() is None:
            self.clear()

    def _prepare(self) -> None:
        self._check_free()
        if self._is_unsafe:
            self.clear()

    def _check_free(self) -> None:
        if self._context.open_transaction() is not None:
            raise TransactionError("A transaction is open", "Undo and redo before it or after it.")


def _removes_shared(event: Any) -> bool:
    """Return whether an event tells that a nested value was removed from a map, or replaced."""
    return isinstance(event, MapEvent) and any(
        isinstance(change.get("oldValue"), (Map, Array, Text))
        for change in event.keys.values()  # type: ignore[attr-defined]
    )
