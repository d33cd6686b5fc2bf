"""Real time collaboration for JupyterLite, in the kernel: Yjs documents shared over WebRTC.

    import pyodide_rtc
    room = pyodide_rtc.join()      # the room of ?room=, the servers of the site
    state = room.map("state")      # a dict, shared with all who are in the room, and kept
    state["x"] = 1

Importing does nothing; `join` does.
"""

from pyodide_rtc import errors
from pyodide_rtc._default import enable_logging, import_room, join, stored_rooms
from pyodide_rtc._version import __version__
from pyodide_rtc.awareness import Awareness, AwarenessEvent
from pyodide_rtc.batons import Baton
from pyodide_rtc.calls import ExposedFunction
from pyodide_rtc.document import Document, DocumentStatus
from pyodide_rtc.errors import *  # noqa: F403 - errors.__all__ is the list
from pyodide_rtc.faults import Faults
from pyodide_rtc.me import Me
from pyodide_rtc.observers import Observation
from pyodide_rtc.room import Room
from pyodide_rtc.room_status import Peer, Person, RoomEvent, RoomStatus, Server, Stored
from pyodide_rtc.shared import (
    Change,
    SharedList,
    SharedMap,
    SharedNamespace,
    SharedText,
    UndoManager,
    ValuesChanged,
    plain,
)
from pyodide_rtc.storage import StoredDocument, StoredRoom

__all__ = [
    "Awareness",
    "AwarenessEvent",
    "Baton",
    "Change",
    "Document",
    "DocumentStatus",
    "ExposedFunction",
    "Faults",
    "Me",
    "Observation",
    "Peer",
    "Person",
    "Room",
    "RoomEvent",
    "RoomStatus",
    "Server",
    "SharedList",
    "SharedMap",
    "SharedNamespace",
    "SharedText",
    "Stored",
    "StoredDocument",
    "StoredRoom",
    "UndoManager",
    "ValuesChanged",
    "__version__",
    "enable_logging",
    "import_room",
    "join",
    "plain",
    "stored_rooms",
    *errors.__all__,
]


def __dir__() -> list[str]:
    return sorted(__all__)  # what completes code would show inner modules among it
