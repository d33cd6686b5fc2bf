"""What the tests of the mesh and the room share: short ways to say what happens."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import count
from typing import Literal, TypeVar

from pyodide_rtc.protocol import effects as fx
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.abilities import Abilities
from pyodide_rtc.protocol.connections.capability import Capability, encode_capability
from pyodide_rtc.protocol.connections.mesh import Mesh
from pyodide_rtc.protocol.link import MAX_RECEIVED_BYTES
from pyodide_rtc.protocol.room_machine import RoomMachine
from pyodide_rtc.wire.awareness_update import AwarenessEntry, decode_awareness, encode_awareness
from pyodide_rtc.wire.messages import AwarenessMessage, Message, decode, encode
from pyodide_rtc.wire.payload import Announce, Candidate, Description, Signal, SignalMessage

URL = "wss://relay.example.org/"
ME, PEER, OTHER = "id-me", "id-peer", "id-other"
MY_CLIENT, PEER_CLIENT, OTHER_CLIENT = 1, 2, 3
LIMIT = 262_144
OF_A_BROWSER = Abilities(rollback=True, ice_restart=True)

E = TypeVar("E")


def make_mesh(
    max_peers: int = 20,
    max_received_bytes: int = MAX_RECEIVED_BYTES,
    abilities: Abilities = OF_A_BROWSER,
) -> Mesh:
    """A mesh whose glare tokens are 50, 51, ..."""
    tokens = count(50)
    return Mesh(
        ME, MY_CLIENT, max_peers, lambda: float(next(tokens)), abilities, max_received_bytes
    )


def make_room(max_peers: int = 20) -> RoomMachine:
    return RoomMachine(make_mesh(max_peers))


def receive(
    room: RoomMachine, link: ev.LinkId, message: Message | bytes, now_s: float = 0.0
) -> list[fx.Effect]:
    """Let a message come by a link, or bytes that may be none."""
    data = message if isinstance(message, bytes) else encode(message)
    return room.handle(ev.FrameReceived(link, data), now_s)


def extra(client_id: int | None) -> dict[str, object]:
    """What a peer of our own kind adds; None for a stock peer."""
    return {} if client_id is None else encode_capability(Capability(client_id))


def announce(peer: str = PEER, client_id: int | None = None) -> Announce:
    return Announce(peer, extra(client_id))


def signal(
    what: Signal,
    peer: str = PEER,
    *,
    to: str = ME,
    token: float | None = 10.0,
    client_id: int | None = None,
) -> SignalMessage:
    return SignalMessage(peer, to, token, what, extra(client_id))


OFFER = Description("offer", "their offer")
ANSWER = Description("answer", "their answer")
CANDIDATE = Candidate("candidate", 0, "0")


def sdp(kind: Literal["offer", "answer"], session: int, version: int = 1) -> Description:
    """A description of the peer's end of that session."""
    return Description(kind, f"v=0\r\no=- {session} {version} IN IP4 127.0.0.1\r\n")


def only(kind: type[E], effects: Iterable[object]) -> list[E]:
    """The effects of one kind."""
    return [e for e in effects if isinstance(e, kind)]


def frames(effects: Iterable[object], link: ev.LinkId) -> list[Message]:
    """The messages that go by a link."""
    if link == ev.TABS:
        data = [e.data for e in only(fx.SendTabFrame, effects)]
    else:
        data = [e.data for e in only(fx.SendFrame, effects) if e.conn == link]
    return [decode(d, max_bytes=LIMIT) for d in data]


def awareness_frame(*entries: AwarenessEntry) -> bytes:
    return encode(AwarenessMessage(encode_awareness(entries)))


def entries_in(messages: list[Message]) -> list[AwarenessEntry]:
    """What awareness messages say."""
    return [
        entry
        for m in messages
        if isinstance(m, AwarenessMessage)
        for entry in decode_awareness(m.update, max_bytes=LIMIT, max_clients=100)
        if isinstance(entry, AwarenessEntry)
    ]


def link_peer(
    room: RoomMachine,
    peer: str = PEER,
    client_id: int | None = None,
    *,
    limit: int = LIMIT,
    answer: Description = ANSWER,
    heard: list[fx.Effect] | None = None,
) -> ev.LinkId:
    """Let a peer come by WebRTC, as answerer to our offer, until its channel is open.

    What is done then is put into `heard`.
    """
    opened = room.handle(ev.PayloadReceived(URL, announce(peer, client_id)), 0.0)
    [transport] = only(fx.OpenTransport, opened)
    conn = transport.conn
    room.handle(ev.DescriptionMade(conn, "offer", "our offer"), 0.0)
    room.handle(ev.PayloadReceived(URL, signal(answer, peer, client_id=client_id)), 0.0)
    effects = room.handle(ev.ChannelOpened(conn, "local", limit), 0.0)
    if heard is not None:
        heard += effects
    return conn
