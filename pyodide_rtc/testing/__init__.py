"""The ports in memory: a network with delays, and a virtual clock.

Public, for your own tests: `Network` makes hosts, `VirtualTimeLoop` is the clock, `peer_id_of`
tells by which identity the others list a room, and `MemoryStore` keeps what a browser keeps, with
its faults.
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
