"""What a room has of one widget: a map, and a text for each trait that people type.

The map `widget:NAME` has each trait that was changed since the widget was shared. What a widget has
before anybody changes it lies apart, under `first:CLIENT`, with the time. So who shares a widget
before the room's content has come puts its own first values beside those of others, never over
what they have changed; and all take the earliest.

Only who finds no first values adds some, and takes them back once there are earlier ones.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Any

from pycrdt import Doc, Text

from pyodide_rtc.document import DocumentBase
from pyodide_rtc.shared import SharedText, plain
from pyodide_rtc.shared.text_edits import difference, rebased

_FIRST = "first:"
_NOTHING = object()


@dataclass(frozen=True, slots=True)
class _First:
    """The first values of one who has shared the widget."""

    at_us: int
    key: str
    kind: str
    traits: Mapping[str, Any]


class Record:
    """What the room has of one widget.

    Args:
        document: where it lies.
        name: the widget's name.
    """

    def __init__(self, document: DocumentBase, name: str) -> None:
        self._document = document
        self._name = name
        self.map = document.map(f"widget:{name}")
        self._own_key = f"{_FIRST}{document.doc.client_id}"

    @property
    def kind(self) -> str | None:
        """The type of the widget that was first; None if there is none."""
        first = next(iter(self._firsts()), None)
        return None if first is None else first.kind

    def offer(self, kind: str, traits: Mapping[str, Any]) -> None:
        """Give first values, if the room lacks one of them.

        Args:
            kind: the type of the widget.
            traits: their values, checked.
        """
        firsts = self._firsts()
        if not firsts or any(self._found(name, firsts) is _NOTHING for name in traits):
            first = {"at": time.time_ns() // 1000, "kind": kind, "traits": dict(traits)}
            self.map[self._own_key] = plain(first)

    def withdraw(self) -> None:
        """Take back our own first values if others were earlier with all of them."""
        firsts = self._firsts()
        own = next((first for first in firsts if first.key == self._own_key), None)
        if own is None:
            return
        earlier = firsts[: firsts.index(own)]
        if earlier and all(self._found(name, earlier) is not _NOTHING for name in own.traits):
            del self.map[self._own_key]

    def has(self, name: str) -> bool:
        """Return whether the room has anything of a trait."""
        return self._found(name, self._firsts()) is not _NOTHING

    def get(self, name: str) -> Any:
        """Return what the room has of a trait, untrusted; of one that it lacks None."""
        found = self._found(name, self._firsts())
        return None if found is _NOTHING else found

    def set(self, values: Mapping[str, Any]) -> None:
        """Give traits other values, checked ones, in one transaction.

        Raises:
            TransactionError: another task has a transaction open.
        """
        self.map.update({name: plain(value) for name, value in values.items()})

    def text(self, name: str) -> SharedText:
        """Return the text of a trait; it counts once it was edited."""
        return self._document.text(self._text_root(name))

    def read_text(self, name: str) -> str:
        """Return the text of a trait as it is now."""
        if self.map.get(name) is True:
            return str(self.text(name))
        first = self.get(name)
        return first if isinstance(first, str) else ""

    def edit_text(self, name: str, before: str, after: str) -> None:
        """Make an edit of a text that may have changed meanwhile.

        Args:
            name: the trait.
            before: the text that was edited.
            after: what the edit has made of it.

        Raises:
            TransactionError: another task has a transaction open.
            ValueRefusedError: the text cannot be shared.
        """
        edits = rebased(difference(before, after), difference(before, self.read_text(name)))
        with self._document.transaction():
            self._begin_text(name)
            text = self.text(name)
            for start, stop, new in reversed(edits):
                text[start:stop] = new

    def _begin_text(self, name: str) -> None:
        """Have the first text in the shared one, once: whoever does so writes the same change."""
        if self.map.get(name) is True:
            return
        first = self.read_text(name)
        self.map[name] = True
        if first:
            self._document.doc.apply_update(_first_text(self._text_root(name), first))

    def _text_root(self, name: str) -> str:
        return f"widget-text:{name}:{self._name}"

    def _found(self, name: str, firsts: list[_First]) -> Any:
        if name in self.map:
            return self.map[name]
        return next((first.traits[name] for first in firsts if name in first.traits), _NOTHING)

    def _firsts(self) -> list[_First]:
        """Return the first values of all who gave some, the earliest first."""
        return sorted(self._read_firsts(), key=lambda first: (first.at_us, first.key))

    def _read_firsts(self) -> Iterator[_First]:
        for key in self.map:
            if key.startswith(_FIRST):
                match self.map[key]:  # what is none is left out: a peer can write anything
                    case {"at": int(at), "kind": str(kind), "traits": dict(traits)}:
                        yield _First(at, key, kind, traits)


def _first_text(root: str, text: str) -> bytes:
    """Return the change that puts a text into an empty one: the same bytes wherever it is made."""
    author = int.from_bytes(sha256(f"{root}\0{text}".encode()).digest()[:4], "big")
    doc: Doc[Any] = Doc(client_id=author)
    doc.get(root, type=Text).insert(0, text)
    return doc.get_update()
