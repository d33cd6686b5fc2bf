"""What the dialog of the status item shows beyond what the page is told in any case.

The page has the sentences of the room and of its documents already. This has how each person is
reached, what is kept, and the signaling servers: as in the panel of a notebook, whose script draws
it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass

from pyodide_rtc.engine.page_presence import username
from pyodide_rtc.engine.people import person
from pyodide_rtc.looks import initials_of
from pyodide_rtc.panel.model import (
    Kept,
    PersonRow,
    ServerRow,
    Tone,
    kept_row,
    row_at,
    server_rows,
    size_words,
    tone_of,
)
from pyodide_rtc.protocol.events import JsonObject
from pyodide_rtc.room import Room
from pyodide_rtc.snapshot import Peer

__all__ = ["DialogFacts", "dialog_facts"]

MAX_PEOPLE = 100
"""So many people are listed."""


@dataclass(frozen=True, slots=True)
class DialogFacts:
    """Parts of a `Panel`; the page puts the others beside them."""

    tone: Tone
    people: tuple[PersonRow, ...]
    kept: Kept
    servers: tuple[ServerRow, ...]
    sizes: Mapping[str, str]
    """How large the documents are, in words, by their keys."""

    def as_json(self) -> JsonObject:
        """Return them as JSON."""
        return asdict(self)


def dialog_facts(
    room: Room,
    myself: object,
    own: str,
    others: Iterable[tuple[int, JsonObject]],
    sizes_bytes: Mapping[str, int],
) -> DialogFacts:
    """Describe the page's room.

    Args:
        room: the room.
        myself: the user at the page.
        own: their user name.
        others: what the other pages show, by the client id of their engine.
        sizes_bytes: how large the documents are, by their keys.
    """
    peers = {peer.client_id: peer for peer in room.peers}
    rows = {own: _row(myself, None, is_me=True)}
    for client, state in others:
        name = username(state)
        if name not in rows and len(rows) < MAX_PEOPLE:  # several pages of one person are one
            rows[name] = _row(state["user"], peers.get(client), is_me=False)
    hindered = room.obstacle is not None
    return DialogFacts(
        tone_of(room.stage, room.peers, room.servers, is_hindered=hindered),
        tuple(rows.values()),
        kept_row(room.stored),
        server_rows(room.servers),
        {key: size_words(size) for key, size in sizes_bytes.items()},
    )


def _row(user: object, peer: Peer | None, *, is_me: bool) -> PersonRow:
    shown: Mapping[str, str] = person(user)
    name = shown["name"]
    if peer is None:
        return PersonRow(name, shown["color"], initials_of(name), is_me, "active", "", "", True)
    return row_at(peer, name, shown["color"], initials_of(name))
