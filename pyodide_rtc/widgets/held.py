"""What the widgets of this package need of a room, beyond what users do."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import ipywidgets

from pyodide_rtc.observers import Observation

if TYPE_CHECKING:
    from pyodide_rtc.room import Room


def hold(room: Room, name: str, observation: Observation, *buttons: ipywidgets.Button) -> None:
    """Have an observation until the room is left, or another widget gets this name.

    Args:
        room: the room.
        name: the name, with its kind.
        observation: it is cancelled then.
        *buttons: those of the widget: their clicks arrive while a cell awaits.

    Raises:
        RoomClosedError: the room was left.
    """
    room._core.sharing().hold(name, (observation,), buttons)


def call_back(room: Room, callback: Callable[[Any], object], argument: object) -> None:
    """Call a user's callback; what it raises is among the room's faults, and others are called."""
    try:
        callback(argument)
    except Exception as error:  # a user's callback may raise anything
        room._core.add_fault(error)


def own_name(room: Room) -> str:
    """Return the name by which the others see us; empty if we show none."""
    client_id = room.awareness.client_id
    return room.awareness.names.get(client_id, "") or person(room)


def person(room: Room) -> str:
    """Return the name of who sits here, the same in all tabs; empty if we show none."""
    user = (room.awareness.local_state or {}).get("user")
    name = user.get("name") if isinstance(user, Mapping) else None
    return name if isinstance(name, str) else ""


def stamp(room: Room) -> dict[str, Any]:
    """Return who does something now, and when, as it is stored."""
    return {"by": own_name(room), "at": round(time.time(), 3)}
