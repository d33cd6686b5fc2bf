"""What a test wants to know of a room, and its users do not.

The hosts in memory lie below rooms and import none: a room is taken by what it has.
"""

from __future__ import annotations

from typing import Protocol

from pyodide_rtc.snapshot import Snapshot


class _Backend(Protocol):
    def snapshot(self) -> Snapshot: ...


class _Core(Protocol):
    @property
    def backend(self) -> _Backend | None: ...


class _Room(Protocol):
    _core: _Core


def peer_id_of(room: _Room) -> str:
    """Give the network identity of an open room: the `peer_id` that the others list it by."""
    backend = room._core.backend
    assert backend is not None, "a room has a network identity once it is open"
    return backend.snapshot().peer_id
