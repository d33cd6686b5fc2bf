"""A room in words: one sentence about its state, as text and as HTML; its peers and its events.

Peers choose their names and what else they say of themselves. This module escapes it, and no code
trusts it. It knows what it describes by its attributes only, so that all of them can use it.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pyodide_rtc.errors import RoomClosedError, RtcError
from pyodide_rtc.quiet_words import company_words, state_words

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyodide_rtc.document import Document, DocumentStatus
    from pyodide_rtc.room import Room
    from pyodide_rtc.room_status import RoomEvent, RoomStatus, Stored
    from pyodide_rtc.snapshot import Peer, Server, Transfer

_NAME_CHARS = 40
_TEXT_CHARS = 400
_MOST_LISTED = 3


def sentence(room: Room) -> str:
    """Say in one sentence how the room is, and what to do if nobody is here."""
    if room.state in ("left", "failed"):
        return one_line(_end(room.error))
    if room.state == "opening" and room.route:
        return "Reading what this browser keeps of the room."
    if room.state == "opening":
        return "Waiting for the page to say which room and servers it has."
    connected = [p for p in room.peers if p.is_connected]
    if connected:
        return _company(connected)
    if room.ice_failure is not None or any(p.retries for p in room.peers):
        return NO_PATH
    if room.peers:
        return "Connecting to a peer."
    if room.has_strangers:
        return STRANGERS
    if any(s.state == "open" for s in room.servers):
        return "You are alone in the room: nobody else has joined it yet."
    if any(s.state == "connecting" and not s.reason for s in room.servers):
        return "Connecting to a signaling server."
    return no_server(room)


LEFT = "it was left"
"""Why a room is closed that somebody has left."""


def _end(error: RtcError | None) -> str:
    if not isinstance(error, RoomClosedError):
        return str(error)
    return "The room was left." if error.reason == LEFT else f"The room was left: {error.reason}."


NO_PATH = (
    "Somebody is here, but there is no network path to them: set a STUN or TURN server, by "
    "webRtcIceServers of the site or join(ice_servers=)."
)
STRANGERS = (
    "Somebody is in a room of this name with another password, or without one: "
    "you meet them only with the same password."
)
NO_SERVER = "No signaling server is reached: peers need one to find each other."


def no_server(room: Room, advice: str = "") -> str:
    """Say that the room reaches no signaling server, what that means, and why it is so."""
    reasons = [one_line(f"{s.url}: {s.reason}") for s in room.servers if s.reason]
    why = f" ({'; '.join(reasons)})" if reasons else ""
    return f"{NO_SERVER}{advice}{why}"


def as_text(room: Room) -> str:
    """Describe the room in a few lines of plain text."""
    name = None if room.name is None else one_line(room.name)
    return _in_lines(f"Room {name!r}: {sentence(room)}", _rows(room))


def status_text(status: RoomStatus) -> str:
    """Describe how a room is in a few lines of plain text."""
    return _in_lines(f"{status.state}: {status.why}", _people_and_servers(status))


def _in_lines(title: str, rows: list[tuple[str, str]]) -> str:
    return "\n".join([title, *(f"  {head:<10} {text}" for head, text in rows)])


def as_html(room: Room) -> str:
    """Describe the room as HTML; nothing in it is executed or loaded."""
    rows = "".join(
        f"<tr><th style='text-align:left'>{escape(head)}</th>"
        f"<td style='text-align:left'>{escape(text)}</td></tr>"
        for head, text in _rows(room)
    )
    title = f"Room <b>{escape(one_line(room.name or ''))}</b>: {escape(sentence(room))}"
    return f"<div>{title}<table>{rows}</table></div>"


def _rows(room: Room) -> list[tuple[str, str]]:
    rows = _people_and_servers(room)
    if room.topic is not None:
        rows.append(("topic", room.topic))
    if room.state == "open":
        rows.append(("kept", stored_words(room.stored)))
    if room.faults:
        rows.append(("last fault", str(room.faults[-1])))
    return [(head, one_line(text)) for head, text in rows]


def _people_and_servers(room: Room | RoomStatus) -> list[tuple[str, str]]:
    rows = [("peer", peer_words(p)) for p in room.peers]
    return rows + [("server", server_words(s)) for s in room.servers]


def _company(connected: list[Peer]) -> str:
    synced = sum(p.is_synced for p in connected)
    who = "1 peer is" if len(connected) == 1 else f"{len(connected)} peers are"
    quiet = company_words(connected, lambda peer: _who(peer.name, peer.peer_id), listed)
    if synced == len(connected):
        return f"{who} connected and synced{quiet}."
    return f"{who} connected, {synced} synced{quiet}."


def document_text(document: Document | DocumentStatus) -> str:
    """Describe a document in one line of plain text."""
    others = listed([_who(peer.name, peer.peer_id) for peer in document.peers])
    return f"Document {one_line(document.name)!r}, open at {others or 'nobody else'}"


def place(document: str, room: str | None) -> str:
    """Name a document of a room, or the room itself if the document has no name."""
    where = "the room" if room is None else f"room {one_line(room)!r}"
    return f"document {one_line(document)!r} of {where}" if document else where


def _who(name: str | None, peer_id: str | None) -> str:
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
    name = _who(peer.name, peer.peer_id)
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
    again = "" if server.retry_in_s is None else f" {server.retry_in_s:.0f} s for the next attempt,"
    return f"{server.url} {server.state}{again} {server.reason}".rstrip()


_EVENTS = {
    "opened": "the room is open",
    "peer-joined": "{who} is connected",
    "peer-named": "{before} is {who}",
    "peer-synced": "{who} is synced{document}",
    "peer-changed": "{who} is further behind or ahead, or less{document}",
    "peer-left": "{who} left",
    "document-opened": "{who} opened {name}",
    "document-closed": "{who} closed {name}",
    "progress": "{who}: {reason}",
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
    who = _who(event.name, event.peer_id)
    if event.kind in _REASONED and event.reason:
        verb = " left" if event.kind == "peer-left" else ""
        return one_line(f"{who}{verb}: {event.reason}")
    return one_line(
        _EVENTS[event.kind].format(
            who=who,
            before=_who(event.reason, event.peer_id),
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
