"""A page that came by `https:`: its own server by `wss:`, and no `ws:` but that of this machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from harness.browsers import open_browser
from harness.https import serve_https
from harness.people import INSTALL
from harness.site import CellError, Notebook

from pyodide_rtc.testing.browsers import SignalingServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def test_a_page_that_came_by_https(server: SignalingServer, tmp_path: Path) -> None:
    with (
        serve_https(server.port, tmp_path) as host,
        open_browser("chromium", "--ignore-certificate-errors") as driver,
    ):
        notebook = Notebook(driver, f"https://{host}")
        notebook.open(room="demo")
        assert notebook.js("return isSecureContext && location.protocol") == "https:"
        notebook.run(INSTALL, timeout_s=90)

        with pytest.raises(CellError) as caught:
            notebook.run("pyodide_rtc.join('x', signaling='ws://signaling.example.org')")
        assert "ConfigError" in str(caught.value) and "wss:" in str(caught.value)

        urls = [f"wss://{host}/signaling", server.signaling_url]
        for arguments in ("", f", signaling={urls[1]!r}"):
            notebook.run(f"room = pyodide_rtc.join('x'{arguments})")
            notebook.run(
                "import asyncio\nasync with asyncio.timeout(5):\n"
                "    while [s.state for s in room.servers] != ['open']: await asyncio.sleep(0.05)"
            )
            assert notebook.run("print(room.servers[0].url)") == f"{urls.pop(0)}\n"
            notebook.run("room.leave()")
