"""The ways from a kernel to its page, each in the real site, and what a lost kernel leaves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from conftest import PAIR
from harness.browsers import BROWSERS, Kind, open_browser
from harness.site import REPOSITORY, SITE, Notebook, exposed_copy, serve_folder
from selenium.webdriver.remote.webdriver import WebDriver

from pyodide_rtc.testing.browsers import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(400)]

BARE_SITE = REPOSITORY / "demo-site/_output-bare"

COUNT_CONNECTIONS = """
    window.connections = [];
    const Original = RTCPeerConnection;
    window.RTCPeerConnection = class extends Original {
        constructor(config) { super(config); window.connections.push(this); }
    };
"""
COUNT_ALL = "return window.connections.length"
COUNT_OPEN = """
    return window.connections.filter(({ connectionState }) => connectionState !== "closed").length;
"""
CONNECT = """
from pair import connected
pair = connected()
a, b = await pair.__aenter__()
a.send(b"over the bridge")
print((await b.receive()).decode())
"""
TELL = """
from pyodide_rtc.browser import live_proxies
print(a.host.page.route, a.channels[0][0])
await pair.__aexit__(None, None, None)
print(live_proxies())
"""


@pytest.fixture(scope="module", params=BROWSERS)
def driver(request: pytest.FixtureRequest) -> Iterator[WebDriver]:
    kind: Kind = request.param
    with open_browser(kind) as driver:
        yield driver


@contextmanager
def notebook_in(
    driver: WebDriver, site: Path, folder: Path, packages: str = "pyodide-rtc", **config: object
) -> Iterator[Notebook]:
    """Open a notebook of this site, with the wheel and pair.py in its kernel."""
    with serve_folder(exposed_copy(site, folder / "site", **config)) as url:
        notebook = Notebook(driver, url)
        notebook.open(room="demo")
        install(notebook, packages)
        notebook.js(COUNT_CONNECTIONS)
        yield notebook
        driver.get("about:blank")  # so that the server can end


def install(notebook: Notebook, packages: str = "pyodide-rtc") -> None:
    notebook.run(f"%pip install -q {packages}", timeout_s=90)
    notebook.run(f"import pathlib; pathlib.Path('pair.py').write_text({PAIR.read_text()!r});")


def open_connections(notebook: Notebook) -> int:
    count: int = notebook.js(COUNT_OPEN)
    return count


def expect_a_working_bridge(notebook: Notebook, route: str, kind: str) -> None:
    assert notebook.run(CONNECT, timeout_s=60) == "over the bridge\n"
    assert open_connections(notebook) == 2
    assert notebook.run(TELL) == f"{route} {kind}\n0\n"
    eventually(lambda: open_connections(notebook) == 0, 5, "the page has closed the connections")


def expect_the_end_to_be_seen(notebook: Notebook) -> None:
    assert notebook.run(CONNECT, timeout_s=60) == "over the bridge\n"
    assert open_connections(notebook) == 2
    notebook.restart()
    eventually(lambda: open_connections(notebook) == 0, 5, "the lost kernel's are closed")


def test_the_labextension_and_the_end_of_a_kernel(driver: WebDriver, tmp_path: Path) -> None:
    with notebook_in(driver, SITE, tmp_path) as notebook:
        expect_a_working_bridge(notebook, "labextension", "NativeChannel")
        expect_the_end_to_be_seen(notebook)
        install(notebook)
        # The next one without locks, as on an insecure page; ours counts as secure: localhost.
        notebook.run("import js; js.Object.defineProperty(js.navigator, 'locks', js.Object.new());")
        expect_a_working_bridge(notebook, "labextension", "NativeChannel")
        assert notebook.run("print(js.navigator.locks)") == "None\n"
        expect_the_end_to_be_seen(notebook)


def test_the_widget_and_the_end_of_a_kernel(driver: WebDriver, tmp_path: Path) -> None:
    packages = "pyodide-rtc anywidget"
    disabled = {"disabledExtensions": ["pyodide-rtc"]}
    with notebook_in(driver, SITE, tmp_path, packages, **disabled) as notebook:
        expect_a_working_bridge(notebook, "anywidget", "NativeChannel")
        expect_the_end_to_be_seen(notebook)


SHOW_SCRIPT = """
import json
from IPython.display import Javascript, display
from pyodide_rtc.browser.routes import DISPLAY_SCRIPT
from pyodide_rtc.browser.ffi import host_script
display(Javascript(DISPLAY_SCRIPT % (json.dumps(host_script()), json.dumps("stale"))))
"""
WATCH_STALE = """
    window.greetings = [];
    const channel = new BroadcastChannel("stale");
    channel.onmessage = ({ data }) => {
        window.greetings.push(data);
        channel.postMessage(["chosen", "another page", undefined]);
        channel.postMessage(["open", 1, true, {}]);
    };
"""


def test_the_displayed_script_and_its_saved_output(driver: WebDriver, tmp_path: Path) -> None:
    with notebook_in(driver, BARE_SITE, tmp_path) as notebook:
        notebook.js(WATCH_STALE)
        notebook.run(SHOW_SCRIPT)
        notebook.run(SHOW_SCRIPT)
        eventually(lambda: len(notebook.js("return greetings")) == 2, 10, "both scripts have run")
        notebook.save()
        notebook.open(room="demo")
        install(notebook)
        notebook.js(COUNT_CONNECTIONS)
        expect_a_working_bridge(notebook, "broadcast", "ProxiedChannel")
        assert notebook.js(COUNT_ALL) == 2, "saved output that ran did nothing"

        cell = notebook.start(CONNECT)
        eventually(lambda: notebook.text(cell) == "over the bridge\n", 60, "the pair is connected")
        scripts = [one for one in notebook.outputs(cell) if "application/javascript" in str(one)]
        assert scripts == [], "the script is replaced, so that it is not saved"
        notebook.restart()
        eventually(lambda: open_connections(notebook) == 0, 5, "the lost kernel's are closed")
