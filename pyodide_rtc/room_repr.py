"""A room in words, as text and as HTML; its peers and its events. Its cause is of causes.py.

Peers choose their names and what else they say of themselves. This module escapes it, and no code
trusts it. It knows what it describes by its attributes only, so that all of them can use it.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pyodide_rtc.quiet_words import state_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyodide_rtc.document import Document, DocumentStatus
    from pyodide_rtc.me import Me
    from pyodide_rtc.people import Person
    from pyodide_rtc.room import Room
    from pyodide_rtc.room_status import RoomEvent, RoomStatus, Stored
    from pyodide_rtc.snapshot import Peer, Server, Transfer

_NAME_CHARS = 40
_TEXT_CHARS = 400
_MOST_LISTED = 3


def as_text(room: Room, at: str) -> str:
    """Describe the room in a few lines of plain text.

    Args:
        room: the room.
        at: what time it is; empty to say nothing of it.
    """
    name = "" if room.name is None else f" {one_line(room.name)!r}"
    return _in_lines(f"Room{name}{_at(at)}: {room.why}", _rows(room))


def status_text(status: RoomStatus) -> str:
    """Describe how a room is in a few lines of plain text."""
    rows = [*_people(status), *[("server", server_words(s)) for s in status.servers]]
    return _in_lines(f"{status.stage}: {status.why}", rows)


def _in_lines(title: str, rows: list[tuple[str, str]]) -> str:
    return "\n".join([title, *(f"  {head:<10} {text}" for head, text in rows)])


def as_html(room: Room, at: str) -> str:
    """Describe the room as HTML; nothing in it is executed or loaded.

    Args:
        room: the room.
        at: as for `as_text`.
    """
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(head)}</th>"
        f"<td style='text-align:left'>{escape(text)}</td></tr>"
        for head, text in _rows(room)
    )
    title = f"Room <b>{escape(one_line(room.name or ''))}</b>{_at(at)}: {escape(room.why)}"
    return f"<div>{title}<table>{rows}</table></div>"


def _at(at: str) -> str:
    return f" at {at}" if at else ""


def _rows(room: Room) -> list[tuple[str, str]]:
    rows = []
    if room.stage in ("opening", "open"):  # else they are being closed, and nobody tells of it
        rows += [*_people(room), *[("server", _server_row(s)) for s in room.servers]]
    if room.topic is not None:
        rows.append(("topic", room.topic))
    if room.stage == "open":
        rows.append(("kept", stored_words(room.stored)))
    if room.faults:
        rows.append(("last fault", f"at {room.faults.at}: {room.faults[-1]}"))
    return [(head, one_line(text)) for head, text in rows]


def _people(room: Room | RoomStatus) -> list[tuple[str, str]]:
    return [("peer", peer_words(p)) for p in room.peers]


def _server_row(server: Server) -> str:
    """Say how a server is reached, without what is another thing a moment later."""
    is_failing = server.reason and server.state != "open"
    return f"{server.url} {'is not reached: ' + server.reason if is_failing else server.state}"


def document_text(document: Document | DocumentStatus) -> str:
    """Describe a document in one line of plain text."""
    others = listed([who(peer.name, peer.peer_id) for peer in document.peers])
    return f"Document {one_line(document.name)!r}, open at {others or 'nobody else'}"


def place(document: str, room: str | None) -> str:
    """Name a document of a room, or the room itself if the document has no name."""
    where = "the room" if room is None else f"room {one_line(room)!r}"
    return f"document {one_line(document)!r} of {where}" if document else where


def who(name: str | None, peer_id: str | None) -> str:
    """Name a peer, by its id if it has no name."""
    return short_name(name or f"peer {(peer_id or '')[:8]}")


def short_name(name: str) -> str:
    """Cut a name to what is shown of it, in one line."""
    return one_line(name)[:_NAME_CHARS]


def listed(names: Sequence[str]) -> str:
    """Name a few, and count those who are more."""
    few = list(names[:_MOST_LISTED])
    if len(names) > len(few):
        few.append(f"{len(names) - len(few)} more")
    return ", ".join(few)


def peer_words(peer: Peer) -> str:
    """Say who a peer is, and how far it is."""
    name = who(peer.name, peer.peer_id)
    if not peer.is_connected:
        return f"{name}: connecting"
    state = "synced" if peer.is_synced else "connected"
    way = "this browser" if peer.via == "tab" else "WebRTC"
    reached = f"{state} by {way}{', relayed by TURN' if peer.is_relayed else ''}"
    quiet = state_words(peer)
    words = [f"{name}: {quiet}, {reached}" if quiet else f"{name}: {reached}"]
    if peer.edits_wait:
        words.append("edits wait for it")
    if peer.ahead:
        words.append(f"{peer.ahead} changes ahead of us")
    if peer.behind:
        words.append(f"{peer.behind} changes behind us")
    return ", ".join([*words, *map(transfer_words, peer.transfers)])


def person_words(person: Person) -> str:
    """Say who somebody is, how active, and what they look at."""
    me = " (me)" if person.is_me else ""
    place = f", looks at {person.looking_at}" if person.looking_at else ""
    return f"{one_line(person.name)}{me}: {person.state}{place}"


def me_words(me: Me) -> str:
    """Say what we show of ourselves."""
    place = f", looking at {me.looking_at}" if me.looking_at else ""
    return f"{me.name or 'without a name'}{f' ({me.color})' if me.color else ''}{place}"


def transfer_words(transfer: Transfer) -> str:
    """Say how much of a transfer is done, in millions of bytes."""
    done, total = transfer.done_bytes / 1e6, transfer.total_bytes / 1e6
    return f"{transfer.direction} {done:.0f} of {total:.0f} MB"


_PLACES = {
    "opening": "not known yet",
    "browser": "in this browser",
    "page": "in this page's localStorage",
    "memory": "not beyond this kernel",
    "nowhere": "not",
}


def stored_words(stored: Stored) -> str:
    """Say in a few words what is kept, and if it is not, why."""
    size = f", {max(1, round(stored.size_bytes / 1000))} kB" if stored.size_bytes else ""
    reason = f": {stored.reason}" if stored.reason else ""
    return f"{_PLACES[stored.where]}{size}{reason}"


def server_words(server: Server) -> str:
    """Say how a signaling server is reached."""
    again = ""
    if server.retry_in_s is not None:
        wait_s = round(server.retry_in_s)
        again = f" {wait_s} s for the next attempt," if wait_s else " for a moment,"
    return f"{server.url} {server.state}{again} {server.reason}".rstrip()


_EVENTS = {
    "opened": "the room is open",
    "peer-joined": "{who} is connected",
    "peer-named": "{before} is {who}",
    "peer-synced": "{who} is synced{document}",
    "peer-changed": "{who} is further behind or ahead, or less{document}",
    "peer-left": "{who} left",
    "person-joined": "{who} has come",
    "person-left": "{who} has gone",
    "document-opened": "{who} opened {name}",
    "document-closed": "{who} closed {name}",
    "progress": "{who}: {reason}",
    "call": "{who} calls {reason}",
    "exposed": "{who} has exposed {reason}",
    "baton": "{reason}",
    "server-open": "server {reason} is reached",
    "server-changed": "server {server}",
    "loaded": "what is kept is here{document}",
    "saved-again": "all is saved again{document}",
    "fault": "fault: {reason}",
    "left": "{reason}",
}
_REASONED = ("peer-changed", "peer-left")


def event_words(event: RoomEvent) -> str:
    """Say in one line what happened."""
    name = who(event.name, event.peer_id)
    if event.kind in _REASONED and event.reason:
        verb = " left" if event.kind == "peer-left" else ""
        return one_line(f"{name}{verb}: {event.reason}")
    return one_line(
        _EVENTS[event.kind].format(
            who=name,
            before=who(event.reason, event.peer_id),
            reason=event.reason,
            document=document_words(event.document),
            name=repr(one_line(event.document)),
            server=event.reason if event.server is None else server_words(event.server),
        )
    )


def document_words(document: str) -> str:
    """Say in which document something happens; nothing for the room's own."""
    return f" in {one_line(document)!r}" if document else ""


def one_line(text: str) -> str:
    """Cut a long text, and replace what could begin a new line or move a terminal's cursor."""
    cut = text if len(text) <= _TEXT_CHARS else f"{text[:_TEXT_CHARS]} ..."
    return "".join(c if c.isprintable() else " " for c in cut)
