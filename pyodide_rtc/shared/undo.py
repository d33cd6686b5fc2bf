"""Undo and redo of what this notebook did."""

from __future__ import annotations

import weakref
from collections.abc import Iterable, Sequence
from typing import Any

import pycrdt

from pyodide_rtc.errors import ConfigError, TransactionError
from pyodide_rtc.shared.changes import Change
from pyodide_rtc.shared.context import Context
from pyodide_rtc.shared.mirror import Mirror
from pyodide_rtc.shared.shared_value import SharedValue


class UndoManager:
    """Takes back what this notebook did to some shared values, never what others did.

    Edits of pycrdt's own objects count as well, unless their transaction has an origin. A value
    that is given back is a new one: those who hold the old one read it anew.

    What adds or removes nested dicts and lists cannot be undone, nor what was done before it. If
    Yrs gives them back and others write there, documents can differ for ever (seen), and the
    process can end (seen).

    Example:
        >>> undo = room.undo_manager(state)
        >>> state["n"] = 4
        >>> undo.undo()

    Args:
        context: the document.
        scopes: the shared values; all that is in them belongs to them.
        group_s: changes that follow each other within so many seconds are undone together.
    """

    def __init__(self, context: Context, scopes: Sequence[SharedValue], group_s: float) -> None:
        self._context = context
        for scope in scopes:
            _check_scope(scope)
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

    def _take_note(self, changes: Iterable[Change]) -> None:
        """Take note of what a transaction did; pycrdt's observer calls this."""
        told = list(changes)  # all of them, as the mirror changes on the way
        if any(map(_moves_nested, told)) and not self._is_unsafe:
            self._is_unsafe = True
            self._context.soon(self._forget_if_free)

    def _observe(self, raw: Any) -> object:
        reference, mirror = weakref.ref(self), Mirror(raw)

        def on_events(events: list[Any]) -> None:
            manager = reference()
            if manager is not None:
                manager._take_note(mirror.apply(events))

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


def _moves_nested(change: Change) -> bool:
    """Return whether a change adds or removes a nested dict or list, also within a run of items."""
    values = [change.old, change.new]
    if isinstance(change.path[-1], int):  # runs of items, or texts
        values = [item for run in values if isinstance(run, list) for item in run]
    return any(type(value) in (dict, list) for value in values)


def _check_scope(scope: object) -> None:
    if not isinstance(scope, SharedValue):
        remedy = 'Give shared values: undo_manager(room.map("state")).'
        raise ConfigError(f"{scope!r:.80} is no shared value", remedy)
