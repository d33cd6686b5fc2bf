"""The documents of one room in one kernel, and what is exposed. Rooms come and go, these stay.

Who leaves a room and joins it again gets another `Room`, but the same documents. So shared values,
undo managers and documents that were taken before go on working: they tell what is wrong to the
room that has the documents now.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from pycrdt import Doc

from pyodide_rtc.calls import Functions
from pyodide_rtc.document import DocumentParts, DocumentRoom
from pyodide_rtc.protocol.events import MAIN
from pyodide_rtc.session.whole_characters import WholeCharacters
from pyodide_rtc.shared import Values

__all__ = ["Contents"]


class Contents:
    """The documents of one room.

    Args:
        docs: what they are so far, by name.
    """

    def __init__(self, docs: Mapping[str, Doc[Any]] | None = None) -> None:
        self._docs = dict(docs or {})
        self._main: Values | None = None
        self._documents: dict[str, DocumentParts] = {}
        self._room: DocumentRoom | None = None
        self.functions = Functions()
        """What others may call."""

    @property
    def is_used(self) -> bool:
        """Whether a room has or had them."""
        return self._room is not None

    @property
    def docs(self) -> dict[str, Doc[Any]]:
        """All documents by name, those that are not open included."""
        opened = {name: parts.doc for name, parts in self._documents.items()}
        main = {} if self._main is None else {MAIN: self._main.doc}
        return {**self._docs, **opened, **main}

    def main(self, doc: Doc[Any] | None) -> Values:
        """Return the values of the main document; of another one than before if that is given."""
        if self._main is not None and doc in (None, self._main.doc):
            return self._main
        return self._values_of(self._docs.get(MAIN, Doc()) if doc is None else doc)

    def document(self, name: str, doc: Doc[Any] | None) -> DocumentParts:
        """Return another document; a new one if another `doc` than before is given."""
        known = self._documents.get(name)
        if known is None or doc not in (None, known.doc):
            content = self._docs.get(name, Doc()) if doc is None else doc
            known = DocumentParts(name, self._values_of(content), self._its_room, {})
            self._documents[name] = known
        return known

    def belong_to(self, room: DocumentRoom, main: Values) -> None:
        """From now on this room has them, with these values of the main document."""
        self._room = room
        self._main = main

    def take_in(self, updates: Mapping[str, bytes]) -> None:
        """Merge updates into the documents, by name; one that there is not is made."""
        docs = self.docs
        for name, update in updates.items():
            doc = docs.get(name)
            if doc is None:
                doc = self._docs[name] = Doc()
            whole = WholeCharacters(doc, doc.get_update).keep(update, doc.apply_update)
            if whole is not None:
                doc.apply_update(whole)

    def updates(self) -> dict[str, bytes]:
        """Return what each document has, by name."""
        return {name: doc.get_update() for name, doc in self.docs.items()}

    def _its_room(self) -> DocumentRoom:
        assert self._room is not None, "a room has them before anybody uses them"
        return self._room

    def _values_of(self, doc: Doc[Any]) -> Values:
        def soon(callback: Callable[[], None]) -> None:
            self._its_room().soon(callback)

        def tell(error: BaseException) -> None:
            self._its_room().add_fault(error)

        return Values(doc, soon, tell, lambda origin: self._its_room().author_of(origin))
