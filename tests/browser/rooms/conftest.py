from __future__ import annotations

import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from itertools import count
from pathlib import Path

import pytest
from harness.browsers import open_browser
from harness.netns import Lan, open_lan, why_no_namespaces
from harness.people import Cast, Person
from harness.site import REPOSITORY, exposed_copy
from harness.transfers import REFUSE_TRANSFERS
from harness.turn import TURNSERVER, open_turn
from stock.page import stock_page_folder

from pyodide_rtc.testing.browsers import SignalingServer, serve_site


@pytest.fixture(scope="package")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    built = REPOSITORY / "demo-site" / "_output"
    copy = exposed_copy(built, tmp_path_factory.mktemp("site") / "site")
    shutil.copytree(stock_page_folder(), copy / "stock")
    return copy


@pytest.fixture(scope="package")
def server(site: Path) -> Iterator[SignalingServer]:
    with serve_site(site) as running:
        yield running


@pytest.fixture(scope="package")
def cast(server: SignalingServer) -> Iterator[Cast]:
    with ExitStack() as stack:
        yield Cast(stack, server)


@pytest.fixture(scope="package")
def lan() -> Iterator[Lan]:
    """A network of two machines, `one` and `two`."""
    reason = why_no_namespaces()
    if reason is not None:
        pytest.skip(reason)
    with open_lan("one", "two") as made:
        yield made


@pytest.fixture(scope="package")
def turn(lan: Lan, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[dict[str, str]]]:
    """A TURN server on that network, as `ice_servers`; none where there is no coturn."""
    if TURNSERVER is None:
        yield []
        return
    with open_turn(lan.address, tmp_path_factory.mktemp("turn")) as servers:
        yield servers


@pytest.fixture(scope="package")
def lan_site(turn: list[dict[str, str]], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site whose configuration names the TURN server."""
    built = REPOSITORY / "demo-site" / "_output"
    return exposed_copy(built, tmp_path_factory.mktemp("lan") / "site", webRtcIceServers=turn)


@pytest.fixture(scope="package")
def lan_people(lan: Lan, lan_site: Path) -> Iterator[tuple[Person, Person]]:
    """A notebook on each machine of the network: an insecure page, and one that counts as secure.

    A page that came by `http:` from another machine is no secure context; the second browser is
    told to take it for one, as if it came by `https:`.
    """
    with serve_site(lan_site, lan.address) as running, ExitStack() as stack:
        flags = ((), (f"--unsafely-treat-insecure-origin-as-secure={running.url}",))
        one, two = (
            Person(stack.enter_context(open_browser("chromium", *each, machine=machine)), running)
            for each, machine in zip(flags, lan.machines.values(), strict=True)
        )
        with ThreadPoolExecutor() as pool:
            list(pool.map(lambda person: person.open(room="demo"), (one, two)))
        yield one, two


@pytest.fixture(params=["transferred", "proxied"])
def channels(request: pytest.FixtureRequest) -> str:
    """How a data channel comes to Python."""
    channels: str = request.param
    return channels


@pytest.fixture
def two_people(cast: Cast, channels: str) -> Iterator[tuple[Person, Person]]:
    people = cast.person("one"), cast.person("two")
    if channels == "transferred":
        yield people
        return
    for person in people:
        person.notebook.js(REFUSE_TRANSFERS)
    yield people
    refused = [person.notebook.js("return window.transfersRefused") for person in people]
    for person in people:
        person.open(room="demo")
    assert min(refused) >= 1


_rooms = count(1)


@pytest.fixture
def room_name() -> str:
    """A room that no other test uses."""
    return f"room-{next(_rooms)}"
