"""What Python needs of the page's half, host.js: its version, its operations, and what it tells.

By one route the page has a host.js of its own, which may be older or newer than this wheel. So it
says what it has before it is used. This module touches no `js`.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import fields
from typing import Any

from pyodide_rtc.errors import BridgeError, BrowserUnsupportedError
from pyodide_rtc.ports import PageFacts

__all__ = ["OPERATIONS", "VERSION", "check_page", "read_facts"]

VERSION = 2
"""The version of host.js that this wheel understands; the same as `VERSION` there."""

OPERATIONS = frozenset(
    {
        "open", "offer", "watch", "measure", "restart", "description", "candidate", "close",
        "channel-send", "channel-taken", "channel-close",
        "alive", "facts", "forget-room", "get", "set", "remove",
    }
)  # fmt: skip
"""The messages that Python sends."""


def check_page(version: int | None, operations: Iterable[str]) -> None:
    """Refuse a page that does not understand us.

    Args:
        version: the version of its host.js; None if that does not say it.
        operations: the messages that it knows.

    Raises:
        BrowserUnsupportedError: its host.js is of another version, or knows less.
    """
    lacking = sorted(OPERATIONS - {*operations})
    if version != VERSION or lacking:
        raise _other_page(version, f" (it does not know {', '.join(lacking)})" if lacking else "")


def read_facts(values: Iterable[Any]) -> PageFacts:
    """Read what the page says about itself; what it says beyond that is ignored.

    Raises:
        BrowserUnsupportedError: it says too little.
        BridgeError: its configuration is not a JSON object.
    """
    told = [*values][: len(fields(PageFacts))]
    if len(told) < 2 or not isinstance(told[0], str):
        raise _other_page(VERSION, " (it does not say its address and configuration)")
    href, config_text, *others = told
    owner = "The site's owner has to correct it in jupyter-lite.json"
    try:
        config = json.loads(config_text or "{}")
    except ValueError as exc:
        problem = f"jupyter-config-data of {href} is not JSON: {exc}. {owner}"
        raise BridgeError(problem) from exc
    if not isinstance(config, dict):
        raise BridgeError(f"jupyter-config-data of {href} is not a JSON object. {owner}")
    return PageFacts(href, config, *others)


def _other_page(version: int | None, about: str) -> BrowserUnsupportedError:
    return BrowserUnsupportedError(
        f"The page has version {version or 0} of pyodide-rtc's host.js{about}, and this wheel "
        f"needs version {VERSION}",
        "page",
        "Reload the page. If it says so again, build the site anew: it holds a pyodide-rtc other "
        "than the one that is installed here.",
    )
