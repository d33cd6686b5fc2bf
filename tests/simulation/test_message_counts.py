"""How many messages go round in a room of our own kind: what all hear from its source goes once."""

from __future__ import annotations

import asyncio

import pytest
from pycrdt import Text

from pyodide_rtc.testing import Network, run_virtual
from pyodide_rtc.wire.messages import AwarenessMessage, StateCheck, SyncUpdate

from .play_helpers import TOPIC, URL, Wiretap, awake
from .stock_peer import StockPeer


@pytest.mark.parametrize("count", [3, 8])
def test_an_edit_goes_once_to_each_and_an_idle_minute_is_quiet(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Reproduces: 361 messages for one edit in a room of 20, and 30,400 in an idle minute."""

    async def main() -> None:
        network = Network()
        hosts = [network.host() for _ in range(count)]
        rooms = [host.join("demo", signaling=URL, user=f"u{i}") for i, host in enumerate(hosts)]
        for room in rooms:
            await room.until_synced(30)
        await asyncio.sleep(10)
        tap = Wiretap(monkeypatch)

        rooms[0].text("t").insert(0, "x")
        await asyncio.sleep(1)
        assert len(tap.sent(SyncUpdate)) == count - 1
        rooms[1].awareness.set_local_state_field("cursor", 7)
        await asyncio.sleep(1)
        assert len(tap.sent(AwarenessMessage)) == count - 1

        await asyncio.sleep(30)
        tap.frames.clear()
        await asyncio.sleep(60)
        assert len(tap.frames) <= 4 * count**2
        for room in rooms:
            text: Text = room.text("t")
            assert str(text) == "x"
            assert len(awake(room)) == count

    run_virtual(main())


def test_it_is_passed_on_to_who_is_not_linked_with_its_source(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        network = Network()
        hosts = [network.host() for _ in range(3)]
        network.cut([hosts[0]], [hosts[2]])
        rooms = [host.join("demo", signaling=URL, user=f"u{i}") for i, host in enumerate(hosts)]
        await rooms[1].until_synced(30)
        await asyncio.sleep(5)

        rooms[0].text("t").insert(0, "x")
        rooms[0].awareness.set_local_state_field("cursor", 7)
        await asyncio.sleep(0.5)

        assert str(rooms[2].text("t")) == "x"
        state = rooms[2].awareness.states[rooms[0].doc.client_id]
        assert state["cursor"] == 7
        tap = Wiretap(monkeypatch)
        await asyncio.sleep(20)
        assert tap.sent(StateCheck) != []

    run_virtual(main())


def test_a_peer_with_a_long_id_does_not_part_the_others() -> None:
    """Reproduces: the others named it to each other, and refused each other for that."""

    async def main() -> None:
        network = Network(1)
        rooms = [network.host().join("demo", signaling=URL) for _ in range(3)]
        await asyncio.sleep(5)
        page = StockPeer(network.host(), URL, TOPIC, 0.0)
        page.peer_id = "é" * 51
        await asyncio.sleep(10)

        for room in rooms:
            assert room.faults == ()
            assert len(room.peers) == 3
        page.leave()
        await asyncio.sleep(30)
        assert all(room.synced for room in rooms)

    run_virtual(main())


def test_who_has_lost_somebody_is_told_of_them_whatever_it_has_said_before() -> None:
    """Reproduces: after both its paths had failed, it was believed to hear who was cut off."""

    async def main() -> None:
        network = Network(1)
        hosts = [network.host() for _ in range(3)]
        a, b, s = (host.join("demo", signaling=URL) for host in hosts)
        await asyncio.sleep(5)
        assert all(room.synced for room in (a, b, s))
        [a_host, b_host, s_host] = hosts
        network.cut([b_host], [a_host, s_host])
        await asyncio.sleep(30)
        network.heal()
        network.cut([b_host], [s_host])
        await asyncio.sleep(120)

        s.map("m")["x"] = 1
        await asyncio.sleep(0.5)

        assert b.map("m").to_py() == {"x": 1.0}
        assert s.doc.client_id in b.awareness.states

    run_virtual(main())
