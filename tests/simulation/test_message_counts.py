"""How many messages go round in a room of our own kind: what all hear from its source goes once."""

from __future__ import annotations

import asyncio

import pytest
from pycrdt import Text

from pyodide_rtc.testing import Network, run_virtual
from pyodide_rtc.wire.messages import AwarenessMessage, StateCheck, SyncUpdate

from .play_helpers import URL, Wiretap, awake, make_rooms


@pytest.mark.parametrize("count", [3, 8])
def test_an_edit_goes_once_to_each_and_an_idle_minute_is_quiet(
    monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    """Reproduces: 361 messages for one edit in a room of 20, and 30,400 in an idle minute."""

    async def main() -> None:
        network = Network()
        hosts = [network.host() for _ in range(count)]
        rooms = [
            make_rooms(host).join("demo", signaling=URL, user=f"u{i}")
            for i, host in enumerate(hosts)
        ]
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
        rooms = [
            make_rooms(host).join("demo", signaling=URL, user=f"u{i}")
            for i, host in enumerate(hosts)
        ]
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
