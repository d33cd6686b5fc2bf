"""The link by which somebody else comes to a room: Python and the page make the same."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest

from pyodide_rtc.config import draws_widgets
from pyodide_rtc.naming import is_room_of_page, link_to
from pyodide_rtc.ports import PageFacts

SCRIPT = Path(__file__).parents[2] / "pyodide_rtc/panel/panel.js"
BASE = "https://example.org:8000/site/lab/index.html"

CASES = [
    ("demo", None),
    ("physics 101 ü&?=#/+%", None),
    ("demo", "a/b c/x&y.ipynb"),
    ("räum", "ä.ipynb"),
]


def of_page(href: str, room: str, path: str | None) -> str:
    """The link that the script makes on a page of this address."""
    run = (
        "const { readFileSync } = await import('node:fs');"
        f"const source = readFileSync({json.dumps(str(SCRIPT))}).toString('base64');"
        "const { linkTo } = await import(`data:text/javascript;base64,${source}`);"
        "const [href, room, path] = JSON.parse(readFileSync(0, 'utf8'));"
        "globalThis.location = new URL(href);"
        "console.log(linkTo(room, path ?? undefined));"
    )
    command = ["node", "--input-type=module", "--eval", run]
    text = json.dumps([href, room, path])
    done = subprocess.run(
        command, input=text, capture_output=True, text=True, timeout=20, check=True
    )
    return done.stdout.strip()


@pytest.mark.parametrize(("room", "path"), CASES)
def test_both_lead_to_the_same(room: str, path: str | None) -> None:
    link = of_page(f"{BASE}?username=Ada&room=x#part", room, path)
    again = link_to(PageFacts(link), room)

    assert again.replace("~", "%7E") == link
    assert link.startswith(f"{BASE}?")
    wanted = {"room": [room]} if path is None else {"room": [room], "path": [path]}
    assert parse_qs(urlsplit(link).query) == wanted


def test_it_does_not_name_who_invites() -> None:
    page = PageFacts(f"{BASE}?room=demo&path=a.ipynb&username=Ada&usercolor=fff#part")

    assert link_to(page, "demo") == f"{BASE}?room=demo&path=a.ipynb"


def test_another_room_than_the_pages_has_no_document() -> None:
    page = PageFacts(f"{BASE}?room=demo&path=a.ipynb")

    assert link_to(page, "other") == f"{BASE}?room=other"
    assert is_room_of_page(page, "demo")
    assert not is_room_of_page(page, "other")
    assert is_room_of_page(PageFacts(BASE, remembered_room="a%20b"), "a b")


@pytest.mark.parametrize("href", ["about:blank", "", "file:///x.html", "javascript:alert(1)"])
def test_a_page_without_an_address_has_no_link(href: str) -> None:
    assert link_to(PageFacts(href), "demo") == ""


@pytest.mark.parametrize(
    ("extensions", "can"),
    [
        ([{"name": "anywidget"}, {"name": "@jupyter-widgets/jupyterlab-manager"}, {}], True),
        ([{"name": "anywidget"}], False),
        ([{"name": "@jupyter-widgets/jupyterlab-manager"}], False),
        ([7, None, "anywidget"], False),
        ([], False),
        ("anywidget", True),
        (None, True),
    ],
)
def test_whether_a_page_draws_widgets_is_read_from_its_extensions(
    extensions: object, can: bool
) -> None:
    assert draws_widgets(PageFacts(BASE, {"federated_extensions": extensions})) is can
    assert draws_widgets(PageFacts(BASE))
