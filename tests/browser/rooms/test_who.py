"""The name and the colour that a person shows: from the address, the site's user, or made up."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.apps import configure
from harness.people import INSTALL, Cast, Person, StockPage
from harness.site import SITE, Notebook, exposed_copy

from pyodide_rtc.testing.browsers import SignalingServer, eventually, serve_site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(170)]

USER = "print(json.dumps(room.awareness.local_state['user']))"
ACCOUNTS = Path(__file__).with_name("accounts")
"""A labextension as a site with accounts may have one."""


def shown(notebook: Notebook, **query: str) -> dict[str, Any]:
    """Open the page, join, and give what is shown of the user."""
    notebook.open(**query)
    notebook.run(INSTALL, timeout_s=90)
    user: dict[str, Any] = json.loads(notebook.run(f"room = pyodide_rtc.join()\n{USER}"))
    return user


def test_the_address_names_the_user_to_stock_pages_too(
    cast: Cast, server: SignalingServer, room_name: str
) -> None:
    notebook = Notebook(cast.driver("visitor"), server.url)
    ada = {"name": "Ada L.", "color": "#e65100"}
    assert shown(notebook, room=room_name, username="Ada L.", usercolor="e65100") == ada
    page = StockPage(cast.driver("stock"), server)
    page.join(room_name)
    users = "[...me.provider.awareness.getStates().values()].map((state) => state.user ?? null)"
    eventually(lambda: ada in page.value(users), 20, "the stock page shows Ada")
    notebook.run("room.leave()")


def test_else_a_name_is_made_up_and_stays(cast: Cast, room_name: str) -> None:
    def user_of(person: Person) -> dict[str, Any]:
        person.join(repr(room_name))
        user: dict[str, Any] = person.value("room.awareness.local_state['user']")
        person.run("room.leave()")
        return user

    one, two = cast.person("one"), cast.person("two")
    first, other = user_of(one), user_of(two)
    one.open(room="demo")
    again = user_of(one)
    assert first == again
    assert first != other, "in another browser, by a chance of 1 to 16,383"
    for user in (first, other):
        assert re.fullmatch("[A-Z][a-z]+ [A-Z][a-z]+", user["name"])
        assert re.fullmatch("#[0-9a-f]{6}", user["color"])


@pytest.fixture
def with_accounts(tmp_path: Path) -> Iterator[SignalingServer]:
    site = exposed_copy(SITE, tmp_path / "site")
    shutil.copytree(ACCOUNTS, site / "extensions/accounts/static")
    root = json.loads((site / "jupyter-lite.json").read_text())["jupyter-config-data"]
    entry = {"name": "accounts", "load": "static/remoteEntry.js", "extension": "./extension"}
    configure(
        site,
        "",
        federated_extensions=[*root["federated_extensions"], entry],
        disabledExtensions=["@jupyterlite/services-extension:user-manager"],
    )
    with serve_site(site) as server:
        yield server


def test_jupyterlites_own_user_comes_between(cast: Cast, with_accounts: SignalingServer) -> None:
    notebook = Notebook(cast.driver("visitor"), with_accounts.url)
    assert shown(notebook, room="demo") == {"name": "Grace Hopper", "color": "#0288d1"}
    query = {"username": "Ada", "usercolor": "e65100"}
    assert shown(notebook, room="demo", **query) == {"name": "Ada", "color": "#e65100"}
