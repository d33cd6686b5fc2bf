"""A site that was built by the three commands of docs/site-owners.md and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from harness.owned import StaticServer, build_as_owner, serve_statically, use_cdn
from harness.site import SITE, exposed_copy, serve_folder
from harness.together import Desk, all_equal
from selenium.webdriver.remote.webdriver import WebDriver

from pyodide_rtc.testing.browsers import SignalingServer, eventually

from .conftest import browser_of, notebook

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

OURS = ["anyio", "idna", "pycrdt", "pyodide-rtc"]
SOURCES = f"""\
import pyodide_rtc
from importlib.metadata import distribution
print(*(distribution(name).read_text("PYODIDE_URL") for name in {OURS}))"""


@pytest.fixture(scope="module")
def static_server(
    signaling: SignalingServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StaticServer]:
    """The site on a static server; its signaling and its Pyodide are elsewhere."""
    folder = tmp_path_factory.mktemp("owner")
    built = build_as_owner(folder)
    elsewhere = {"fullWebRtcSignalingUrls": [signaling.signaling_url]}
    site = exposed_copy(built, folder / "site", is_coedited=True, **elsewhere)
    with serve_folder(SITE / "static/pyodide", is_shared=True) as cdn, serve_statically(site) as it:
        use_cdn(site, cdn)
        yield it


def test_people_edit_together_and_notebooks_install(
    static_server: StaticServer, drivers: Callable[..., WebDriver], room_name: str
) -> None:
    ada, bob = (
        Desk(drivers(name, browser_of(name)), static_server, name) for name in ("ada", "bob")
    )
    path = "analysis.ipynb"
    ada.driver.get(f"{static_server.url}/lab/index.html?room={room_name}")
    eventually(lambda: ada.js("return Boolean(window.jupyterapp)"), 60, "JupyterLab is there")
    ada.put_file(path, notebook("1 + 1", "%pip install -q pyodide-rtc", SOURCES, kernel="python"))
    ada.open(path, room_name)
    bob.open(path, room_name)
    for desk in (ada, bob):
        desk.wait_company(2)
    ada.write(0, "  # Ada")
    bob.eventually("cells", ["1 + 1  # Ada", "%pip install -q pyodide-rtc", SOURCES])
    ada.wait_kernel()
    ada.run_cell(1)
    ada.run_cell(2)
    eventually(lambda: ada.outputs(2), 90, "the last cell has run")
    [output] = ada.outputs(2)
    folder = f"{static_server.url}/extensions/pyodide-rtc-site/static/pypi"
    names = [Path(url.partition("?")[0]).name.partition("-")[0] for url in output["text"].split()]
    assert all(url.startswith(folder) for url in output["text"].split()), output["text"]
    assert [name.replace("_", "-") for name in names] == OURS
    all_equal(ada, bob)
    for desk in (ada, bob):
        desk.leave()
