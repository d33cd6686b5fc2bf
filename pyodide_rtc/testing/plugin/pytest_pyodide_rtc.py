"""The pytest plugin of pyodide-rtc: rooms in real browsers, as fixtures.

pytest loads this module in every run of an environment that has it. So it is installed beside the
package, and imports it, and Selenium, once a fixture is asked for.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Generator, Iterator
from contextlib import ExitStack, suppress
from glob import glob, has_magic
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from selenium.webdriver.remote.webdriver import WebDriver

    from pyodide_rtc.testing.browsers import Person, SignalingServer, SiteOptions

_KINDS = {
    "chromium": ("chromium", "chromium"),
    "firefox": ("firefox", "firefox"),
    "both": ("chromium", "firefox"),
}
_NAMES = ("Ada", "Bob")
_JOIN = """\
%pip install -q pyodide-rtc
import pyodide_rtc
room = pyodide_rtc.join({room!r}, user={name!r})"""
_START_S = 180
_MEET_S = 60


def pytest_addoption(parser: pytest.Parser) -> None:
    """Take what tests are to run in."""
    group = parser.getgroup("pyodide-rtc", "rooms in real browsers")
    group.addoption(
        "--rtc-browser",
        choices=sorted(_KINDS),
        help="the browsers of two_browsers; both: the first has Chromium, the second Firefox",
    )
    group.addoption("--rtc-headed", action="store_true", help="let browsers show their windows")
    group.addoption(
        "--rtc-artifacts",
        metavar="DIR",
        type=Path,
        help="where screenshots of tests that fail are kept (default: .pytest-rtc)",
    )
    group.addoption(
        "--rtc-pyodide", metavar="DIR", type=Path, help="a folder with Pyodide for the site"
    )
    parser.addini("rtc_browser", "as --rtc-browser", default="chromium")
    parser.addini("rtc_artifacts", "as --rtc-artifacts", default=".pytest-rtc")
    parser.addini("rtc_pyodide", "as --rtc-pyodide", type="paths")
    parser.addini("rtc_wheels", "wheels or projects that notebooks install by %pip", type="paths")
    parser.addini("rtc_packages", "packages that those wheels need in the browser", type="args")
    parser.addini("rtc_notebooks", "a folder of notebooks that the site has", type="paths")


@pytest.fixture(scope="session")
def jupyterlite_site_options(pytestconfig: pytest.Config) -> SiteOptions:
    """What the site is built of, by the ini-file; a fixture of this name of yours replaces it."""
    from pyodide_rtc.testing.browsers import SiteOptions

    pyodide = pytestconfig.getoption("--rtc-pyodide") or _one(pytestconfig.getini("rtc_pyodide"))
    return SiteOptions(
        wheels=[path for given in pytestconfig.getini("rtc_wheels") for path in _found(given)],
        packages=pytestconfig.getini("rtc_packages"),
        notebooks=_one(pytestconfig.getini("rtc_notebooks")),
        pyodide=pyodide and pyodide.resolve(),
    )


@pytest.fixture(scope="session")
def jupyterlite_site(
    jupyterlite_site_options: SiteOptions,
    pytestconfig: pytest.Config,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    """The folder of a site with your wheels and notebooks; one of the same inputs is kept."""
    from pyodide_rtc.testing.browsers import build_site

    cache = getattr(pytestconfig, "cache", None)  # pytest can run without
    folder = cache.mkdir("pyodide-rtc") if cache else tmp_path_factory.mktemp("pyodide-rtc")
    return build_site(jupyterlite_site_options, folder)


@pytest.fixture(scope="session")
def signaling_server(jupyterlite_site: Path) -> Iterator[SignalingServer]:
    """The site and its signaling server, on a free port: `signaling_server.url`."""
    from pyodide_rtc.testing.browsers import serve_site

    with serve_site(jupyterlite_site) as server:
        yield server


@pytest.fixture
def two_browsers(pytestconfig: pytest.Config) -> Iterator[tuple[WebDriver, WebDriver]]:
    """Two browsers, each with a process and a fresh profile of its own."""
    from pyodide_rtc.testing.browsers import open_browser

    wanted = pytestconfig.getoption("--rtc-browser") or pytestconfig.getini("rtc_browser")
    if wanted not in _KINDS:
        raise pytest.UsageError(f"rtc_browser is {wanted!r}, not one of {', '.join(_KINDS)}")
    is_headless = not pytestconfig.getoption("--rtc-headed")
    with ExitStack() as stack:
        one, other = (
            stack.enter_context(open_browser(kind, name=name, is_headless=is_headless))  # type: ignore[arg-type]
            for kind, name in zip(_KINDS[wanted], _NAMES, strict=True)
        )
        yield one, other


@pytest.fixture
def rtc_room_pair(
    two_browsers: tuple[WebDriver, WebDriver], signaling_server: SignalingServer
) -> Iterator[tuple[Person, Person]]:
    """Ada and Bob, each with a browser, a notebook and a kernel, together in a new room: `room`."""
    from pyodide_rtc.testing.browsers import Person

    ada, bob = people = tuple(
        Person(name, driver, signaling_server.url)
        for name, driver in zip(_NAMES, two_browsers, strict=True)
    )
    room = f"test-{uuid4().hex[:8]}"
    for person in people:
        person.notebook.go()  # both start while the first is waited for
    for person in people:
        person.notebook.wait_open()
    cells = [person.start(_JOIN.format(room=room, name=person.name)) for person in people]
    for person, cell in zip(people, cells, strict=True):
        person.wait(cell, _START_S)
    for person in people:
        person.eventually("room.synced and len(room.peers)", 1, _MEET_S)
    yield ada, bob
    for driver in two_browsers:
        with suppress(OSError):
            driver.get("about:blank")


@pytest.fixture(scope="session")
def _pytest_pyodide_set_up() -> None:
    from pyodide_rtc.testing.browsers.pyodide_pages import set_up

    set_up()


@pytest.fixture(scope="module")
def _worker_with_wheels(
    _pytest_pyodide_set_up: None,
    selenium_worker_module_scope: Any,
    jupyterlite_site_options: SiteOptions,
) -> None:
    from pyodide_rtc.testing.browsers.pyodide_pages import install, site_wheels

    own = [path for path in jupyterlite_site_options.wheels if path.suffix == ".whl"]
    install(selenium_worker_module_scope, [*site_wheels(), *own])


@pytest.fixture
def selenium_rtc(_worker_with_wheels: None, selenium_worker: Any) -> Any:
    """`selenium_worker` of pytest-pyodide, where `pyodide_rtc` can be imported and joins rooms."""
    return selenium_worker


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Keep what the open browsers show when a test fails, and tell where that is."""
    report = yield
    if report.failed and "pyodide_rtc.testing.browsers.drivers" in sys.modules:
        _keep(item, report)
    return report


def _keep(item: pytest.Item, report: pytest.TestReport) -> None:
    from pyodide_rtc.testing.browsers.artifacts import keep_artifacts
    from pyodide_rtc.testing.browsers.drivers import open_browsers

    if not open_browsers():
        return
    given = item.config.getoption("--rtc-artifacts") or item.config.getini("rtc_artifacts")
    name = re.sub(r"[^\w.-]+", "-", item.nodeid).strip("-")
    files = keep_artifacts(item.config.rootpath / given / name)
    report.sections.append(("pyodide-rtc: what the browsers showed", "\n".join(map(str, files))))


def _one(paths: list[Path]) -> Path | None:
    return paths[0] if paths else None


def _found(given: Path) -> list[Path]:
    """Give the files of a pattern such as dist/*.whl; another path is itself."""
    if not has_magic(str(given)):
        return [given]
    if found := sorted(glob(str(given))):
        return [Path(path) for path in found]
    raise pytest.UsageError(f"rtc_wheels: nothing is found by {given}")
