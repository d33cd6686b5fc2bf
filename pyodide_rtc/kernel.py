"""Which import of this package has the kernel's rooms.

Somebody may remove the package from `sys.modules` and import it again, or reload it: then there are
two, which know nothing of each other. What both know lies in a module of its own, whose name does
not begin with that of the package. It may hold an object of another version of it.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from types import ModuleType
from typing import Any, Protocol

from pycrdt import Doc

__all__ = ["Documents", "KernelRooms", "take_over"]

logger = logging.getLogger("pyodide_rtc.room")

_PLACE = "__pyodide_rtc__"
_REASON = "pyodide_rtc was imported again: join the room again"

Documents = Mapping[tuple[str, str | None], Mapping[str, Doc[Any]]]
"""The documents of rooms: by topic and password, then by name."""


class KernelRooms(Protocol):
    """The rooms of one import; later versions have to keep this as it is."""

    def hand_over(self, reason: str) -> Documents:
        """Leave all rooms for this reason, and give their documents."""


def take_over(rooms: KernelRooms) -> Documents:
    """Have the kernel's rooms from now on: those of an earlier import are left.

    Returns:
        the documents of the earlier rooms.
    """
    place: Any = sys.modules.setdefault(_PLACE, ModuleType(_PLACE))
    former: KernelRooms | None = getattr(place, "rooms", None)
    place.rooms = rooms
    if former is None:
        return {}
    try:
        return former.hand_over(_REASON)
    except Exception:  # it is of another version, or half of its modules are gone
        logger.exception("! the rooms of an earlier import could not be left")
        return {}
