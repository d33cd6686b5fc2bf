"""What stands in the way of editing together, for the person at the page.

Each cause has one sentence for as long as it lasts. Those that concern a room as a whole are the
sentences of `room.why`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from pyodide_rtc import causes, room_repr
from pyodide_rtc.causes import Cause
from pyodide_rtc.errors import ChangesMissingError, InternalError, SameClientError
from pyodide_rtc.room import Room
from pyodide_rtc.session.timer import DeadlineTimer

__all__ = ["Troubles"]

_GRACE_S = 3.0
"""A signaling server that is back within this time was never away, for a person."""

_LOOK_S = 5.0
"""So often we look whether what no event tells of is over."""

_FAULT_S = 30.0
"""So long at least a fault is told."""

_NOBODY_NEW = " You stay connected with those who are here."
_LATER = " Go on working: your edits reach the others later."

_WITHOUT_WEBRTC = (Cause.NO_WEBRTC_HERE.value, Cause.NO_WEBRTC_THERE.value)

_FAULTS = (ChangesMissingError, InternalError, SameClientError)
"""After these, two people may see different documents."""


class Troubles:
    """The troubles of a room and its documents.

    Args:
        room: the room.
        is_settled: tells whether all documents are synced with all who have them open.
        look: called when some time has passed, and other troubles may be there.
    """

    def __init__(
        self, room: Room, is_settled: Callable[[], bool], look: Callable[[], None]
    ) -> None:
        self._room = room
        self._is_settled = is_settled
        self._timer = DeadlineTimer(look)
        self._unreached_s: float | None = None
        self._fault: tuple[float, str] | None = None
        self._unshared: dict[str, str] = {}

    def note_fault(self, error: BaseException | None) -> None:
        """Note what the room reports; the room goes on."""
        if isinstance(error, _FAULTS):
            told = f"Something could not be merged: {room_repr.one_line(str(error))}."
            self._fault = asyncio.get_running_loop().time(), told

    def note_unshared(self, key: str, error: BaseException) -> None:
        """Note that a document, or what was edited in it, could not be shared."""
        path = room_repr.one_line(key.partition(":")[2])
        reason = room_repr.one_line(str(error))
        self._unshared[key] = (
            f"{path} could not be merged with that of the others: {reason}. "
            "Close it and open it again."
        )

    def note_shared(self, key: str) -> None:
        """Note that a document was opened or closed without trouble."""
        self._unshared.pop(key, None)

    def close(self) -> None:
        """Look no longer."""
        self._timer.set(None)

    def now(self) -> list[tuple[str, str]]:
        """Return the causes that there are now, each with its sentence."""
        room = self._room
        found: dict[str, str | None] = {
            "failed": room.why if room.stage == "failed" else None,
            "signaling": self._signaling(),
            **self._obstacle(),
            "password": Cause.STRANGERS.value if room.has_strangers else None,
            "merge": self._merge(),
            **{f"merge {key}": told for key, told in self._unshared.items()},
        }
        told = [(cause, sentence) for cause, sentence in found.items() if sentence]
        is_timed = self._unreached_s is not None or any(
            cause in ("webrtc", "path", "password", "merge") for cause, _sentence in told
        )
        self._timer.set(self._next_look_s if is_timed else None)
        return told

    @property
    def _next_look_s(self) -> float:
        now_s = asyncio.get_running_loop().time()
        grace_s = (self._unreached_s or 0.0) + _GRACE_S
        return grace_s if now_s < grace_s else now_s + _LOOK_S

    def _signaling(self) -> str | None:
        servers = self._room.servers
        cause = causes.no_server(servers)
        if cause is None:
            self._unreached_s = None
            return None
        now_s = asyncio.get_running_loop().time()
        self._unreached_s = now_s if self._unreached_s is None else self._unreached_s
        if now_s < self._unreached_s + _GRACE_S:
            return None
        has_company = any(peer.is_connected for peer in self._room.peers)
        return causes.no_server_sentence(cause, servers, _NOBODY_NEW if has_company else _LATER)

    def _obstacle(self) -> dict[str, str | None]:
        told = self._room.obstacle
        return {"webrtc" if told in _WITHOUT_WEBRTC else "path": told}

    def _merge(self) -> str | None:
        if self._fault is None:
            return None
        since_s, sentence = self._fault
        if asyncio.get_running_loop().time() >= since_s + _FAULT_S and self._is_settled():
            self._fault = None
            return None
        return sentence
