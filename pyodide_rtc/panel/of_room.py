"""A room of a notebook as its panel sees it, and what the buttons of the panel do."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from pyodide_rtc import background, room_repr
from pyodide_rtc.errors import ConfigError, RtcError
from pyodide_rtc.panel.model import DocumentFacts, Panel, RoomFacts, room_panel
from pyodide_rtc.panel.text import NO_EXTENSION, NO_PACKAGE, PanelText
from pyodide_rtc.protocol.events import MAIN

if TYPE_CHECKING:
    from pyodide_rtc.room import RoomCore

__all__ = ["make_panel"]

logger = logging.getLogger("pyodide_rtc.room")


def make_panel(core: RoomCore) -> Any:
    """Make the panel of a room: a widget where one can be drawn, else text and HTML."""

    def compute() -> Panel:
        return room_panel(_facts_of(core))

    if not core.draws_widgets:
        return PanelText(compute, NO_EXTENSION)
    try:
        from pyodide_rtc.panel.widget import PanelWidget
    except ModuleNotFoundError:
        return PanelText(compute, NO_PACKAGE)
    return PanelWidget(compute, core.measure, _Actions(core))


def _facts_of(core: RoomCore) -> RoomFacts:
    snapshot, faults = core.snapshot, core.faults
    return RoomFacts(
        core.name or "",
        core.stage,
        core.why,
        core.people,
        snapshot.peers if core.stage == "open" else (),
        snapshot.servers,
        tuple(_document_facts(core)),
        core.stored,
        snapshot.obstacle is not None,
        room_repr.one_line(str(faults[-1])) if faults else "",
        core.invitation,
        _actions(core),
    )


def _document_facts(core: RoomCore) -> Iterator[DocumentFacts]:
    yield _open_document(core, MAIN)
    for name, status in core.documents.items():
        if status.is_open:
            yield _open_document(core, name)
        else:
            yield DocumentFacts(name, False, status.peers, 0)


def _open_document(core: RoomCore, name: str) -> DocumentFacts:
    peers = core.read_document(name).peers
    return DocumentFacts(name, True, peers, core.read_stored(name).size_bytes)


def _actions(core: RoomCore) -> tuple[str, ...]:
    """What can be done now: nobody comes back to a room that was never open, or forgotten."""
    match core.stage:
        case "open":
            return ("leave", "forget")
        case "opening":
            return ("leave",)
        case _:
            return ("rejoin",) if core.can_rejoin else ()


class _Actions:
    """Does what the buttons of a panel say.

    Args:
        core: the room.
    """

    def __init__(self, core: RoomCore) -> None:
        self._core = core

    def act(self, action: str, done: Callable[[str], None]) -> None:
        """Do what a button says; it may come from a page that shows an older state."""

        async def run() -> None:
            try:
                if action not in _actions(self._core):
                    raise ConfigError("The room has changed meanwhile", "Look at the panel again.")
                if action == "leave":
                    self._core.leave()
                elif action == "rejoin":
                    self._core.rejoin()
                else:
                    await self._core.forget()
            except RtcError as error:
                logger.warning("! %s failed", action, exc_info=True)
                done(room_repr.one_line(f"{error}"))
            else:
                done("")

        background.begin(run())
