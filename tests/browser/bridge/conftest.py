from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.site import REPOSITORY, SITE, run_async
from harness.transfers import ALLOW_TRANSFERS, REFUSE_TRANSFERS

from pyodide_rtc.testing.browsers.pyodide_pages import install, unpack

HOST_SCRIPT = REPOSITORY / "pyodide_rtc/browser/host.js"
PAIR = Path(__file__).with_name("pair.py")

Run = Callable[[str], Any]
"""Runs Python with top-level await in Pyodide, and returns what its last line gives."""

IMPORT_HOST = """
    const [source, script] = arguments;
    const host = await import(URL.createObjectURL(new Blob([source], { type: "text/javascript" })));
    return Function("host", script)(host);
"""


def wheels() -> list[Path]:
    """Give the wheels that the site has for notebooks."""
    return [*(SITE / "extensions/pyodide-rtc-site/static/pypi").glob("*.whl")]


def unpack_alone(runner: Any) -> None:
    """Put the site's wheels there, and nothing on the page."""
    unpack(runner, wheels())


def prepare(runner: Any) -> None:
    """Put the site's wheels and this folder's pair.py where Pyodide imports from."""
    install(runner, wheels())
    runner.run(f"import pathlib; pathlib.Path('pair.py').write_text({PAIR.read_text()!r})")


def with_host_script(runner: Any, script: str) -> Any:
    """Run JavaScript on the page (also where the runner's Python is in a worker), with `host`."""
    return run_async(runner.driver, IMPORT_HOST, HOST_SCRIPT.read_text(), script)


@pytest.fixture(scope="module")
def page(selenium_module_scope: Any) -> Any:
    """Pyodide on a page, with the wheel."""
    prepare(selenium_module_scope)
    return selenium_module_scope


@pytest.fixture(scope="module")
def worker(selenium_worker_module_scope: Any) -> Any:
    """Pyodide in a plain worker whose page serves it by `attachWorker`, with the wheel."""
    prepare(selenium_worker_module_scope)
    return selenium_worker_module_scope


@pytest.fixture
def proxied(worker: Any) -> Iterator[Any]:
    """The same in a browser that cannot transfer data channels."""
    with_host_script(worker, REFUSE_TRANSFERS)
    yield worker
    with_host_script(worker, ALLOW_TRANSFERS)


@pytest.fixture(params=["page", "worker", "proxied"])
def place(request: pytest.FixtureRequest) -> str:
    """Where Pyodide runs."""
    place: str = request.param
    return place


@pytest.fixture
def run(request: pytest.FixtureRequest, runtime: str, place: str) -> Iterator[Run]:
    """Run Python there; afterwards nothing may be left that JavaScript could call."""
    runner: Any = request.getfixturevalue(place)
    yield runner.run_async
    left: int = runner.run("import pyodide_rtc.browser as b; b.live_proxies()")
    assert left == 0, "proxies were not destroyed"
