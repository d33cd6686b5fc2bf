"""What a test wants to know of a room, and its users do not."""

from __future__ import annotations

from pyodide_rtc.room import Room


def peer_id_of(room: Room) -> str:
    """Give the network identity of an open room: the `peer_id` that the others list it by."""
    backend = room._core.backend
    assert backend is not None, "a room has a network identity once it is open"
    return backend.snapshot().peer_id
