"""Removes what is no cell from the cells of a notebook.

A peer can put anything into the shared list. JupyterLab's model of a notebook (ynotebook.js of
@jupyter/ydoc 4) raises at what is no cell, and from then on shows other cells than there are. So
the engine removes it before its page has it.
"""

from __future__ import annotations

from typing import Any

from pycrdt import Array, ArrayEvent, Doc, Map, Text

__all__ = ["Cells"]

_KINDS = ("code", "markdown", "raw")


class Cells:
    """The cells of a notebook's document, under watch.

    Args:
        doc: the document.
    """

    def __init__(self, doc: Doc[Any]) -> None:
        self._cells: Array[Any] = doc.get("cells", type=Array)
        self._is_clean = all(map(_is_cell, self._cells))
        self._subscription = self._cells.observe(self._look)

    def clean(self) -> int:
        """Remove what is no cell; this is an edit of the document. Return how many they were."""
        if self._is_clean:
            return 0
        wrong = [index for index, value in enumerate(self._cells) if not _is_cell(value)]
        with self._cells.doc.transaction():
            for index in reversed(wrong):
                del self._cells[index]
        self._is_clean = True
        return len(wrong)

    def close(self) -> None:
        """Watch no longer."""
        self._cells.unobserve(self._subscription)

    def _look(self, event: ArrayEvent) -> None:
        parts = event.delta  # type: ignore[attr-defined]  # pycrdt does not declare it
        inserted = (value for part in parts for value in part.get("insert", ()))
        self._is_clean = self._is_clean and all(map(_is_cell, inserted))


def _is_cell(value: object) -> bool:
    """Return whether JupyterLab can show it."""
    if not isinstance(value, Map) or value.get("cell_type") not in _KINDS:
        return False
    outputs = value.get("outputs")
    has_outputs = isinstance(outputs, Array) or value.get("cell_type") != "code"
    has_rest = isinstance(value.get("source"), Text) and isinstance(value.get("metadata"), Map)
    return has_outputs and has_rest and isinstance(value.get("id"), str)
