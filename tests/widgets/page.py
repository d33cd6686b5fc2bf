"""The page's half of a text widget: a person types, and messages take their time."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from functools import partial
from typing import Any

from comm.base_comm import BaseComm


class _Comm(BaseComm):
    def __init__(self, page: Page) -> None:
        self._page = page
        super().__init__(target_name="jupyter.widget")

    def publish_msg(self, msg_type: str, data: Any = None, *_: object, **__: object) -> None:
        if msg_type == "comm_msg" and "value" in data.get("state", ()):
            self._page.hear(data["state"]["value"], is_echo=data["method"] == "echo_update")


class Page:
    """Shows a text widget, and sends what a person makes of it: always the whole text.

    Args:
        widget: the widget, in its kernel.
        delay_s: how long a message takes, in each direction.
    """

    def __init__(self, widget: Any, delay_s: float) -> None:
        self.text = str(widget.value)
        self._sent = ""
        self._under_way: deque[Callable[[], None]] = deque()
        self._delay_s = delay_s
        self._comm = _Comm(self)
        self._waiting: list[str] = []
        self._is_busy = False
        widget.comm = self._comm

    def type(self, text: str, before: str) -> None:
        """Type a text before a place that is marked by another one; at the end if it is not."""
        at = self.text.find(before) if before else len(self.text)
        at = len(self.text) if at < 0 else at
        self.text = self.text[:at] + text + self.text[at:]
        self._sent = self.text
        self._send(partial(self._arrive, self.text))

    def hear(self, text: str, is_echo: bool) -> None:
        """Show what the kernel has sent, once it is here; of its echos that of the last message."""
        self._send(partial(self._show, text, is_echo))

    def run_cell(self) -> None:
        """A cell runs from now on: messages wait in front of the kernel."""
        self._is_busy = True

    def end_cell(self) -> None:
        """The cell has ended: what has waited is taken in, in its order."""
        self._is_busy = False
        waiting, self._waiting = self._waiting, []
        for text in waiting:
            self._arrive(text)

    def _send(self, arrive: Callable[[], None]) -> None:
        """Let a message arrive; all in their order, which timers of one moment do not keep."""
        self._under_way.append(arrive)
        asyncio.get_running_loop().call_later(self._delay_s, lambda: self._under_way.popleft()())

    def _show(self, text: str, is_echo: bool) -> None:
        if not is_echo or text == self._sent:
            self.text = text

    def _arrive(self, text: str) -> None:
        if self._is_busy:
            self._waiting.append(text)
            return
        data = {"method": "update", "state": {"value": text}, "buffer_paths": []}
        self._comm.handle_msg({"content": {"data": data}, "buffers": []})
