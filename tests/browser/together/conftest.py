from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from harness.browsers import Kind, open_browser
from harness.site import SITE, add_extension, exposed_copy
from harness.together import Desk
from selenium.webdriver.remote.webdriver import WebDriver
from stock.page import stock_page_folder

from pyodide_rtc.testing.browsers import SignalingServer, serve_site


def browser_of(name: str) -> Kind:
    """Which browser somebody has. Set PYODIDE_RTC_BOB or PYODIDE_RTC_ADA to firefox, and all tests
    have it at that side; CI has it in some of them."""
    return "firefox" if os.environ.get(f"PYODIDE_RTC_{name.upper()}") == "firefox" else "chromium"


_JAVASCRIPT_KERNEL = "@jupyterlite/javascript-kernel-extension"


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    copy = exposed_copy(SITE, tmp_path_factory.mktemp("together") / "site", is_coedited=True)
    shutil.copytree(stock_page_folder(), copy / "stock")
    add_extension(copy, _JAVASCRIPT_KERNEL)
    return copy


@pytest.fixture(scope="package")
def server(site: Path) -> Iterator[SignalingServer]:
    with serve_site(site) as running:
        yield running


@pytest.fixture(scope="module")
def signaling() -> Iterator[SignalingServer]:
    """A signaling server of its own, which can be stopped."""
    with serve_site(None) as running:
        yield running


@pytest.fixture(scope="module")
def server_elsewhere(
    signaling: SignalingServer, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SignalingServer]:
    """A site whose signaling is there."""
    copy = exposed_copy(
        SITE,
        tmp_path_factory.mktemp("elsewhere") / "site",
        is_coedited=True,
        fullWebRtcSignalingUrls=[signaling.signaling_url],
    )
    with serve_site(copy) as running:
        yield running


@pytest.fixture(scope="package")
def drivers() -> Iterator[Callable[[str, Kind], WebDriver]]:
    """Browsers by name, started when first asked for."""
    with ExitStack() as stack:
        running: dict[tuple[str, Kind], WebDriver] = {}

        def find(name: str, kind: Kind = "chromium") -> WebDriver:
            if (name, kind) not in running:
                running[name, kind] = stack.enter_context(open_browser(kind))
            return running[name, kind]

        yield find


DeskOf = Callable[..., Desk]


@pytest.fixture
def desk(server: SignalingServer, drivers: Callable[..., WebDriver]) -> Iterator[DeskOf]:
    """Somebody's desk, in a browser of their own; at the end it is away, and holds no room."""
    used: list[Desk] = []

    def sit(name: str, kind: Kind | None = None) -> Desk:
        used.append(Desk(drivers(name, kind or browser_of(name)), server, name))
        return used[-1]

    yield sit
    for one in used:
        one.leave()


_numbers = count(1)


@pytest.fixture
def room_name() -> str:
    """A room that no other test uses."""
    return f"together-{next(_numbers)}"


@pytest.fixture
def put(site: Path) -> Callable[..., str]:
    """Give the site a notebook with these cells, or another file; gives its path."""

    def write(
        *cells: str, name: str | None = None, kernel: str = "javascript", is_writable: bool = True
    ) -> str:
        path = name or f"test-{next(_numbers)}.ipynb"
        text = cells[0] if name else json.dumps(notebook(*cells, kernel=kernel))
        (site / "files" / path).write_text(text)
        _list(site, path, is_writable)
        return path

    return write


def notebook(*cells: str, kernel: str = "javascript") -> dict[str, object]:
    """A notebook with these cells of code.

    Its kernel is the quick one, where the test does not run what only Python does.
    """
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": kernel, "display_name": kernel}},
        "cells": [
            {
                "id": f"cell-{number}",
                "cell_type": "code",
                "source": source,
                "metadata": {},
                "outputs": [],
                "execution_count": None,
            }
            for number, source in enumerate(cells)
        ],
    }


def _list(site: Path, path: str, is_writable: bool) -> None:
    """Name a file in the site's list of contents, as the build does."""
    listing = site / "api/contents/all.json"
    content = json.loads(listing.read_text())
    known = next(one for one in content["content"] if one["type"] == "notebook")
    is_notebook = path.endswith(".ipynb")
    entry = known | {
        "name": path,
        "path": path,
        "type": "notebook" if is_notebook else "file",
        "mimetype": None if is_notebook else "text/plain",
        "size": (site / "files" / path).stat().st_size,
        "writable": is_writable,
    }
    content["content"] = [one for one in content["content"] if one["path"] != path] + [entry]
    listing.unlink()
    listing.write_text(json.dumps(content))
