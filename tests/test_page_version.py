"""What Python needs of host.js, and what it says of a page that is older or newer."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from pyodide_rtc import browser
from pyodide_rtc.browser.page_version import OPERATIONS, VERSION, check_page, read_facts
from pyodide_rtc.errors import BridgeError, BrowserUnsupportedError
from pyodide_rtc.ports import PageFacts

FOLDER = Path(browser.__file__).parent
SCRIPT = (FOLDER / "host.js").read_text()
HREF = "https://example.org/lab/"


def test_both_halves_have_one_version_and_the_same_operations() -> None:
    assert f"const VERSION = {VERSION};" in SCRIPT
    [block] = re.findall(r"const operations = \{\n(.*?)\n  \};", SCRIPT, re.DOTALL)
    assert {*re.findall(r'^    "?([a-z-]+)"?[(:,]', block, re.MULTILINE)} == OPERATIONS


def test_python_sends_no_other_messages() -> None:
    sent = {"channel-taken"}  # by thread.js
    for path in FOLDER.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.Call(
                    ast.Attribute(attr="send" | "ask" | "_ask"), [ast.Constant(str() as name), *_]
                ):
                    sent.add(name)
    assert sent == OPERATIONS


@pytest.mark.parametrize("version", [None, 1, VERSION + 1])
def test_a_page_of_another_version_is_to_be_reloaded(version: int | None) -> None:
    with pytest.raises(BrowserUnsupportedError) as caught:
        check_page(version, OPERATIONS)
    text = str(caught.value)
    assert f"The page has version {version or 0} of pyodide-rtc's host.js, and this" in text
    assert f"needs version {VERSION}" in text
    assert "Reload the page" in text


def test_a_page_that_knows_less_is_to_be_reloaded() -> None:
    check_page(VERSION, OPERATIONS | {"later"})
    with pytest.raises(BrowserUnsupportedError, match=r"\(it does not know facts, open\).*Reload"):
        check_page(VERSION, OPERATIONS - {"open", "facts"})


def test_a_page_may_say_less_or_more_of_itself() -> None:
    assert read_facts([HREF, None]) == PageFacts(HREF)
    told = [HREF, '{"a": 1}', "room", "Ada", "#123456", "id", "kept", "#654321"]
    assert read_facts(told) == PageFacts(HREF, {"a": 1}, *told[2:])
    assert read_facts([*told, "of a later version"]) == read_facts(told)


@pytest.mark.parametrize("told", [[], [HREF], [None, None]])
def test_a_page_that_says_too_little_is_to_be_reloaded(told: list[object]) -> None:
    with pytest.raises(BrowserUnsupportedError, match=r"does not say its address.*Reload"):
        read_facts(told)


@pytest.mark.parametrize("text", ["{", "[]", "1"])
def test_a_configuration_that_is_damaged_is_for_the_owner(text: str) -> None:
    with pytest.raises(BridgeError, match=r"is not (a )?JSON.*owner has to correct it"):
        read_facts([HREF, text])
