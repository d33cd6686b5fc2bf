"""Each application of a site may have a configuration of its own, which overrides the root's."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness.apps import Console, ask_host, configure
from harness.people import INSTALL, Cast
from harness.site import SITE, CellError, Notebook, exposed_copy

from pyodide_rtc.testing.browsers import SignalingServer, eventually, serve_site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(170)]

WITH_KERNEL = ("lab", "notebooks", "edit", "repl", "consoles")
NOWHERE = "ws://localhost:9/"  # the discard port: nothing listens there
JOIN = f"{INSTALL}\nroom = pyodide_rtc.join()"


@pytest.fixture(scope="module")
def apps(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SignalingServer]:
    """A site whose root allows nothing, but each application what it needs, in its own way."""
    site = exposed_copy(SITE, tmp_path_factory.mktemp("apps") / "site")
    configure(site, "", collaborative=False, fullWebRtcSignalingUrls=[NOWHERE])
    for app in (*WITH_KERNEL, "tree"):
        servers = [f"/signaling?app={app}", NOWHERE]
        configure(site, app, collaborative=True, fullWebRtcSignalingUrls=servers)
    with serve_site(site) as server:
        yield server


def opened(cast: Cast, server: SignalingServer, app: str, **query: str) -> Notebook:
    """Open an application with an idle kernel; edit/ shows a notebook as the others do."""
    kind = Console if app in ("repl", "consoles") else Notebook
    notebook = kind(cast.driver("visitor"), server.url, app=app)
    if app == "repl":
        query["kernel"] = "python"
    notebook.open(**query)
    return notebook


@pytest.mark.parametrize("app", WITH_KERNEL)
def test_a_kernel_sees_the_configuration_of_its_application(
    cast: Cast, apps: SignalingServer, app: str
) -> None:
    notebook = opened(cast, apps, app, room="demo")
    notebook.run(JOIN, timeout_s=90)
    states = "json.dumps({s.url: s.state for s in room.servers})"
    texts = (notebook.run(f"print({states})  # look {i}") for i in range(1000))
    url = f"ws://{apps.host}/signaling?app={app}"
    eventually(lambda: json.loads(next(texts)).get(url) == "open", 20, f"{url} is open")
    facts = notebook.run("print(room.name, room.topic, sorted(s.url for s in room.servers))")
    assert facts == f"demo {apps.host}/demo {sorted([url, NOWHERE])}\n"


def test_the_file_browsers_page_merges_its_own_too(cast: Cast, apps: SignalingServer) -> None:
    driver = cast.driver("visitor")
    driver.get(f"{apps.url}/tree/index.html?room=demo")
    eventually(lambda: driver.execute_script("return !!window.jupyterapp"), 60, "the app is there")
    href, config, room, *user, browser_id, kept_name, kept_color = ask_host(driver, "facts")
    assert href == f"{apps.url}/tree/index.html?room=demo"
    assert json.loads(config)["collaborative"] is True
    assert json.loads(config)["fullWebRtcSignalingUrls"] == ["/signaling?app=tree", NOWHERE]
    assert room == "demo"
    assert [*user, kept_name, kept_color] == [None, None, None, None]
    assert browser_id


@pytest.fixture
def strict_repl(tmp_path: Path) -> Iterator[SignalingServer]:
    """A site that allows rooms everywhere but in its repl."""
    site = exposed_copy(SITE, tmp_path / "site")
    configure(site, "repl", collaborative=False)
    with serve_site(site) as server:
        yield server


def test_an_application_may_forbid_what_the_root_allows(
    cast: Cast, strict_repl: SignalingServer
) -> None:
    console = opened(cast, strict_repl, "repl", room="demo")
    console.run(INSTALL, timeout_s=90)
    with pytest.raises(CellError, match="'collaborative' has to be true, it is False"):
        console.run("pyodide_rtc.join()")
    assert "demo" in console.run("room = pyodide_rtc.join('demo')\nprint(room.name)")
