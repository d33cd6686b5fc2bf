"""Makes `harness` importable, and hands pytest-pyodide the project's browsers and Pyodide."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import harness.browsers  # noqa: F401  it finds the driver of Firefox
import pytest
from harness.site import SITE
from pytest_pyodide import spawn_web_server
from variants import is_left_out

from pyodide_rtc.testing.browsers.pyodide_pages import set_up

set_up("--js-flags=--expose-gc")


HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before xdist reads the groups
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what runs only when all is asked for.

    In several processes each takes a folder after the other: the tests of a folder share browsers.
    """
    ours = [item for item in items if HERE in item.path.parents]
    left_out = [
        item for item in ours if is_left_out(item.path.relative_to(HERE).as_posix(), item.name)
    ]
    items[:] = [item for item in items if item not in left_out]
    config.hook.pytest_deselected(items=left_out)
    for item in ours:
        item.add_marker(pytest.mark.xdist_group(item.path.parent.name))


@pytest.fixture(params=["chrome", "firefox"], scope="module")
def runtime(request: pytest.FixtureRequest) -> str:
    """The browser of pytest-pyodide's fixtures, in the place of its command line option."""
    browser: str = request.param
    return browser


@pytest.fixture(scope="session")
def web_server_main() -> Iterator[Any]:
    """Serve the Pyodide that the site has."""
    with spawn_web_server(SITE / "static/pyodide") as server:
        yield server
