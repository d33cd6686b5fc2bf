"""The kernel's half of what a page says past the running cell; page_comms.js is the other half."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from typing import Any

import ipywidgets as widgets
import pytest

from pyodide_rtc.ports import TabChannelHandler
from pyodide_rtc.widgets.page_comms import PageComms
from pyodide_rtc.widgets.sharing import Sharing
from widgets.page import Page
from widgets.people import Company, in_company


@dataclass
class Channel:
    """A channel of the browser, at the kernel's end."""

    opened: list[tuple[str, TabChannelHandler]] = field(default_factory=list)
    is_closed: bool = False

    def open(self, name: str, handler: TabChannelHandler) -> Channel:
        self.opened.append((name, handler))
        return self

    def send(self, data: bytes) -> None:
        raise AssertionError("the kernel answers by its widget")

    def close(self) -> None:
        self.is_closed = True

    async def say(self, message: object) -> None:
        """Have the page say something."""
        data = message if isinstance(message, bytes) else json.dumps(message).encode()
        [(_, handler)] = self.opened
        handler.on_message(data)
        await asyncio.sleep(0)


def update(widget: Any, **state: object) -> dict[str, object]:
    data = {"method": "update", "state": state, "buffer_paths": []}
    return {"comm": widget.comm.comm_id, "number": 1, "data": data, "before": {}}


async def test_nothing_goes_to_the_page_before_a_widget_is_heard() -> None:
    channel, comms = Channel(), PageComms(pytest.fail)
    comms.connect(channel.open)
    assert channel.opened == []
    comms.add(widgets.IntSlider())
    assert len(channel.opened) == 1
    comms.add(widgets.IntSlider())
    assert len(channel.opened) == 1


async def test_what_the_page_says_reaches_the_widget_until_it_is_heard_no_longer() -> None:
    channel, comms, slider = Channel(), PageComms(pytest.fail), widgets.IntSlider()
    comms.add(slider)  # before there is a way to the page
    comms.connect(channel.open)
    await channel.say(update(slider, value=7))
    assert slider.value == 7
    comms.remove(slider)
    await channel.say(update(slider, value=8))
    assert slider.value == 7
    comms.close()
    assert channel.is_closed


@pytest.mark.parametrize(
    "nonsense",
    [b"\xff", b"[1", 5, {"comm": 1}, {"comm": "c", "number": 1, "data": [], "before": {}}],
)
async def test_nonsense_is_told_and_changes_nothing(nonsense: object) -> None:
    told: list[BaseException] = []
    channel, comms, slider = Channel(), PageComms(told.append), widgets.IntSlider()
    comms.connect(channel.open)
    comms.add(slider)
    await channel.say(nonsense)
    assert ["no message of a widget" in str(error) for error in told] == [True]
    await channel.say(update(slider, value=7))
    assert slider.value == 7


@in_company
async def test_a_text_is_an_edit_of_the_one_that_the_page_had(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = widgets.Textarea("word"), bob.room.share(widgets.Textarea("word"), "notes")
    channel, sharing = Channel(), Sharing(ada.room, pytest.fail)
    sharing.connect(channel.open)
    sharing.share(hers, "notes", None)
    Page(hers, 0.01)
    sharing.share(hers, "notes", None)  # the page's comm is another one
    await asyncio.sleep(1)
    his.value = "word of Bob"
    await asyncio.sleep(1)
    assert hers.value == "word of Bob"
    # Her page has not had his words yet when she replaces the first one.
    await channel.say({**update(hers, value="sword"), "before": {"value": "word"}})
    await asyncio.sleep(1)
    assert hers.value == his.value == "sword of Bob"
