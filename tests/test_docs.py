"""What docs/site-owners.md shows is what the code takes."""

from __future__ import annotations

import inspect
import json
import re
from pathlib import Path

import pytest

from pyodide_rtc import join, naming
from pyodide_rtc.config import ICE_SERVERS_KEY, SERVERS_KEY, ice_servers, server_urls
from pyodide_rtc.ports import PageFacts

PAGE = Path(__file__).parents[1] / "docs/site-owners.md"
TEXT = PAGE.read_text()
EXAMPLES = [json.loads(text) for text in re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)]


def rows(heading: str) -> list[list[str]]:
    """Read the table whose first heading this is."""
    found = re.search(rf"^\| {re.escape(heading)} \|.*\n\|[-|]+\n((?:\|.*\n)+)", TEXT, re.MULTILINE)
    assert found, f"no table {heading!r}"
    lines = found[1].splitlines()
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_configurations_are_accepted(example: dict[str, dict[str, object]]) -> None:
    facts = PageFacts("https://example.org/lab/index.html", example["jupyter-config-data"])
    used = [*ice_servers(None, facts)]
    if SERVERS_KEY in facts.config:
        used += server_urls(None, facts)
    assert used


def test_each_key_is_named() -> None:
    assert [row[0] for row in rows("key")] == [
        f"`{key}`"
        for key in (naming.COLLABORATIVE_KEY, SERVERS_KEY, ICE_SERVERS_KEY, naming.PREFIX_KEY)
    ]


def test_each_naming_gives_the_topic_that_is_shown() -> None:
    facts = PageFacts("https://example.org/lab/")
    topics = {row[0].strip('`"'): row[1] for row in rows("`naming`")}
    assert topics["host"] == f"`{naming.topic('host', facts, 'demo')}`"
    old = naming.topic("jupyterlite-0.1.0b5", facts, "demo", "x")
    assert topics["jupyterlite-0.1.0b5"] == f"`{old.removesuffix('x')}` and the path"
    assert set(topics) == {"host", "jupyterlite-0.1.0b5", "jupyterlite-0.1.1"}


def test_the_arguments_exist() -> None:
    named = set(re.findall(r"`(?:join\()?(\w+)=", TEXT)) - {"room", "username", "usercolor"}
    assert named == {"signaling", "ice_servers", "user", "naming", "path", "password"}
    assert named <= set(inspect.signature(join).parameters)
