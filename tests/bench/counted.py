"""What is counted on the network in memory: exact, and the same on every machine."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from lines import Row

from pyodide_rtc.testing import Network, run_virtual
from pyodide_rtc.wire.messages import SyncUpdate
from tests.simulation.play_helpers import URL, Wiretap


def messages() -> list[Row]:
    """Count the messages of an edit and of an idle minute, in a full mesh of our own kind."""
    return [row for size in (3, 10, 20) for row in run_virtual(_rows(size))]


async def _rows(size: int) -> list[Row]:
    network = Network()
    rooms = [network.host().join("demo", signaling=URL) for _ in range(size)]
    for room in rooms:
        await room.until_synced()
    await asyncio.sleep(10)  # until each knows whom the others reach
    with pytest.MonkeyPatch.context() as monkeypatch:
        tap = Wiretap(monkeypatch)
        rooms[0].text("t").insert(0, "x")
        await asyncio.sleep(1)
        for_an_edit = len(tap.sent(SyncUpdate))
        await asyncio.sleep(30)  # until the edit has been checked
        tap.frames.clear()
        await asyncio.sleep(60)
        idle = len(tap.frames)
    return [
        Row(
            f"in memory, room of {size}: messages for an edit",
            "",
            for_an_edit,
            f"<= {size - 1}",
            "",
        ),
        Row(
            f"in memory, room of {size}: messages in an idle minute",
            "",
            idle,
            f"<= {4 * size**2:,}",
            "",
        ),
    ]


COUNTED: dict[str, Callable[[], list[Row]]] = {"messages": messages}
