"""What a panel shows of a room, as facts and words that need no more thinking.

It is JSON, and bounded: a page with a thousand peers has a panel of a readable length. All texts
may come from outside; whoever draws them takes them for text. All words for people are made here,
so that the script, the HTML and the dialog of the application say the same.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import Literal, TypeVar

from pyodide_rtc import causes, room_repr
from pyodide_rtc.looks import NO_COLOR, initials_of
from pyodide_rtc.people import Person, state_of
from pyodide_rtc.protocol.events import JsonObject
from pyodide_rtc.quiet_words import state_words
from pyodide_rtc.room_status import RoomStage, Server, Stored
from pyodide_rtc.snapshot import Peer

__all__ = [
    "DocumentFacts",
    "Invitation",
    "Kept",
    "Panel",
    "PersonRow",
    "RoomFacts",
    "ServerRow",
    "Tone",
    "connection_words",
    "kept_row",
    "latency_words",
    "progress_of",
    "room_panel",
    "row_at",
    "server_rows",
    "size_words",
    "tone_of",
]

F = TypeVar("F")
R = TypeVar("R")

MAX_ROWS = 100
"""So many people, documents and servers are shown; further ones are counted."""

_MOST_NAMED = 3
"""So many of those who have a document open are named."""

Tone = Literal["good", "busy", "alone", "trouble", "off"]
"""What kind of news the sentence is: all synced, something is under way, nobody is here, something
stands in the way, the room is not open."""


@dataclass(frozen=True, slots=True)
class Progress:
    """A large transfer: how far it is, in words and as a share of 1."""

    words: str
    share: float


@dataclass(frozen=True, slots=True)
class PersonRow:
    """Somebody in the room, or a peer that shows no name, and the connection to them.

    Args:
        name: by which they are shown.
        color: as `"#e12b2b"`.
        initials: one or two letters.
        is_me: whether it is the person at this page.
        state: as `Person.state`.
        about: what they do, in words; empty if there is nothing to say.
        connection: how they are reached and how far they are, in words; empty for ourselves.
        is_synced: whether nothing is on its way between us.
        progress: the large transfers with them.
    """

    name: str
    color: str
    initials: str
    is_me: bool
    state: str
    about: str
    connection: str
    is_synced: bool
    progress: tuple[Progress, ...] = ()


@dataclass(frozen=True, slots=True)
class DocumentRow:
    """A document of the room.

    Args:
        name: what it is called.
        about: who has it open and how far they are, in words.
        size: how large it is, in words; empty while that is not known.
        state: `"synced"`, `"syncing"`, `"alone"` or `"elsewhere"` (open at others alone).
    """

    name: str
    about: str
    size: str
    state: str


@dataclass(frozen=True, slots=True)
class ServerRow:
    """A signaling server, with its state in words."""

    url: str
    about: str
    is_reached: bool


@dataclass(frozen=True, slots=True)
class Kept:
    """What this browser keeps, in words."""

    about: str
    is_kept: bool


@dataclass(frozen=True, slots=True)
class Invitation:
    """How somebody else comes to the room.

    Args:
        room: its name.
        link: a link to it.
        is_of_page: whether the room is that of the page: then the link may lead to a document.
        has_password: whether they need a password, which no link has.
    """

    room: str
    link: str
    is_of_page: bool
    has_password: bool


@dataclass(frozen=True, slots=True)
class Panel:
    """All that a panel shows. Parts that do not apply are None, and are not shown.

    Args:
        room: the room's name.
        tone: what kind of news `sentence` is.
        sentence: how the room is, and what to do if nobody is here.
        notes: what stands in the way beside that.
        people: the people, ourselves first.
        documents: the documents.
        kept: what this browser keeps.
        servers: the signaling servers.
        invitation: how somebody else comes here.
        actions: what can be done now: `"leave"`, `"forget"`, `"rejoin"`.
    """

    room: str
    tone: Tone
    sentence: str
    notes: tuple[str, ...] = ()
    people: tuple[PersonRow, ...] = ()
    documents: tuple[DocumentRow, ...] = ()
    kept: Kept | None = None
    servers: tuple[ServerRow, ...] | None = None
    invitation: Invitation | None = None
    actions: tuple[str, ...] = ()

    def as_json(self) -> JsonObject:
        """Return it as JSON."""
        panel: JsonObject = json.loads(json.dumps(asdict(self)))
        return panel


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """A document beside the room's own.

    Args:
        name: its name; empty for the room's own.
        is_open: whether it is open here.
        peers: the others who have it open.
        size_bytes: how large it is in this browser; 0 while that is not known.
    """

    name: str
    is_open: bool
    peers: tuple[Peer, ...]
    size_bytes: int


@dataclass(frozen=True, slots=True)
class RoomFacts:
    """What a panel has to know of a room.

    Args:
        name: its name.
        stage: how far it is.
        why: how it is, as a sentence.
        people: who is there.
        peers: the others, those on their way and those without a name included.
        servers: the signaling servers.
        documents: the room's own, and all others that are open anywhere.
        stored: what this browser keeps.
        is_hindered: whether something keeps us from somebody who is there.
        fault: what went wrong last, as a sentence; empty if nothing did.
        invitation: how somebody else comes there; None while that is not known.
        actions: what can be done with it now.
    """

    name: str
    stage: RoomStage
    why: str
    people: tuple[Person, ...]
    peers: tuple[Peer, ...]
    servers: tuple[Server, ...]
    documents: tuple[DocumentFacts, ...]
    stored: Stored
    is_hindered: bool
    fault: str
    invitation: Invitation | None
    actions: tuple[str, ...]


def room_panel(room: RoomFacts) -> Panel:
    """Describe a room of a notebook."""
    is_open = room.stage == "open"
    return Panel(
        room_repr.short_name(room.name),
        tone_of(room.stage, room.peers, room.servers, is_hindered=room.is_hindered),
        room.why,
        (f"What went wrong last: {room.fault}",) if room.fault and is_open else (),
        _people_rows(room.people, room.peers),
        _rows(room.documents, _document_row, _more_documents) if is_open else (),
        kept_row(room.stored) if is_open else None,
        server_rows(room.servers) if is_open else None,
        room.invitation,
        room.actions,
    )


def tone_of(
    stage: RoomStage, peers: Sequence[Peer], servers: tuple[Server, ...], *, is_hindered: bool
) -> Tone:
    """Say what kind of news there is of a room; the arguments are as in `RoomFacts`."""
    if stage != "open":
        return "busy" if stage == "opening" else "off"
    connected = [peer for peer in peers if peer.is_connected]
    if connected:
        return "good" if all(peer.is_synced for peer in connected) else "busy"
    if is_hindered or causes.no_server(servers):
        return "trouble"
    return "busy" if peers else "alone"


# People and connections.


def _people_rows(people: Sequence[Person], peers: Sequence[Peer]) -> tuple[PersonRow, ...]:
    """Return the people with their connections, and then the peers that show no name."""
    by_id = {peer.peer_id: peer for peer in peers}
    known = {one.peer_id for one in people}
    shown: list[Person | Peer] = [*people, *(peer for peer in peers if peer.peer_id not in known)]

    def row_of(one: Person | Peer) -> PersonRow:
        if isinstance(one, Person):
            return _person_row(one, by_id.get(one.peer_id or ""))
        return _peer_row(one)

    return _rows(shown, row_of, _more_people)


def _more_people(count: int) -> PersonRow:
    return PersonRow(f"and {count} more", NO_COLOR, "", False, "active", "", "", True)


def _person_row(person: Person, peer: Peer | None) -> PersonRow:
    return PersonRow(
        person.name,
        person.color,
        person.initials,
        person.is_me,
        person.state,
        _about(person, peer),
        "" if peer is None else connection_words(peer),
        peer is None or peer.is_synced,
        () if peer is None else progress_of(peer),
    )


def _peer_row(peer: Peer) -> PersonRow:
    name = room_repr.who(peer.name, peer.peer_id)
    return row_at(peer, name, NO_COLOR, initials_of(name) if peer.name else "?")


def row_at(peer: Peer, name: str, color: str, initials: str) -> PersonRow:
    """Describe who sits at a peer, of whom nothing else is known; as in `PersonRow`."""
    return PersonRow(
        name,
        color,
        initials,
        False,
        state_of(peer),
        state_words(peer),
        connection_words(peer),
        peer.is_synced,
        progress_of(peer),
    )


def _about(person: Person, peer: Peer | None) -> str:
    state = "" if peer is None else state_words(peer)
    if not state and person.state != "active":
        state = person.state
    place = f"looks at {person.looking_at}" if person.looking_at else ""
    return ", ".join(filter(None, (state, place)))


def connection_words(peer: Peer) -> str:
    """Say how a peer is reached, and how far it is."""
    if not peer.is_connected:
        return "connecting"
    state = "synced" if peer.is_synced else "syncing"
    if peer.edits_wait:
        state = "edits wait for them"
    latency = "" if peer.round_trip_ms is None else latency_words(peer.round_trip_ms)
    return " · ".join(filter(None, (state, _way(peer), latency)))


def _way(peer: Peer) -> str:
    if peer.via == "tab":
        return "this browser"
    return {None: "", True: "relayed", False: "direct"}[peer.is_relayed]


def latency_words(round_trip_ms: float) -> str:
    """Say how long the network takes there and back."""
    # Two digits say enough, and change less often.
    return "< 1 ms" if round_trip_ms < 1 else f"{float(f'{round_trip_ms:.2g}'):.0f} ms"


def progress_of(peer: Peer) -> tuple[Progress, ...]:
    """Return how far the large transfers with a peer are."""
    return tuple(
        Progress(room_repr.transfer_words(one), one.done_bytes / max(one.total_bytes, 1))
        for one in peer.transfers[:MAX_ROWS]
    )


# Documents, what is kept, servers.


def _document_row(document: DocumentFacts) -> DocumentRow:
    name = room_repr.one_line(document.name) or "main document"
    peers = [peer for peer in document.peers if peer.is_connected]
    if not document.is_open:
        return DocumentRow(name, f"open at {_listed(peers)}, not here", "", "elsewhere")
    size = size_words(document.size_bytes)
    if not peers:
        return DocumentRow(name, "nobody else has it open", size, "alone")
    waiting = [peer for peer in peers if not peer.is_synced]
    if waiting:
        return DocumentRow(name, f"syncing with {_listed(waiting)}", size, "syncing")
    return DocumentRow(name, f"in sync with {_listed(peers)}", size, "synced")


def _more_documents(count: int) -> DocumentRow:
    return DocumentRow(f"and {count} more", "", "", "elsewhere")


def _listed(peers: Sequence[Peer]) -> str:
    # Only those that are shown get their words: there may be a thousand in each of many documents.
    named = [room_repr.who(peer.name, peer.peer_id) for peer in peers[:_MOST_NAMED]]
    more = len(peers) - len(named)
    return ", ".join([*named, f"{more} more"] if more else named)


def size_words(size_bytes: int) -> str:
    """Say how large something is; nothing of what has no size."""
    if not size_bytes:
        return ""
    if size_bytes < 1_000_000:
        return f"{max(1, round(size_bytes / 1000))} kB"
    return f"{size_bytes / 1e6:.1f} MB"


def kept_row(stored: Stored) -> Kept:
    """Say what this browser keeps."""
    size = f" ({size_words(stored.size_bytes)})" if stored.size_bytes else ""
    reason = f": {room_repr.one_line(stored.reason)}" if stored.reason else ""
    match stored.where:
        case "opening":
            return Kept("It is not known yet whether this browser keeps it.", False)
        case "browser" | "page":
            saved = "and all is saved" if stored.is_saved else "not all is saved yet"
            where = "" if stored.where == "browser" else ", in the page's storage"
            return Kept(f"This browser keeps it{where}{size}, {saved}{reason}.", True)
        case "memory":
            return Kept(f"Nothing outlasts this kernel{reason}.", False)
        case _:
            return Kept(f"Nothing is kept{reason}.", False)


def server_rows(servers: Sequence[Server]) -> tuple[ServerRow, ...]:
    """Say how the signaling servers are reached."""
    return tuple(map(_server_row, servers[:MAX_ROWS]))


def _server_row(server: Server) -> ServerRow:
    is_open = server.state == "open"
    is_failing = bool(server.reason) and not is_open
    about = (
        f"not reached: {server.reason}" if is_failing else "reached" if is_open else server.state
    )
    return ServerRow(room_repr.one_line(server.url), room_repr.one_line(about), is_open)


def _rows(facts: Sequence[F], row_of: Callable[[F], R], rest: Callable[[int], R]) -> tuple[R, ...]:
    """Return so many rows as are shown, the last one for all those that are too many."""
    if len(facts) <= MAX_ROWS:
        return tuple(map(row_of, facts))
    shown = facts[: MAX_ROWS - 1]
    return (*map(row_of, shown), rest(len(facts) - len(shown)))
