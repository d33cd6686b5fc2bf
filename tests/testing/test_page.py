"""docs/testing.md shows the project of tests/outsider/, which is tested in real browsers."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from pyodide_rtc.testing import browsers

REPOSITORY = Path(__file__).parents[2]
PAGE = (REPOSITORY / "docs/testing.md").read_text()
PROJECT = [
    path.read_text()
    for path in (REPOSITORY / "tests/outsider").rglob("*")
    if path.suffix in (".py", ".toml")
]
BLOCKS = re.findall(r"```(?:python|toml)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: block.splitlines()[0])
def test_each_block_is_of_the_project(block: str) -> None:
    assert any(block in text for text in PROJECT)


def test_the_blocks_are_found() -> None:
    assert len(BLOCKS) == 6


def test_the_widget_is_small() -> None:
    assert len((REPOSITORY / "tests/outsider/shared_lamp.py").read_text().splitlines()) < 50


def test_what_a_person_has_is_on_the_page() -> None:
    methods = [name for name in vars(browsers.Person) if not name.startswith("_")]
    section = PAGE.partition("| a person has |")[2].partition("\n\n")[0]
    named = set(re.findall(r"`(\w+)", section))
    assert named - {"driver"} == set(methods) - {"look"}


@pytest.mark.parametrize("name", sorted(set(browsers.__all__) - {"CHROMIUM_FLAGS"}))
def test_what_is_public_tells_each_argument(name: str) -> None:
    function = getattr(browsers, name)
    text = inspect.getdoc(function) or ""
    assert text
    if not (inspect.isclass(function) and issubclass(function, Exception)):
        taken = inspect.signature(function).parameters
        assert [one for one in taken if not re.search(rf"^ +{one}: ", text, re.MULTILINE)] == []
