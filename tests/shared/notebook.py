"""A notebook with shared values: the loop's turns are taken by hand."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pycrdt import Doc

from pyodide_rtc.shared import Values


@dataclass(frozen=True)
class Peer:
    """The origin of a peer's updates."""

    name: str


class Notebook:
    def __init__(self, name: str = "Ada", client_id: int | None = None) -> None:
        self.name = name
        self.doc: Doc[Any] = Doc(client_id=client_id)
        self.errors: list[BaseException] = []
        self._soon: list[Callable[[], None]] = []
        self.values = Values(self.doc, self._soon.append, self.errors.append, self._author_of)

    def _author_of(self, origin: object) -> str:
        return origin.name if isinstance(origin, Peer) else ""

    def turn(self) -> None:
        """Let one turn of the loop pass."""
        due, self._soon[:] = self._soon[:], []
        for callback in due:
            callback()

    def hear(self, *others: Notebook) -> None:
        """Apply what others have."""
        for other in others:
            update = other.doc.get_update(self.doc.get_state())
            with self.doc.transaction(origin=Peer(other.name)):
                self.doc.apply_update(update)


def pair(*client_ids: int) -> tuple[Notebook, Notebook]:
    one, other = client_ids or (None, None)
    return Notebook("Ada", one), Notebook("Bob", other)


def exchange(one: Notebook, other: Notebook) -> None:
    one.hear(other)
    other.hear(one)
