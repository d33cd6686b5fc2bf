"""The way of shared widgets from their page to the kernel, past the cell that runs.

ipywidgets' own messages wait in the page until the running cell has ended. So a widget that is
never displayed brings page_comms.js to the page. It takes what shared widgets there say, and
sends it through a channel of the browser, which the kernel hears while a cell awaits.

It needs anywidget's half on the page, which runs such scripts; nothing of it in the kernel. In a
site that lacks it, widgets are shared all the same, and what people do waits for the cell.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias
from uuid import uuid4

import ipywidgets
import traitlets

from pyodide_rtc import background
from pyodide_rtc.cells import for_this_cell
from pyodide_rtc.errors import BridgeError
from pyodide_rtc.ports import TabChannel, TabChannelHandler

__all__ = ["OpenChannel", "PageComms"]

OpenChannel: TypeAlias = Callable[[str, TabChannelHandler], TabChannel]
Take: TypeAlias = Callable[[Any, Mapping[str, Any]], None]


class _Courier(ipywidgets.DOMWidget):
    """Brings page_comms.js to the page, which hears of each widget that it is to take.

    Its models are anywidget's, whichever version the site has.
    """

    _model_module = traitlets.Unicode("anywidget").tag(sync=True)
    _model_module_version = traitlets.Unicode("*").tag(sync=True)
    _model_name = traitlets.Unicode("AnyModel").tag(sync=True)
    _anywidget_id = traitlets.Unicode("pyodide_rtc.widgets.page_comms").tag(sync=True)
    _esm = traitlets.Unicode().tag(sync=True)
    channel = traitlets.Unicode().tag(sync=True)
    widgets = traitlets.Dict().tag(sync=True)


class PageComms:
    """Hears what shared widgets say on their page.

    Args:
        tell: takes what goes wrong.
    """

    def __init__(self, tell: Callable[[BaseException], None]) -> None:
        self._tell = tell
        self._heard: dict[str, _Heard] = {}
        self._open_channel: OpenChannel | None = None
        self._channel: TabChannel | None = None
        self._courier: _Courier | None = None

    def connect(self, open_channel: OpenChannel) -> None:
        """Have a way to the page from now on: channels that this opens."""
        self._open_channel = open_channel
        self._update()

    def add(self, widget: Any, texts: Iterable[str] = (), take: Take | None = None) -> None:
        """Hear what a widget says from now on.

        Args:
            widget: the widget.
            texts: its traits that people type.
            take: called with each message, as the widget's `comm` takes it, and with what these
                texts were on the page before; by default the `comm` takes it.
        """
        comm = widget.comm
        if comm is None:
            return

        def take_by_comm(message: Any, _before: Mapping[str, Any]) -> None:
            comm.handle_msg(message)

        self._heard[comm.comm_id] = _Heard(
            widget, tuple(texts), for_this_cell(take or take_by_comm)
        )
        self._update()

    def remove(self, widget: Any) -> None:
        """Hear a widget no longer; it is no error if it was not heard."""
        self._heard = {k: each for k, each in self._heard.items() if each.widget is not widget}
        self._update()

    def close(self) -> None:
        """Hear nothing any longer."""
        self._open_channel = None
        if self._channel is not None and self._courier is not None:
            self._channel.close()
            self._courier.close()

    def on_message(self, data: bytes) -> None:
        """Take a message of the page, in a turn of its own: JavaScript calls this."""
        background.soon(self._take, data)

    def _update(self) -> None:
        """Let the page know which widgets are heard; it has nothing of us before there are any."""
        if self._open_channel is None:
            return
        if self._courier is None and self._heard:
            name = f"pyodide-rtc:widgets:{uuid4().hex}"
            self._channel = self._open_channel(name, self)
            script = Path(__file__).with_name("page_comms.js").read_text()
            self._courier = _Courier(_esm=script, channel=name)
        if self._courier is not None:
            self._courier.widgets = {k: list(each.texts) for k, each in self._heard.items()}

    def _take(self, data: bytes) -> None:
        match _parsed(data):
            case {"comm": str(comm), "number": int(number), "data": dict(said), "before": before}:
                heard = self._heard.get(comm)
                if heard is not None and self._courier is not None and isinstance(before, dict):
                    # First: what the kernel sends after this, it has made knowing the message.
                    self._courier.send({"comm": comm, "number": number})
                    heard.take({"content": {"comm_id": comm, "data": said}, "buffers": []}, before)
            case _:
                self._tell(BridgeError("the page sent something that is no message of a widget"))


@dataclass(frozen=True, slots=True)
class _Heard:
    widget: Any
    texts: tuple[str, ...]
    take: Take


def _parsed(data: bytes) -> object:
    try:
        return json.loads(data)
    except ValueError:
        return None
