"""Real time collaboration for JupyterLite, in the kernel: Yjs documents shared over WebRTC.

    import pyodide_rtc
    room = pyodide_rtc.join()      # the room of ?room=, the servers of the site
    state = room.map("state")      # a pycrdt Map, shared with all who are in the room
    state["x"] = 1

Importing does nothing; `join` does.
"""

from pyodide_rtc import errors
from pyodide_rtc._default import enable_logging, join
from pyodide_rtc._version import __version__
from pyodide_rtc.awareness import Awareness
from pyodide_rtc.errors import *  # noqa: F403 - errors.__all__ is the list
from pyodide_rtc.room import Room
from pyodide_rtc.room_status import Peer, RoomEvent, RoomStatus, Server

__all__ = [
    "Awareness",
    "Peer",
    "Room",
    "RoomEvent",
    "RoomStatus",
    "Server",
    "__version__",
    "enable_logging",
    "join",
    *errors.__all__,
]
