"""The ports in memory: a network with delays, and a virtual clock.

Public, for your own tests: `Network` makes hosts, `VirtualTimeLoop` is the clock.
"""

from pyodide_rtc.ports import Abilities
from pyodide_rtc.testing.clock import VirtualTimeLoop, run_virtual
from pyodide_rtc.testing.memory_host import MemoryHost
from pyodide_rtc.testing.network import Network

__all__ = ["Abilities", "MemoryHost", "Network", "VirtualTimeLoop", "run_virtual"]
