"""What runs beside the user's code comes out in no cell, and what `join` raises can be caught."""

from __future__ import annotations

import ast
import asyncio
import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from cells import run_cell

import pyodide_rtc
from pyodide_rtc import background, browser
from pyodide_rtc.errors import (
    BridgeError,
    BridgeTimeoutError,
    BrowserUnsupportedError,
    ConfigError,
    InternalError,
    RtcError,
)
from pyodide_rtc.ports import PageFacts
from pyodide_rtc.rooms import Rooms
from pyodide_rtc.testing import MemoryHost, Network

REFUSALS = [
    BrowserUnsupportedError("no way to the page", "worker", "Install the labextension."),
    BridgeError("the page refused"),
    BridgeTimeoutError("the page did not answer"),
    IndexError("nobody foresaw this"),
]


class Home:
    """A home that is opened after a while, or refused."""

    def __init__(self, error: Exception | None = None, after_s: float = 0.0) -> None:
        self.host = Network().host()
        self.error = error
        self.after_s = after_s

    async def open(self) -> MemoryHost:
        await asyncio.sleep(self.after_s)
        if self.error is not None:
            raise self.error
        return self.host

    def rooms(self, *, blocks: bool) -> Rooms:
        return Rooms(self.open, lambda: browser.block if blocks else None)


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("after_s", [0, 5])
def test_what_join_raises_is_raised_there_alone(
    monkeypatch: pytest.MonkeyPatch,
    background_faults: list[BaseException],
    error: Exception,
    after_s: float,
) -> None:
    """Reproduces: the code of the cell had caught it, and the cell failed all the same."""

    async def cell() -> None:
        rooms = Home(error, after_s).rooms(blocks=True)
        raised = type(error) if isinstance(error, RtcError) else InternalError
        for _ in range(2):
            with pytest.raises(raised, match=re.escape(str(error))):
                rooms.join("r")
        await asyncio.sleep(60)

    assert run_cell(monkeypatch, cell) == []
    background_faults.clear()  # the one that nobody foresaw is logged


def test_what_is_missing_on_the_page_is_raised_there_alone(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def cell() -> None:
        home = Home()
        home.host.facts = PageFacts("https://example.org/lab/", {})
        rooms = home.rooms(blocks=True)
        with pytest.raises(ConfigError, match=r"\?room="):
            rooms.join()
        assert rooms.join("r", signaling="wss://relay.example.org/").stage == "open"

    assert run_cell(monkeypatch, cell) == []


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(("blocks", "after_s"), [(False, 0), (False, 5), (True, 20)])
def test_a_refusal_that_comes_later_is_told_by_the_room_alone(
    monkeypatch: pytest.MonkeyPatch,
    background_faults: list[BaseException],
    error: Exception,
    blocks: bool,
    after_s: float,
) -> None:
    async def cell() -> None:
        room = Home(error, after_s).rooms(blocks=blocks).join("r")
        room.map("state")["x"] = 1
        await asyncio.sleep(60)
        assert room.stage == "failed"
        assert str(error) in str(room.error)

    assert run_cell(monkeypatch, cell) == []
    background_faults.clear()


def test_a_task_that_fails_is_logged_and_whoever_awaits_it_is_told(
    monkeypatch: pytest.MonkeyPatch, background_faults: list[BaseException]
) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    async def cell() -> None:
        background.begin(fail())
        await asyncio.sleep(1)
        with pytest.raises(ZeroDivisionError):
            await background.begin(fail())
        background.begin(asyncio.sleep(60)).cancel()
        await asyncio.sleep(1)

    assert run_cell(monkeypatch, cell) == []
    assert [type(fault) for fault in background_faults] == [ZeroDivisionError] * 2
    background_faults.clear()


def test_a_timer_that_fails_is_logged(
    monkeypatch: pytest.MonkeyPatch, background_faults: list[BaseException]
) -> None:
    async def cell() -> None:
        background.soon(lambda divisor: 1 / divisor, 0)
        background.later(1, lambda divisor: 1 / divisor, 0)
        background.later(1, lambda divisor: 1 / divisor, 0).cancel()
        await asyncio.sleep(2)

    assert run_cell(monkeypatch, cell) == []
    assert [type(fault) for fault in background_faults] == [ZeroDivisionError] * 2
    background_faults.clear()


def test_what_javascript_calls_raises_nothing_but_what_ends_python(
    background_faults: list[BaseException], caplog: pytest.LogCaptureFixture
) -> None:
    def fail(error: BaseException) -> None:
        raise error

    caplog.set_level(logging.DEBUG, "pyodide_rtc.background")
    panic = type("PanicException", (BaseException,), {})()
    for error in (ZeroDivisionError(), panic, BridgeError("the page has gone")):
        background.quiet(fail)(error)
    with pytest.raises(KeyboardInterrupt):
        background.quiet(fail)(KeyboardInterrupt())
    assert len(caplog.records) == 3
    assert background_faults == [caplog.records[0].exc_info[1], panic]  # type: ignore[index]
    background_faults.clear()


def test_the_cell_of_these_tests_shows_what_escapes(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail() -> None:
        raise ZeroDivisionError

    async def cell() -> None:
        from pyodide.ffi import run_sync

        with pytest.raises(ZeroDivisionError):
            run_sync(fail())
        task = asyncio.ensure_future(fail())
        asyncio.get_running_loop().call_soon(lambda: 1 / 0)
        await asyncio.sleep(1)
        assert task.done()

    assert len(run_cell(monkeypatch, cell)) == 3


PACKAGE = Path(pyodide_rtc.__file__).parent
BORDERS = {"ensure_future", "create_task", "call_soon", "call_later", "call_at", "create_proxy"}
BORDERS |= {"create_once_callable", "run_sync", "call_exception_handler"}
ALLOWED = {
    ("background.py", "ensure_future"): 1,
    ("background.py", "call_soon"): 1,
    ("background.py", "call_later"): 1,
    ("browser/__init__.py", "run_sync"): 1,
    ("browser/ffi.py", "create_proxy"): 1,
    ("browser/browser_host.py", "create_once_callable"): 1,
}
ELSEWHERE = ("engine", "server", "testing")
"""The engine has a worker without cells; the others do not run in a notebook."""


def crossings() -> Iterator[tuple[str, str]]:
    """Give where the package begins something by itself, or lets JavaScript call it."""
    for path in sorted(PACKAGE.rglob("*.py")):
        name = path.relative_to(PACKAGE)
        if name.parts[0] in ELSEWHERE:
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(ast.Name(called) | ast.Attribute(attr=called)) if called in BORDERS:
                    yield name.as_posix(), called


def test_the_package_begins_nothing_in_another_way() -> None:
    found = [*crossings()]
    assert {each: found.count(each) for each in found} == ALLOWED
