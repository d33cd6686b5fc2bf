"""`room.monitor()`: the widget by its messages, as its page sends and hears them; else words."""

from __future__ import annotations

import asyncio
import dataclasses
import re
import sys
from itertools import pairwise
from typing import Any

import pytest
from panel.page import WidgetPage, met

from pyodide_rtc.monitor.model import amount_words
from pyodide_rtc.monitor.text import MonitorText
from pyodide_rtc.monitor.widget import MonitorWidget
from pyodide_rtc.testing import Network, run_virtual

EXTENSIONS = [{"name": "@jupyter-widgets/jupyterlab-manager"}]


class Page(WidgetPage):
    """The page's end of a monitor."""

    def __init__(self, monitor: Any) -> None:
        super().__init__(monitor, "monitor")


def rates(words: str) -> tuple[str, str]:
    """What is received and sent a second, in words."""
    found = re.match(r"Receiving (\S+ \S+) \(.+?\), sending (\S+ \S+) \(", words)
    assert found is not None, words
    return found[1], found[2]


def test_it_shows_traffic_latency_and_sync() -> None:
    async def main() -> None:
        _, ada, bob = await met(Network(max_delay_s=0.02))
        page = Page(ada.monitor())
        page.say(shown="v")
        await asyncio.sleep(3.5)
        assert page.shown["sentence"] == ada.why
        assert page.shown["latency"] == "There and back: Bob 40 ms."
        assert page.shown["sync"] == "1 connected, 1 synced."
        assert [row["connection"] for row in page.shown["peers"]] == ["synced · 40 ms"]
        quiet = max(page.shown["received"][-1], page.shown["sent"][-1])

        bob.text("notes").append("x" * 5000)
        await asyncio.sleep(1)
        received, sent = page.shown["received"][-1], page.shown["sent"][-1]
        assert received > 5000 > quiet
        assert sent < 1000, "the other direction"
        assert rates(page.shown["traffic"]) == (f"{amount_words(received)}/s", f"{sent} B/s")
        assert page.shown["connected"][-1] == page.shown["synced"][-1] == 1
        assert [line["name"] for line in page.shown["lines"]] == ["Bob"]
        assert page.shown["lines"][0]["round_trips"][-1] == 40.0

        bob.leave()
        await asyncio.sleep(2)
        assert page.shown["sync"] == "Nobody is connected."
        assert page.shown["connected"][-1] == 0
        assert page.shown["news"][0].endswith("s ago: Bob is gone")
        assert [line["name"] for line in page.shown["lines"]] == ["Bob"], "it is still drawn"
        assert page.shown["lines"][0]["round_trips"][-1] is None
        assert ada.faults == ()

    run_virtual(main())


def test_what_one_has_sent_the_other_has_received() -> None:
    async def main() -> None:
        _, ada, bob = await met(Network())
        pages = Page(ada.monitor()), Page(bob.monitor())
        for page in pages:
            page.say(shown="v")
        await asyncio.sleep(2.5)
        ada.text("notes").append("x" * 50_000)
        bob.map("state")["n"] = 1
        await asyncio.sleep(5)

        def total(page: Page, name: str) -> int:
            return sum(filter(None, page.shown[name]))

        one, other = pages
        assert total(one, "sent") == pytest.approx(total(other, "received"), abs=10)
        assert total(one, "received") == pytest.approx(total(other, "sent"), abs=10)
        assert total(one, "sent") > 50_000 > 1000 > total(other, "sent") > 0

    run_virtual(main())


def test_what_goes_to_other_tabs_counts_as_well() -> None:
    async def main() -> None:
        _, ada, bob = await met(Network(), browser="hers")
        page = Page(ada.monitor())
        page.say(shown="v")
        await asyncio.sleep(2)
        bob.text("notes").append("x" * 5000)
        await asyncio.sleep(1)

        assert page.shown["received"][-1] > 5000
        assert page.shown["latency"] == "All are in this browser."

    run_virtual(main())


def test_one_sample_a_second_and_only_while_it_is_on_the_screen() -> None:
    async def main() -> None:
        _, ada, bob = await met(Network())
        page = Page(ada.monitor())
        await asyncio.sleep(30)
        assert (page.heard, page.shown["times"]) == (0, [])
        assert ada.peers[0].round_trip_ms is None, "nothing is measured either"

        page.say(shown="v")
        for n in range(100):
            bob.map("state")["n"] = n
            await asyncio.sleep(0.1)
        assert 10 <= page.heard <= 11
        times = page.shown["times"]
        assert 10 <= len(times) <= 11
        assert {round(b - a, 1) for a, b in pairwise(times)} == {1.0}
        page.say(gone="v")
        heard = page.heard
        await asyncio.sleep(60)
        assert page.heard == heard

        page.say(shown="w")
        await asyncio.sleep(2.5)
        [gap] = page.shown["gaps"]
        assert 60 <= gap[1] - gap[0] <= 61
        assert page.shown["note"].startswith("Nothing is known of the grey times")
        at = page.shown["times"].index((gap[0] + gap[1]) / 2)
        for values in ("received", "sent", "connected", "synced"):
            assert page.shown[values][at] is None

    run_virtual(main())


def test_five_minutes_are_kept() -> None:
    async def main() -> None:
        _, ada, _ = await met(Network())
        page = Page(ada.monitor())
        page.say(shown="v")
        await asyncio.sleep(400)

        assert len(page.shown["times"]) == 300
        assert -301 <= page.shown["times"][0] <= -298

    run_virtual(main())


def test_after_leaving_it_goes_on_for_as_long_as_something_is_shown() -> None:
    async def main() -> None:
        _, ada, _ = await met(Network())
        page = Page(ada.monitor())
        page.say(shown="v")
        await asyncio.sleep(10)
        ada.leave()
        await asyncio.sleep(10)
        assert page.shown["sentence"] == ada.why == "The room was left."
        assert page.shown["traffic"] == page.shown["sync"] == "The room is not open."
        assert len(page.shown["gaps"]) == 1
        await asyncio.sleep(600)
        heard = page.heard
        assert page.shown["times"] == page.shown["gaps"] == []
        await asyncio.sleep(600)
        assert page.heard == heard, "nothing changes any more"

    run_virtual(main())


def test_a_room_that_was_left_has_one_and_it_goes_on_when_it_is_joined_again() -> None:
    async def main() -> None:
        _, ada, bob = await met(Network())
        ada.leave()
        panel, page = ada.panel(), Page(ada.monitor())
        assert page.shown["sentence"] == "The room was left."
        page.say(shown="v")
        await asyncio.sleep(5)
        message = {"method": "custom", "content": {"do": "rejoin", "view": "v", "id": 1}}
        panel.comm.handle_msg({"content": {"data": message}, "buffers": []})
        await asyncio.gather(ada.until_synced(10), bob.until_synced(10))
        await asyncio.sleep(3)

        assert page.shown["sync"] == "1 connected, 1 synced."
        assert page.shown["sent"][-1] >= 0
        ada.leave()

    run_virtual(main())


def test_a_cell_that_is_run_again_gets_the_same_monitor() -> None:
    async def main() -> None:
        _, ada, bob = await met(Network())
        monitor = ada.monitor()
        assert isinstance(monitor, MonitorWidget)
        assert ada.monitor() is monitor
        assert bob.monitor() is not monitor
        page = Page(monitor)
        for view in ("a", "b"):
            page.say(shown=view)
        await asyncio.sleep(5)
        page.say(gone="a")
        heard = page.heard
        assert heard <= 6, "two views are fed once"
        await asyncio.sleep(5)
        assert page.heard > heard, "the other one is there"
        monitor.close()
        heard = page.heard
        await asyncio.sleep(5)
        assert page.heard == heard
        another = ada.monitor()
        assert another is not monitor
        assert not another.is_closed

    run_virtual(main())


@pytest.mark.parametrize("content", [{}, {"shown": 7}, {"shown": "x" * 101}, {"gone": []}])
def test_messages_that_are_none_do_nothing(content: dict[str, object]) -> None:
    async def main() -> None:
        _, ada, _ = await met(Network())
        page = Page(ada.monitor())
        page.say(**content)
        await asyncio.sleep(5)
        assert page.heard == 0

    run_virtual(main())


def test_a_page_that_draws_no_widgets_gets_words_and_a_hint() -> None:
    async def main() -> None:
        network = Network(max_delay_s=0.02)
        host = network.host()
        config = {**host.facts.config, "federated_extensions": EXTENSIONS}
        host.facts = dataclasses.replace(host.facts, config=config)
        ada, bob = host.join(user="Ada"), network.host().join(user="Bob")
        await asyncio.gather(ada.until_synced(10), bob.until_synced(10))
        monitor = ada.monitor()
        assert isinstance(monitor, MonitorText)
        assert ada.monitor() is monitor
        assert "The rates are known in a moment." in repr(monitor)
        bob.text("notes").append("x" * 5000)
        await asyncio.sleep(5)
        repr(monitor)
        await asyncio.sleep(5)

        html = monitor._repr_html_()
        for words in ("Receiving ", "1 connected, 1 synced.", "There and back: Bob 40 ms."):
            assert words in html
        assert "the site&#x27;s owner runs pip install" in html
        assert repr(monitor).endswith("where the site is built.")

    run_virtual(main())


def test_without_anywidget_it_says_what_to_install() -> None:
    async def main() -> None:
        room = Network().host().join(user="Ada")
        await room.until_loaded(10)
        with pytest.MonkeyPatch.context() as patch:
            for name in ("monitor.widget", "panel.live_widget"):
                patch.delitem(sys.modules, f"pyodide_rtc.{name}")
            patch.setitem(sys.modules, "anywidget", None)
            monitor = room.monitor()
        assert "run %pip install anywidget" in repr(monitor)
        room.leave()
        assert repr(monitor).startswith("Room demo: The room was left.")
        monitor.close()

    run_virtual(main())
