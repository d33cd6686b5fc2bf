"""The built site needs nothing from anywhere else."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from harness.browsers import open_browser
from harness.people import Person

from pyodide_rtc.testing.browsers import SignalingServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


def requests_of(net_log: Path, origin: str) -> list[str]:
    """Read what pages of this origin asked for; a browser asks for much on its own account."""
    events = json.loads(net_log.read_text())["events"]
    parameters = [event.get("params") or {} for event in events]
    return [p["url"] for p in parameters if p.get("initiator") == origin and "url" in p]


def test_no_request_leaves_the_origin(server: SignalingServer, tmp_path: Path) -> None:
    net_log = tmp_path / "net.json"
    with open_browser("chromium", f"--log-net-log={net_log}") as driver:
        person = Person(driver, server)
        person.open(room="demo")
        person.join()
        person.eventually("[s.state for s in room.servers]", ["open"])
        driver.get(f"{server.url}/lab/index.html?room=demo&path=start-here.ipynb")
        assert driver.title
    requests = requests_of(net_log, server.url)
    assert len(requests) > 50, "the site's own requests are in the log"
    assert {urlsplit(url).netloc for url in requests} == {server.host}
