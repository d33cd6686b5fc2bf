"""The page's end of a widget that shows a room, and two people whose rooms have met."""

from __future__ import annotations

import asyncio
from typing import Any

from comm.base_comm import BaseComm

from pyodide_rtc.room import Room
from pyodide_rtc.testing import MemoryHost, Network


class WidgetPage(BaseComm):
    """The page's end: it shows what it has heard of a trait."""

    def __init__(self, widget: Any, trait: str) -> None:
        super().__init__(target_name="jupyter.widget")
        self._trait = trait
        self.shown: dict[str, Any] = dict(getattr(widget, trait))
        self.heard = 0
        widget.comm = self

    def publish_msg(self, msg_type: str, data: Any = None, *_: object, **__: object) -> None:
        if msg_type != "comm_msg":
            return
        if data["method"] == "update" and self._trait in data["state"]:
            self.heard += 1
            self.shown = data["state"][self._trait]
        elif data["method"] == "custom":
            self.take(data["content"])

    def take(self, content: Any) -> None:
        """Take a message of the widget's own."""

    def say(self, **content: object) -> None:
        message = {"method": "custom", "content": content}
        self.handle_msg({"content": {"data": message}, "buffers": []})


async def met(network: Network, **about: str) -> tuple[MemoryHost, Room, Room]:
    """Ada's host, and the rooms of Ada and Bob."""
    rooms = network.host(**about)
    ada, bob = rooms.join(user="Ada"), network.host(**about).join(user="Bob")
    await asyncio.gather(ada.until_synced(10), bob.until_synced(10))
    await asyncio.sleep(1)
    return rooms, ada, bob
