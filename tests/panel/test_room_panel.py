"""`room.panel()`: the widget by its messages, as its page sends and hears them; else HTML."""

from __future__ import annotations

import asyncio
import dataclasses
import subprocess
import sys
from base64 import b64encode
from typing import Any

import ipywidgets as widgets
import pytest

from pyodide_rtc.errors import ConfigError, RoomClosedError
from pyodide_rtc.panel.feed import MEASURE_S
from pyodide_rtc.panel.text import PanelText
from pyodide_rtc.panel.widget import PanelWidget
from pyodide_rtc.testing import Network, run_virtual
from pyodide_rtc.widgets import Poll

from .page import WidgetPage, met

EXTENSIONS = [{"name": "@jupyter-widgets/jupyterlab-manager"}, {"name": "anywidget"}]


class Page(WidgetPage):
    """The page's end of a panel: it shows what it has heard, and presses buttons."""

    def __init__(self, panel: Any) -> None:
        super().__init__(panel, "panel")
        self.answers: dict[int, str] = {}

    def take(self, content: Any) -> None:
        self.answers[content["done"]] = content["error"]

    async def press(self, action: str) -> str:
        """Press a button; return what went wrong."""
        number = len(self.answers) + 1
        self.say(do=action, view="v", id=number)
        await asyncio.sleep(15)  # of virtual time
        return self.answers[number]


def test_it_shows_the_people_and_how_fast_they_are_reached() -> None:
    async def main() -> None:
        _, ada, bob = await met(Network(max_delay_s=0.02))
        page = Page(ada.panel())
        page.say(shown="v")
        await asyncio.sleep(MEASURE_S + 1)

        assert [row["name"] for row in page.shown["people"]] == ["Ada", "Bob"]
        assert page.shown["people"][1]["connection"] == "synced · 40 ms"
        assert page.shown["tone"] == "good"
        bob.me.set(looking_at="cell 3")
        ada.document("board")
        await asyncio.sleep(1)
        assert page.shown["people"][1]["about"] == "looks at cell 3"
        assert [row["name"] for row in page.shown["documents"]] == ["main document", "board"]
        bob.leave()
        await asyncio.sleep(1)
        assert page.shown["tone"] == "alone"
        assert page.shown["sentence"] == ada.why

    run_virtual(main())


def test_nothing_is_sent_unless_something_changes_and_somebody_looks() -> None:
    async def main() -> None:
        _, ada, bob = await met(Network())
        page = Page(ada.panel())
        bob.me.set(looking_at="cell 1")
        await asyncio.sleep(30)
        assert page.heard == 0, "it is not on the screen"
        assert ada.peers[0].round_trip_ms is None
        page.say(shown="v")
        await asyncio.sleep(10)
        assert page.heard == 1 + 1, "what has changed meanwhile, and what was measured"
        await asyncio.sleep(30)
        assert page.heard == 2
        for n in range(100):
            bob.me.set(looking_at=f"cell {n}")
            await asyncio.sleep(0.01)
        await asyncio.sleep(1)
        assert page.heard <= 2 + 4 + 2
        assert page.shown["people"][1]["about"] == "looks at cell 99"
        heard = page.heard
        page.say(gone="v")
        bob.leave()
        await asyncio.sleep(60)
        assert page.heard == heard

    run_virtual(main())


def test_leave_and_join_again_go_on_with_the_same_room() -> None:
    async def main() -> None:
        rooms, ada, bob = await met(Network())
        state, board = ada.map("state"), ada.document("board")
        events: list[str] = []
        ada.observe(lambda event: events.append(event.kind))
        page = Page(ada.panel())
        page.say(shown="v")

        assert await page.press("leave") == ""
        assert ada.stage == "left"
        assert bob.peers == ()
        assert page.shown["actions"] == ["rejoin"]
        assert (page.shown["people"], page.shown["servers"]) == ([], None)
        state["n"] = 3
        assert await page.press("rejoin") == ""
        await asyncio.gather(ada.until_synced(10), bob.until_synced(10))
        await asyncio.sleep(1)
        assert bob.map("state")["n"] == 3, "what was changed meanwhile is sent"
        assert rooms.join() is ada, "the room that the notebook has goes on"
        assert board is ada.document("board")
        assert [row["name"] for row in page.shown["people"]] == ["Ada", "Bob"]
        assert page.shown["actions"] == ["leave", "forget"]
        assert events.count("opened") == events.count("left") == 1
        state["n"] = 4
        await asyncio.sleep(1)
        assert bob.map("state")["n"] == 4
        assert ada.panel().panel == page.shown, "the panel as well"
        assert ada.faults == ()
        ada.leave()

    run_virtual(main())


def test_what_was_shared_and_observed_goes_on_after_joining_again() -> None:
    async def main() -> None:
        _, ada, bob = await met(Network())
        page = Page(ada.panel())
        slider, box = widgets.IntSlider(), widgets.VBox([widgets.Text()])
        ada.share(slider, "slider")
        ada.share(box, "box")
        poll = Poll(ada, "lunch", "Where?", ["canteen", "park"])
        heard: list[object] = []
        goes_on, is_cancelled = (ada.map("state").observe(heard.append) for _ in range(2))
        with_words = ada.document("board").map("words").observe(heard.append)
        await page.press("leave")

        assert not slider.value and not goes_on.is_active
        assert "its room was left" in repr(goes_on)
        slider.value = 1
        is_cancelled.cancel()
        assert await page.press("rejoin") == ""
        await asyncio.gather(ada.until_synced(10), bob.until_synced(10))
        his, his_box = widgets.IntSlider(), widgets.VBox([widgets.Text()])
        bob.share(his, "slider")
        bob.share(his_box, "box")
        his.value, his_box.children[0].value = 7, "typed"
        bob.map("state")["n"] = bob.document("board").map("words")["n"] = 1
        Poll(bob, "lunch", "Where?", ["canteen", "park"]).vote("park")
        await asyncio.sleep(2)
        assert (slider.value, box.children[0].value) == (7, "typed")
        assert poll.children[2].children[1].value == 1, "his vote is shown"
        assert len(heard) == 2, "one of the state, one of the words"
        assert goes_on.is_active and with_words.is_active
        assert "cancelled" in repr(is_cancelled)
        slider.value = 9
        await asyncio.sleep(1)
        assert his.value == 9
        assert ada.faults == bob.faults == ()

    run_virtual(main())


def test_what_was_joined_anew_meanwhile_is_not_joined_again() -> None:
    async def main() -> None:
        rooms, ada, _ = await met(Network())
        page = Page(ada.panel())
        ada.leave()
        again = rooms.join(user="Ada")
        await again.until_loaded(10)

        assert "is joined already" in await page.press("rejoin")
        assert (ada.stage, again.stage) == ("left", "open")
        assert "The room has changed meanwhile" in await page.press("leave")
        assert isinstance(ada.error, RoomClosedError)

    run_virtual(main())


def test_forgetting_leaves_and_nothing_is_there_afterwards() -> None:
    async def main() -> None:
        network = Network()
        host = network.host(browser="hers")
        room = host.join(user="Ada")
        await room.until_loaded(10)
        room.map("state")["n"] = 3
        await asyncio.sleep(2)
        page = Page(room.panel())
        page.say(shown="v")
        assert await page.press("forget") == ""

        assert (room.stage, page.shown["actions"]) == ("left", [])
        assert await host.machine.store.logs() == {}
        assert "The room has changed meanwhile" in await page.press("rejoin")

    run_virtual(main())


def test_what_the_browser_refuses_is_told() -> None:
    async def main() -> None:
        network = Network()
        one, two = (network.host(browser="hers") for _ in range(2))
        rooms = one.join(user="Ada"), two.join(user="Ada")
        await asyncio.gather(*(room.until_synced(10) for room in rooms))
        page = Page(rooms[0].panel())

        error = await page.press("forget")
        assert "open elsewhere" in error
        assert rooms[0].stage == "left"
        assert await page.press("rejoin") == "", "nothing was forgotten"
        assert rooms[0].stage == "open"

    run_virtual(main())


@pytest.mark.parametrize(
    "content",
    [
        {},
        {"shown": 7},
        {"shown": "x" * 101},
        {"gone": []},
        {"do": 7, "view": "v", "id": 1},
        {"do": "leave", "view": "v"},
        {"do": "leave", "view": "v", "id": "1"},
        {"do": "dance", "view": "v", "id": 1},
    ],
)
def test_messages_that_are_none_do_nothing(content: dict[str, object]) -> None:
    async def main() -> None:
        _, ada, _ = await met(Network())
        page = Page(ada.panel())
        page.say(**content)
        await asyncio.sleep(5)

        assert ada.stage == "open"
        assert page.heard == 0

    run_virtual(main())


def test_a_cell_that_is_run_again_gets_the_same_panel() -> None:
    async def main() -> None:
        _, ada, _ = await met(Network())
        panel = ada.panel()
        assert isinstance(panel, PanelWidget)
        assert ada.panel() is panel
        panel.close()
        another = ada.panel()
        assert another is not panel
        assert not another.is_closed

    run_virtual(main())


def test_its_script_is_one_module() -> None:
    """It is joined of scripts: no name is there twice."""

    async def main() -> str:
        _, ada, _ = await met(Network())
        return str(ada.panel().get_state("_esm")["_esm"])

    script = run_virtual(main())
    source = f"data:text/javascript;base64,{b64encode(script.encode()).decode()}"
    run = f"const found = await import('{source}'); console.log(typeof found.default.render);"
    command = ["node", "--input-type=module"]
    said = subprocess.run(command, input=run, capture_output=True, text=True, timeout=20)
    assert (said.stdout, said.stderr) == ("function\n", "")


def test_its_text_is_what_it_shows() -> None:
    async def main() -> None:
        _, ada, _ = await met(Network())
        lines = repr(ada.panel()).splitlines()

        assert lines[0] == f"Room demo: {ada.why}"
        assert "  person     Ada (you)" in lines

    run_virtual(main())


def test_a_page_that_draws_no_widgets_gets_html_and_a_hint() -> None:
    async def main() -> None:
        network = Network()
        host = network.host()
        config = {**host.facts.config, "federated_extensions": EXTENSIONS[:1]}
        host.facts = dataclasses.replace(host.facts, config=config)
        room = host.join(user="Ada")
        await room.until_loaded(10)
        panel = room.panel()

        assert isinstance(panel, PanelText)
        assert room.panel() is panel
        html = panel._repr_html_()
        for words in ("Ada (you)", "main document", "the site&#x27;s owner runs pip install"):
            assert words in html
        assert repr(panel).endswith("where the site is built.")

    run_virtual(main())


@pytest.mark.parametrize("extensions", [None, EXTENSIONS, "x"])
def test_without_anywidget_it_says_what_to_install(extensions: object) -> None:
    async def main() -> None:
        host = Network().host()
        if extensions is not None:
            config = {**host.facts.config, "federated_extensions": extensions}
            host.facts = dataclasses.replace(host.facts, config=config)
        room = host.join(user="Ada")
        await room.until_loaded(10)
        with pytest.MonkeyPatch.context() as patch:
            for name in ("panel.widget", "panel.live_widget"):
                patch.delitem(sys.modules, f"pyodide_rtc.{name}")
            patch.setitem(sys.modules, "anywidget", None)
            panel = room.panel()
        assert "run %pip install anywidget" in repr(panel)
        room.leave()
        assert repr(panel).startswith("Room demo: The room was left.")
        panel.close()

    run_virtual(main())


def test_a_room_that_was_never_open_is_not_joined_again() -> None:
    async def main() -> None:
        host = Network().host()
        host.facts = dataclasses.replace(host.facts, config={"collaborative": True})
        room = host.join(user="Ada")
        page = Page(room.panel())
        page.say(shown="v")
        with pytest.raises(ConfigError):
            await room.until_loaded(10)
        await asyncio.sleep(1)

        assert page.shown["actions"] == []
        assert page.shown["sentence"] == room.why

    run_virtual(main())
