"""A fault of our own takes nothing along: other effects, the timer, the room."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pyodide_rtc.errors import InternalError
from pyodide_rtc.protocol import events as ev
from pyodide_rtc.protocol.room_machine import RoomMachine
from pyodide_rtc.room import Room
from pyodide_rtc.rooms import Rooms
from pyodide_rtc.session.document_binding import DocumentBinding
from pyodide_rtc.testing import MemoryHost, Network, run_virtual


def fail(*_: object) -> Any:
    raise IndexError("a fault of ours")


async def pair() -> tuple[Room, Room]:
    """Two rooms that are synced."""
    network = Network(max_delay_s=0.01)
    network.relays["wss://relay.example.org/"]

    def kernel() -> Rooms:
        host = network.host()

        async def open_host() -> MemoryHost:
            return host

        return Rooms(open_host)

    rooms = kernel().join(), kernel().join()
    await asyncio.gather(*(room.until_synced(10) for room in rooms))
    return rooms


def test_an_effect_that_fails_takes_no_other_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reproduces: a check of the document that failed kept the edits of others away."""

    async def main() -> None:
        one, other = await pair()
        with monkeypatch.context() as patch:
            patch.setattr(DocumentBinding, "inventory", fail)
            for number in range(3):
                one.map("m")["x"] = number
                await asyncio.sleep(5)
                assert other.map("m").to_py() == {"x": number}
        for room in (one, other):
            [fault] = [f for f in room.faults if isinstance(f, InternalError)]
            assert fault.task == "AskCheck", "told once"
            assert isinstance(fault.__cause__, IndexError)

    run_virtual(main())


def test_a_decision_that_fails_is_told_and_not_tried_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def main() -> None:
        one, other = await pair()
        tries = 0
        handle = RoomMachine.handle

        def fail_when_time_passes(self: RoomMachine, event: ev.Event, now_s: float) -> Any:
            nonlocal tries
            if isinstance(event, ev.TimePassed):
                tries += 1
                raise IndexError("a fault of ours")
            return handle(self, event, now_s)

        with monkeypatch.context() as patch:
            patch.setattr(RoomMachine, "handle", fail_when_time_passes)
            await asyncio.sleep(30)
            assert 0 < tries <= 2 * 31
            one.map("m")["x"] = 1
            await asyncio.sleep(1)
            assert other.map("m").to_py() == {"x": 1}
        assert [f.task for f in one.faults if isinstance(f, InternalError)] == ["TimePassed"]

    run_virtual(main())
