"""A room in words: one sentence about its state, as text and as HTML.

Peers choose their names and what else they say of themselves. This module escapes it, and no code
trusts it.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING

from pyodide_rtc.errors import RoomClosedError, RtcError

if TYPE_CHECKING:
    from pyodide_rtc.document import Document
    from pyodide_rtc.room import Room
    from pyodide_rtc.room_status import Server, Stored
    from pyodide_rtc.snapshot import Peer, Transfer

_NAME_CHARS = 40
_TEXT_CHARS = 400


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
    lines = [f"Room {name!r}: {sentence(room)}"]
    lines += [f"  {cells[0]:<10} {cells[1]}" for cells in _rows(room)]
    return "\n".join(lines)


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
    rows = [("peer", _peer_words(p)) for p in room.peers]
    rows += [("server", _server_words(s)) for s in room.servers]
    if room.topic is not None:
        rows.append(("topic", room.topic))
    if room.state == "open":
        rows.append(("kept", stored_words(room.stored)))
    if room.faults:
        rows.append(("last fault", str(room.faults[-1])))
    return [(head, one_line(text)) for head, text in rows]


def _company(connected: list[Peer]) -> str:
    synced = sum(p.is_synced for p in connected)
    who = "1 peer is" if len(connected) == 1 else f"{len(connected)} peers are"
    if synced == len(connected):
        return f"{who} connected and synced."
    return f"{who} connected, {synced} synced."


def document_text(document: Document) -> str:
    """Describe a document in one line of plain text."""
    others = ", ".join(_name_of(peer) for peer in document.peers)
    return f"Document {one_line(document.name)!r}, open at {others or 'nobody else'}"


def _name_of(peer: Peer) -> str:
    return one_line(peer.name or f"peer {peer.peer_id[:8]}")[:_NAME_CHARS]


def _peer_words(peer: Peer) -> str:
    name = _name_of(peer)
    if not peer.is_connected:
        return f"{name}: connecting"
    state = "synced" if peer.is_synced else "connected"
    way = "this browser" if peer.via == "tab" else "WebRTC"
    words = [f"{name}: {state} by {way}{', relayed by TURN' if peer.is_relayed else ''}"]
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


def _server_words(server: Server) -> str:
    again = "" if server.retry_in_s is None else f" {server.retry_in_s:.0f} s for the next attempt,"
    return f"{server.url} {server.state}{again} {server.reason}".rstrip()


def one_line(text: str) -> str:
    """Cut a long text, and replace what could begin a new line or move a terminal's cursor."""
    cut = text if len(text) <= _TEXT_CHARS else f"{text[:_TEXT_CHARS]} ..."
    return "".join(c if c.isprintable() else " " for c in cut)
