"""A room as the output of a cell: brought up to date as long as it is joined."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from typing import Any

import pytest
from IPython.core.displaypub import CapturingDisplayPublisher
from IPython.core.interactiveshell import InteractiveShell

from pyodide_rtc.causes import Cause
from pyodide_rtc.live_display import INTERVAL_S
from pyodide_rtc.room import Room
from pyodide_rtc.testing import Network, run_virtual

TIME = r" at \d\d:\d\d:\d\d: "


class Front:
    """A front end: what it was told to show, by display id, and how often."""

    def __init__(self, shell: Any) -> None:
        self._shell = shell
        self.outputs: list[dict[str, Any]] = shell.display_pub.outputs

    def run(self, room: Room) -> None:
        """Run a cell whose last line is the room."""
        self._shell.user_ns["room"] = room
        self._shell.run_cell("room")

    @property
    def ids(self) -> list[str]:
        """The display ids, in the order in which they were first shown."""
        return [each["transient"]["display_id"] for each in self.outputs if not each["update"]]

    def updates(self) -> int:
        return sum(each["update"] for each in self.outputs)

    def shows(self, display_id: str | None = None) -> str:
        """What is there now, in plain text."""
        wanted = display_id or self.ids[-1]
        texts = [
            each["data"]["text/plain"]
            for each in self.outputs
            if each["transient"]["display_id"] == wanted
        ]
        assert isinstance(texts[-1], str)
        return texts[-1]


def made_shell(**options: Any) -> Iterator[InteractiveShell]:
    made = InteractiveShell.instance(colors="nocolor", **options)
    yield made
    made.history_manager.end_session()
    InteractiveShell.clear_instance()


@pytest.fixture
def front() -> Iterator[Front]:
    for shell in made_shell(display_pub_class=CapturingDisplayPublisher):
        yield Front(shell)


@pytest.fixture
def terminal() -> Iterator[InteractiveShell]:
    yield from made_shell()


def test_it_follows_the_room_and_rests_while_nothing_changes(front: Front) -> None:
    async def main() -> None:
        network = Network()
        room = network.host().join("demo")
        front.run(room)
        assert Cause.ASKING_PAGE.value in front.shows()
        assert re.match(rf"Room 'demo'{TIME}", front.shows())
        await asyncio.sleep(5)
        assert Cause.ALONE.value in front.shows()
        other = network.host().join("demo", user="Bob")
        await asyncio.sleep(5)
        assert "1 peer is connected and synced." in front.shows()
        assert "Bob: synced" in front.shows()

        told = len(front.outputs)
        await asyncio.sleep(600)
        assert len(front.outputs) == told, "nothing has changed"
        other.leave()
        await asyncio.sleep(5)
        assert Cause.ALONE.value in front.shows()
        room.leave()
        assert Cause.LEFT.value in front.shows()
        assert len(front.ids) == 1
        assert "<b>demo</b>" in front.outputs[-1]["data"]["text/html"]

    run_virtual(main())


def test_a_flood_of_changes_is_drawn_once_in_a_second(front: Front) -> None:
    async def main() -> None:
        network = Network()
        room = network.host().join("demo")
        await asyncio.sleep(5)
        front.run(room)
        for number in range(36):
            other = network.host().join("demo", user=f"Bob {number}")
            await asyncio.sleep(0.1)
            if number % 2:
                other.leave()

        assert 3 <= front.updates() <= 4 / INTERVAL_S + 1
        await asyncio.sleep(3)
        assert len(room.peers) > 15
        assert room.why in front.shows()

    run_virtual(main())


def test_the_last_one_that_is_shown_is_the_one_that_follows(front: Front) -> None:
    async def main() -> None:
        network = Network()
        room = network.host().join("demo")
        await asyncio.sleep(5)
        front.run(room)
        front.run(room)
        network.host().join("demo")
        await asyncio.sleep(5)

        first, second = front.ids
        assert Cause.ALONE.value in front.shows(first)
        assert "1 peer is connected" in front.shows(second)

    run_virtual(main())


def test_a_room_that_was_left_is_shown_as_it_is(front: Front) -> None:
    async def main() -> None:
        room = Network().host().join("demo")
        await asyncio.sleep(1)
        room.leave()
        front.run(room)

        assert Cause.LEFT.value in front.shows()

    run_virtual(main())


def test_what_no_event_tells_is_shown_too(front: Front) -> None:
    async def main() -> None:
        network = Network()
        hosts = [network.host(), network.host()]
        network.cut(hosts[:1], hosts[1:])
        rooms = [host.join("demo") for host in hosts]
        front.run(rooms[0])
        await asyncio.sleep(5)
        assert Cause.CONNECTING.value in front.shows(), "somebody is looked for"
        await asyncio.sleep(25)
        assert Cause.NO_PATH.value in front.shows()
        network.kill(hosts[1])
        await asyncio.sleep(120)
        assert Cause.ALONE.value in front.shows(), "time alone has ended it"

    run_virtual(main())


def test_a_terminal_prints_it_once_and_says_when(
    terminal: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    async def main() -> None:
        room = Network().host().join("demo")
        terminal.user_ns["room"] = room
        terminal.run_cell("room")
        await asyncio.sleep(5)

        printed = capsys.readouterr().out
        assert printed.count("Room 'demo'") == 1
        assert re.search(rf"Room 'demo'{TIME}{re.escape(Cause.ASKING_PAGE.value)}", printed)

    run_virtual(main())


def test_a_plain_python_says_when_it_was_drawn() -> None:
    async def main() -> None:
        room = Network().host().join("demo")
        await asyncio.sleep(5)

        assert re.match(rf"Room 'demo'{TIME}You are alone", repr(room))
        assert re.search(rf"<b>demo</b>{TIME}You are alone", room._repr_html_())

    run_virtual(main())
