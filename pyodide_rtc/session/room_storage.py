"""What this browser keeps of one room, for the room's session."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pyodide_rtc.ports import Host, RoomKey
from pyodide_rtc.storage import Event, Keeper, LogName, Source, forget_room, read_room

__all__ = ["RoomStorage"]


@dataclass(frozen=True, slots=True)
class RoomStorage:
    """The logs of one room.

    Args:
        host: the home.
        topic: the room's topic.
        key: the room's key; None for a room without password.
        holder: says to people who has the room open, if it cannot be forgotten for that reason.
        is_on: whether the room's documents are kept. What was kept before can be forgotten anyhow.
    """

    host: Host
    topic: str
    key: RoomKey | None
    holder: str
    is_on: bool

    def make_keeper(
        self, document: str, source: Source, on_event: Callable[[Event], None]
    ) -> Keeper:
        """Make the keeper of the document of this name."""
        return Keeper(
            self.host.machine.open_store,
            self.host.page.locks,
            LogName(self.topic, document),
            key=self.key,
            source=source,
            holder=self.holder,
            on_event=on_event,
        )

    async def read(self) -> dict[str, bytes]:
        """Read all documents of the room that are kept, open or not: name to update.

        Raises:
            StorageError: the browser refused.
        """
        return await read_room(await self.host.machine.open_store(), self.topic, self.key)

    async def forget(self) -> None:
        """Remove all that is kept of the room; see `forget_room`."""
        store = await self.host.machine.open_store()
        await forget_room(store, self.host.page.locks, self.topic)
