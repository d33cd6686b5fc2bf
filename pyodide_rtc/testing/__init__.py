"""Rooms in memory, for tests without a browser: a network with delays, and a virtual clock.

Public, for your own tests: `Network` makes hosts, a host joins rooms, and `run_virtual` lets time
pass at no cost. `peer_id_of` tells by which identity the others list a room, and `MemoryStore`
keeps what a browser keeps, with its faults.

    async def play():
        network = Network()
        ada, bob = (network.host().join("lesson", user=name) for name in ("Ada", "Bob"))
        ada.state.n = 3
        await asyncio.sleep(1)  # of virtual time: everything has arrived
        assert bob.state.n == 3

    run_virtual(play())
"""

from pyodide_rtc.ports import Abilities
from pyodide_rtc.testing.clock import VirtualTimeLoop, run_virtual
from pyodide_rtc.testing.memory_host import MemoryHost
from pyodide_rtc.testing.memory_store import Fault, MemoryDisk, MemoryStore
from pyodide_rtc.testing.network import Network
from pyodide_rtc.testing.room_view import peer_id_of

__all__ = [
    "Abilities",
    "Fault",
    "MemoryDisk",
    "MemoryHost",
    "MemoryStore",
    "Network",
    "VirtualTimeLoop",
    "peer_id_of",
    "run_virtual",
]


def __dir__() -> list[str]:
    return sorted(__all__)  # what completes code would show inner modules among it
