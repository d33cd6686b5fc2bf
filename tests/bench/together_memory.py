"""What a room takes of a page's memory: its engine is a worker in the process of the page.

Said in two ways. *Of the page's process* is the difference between the same page in a room and
without one: of what is private to the renderer's process, so with all that the browser itself
holds for the worker, compiled code and connections. Of these *WebAssembly's memory* is what is
mapped behind a reservation of 8 GiB, which only such a memory has. *JavaScript's heap and buffers*
the browser's debugger says of the worker.
"""

from __future__ import annotations

import asyncio
import re
import statistics
from pathlib import Path
from typing import Any

import aiohttp
from harness.browsers import open_browser
from harness.processes import processes_of
from harness.together import Desk
from lines import Row
from selenium.webdriver.remote.webdriver import WebDriver
from together_big import FIVE_MB, notebook

from pyodide_rtc.testing.browsers import SignalingServer

MB = 1_000_000
_RESERVATION_BYTES = 8 << 30
_MAPPING = re.compile(r"^(?=[0-9a-f]+-[0-9a-f]+ )", re.MULTILINE)
_RANGE = re.compile(r"([0-9a-f]+)-([0-9a-f]+) (\S+)")
_PRIVATE = re.compile(r"^Private_\w+: +(\d+) kB", re.MULTILINE)
TEXT = "notes.txt"


def memory(server: SignalingServer, rounds: int) -> list[Row]:
    """Measure a page with a text, which has no kernel, and one with a notebook of 5 MB."""
    rows = []
    beside = "without a room"
    for what, path, content in (
        ("a short text", TEXT, "short\n"),
        ("a notebook of 5 MB", FIVE_MB.path, notebook(FIVE_MB)),
    ):
        measured: dict[bool, list[tuple[float, float]]] = {False: [], True: []}
        scripts = []
        for number in range(rounds):
            for is_shared in (False, True):
                room = f"memory-{len(path)}-{number}" if is_shared else None
                with open_browser("chromium") as driver:
                    _open(driver, server, room, path, content)
                    measured[is_shared].append(_private_bytes(driver))
                    if is_shared:
                        scripts.append(asyncio.run(_ask_engine(driver)))
        (without, its_wasm), (with_one, our_wasm) = (
            [statistics.median(column) / MB for column in zip(*measured[key], strict=True)]
            for key in (False, True)
        )
        rows += [
            Row(f"page with {what}, its process, MB", without, with_one, "", beside),
            Row("of it the room's, MB", "", with_one - without, "<= 120 MB", ""),
            Row("of that WebAssembly's memory, MB", "", our_wasm - its_wasm, "", ""),
            Row(
                "of that JavaScript's heap and buffers, MB",
                "",
                statistics.median(scripts) / MB,
                "",
                "",
            ),
        ]
    return rows


def _open(
    driver: WebDriver, server: SignalingServer, room: str | None, path: str, content: object
) -> None:
    """Put the file into a new browser, and open it on a page of its own."""
    before, desk = Desk(driver, server, "Ada"), Desk(driver, server, "Ada")
    before.open("answer.ipynb", None)
    before.wait_kernel()
    if isinstance(content, str):
        before.upload(path, content)
    else:
        before.put_file(path, content)
    desk.open(path, room)
    if path.endswith(".ipynb"):
        desk.wait_kernel()
    if room is not None:
        desk.wait_company(1)


def _private_bytes(driver: WebDriver) -> tuple[int, int]:
    """Add up what is private to the processes of the browser's pages, once garbage is gone.

    Returns:
        all of it, and what of it are memories of WebAssembly.
    """
    driver.execute_cdp_cmd("HeapProfiler.collectGarbage", {})  # type: ignore[attr-defined]
    total = wasm = 0
    for pid in processes_of(driver):
        if b"--type=renderer" in Path(f"/proc/{pid}/cmdline").read_bytes():
            reserved = 0
            for mapping in _MAPPING.split(Path(f"/proc/{pid}/smaps").read_text())[1:]:
                private = sum(int(kib) * 1024 for kib in _PRIVATE.findall(mapping))
                total += private
                wasm += private if reserved >= _RESERVATION_BYTES else 0
                start, end, rights = _RANGE.findall(mapping)[0]
                reserved = int(end, 16) - int(start, 16) if rights == "---p" else 0
    return total, wasm


async def _ask_engine(driver: WebDriver) -> int:
    """Ask the debugger for the bytes of the engine's JavaScript heap and buffers."""
    address = driver.capabilities["goog:chromeOptions"]["debuggerAddress"]
    async with aiohttp.ClientSession() as session:
        async with session.get(f"http://{address}/json") as answer:
            pages = [page for page in await answer.json() if page["type"] == "page"]
        async with session.ws_connect(pages[0]["webSocketDebuggerUrl"]) as socket:
            debugger = _Debugger(socket)
            attach = {"autoAttach": True, "waitForDebuggerOnStart": False, "flatten": True}
            await debugger.ask("Target.setAutoAttach", attach)
            engine = await debugger.session_of("engine.js")
            await debugger.ask("HeapProfiler.collectGarbage", {}, engine)
            usage = await debugger.ask("Runtime.getHeapUsage", {}, engine)
            return int(usage["backingStorageSize"] + usage["usedSize"])


class _Debugger:
    """Questions to the browser's debugger.

    Args:
        socket: to a page.
    """

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._asked = 0
        self._sessions: dict[str, str] = {}

    async def ask(self, method: str, about: dict[str, object], session: str = "") -> Any:
        """Ask the page, or a worker of it by its session; gives the result."""
        self._asked += 1
        own = {"sessionId": session} if session else {}
        message = {"id": self._asked, "method": method, "params": about}
        await self._socket.send_json(message | own)
        while (answer := await self._receive()).get("id") != self._asked:
            pass
        assert "result" in answer, answer
        return answer["result"]

    async def session_of(self, script: str) -> str:
        """Wait until the worker with this script is attached to."""
        while True:
            for url, session in self._sessions.items():
                if script in url:
                    return session
            await self._receive()

    async def _receive(self) -> Any:
        message = await self._socket.receive_json(timeout=30)
        if message.get("method") == "Target.attachedToTarget":
            about = message["params"]
            self._sessions[about["targetInfo"]["url"]] = about["sessionId"]
        return message
