"""Undo and redo of what this notebook did."""

from __future__ import annotations

from collections.abc import Sequence

import pycrdt

from pyodide_rtc.errors import TransactionError
from pyodide_rtc.shared.context import Context
from pyodide_rtc.shared.shared_value import SharedValue


class UndoManager:
    """Takes back what this notebook did to some shared values, never what others did.

    Edits of pycrdt's own objects count as well, unless their transaction has an origin. A value
    that is given back is a new one: those who hold the old one read it anew.

    Args:
        context: the document.
        scopes: the shared values; all that is in them belongs to them.
        group_s: changes that follow each other within so many seconds are undone together.
    """

    def __init__(self, context: Context, scopes: Sequence[SharedValue], group_s: float) -> None:
        self._context = context
        self._check_free()
        with context.guarded():
            self._manager = pycrdt.UndoManager(
                scopes=[scope.raw for scope in scopes], capture_timeout_millis=round(group_s * 1000)
            )

    @property
    def can_undo(self) -> bool:
        """Whether there is something to undo."""
        return self._manager.can_undo()

    @property
    def can_redo(self) -> bool:
        """Whether there is something to redo."""
        return self._manager.can_redo()

    def undo(self) -> bool:
        """Take back the last change, or the last changes that followed each other closely.

        What others have written over it since stays.

        Returns:
            whether anything was changed.

        Raises:
            TransactionError: a transaction is open.
        """
        self._check_free()
        with self._context.guarded():
            return self._manager.undo()

    def redo(self) -> bool:
        """Make again what was undone last.

        Returns:
            whether anything was changed.

        Raises:
            TransactionError: a transaction is open.
        """
        self._check_free()
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

    def __repr__(self) -> str:
        able = [word for word, can in (("undo", self.can_undo), ("redo", self.can_redo)) if can]
        return f"<UndoManager: can {' and '.join(able) or 'neither undo nor redo'}>"

    def _check_free(self) -> None:
        if self._context.open_transaction() is not None:
            raise TransactionError("A transaction is open", "Undo and redo before it or after it.")
