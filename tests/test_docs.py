"""What docs/site-owners.md shows is what the code takes."""

from __future__ import annotations

import inspect
import json
import re
from hashlib import sha256
from pathlib import Path

import pytest

from pyodide_rtc import join, naming
from pyodide_rtc.config import ICE_SERVERS_KEY, SERVERS_KEY, STORE_KEY, ice_servers, server_urls
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


def test_six_lines_turn_it_on() -> None:
    [block, *_] = re.findall(r"```json\n(.*?)```", TEXT, re.DOTALL)
    assert len(block.splitlines()) == 6
    assert set(EXAMPLES[0]["jupyter-config-data"]) == {naming.COLLABORATIVE_KEY, SERVERS_KEY}


def test_each_key_is_named() -> None:
    assert [row[0] for row in rows("key")] == [
        f"`{key}`" for key in (naming.COLLABORATIVE_KEY, SERVERS_KEY, STORE_KEY, ICE_SERVERS_KEY)
    ]


def test_the_topics_are_those_of_the_formulas() -> None:
    facts = PageFacts("https://example.org/lab/")
    assert f"is host and room: `{naming.topic_of(facts, 'demo')}`." in TEXT
    [[_, _], [_, hashed]] = rows("version of JupyterLite")
    assert f"`{sha256(b'https://example.org-demo').hexdigest()}`" in hashed


def test_the_arguments_exist() -> None:
    named = set(re.findall(r"`(?:join\()?(\w+)=", TEXT)) - {"room", "username", "usercolor"}
    assert named == {"signaling", "ice_servers", "user", "password", "store"}
    assert named <= set(inspect.signature(join).parameters)
