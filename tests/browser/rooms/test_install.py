"""`%pip install pyodide-rtc` beside what people have, and what docs/install.md says of it."""

from __future__ import annotations

import json
import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from harness.people import Cast
from harness.site import REPOSITORY, SITE, CellError, Notebook, exposed_copy

from pyodide_rtc.testing.browsers import serve_site

sys.path.insert(0, str(REPOSITORY / "recipes"))

from downloads import cached_wheels, piplite_index

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PAGE = (REPOSITORY / "docs/install.md").read_text()
OTHERS = "httpx pydantic ipywidgets anywidget"
IMPORT_OTHERS = """
import anyio, anywidget, httpx, ipywidgets, pydantic
class Point(pydantic.BaseModel):
    x: int
httpx.AsyncClient()
print(Point(x="1"), anyio.Lock() and ipywidgets.IntSlider(value=Point(x=2).x).value)"""
SHARE = """
import pyodide_rtc
from importlib.metadata import version
room = pyodide_rtc.join(store=False)
room.map("state")["n"] = 3
print(dict(room.map("state")), "anyio", version("anyio"))"""
OLD_ANYIO = """
import pathlib, sysconfig
# As if one were loaded that is older than any that works.
folder = pathlib.Path(sysconfig.get_path("purelib"), "anyio-3.7.1.dist-info")
folder.mkdir()
_ = (folder / "METADATA").write_text("Name: anyio\\nVersion: 3.7.1")"""


Index = dict[str, Any]
OUR_INDEX = "extensions/pyodide-rtc-site/static/pypi/all.json"


def replace(path: Path, text: str) -> None:
    """Write a file anew: until then it is the same file as in the demo site."""
    path.unlink()
    path.write_text(text)


@pytest.fixture(scope="module")
def full_site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site that has the wheels of others as well."""
    site = exposed_copy(SITE, tmp_path_factory.mktemp("others") / "site")
    wheels = [*cached_wheels("others", Path(__file__).with_name("others.txt")).glob("*.whl")]
    for wheel in wheels:
        shutil.copy(wheel, site / "pypi")
    index = site / "pypi/all.json"
    replace(index, json.dumps(json.loads(index.read_text()) | piplite_index(wheels)))
    return site


@pytest.fixture(scope="module")
def notebook(cast: Cast, full_site: Path) -> Iterator[Notebook]:
    with serve_site(full_site) as server:
        found = Notebook(cast.driver("visitor"), server.url)
        found.open(room="demo")
        yield found
        found.driver.get("about:blank")


def test_after_the_others(notebook: Notebook) -> None:
    notebook.run(f"%pip install -q anyio {OTHERS}", 90)
    assert notebook.run(IMPORT_OTHERS, 60).split() == ["x=1", "2"]
    notebook.run("%pip install -q pyodide-rtc", 90)
    assert notebook.run(SHARE) == "{'n': 3} anyio 4.16.0\n", "what was there before stays"


def test_before_the_others(notebook: Notebook) -> None:
    notebook.restart()
    notebook.run("%pip install -q pyodide-rtc", 90)
    notebook.run(SHARE)
    notebook.run(f"%pip install -q {OTHERS}", 90)
    assert notebook.run(IMPORT_OTHERS, 60).split() == ["x=1", "2"]
    assert notebook.run("print(dict(room.map('state')))") == "{'n': 3}\n"


def leave(_index: Index) -> None:
    """Change nothing."""


def remove_ours(index: Index) -> None:
    del index["pyodide-rtc"]


def make_for_another_pyodide(index: Index) -> None:
    [[file]] = index["pycrdt"]["releases"].values()
    file["filename"] = file["filename"].replace("2026", "2025")


@pytest.mark.parametrize(
    ("row", "before", "change"),
    [(0, OLD_ANYIO, leave), (1, "pass", remove_ours), (2, "pass", make_for_another_pyodide)],
    ids=["old anyio", "no wheels", "another Pyodide"],
)
def test_each_error_of_the_page_is_the_one_that_comes(
    notebook: Notebook, full_site: Path, row: int, before: str, change: Callable[[Index], None]
) -> None:
    path = full_site / OUR_INDEX
    whole = path.read_text()
    index = json.loads(whole)
    change(index)
    replace(path, json.dumps(index))
    notebook.restart()
    notebook.run(before)
    with pytest.raises(CellError) as caught:
        notebook.run("%pip install pyodide-rtc", 60)
    replace(path, whole)
    said = re.sub(r"\x1b\[[\d;]*m", "", str(caught.value)).splitlines()
    told = re.findall(r"^\| `(.*?)` \|", PAGE, re.MULTILINE)
    assert len(told) == 3
    assert any(line.startswith(told[row]) for line in said), said
