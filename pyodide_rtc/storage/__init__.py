"""What is kept in this browser: the logs of documents, over the port `Store`.

A `Keeper` keeps one open document. `rooms` lists and forgets what is kept, `export` makes files of
it. Must know neither `js` nor sessions: documents are given as a `Source`.
"""

from pyodide_rtc.storage.events import (
    CompactionFailed,
    Event,
    KeptAgain,
    NewerRecords,
    NotKept,
    RecordsSetAside,
)
from pyodide_rtc.storage.export import RoomExport, pack_room, unpack_room
from pyodide_rtc.storage.keeper import Keeper, KeeperStatus, Source
from pyodide_rtc.storage.names import LogName
from pyodide_rtc.storage.rooms import (
    StoredDocument,
    StoredRoom,
    forget_room,
    read_room,
    stored_rooms,
    write_room,
)
from pyodide_rtc.storage.scratch import NOTHING
from pyodide_rtc.storage.unwritten import EMPTY_STATE

__all__ = [
    "EMPTY_STATE",
    "NOTHING",
    "CompactionFailed",
    "Event",
    "Keeper",
    "KeeperStatus",
    "KeptAgain",
    "LogName",
    "NewerRecords",
    "NotKept",
    "RecordsSetAside",
    "RoomExport",
    "Source",
    "StoredDocument",
    "StoredRoom",
    "forget_room",
    "pack_room",
    "read_room",
    "stored_rooms",
    "unpack_room",
    "write_room",
]
