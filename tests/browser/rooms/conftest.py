from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from harness.people import Cast
from harness.served import SignalingServer, serve_site
from harness.site import REPOSITORY, exposed_copy
from stock.page import stock_page_folder


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = REPOSITORY / "demo-site" / "_output"
    copy = exposed_copy(built, tmp_path_factory.mktemp("site") / "site")
    shutil.copytree(stock_page_folder(), copy / "stock")
    return copy


@pytest.fixture(scope="session")
def server(site: Path) -> Iterator[SignalingServer]:
    with serve_site(site) as running:
        yield running


@pytest.fixture(scope="session")
def cast(server: SignalingServer) -> Iterator[Cast]:
    with ExitStack() as stack:
        yield Cast(stack, server)


_rooms = count(1)


@pytest.fixture
def room_name() -> str:
    """A room that no other test uses."""
    return f"room-{next(_rooms)}"
