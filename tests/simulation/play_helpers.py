"""What the simulations share: rooms on a network, random edits, and a wiretap."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import Any

import pytest
from pycrdt import Array, Doc, Map, Text

from pyodide_rtc.room import Room
from pyodide_rtc.testing import Abilities, MemoryHost
from pyodide_rtc.testing.memory_peer import MemoryDataChannel
from pyodide_rtc.testing.network import MemoryRelay, MemorySocket
from pyodide_rtc.wire.messages import Message, decode
from pyodide_rtc.wire.state import decode_state_vector
from pyodide_rtc.wire.update_scan import SKIP, Scanner

URL = "wss://relay.example.org/"
TOPIC = "example.org/demo"
OF_A_BROWSER = Abilities(rollback=True, ice_restart=True)


def content(doc: Doc[Any]) -> tuple[object, str, object]:
    """All that the random edits touch."""
    return (
        doc.get("map", type=Map).to_py(),
        str(doc.get("text", type=Text)),
        doc.get("array", type=Array).to_py(),
    )


def state_vector(doc: Doc[Any]) -> dict[int, int]:
    """How far a document knows each client; in bytes the order of clients is by chance."""
    return decode_state_vector(doc.get_state())


def gaps(doc: Doc[Any]) -> dict[int, int]:
    """Where a document lacks what it knows to be: by client the clock of the first such struct."""
    found: dict[int, int] = {}
    for client, clock, struct in Scanner(doc.get_update()).structs():
        if struct.kind == SKIP:
            found.setdefault(client, clock)
    return found


def edit(doc: Doc[Any], random: Random) -> None:
    """Change something somewhere: set and delete keys, insert and delete text and items."""
    word = f"{random.getrandbits(16):x}"
    shared_map: Map[Any] = doc.get("map", type=Map)
    shared: Text | Array[Any] = (
        doc.get("text", type=Text) if random.random() < 0.5 else doc.get("array", type=Array)
    )
    what = random.randrange(4)
    if what == 0:
        shared_map[random.choice("abcde")] = word
    elif what == 1 and len(shared_map):
        del shared_map[random.choice(sorted(shared_map.keys()))]
    elif what == 2 and len(shared) > 2:
        del shared[random.randrange(len(shared))]
    else:
        shared.insert(random.randint(0, len(shared)), word)


def awake(room: Room) -> set[str]:
    """The names of all who show themselves in a room."""
    return {s["user"]["name"] for s in room.awareness.states.values()}  # type: ignore[index]


def put_away(host: MemoryHost, *, heard_s: float) -> None:
    """Leave a page. Its kernel hears of it late, and sees its channels close meanwhile."""
    loop = asyncio.get_running_loop()
    channels = [c for peer in host.connected for c in peer.channels if c.is_open]
    handlers = [channel.handler for channel in channels]
    for peer in host.peers:
        peer.close()
    for handler in handlers:
        assert handler is not None, "its channel was open"
        loop.call_later(0.005, handler.on_close)
    loop.call_later(heard_s, host.put_away)


class Wiretap:
    """Hears all data channels and the signaling of a test."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.frames: list[tuple[MemoryDataChannel, Message]] = []
        self.payloads: list[dict[str, Any]] = []
        send, receive = MemoryDataChannel.send, MemoryRelay.receive

        def tapped_send(channel: MemoryDataChannel, data: bytes) -> None:
            send(channel, data)
            self.frames.append((channel, decode(data, max_bytes=1 << 24)))

        def tapped_receive(relay: MemoryRelay, sender: MemorySocket, text: str) -> None:
            frame = json.loads(text)
            if frame["type"] == "publish":
                self.payloads.append(frame["data"])
            receive(relay, sender, text)

        monkeypatch.setattr(MemoryDataChannel, "send", tapped_send)
        monkeypatch.setattr(MemoryRelay, "receive", tapped_receive)

    def sent(self, kind: type[Message]) -> list[Message]:
        return [m for _, m in self.frames if isinstance(m, kind)]

    def sent_to(self, host: MemoryHost, kind: type[Message]) -> list[Message]:
        """What goes to a host: the other ends of its channels send it."""
        own = {channel for peer in host.peers for channel in peer.channels}
        return [m for c, m in self.frames if isinstance(m, kind) and c.other in own]

    @property
    def has_glare(self) -> bool:
        """Whether two peers have offered to each other."""
        signals = [p for p in self.payloads if p["type"] == "signal"]
        offers = {(p["from"], p["to"]) for p in signals if p["signal"]["type"] == "offer"}
        return any((to, sender) in offers for sender, to in offers)
