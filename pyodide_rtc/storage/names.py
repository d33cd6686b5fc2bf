"""The names of logs: which document of which room a log has.

They depend neither on the site's base URL nor on the version of this package.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote, unquote

__all__ = ["LogName", "compaction_lock", "open_lock", "room_locks"]

_VERSION = "1"
_ASIDE = "aside"


@dataclass(frozen=True, slots=True)
class LogName:
    """The name of a log, in its parts.

    Args:
        topic: the room's topic: host, "/" and room. See `naming.topic_of`.
        document: the document's name in the room; empty for the main one.
        is_aside: whether it has the records of that document's log that could not be read.
    """

    topic: str
    document: str
    is_aside: bool = False

    @property
    def room(self) -> str:
        """The room's name."""
        return self.topic.partition("/")[2]

    def __str__(self) -> str:
        """Write it as text.

        Layout: "1 " • topic • " " • document • [" aside"]; both as in URLs, in ASCII, with "/" and
        spaces encoded. A later version begins with another number.
        """
        end = (_ASIDE,) if self.is_aside else ()
        return " ".join((_VERSION, _encode(self.topic), _encode(self.document), *end))

    @classmethod
    def parse(cls, text: str) -> LogName | None:
        """Read such a text; None if it is none: that of a later version, perhaps."""
        version, *parts = text.split(" ")
        if version != _VERSION or len(parts) not in (2, 3):
            return None
        topic, document = (unquote(part, errors="surrogatepass") for part in parts[:2])
        name = cls(topic, document, len(parts) == 3)
        return name if str(name) == text else None


def compaction_lock(log: str) -> str:
    """Return the lock that is held while a log is compacted or removed."""
    return f"pyodide-rtc compacts {log}"


def open_lock(log: str, holder: str) -> str:
    """Return the lock that is held as long as somebody has a log's document open.

    Args:
        log: the log's name.
        holder: says to people who has it open.
    """
    return f"pyodide-rtc keeps {log} {_encode(holder)}"


def room_locks(topic: str, locks: list[str]) -> dict[str, str]:
    """Find among the names of locks those of `open_lock` for a room: lock to holder."""
    start = f"pyodide-rtc keeps {_VERSION} {_encode(topic)} "
    found = [name for name in locks if name.startswith(start)]
    return {name: unquote(name.rpartition(" ")[2], errors="surrogatepass") for name in found}


def _encode(text: str) -> str:
    return quote(text, safe="", errors="surrogatepass")
