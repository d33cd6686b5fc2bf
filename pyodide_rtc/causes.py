"""Why a room is as it is: every cause that it can name, with its sentence.

`causes` decides by the facts of the room alone. So a cause has one sentence for as long as it
lasts. docs/nobody-is-here.md explains each to users; a test compares the page with this table.

To add a cause: a member of `Cause`, a place where `causes` returns it, and a row of that page.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyodide_rtc.errors import RoomClosedError, RtcError
from pyodide_rtc.quiet_words import company_words
from pyodide_rtc.room_repr import listed, one_line, who
from pyodide_rtc.snapshot import SOCKETS_REFUSED, Obstacle, Server, Snapshot

if TYPE_CHECKING:
    from pyodide_rtc.room_status import RoomStage

__all__ = [
    "LEFT_BY_USER",
    "Cause",
    "Facts",
    "causes",
    "no_server",
    "no_server_sentence",
    "obstacle",
    "sentence",
]

LEFT_BY_USER = "it was left"
"""The reason of a room that somebody has left: there is no more to say."""


class Cause(enum.StrEnum):
    """What a room can say of itself; the words in braces are facts of the room."""

    ASKING_PAGE = "Waiting for the page to say which room and servers it has."
    READING = "Reading what this browser keeps of the room."
    FAILED = "{error}"
    LEFT = "The room was left."
    LEFT_FOR = "The room was left: {reason}."
    TOGETHER = "{connected} connected and synced."
    SYNCING = "{connected} connected, {synced} synced."
    ONLY_TABS = "Nobody outside this browser can come."
    NO_WEBRTC_HERE = (
        "This browser blocks WebRTC, so only its own tabs meet here: "
        "allow it in its settings or extensions, and reload the page."
    )
    NO_WEBRTC_THERE = (
        "Somebody is here whose browser blocks WebRTC: "
        "they have to allow it in its settings or extensions."
    )
    NO_ADDRESS_HERE = (
        "Somebody is here, but this browser hides its network addresses: "
        "set a STUN server, or allow it to show them."
    )
    NO_ADDRESS_THERE = (
        "Somebody is here, but their browser hides its network addresses: "
        "set a STUN server, or let them allow it to show them."
    )
    NO_PATH = (
        "Somebody is here, but there is no network path to them: set a STUN or TURN server, by "
        "webRtcIceServers of the site or join(ice_servers=)."
    )
    CONNECTING = "Connecting to a peer."
    STRANGERS = (
        "Somebody is in a room of this name with another password, or without one: "
        "you meet them only with the same password."
    )
    ALONE = "You are alone in the room: nobody else has joined it yet."
    TRYING_SERVER = "Connecting to the signaling server ..."
    SOCKETS_REFUSED = (
        "The server answers http, but WebSockets are refused on the way: "
        "a proxy or firewall has to let them pass."
    )
    NO_SERVER = "No signaling server is reached: peers need one to find each other."


_OBSTACLES = {
    Obstacle.NO_WEBRTC_HERE: Cause.NO_WEBRTC_HERE,
    Obstacle.NO_WEBRTC_THERE: Cause.NO_WEBRTC_THERE,
    Obstacle.NO_ADDRESS_HERE: Cause.NO_ADDRESS_HERE,
    Obstacle.NO_ADDRESS_THERE: Cause.NO_ADDRESS_THERE,
    Obstacle.NO_PATH: Cause.NO_PATH,
}
_WITHOUT_WEBRTC = (Obstacle.NO_WEBRTC_HERE, Obstacle.NO_WEBRTC_THERE)


@dataclass(frozen=True, slots=True)
class Facts:
    """What is known of a room at one moment.

    Args:
        stage: how far the room is.
        snapshot: who is there, and by which servers.
        error: what ended the room.
        is_page_known: whether the page has said which room and servers it has.
    """

    stage: RoomStage
    snapshot: Snapshot
    error: RtcError | None = None
    is_page_known: bool = True


def sentence(facts: Facts) -> str:
    """Say how the room is, and what to do if nobody is here: one sentence for each cause."""
    return one_line(" ".join(_told(cause, facts) for cause in causes(facts)))


def causes(facts: Facts) -> tuple[Cause, ...]:
    """Decide why the room is as it is.

    Returns:
        one cause if nobody is connected; else how far those are who are, and what keeps others out.
    """
    if facts.stage in ("left", "failed"):
        return (_end(facts.error),)
    if facts.stage == "opening":
        return (Cause.READING if facts.is_page_known else Cause.ASKING_PAGE,)
    if any(peer.is_connected for peer in facts.snapshot.peers):
        return _company(facts.snapshot)
    return (_alone(facts.snapshot),)


def obstacle(snapshot: Snapshot) -> Cause | None:
    """Return what keeps us from somebody who is here; None if nothing does."""
    return None if snapshot.obstacle is None else _OBSTACLES[snapshot.obstacle]


def no_server(servers: tuple[Server, ...]) -> Cause | None:
    """Return why no signaling server is reached; None before the first attempt has failed."""
    failing = [server for server in servers if server.reason and server.state != "open"]
    if not failing or len(failing) < len(servers):
        return None
    refused = all(server.reason == SOCKETS_REFUSED for server in failing)
    return Cause.SOCKETS_REFUSED if refused else Cause.NO_SERVER


def no_server_sentence(cause: Cause, servers: tuple[Server, ...], advice: str = "") -> str:
    """Say that no signaling server is reached, what to do meanwhile, and what happened at each."""
    reasons = [one_line(f"{server.url}: {server.reason}") for server in servers]
    return f"{cause.value}{advice} ({'; '.join(reasons)})"


def _end(error: RtcError | None) -> Cause:
    if not isinstance(error, RoomClosedError):
        return Cause.FAILED
    return Cause.LEFT if error.reason == LEFT_BY_USER else Cause.LEFT_FOR


def _company(snapshot: Snapshot) -> tuple[Cause, ...]:
    """Decide how far those are who are connected, and what keeps others out."""
    connected = [peer for peer in snapshot.peers if peer.is_connected]
    found = [Cause.TOGETHER if all(peer.is_synced for peer in connected) else Cause.SYNCING]
    if snapshot.obstacle in _WITHOUT_WEBRTC:
        found.append(_OBSTACLES[snapshot.obstacle])
    elif all(peer.via == "tab" for peer in connected):
        cause = no_server(snapshot.servers)
        found += [] if cause is None else [Cause.ONLY_TABS, cause]
    return tuple(found)


def _alone(snapshot: Snapshot) -> Cause:
    """Decide why nobody is connected."""
    met = obstacle(snapshot)
    if met is not None:
        return met
    if snapshot.peers or snapshot.is_looking:
        return Cause.CONNECTING
    if snapshot.has_strangers:
        return Cause.STRANGERS
    if any(server.state == "open" for server in snapshot.servers):
        return Cause.ALONE
    return no_server(snapshot.servers) or Cause.TRYING_SERVER


def _told(cause: Cause, facts: Facts) -> str:
    """Put the facts into the sentence of a cause."""
    match cause:
        case Cause.NO_SERVER | Cause.SOCKETS_REFUSED:
            return no_server_sentence(cause, facts.snapshot.servers)
        case Cause.TOGETHER | Cause.SYNCING:
            return _company_told(cause, facts.snapshot)
        case Cause.FAILED:
            return cause.value.format(error=facts.error)
        case Cause.LEFT_FOR:
            assert isinstance(facts.error, RoomClosedError), "it was left"
            return cause.value.format(reason=facts.error.reason)
    return cause.value


def _company_told(cause: Cause, snapshot: Snapshot) -> str:
    """Count those who are connected, and name who of them does not answer."""
    connected = [peer for peer in snapshot.peers if peer.is_connected]
    subject = "1 peer is" if len(connected) == 1 else f"{len(connected)} peers are"
    synced = sum(peer.is_synced for peer in connected)
    counted = cause.value.format(connected=subject, synced=synced)
    quiet = company_words(connected, lambda peer: who(peer.name, peer.peer_id), listed)
    return f"{counted.removesuffix('.')}{quiet}."
