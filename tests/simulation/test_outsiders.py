"""What somebody without the password can do: forge, and say again what was recorded."""

from __future__ import annotations

import asyncio
import json
from random import Random
from typing import Any

import pytest
from pycrdt import Doc, Map
from seeds import seeds

from pyodide_rtc.errors import DecryptionError, PeerError
from pyodide_rtc.room import Room
from pyodide_rtc.testing import MemoryHost, Network, peer_id_of, run_virtual
from pyodide_rtc.testing.memory_peer import MemoryPeer
from pyodide_rtc.testing.network import MemoryRelay, MemorySocket
from pyodide_rtc.wire.awareness_update import AwarenessEntry, encode_awareness
from pyodide_rtc.wire.messages import AwarenessMessage, SyncUpdate, TabPeer, encode

from .play_helpers import TOPIC, URL


def connections(hosts: list[MemoryHost]) -> list[list[MemoryPeer]]:
    """The peer connections of each that are not closed, without the one in reserve."""
    return [[peer for peer in host.connected if peer.is_open] for host in hosts]


def check(rooms: list[Room]) -> None:
    """See that all is well with all."""
    for room in rooms:
        assert room.synced, room.why
        assert len(room.peers) == len(rooms) - 1
        assert len(room.awareness.states) == len(rooms)


def test_what_is_not_encrypted_changes_nothing() -> None:
    async def play() -> None:
        network = Network(seed=1)
        host = network.host()
        room = host.join(password="secret", user="Ada")
        room.map("state")["x"] = 1
        await asyncio.sleep(1)
        forged: Doc[Any] = Doc()
        forged.get("state", type=Map)["x"] = "forged"
        awareness = encode_awareness([AwarenessEntry(9, 1, {"user": {"name": "Eve"}})])
        [relay] = network.relays.values()
        offer = {"type": "offer", "sdp": "v=0\\r\\no=- 9 1 IN IP4 127.0.0.1"}
        to = peer_id_of(room)
        for data in (
            {"type": "announce", "from": "eve"},
            {"type": "signal", "from": "eve", "to": to, "token": 1.0, "signal": offer},
        ):
            relay.publish(TOPIC, data)
        [channel] = network.tabs[host.browser, TOPIC]
        for message in (
            TabPeer("eve", True),
            SyncUpdate(forged.get_update()),
            AwarenessMessage(awareness),
        ):
            channel.give(encode(message))
        await asyncio.sleep(60)

        assert room.map("state").to_py() == {"x": 1}
        assert [s["user"]["name"] for s in room.awareness.states.values()] == ["Ada"]  # type: ignore[index]
        assert room.peers == ()
        assert [type(fault) for fault in room.faults] == [DecryptionError]
        room.leave()

    run_virtual(play())


@pytest.mark.parametrize("seed", seeds(5))
def test_what_a_server_says_again_opens_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All that it has recorded, of a peer that is gone as well, ten times in any order."""

    async def play() -> None:
        random = Random(seed)
        network = Network(seed=seed, max_delay_s=0.05)
        recorded: list[object] = []
        receive = MemoryRelay.receive

        def record(relay: MemoryRelay, sender: MemorySocket, text: str) -> None:
            frame = json.loads(text)
            if frame["type"] == "publish":
                recorded.append(frame["data"])
            receive(relay, sender, text)

        monkeypatch.setattr(MemoryRelay, "receive", record)
        gone = network.host().join(password="secret", user="gone")
        hosts = [network.host() for _ in range(3)]
        rooms = [host.join(password="secret", user="u") for host in hosts]
        await asyncio.sleep(3)
        rooms[0].map("state")["x"] = 1
        gone.leave()
        await asyncio.sleep(3)
        check(rooms)
        before = connections(hosts)
        replays = [data for data in recorded for _ in range(10)]
        random.shuffle(replays)
        for data in replays:
            network.relays[URL].publish(TOPIC, data)
            await asyncio.sleep(random.random() / 5)
        await asyncio.sleep(60)

        check(rooms)
        assert connections(hosts) == before
        assert [room.map("state").to_py() for room in rooms] == [{"x": 1}] * 3
        assert all(isinstance(fault, PeerError) for room in rooms for fault in room.faults)
        for room in rooms:
            room.leave()

    run_virtual(play())
