"""What can go wrong in a test with real browsers, beside what the test is about."""

from __future__ import annotations

import re

from pyodide_rtc.errors import ConfigError, RtcError

__all__ = ["BrowserMissingError", "CellError", "NotJsonError", "SiteError"]

_COLOR = re.compile(r"\x1b\[[\d;]*m")


class CellError(RtcError, AssertionError):
    """Code that ran in the browser raised; `str()` is the traceback of the browser's Python.

    Args:
        name: the class of what was raised, such as `NameError`.
        value: what it says.
        traceback: the whole traceback, as the notebook shows it.
    """

    def __init__(self, name: str, value: str, traceback: str) -> None:
        super().__init__(name, value, traceback)
        self.name = name
        self.value = value
        self.traceback = _COLOR.sub("", traceback)

    def __str__(self) -> str:
        return self.traceback


class NotJsonError(RtcError, TypeError):
    """A value of the browser's Python cannot come to the test, as JSON has nothing like it.

    Args:
        expression: what was asked for.
        type_name: the type of its value.
        reason: what the encoder says.
    """

    def __init__(self, expression: str, type_name: str, reason: str) -> None:
        super().__init__(expression, type_name, reason)
        self.expression = expression
        self.type_name = type_name
        self.reason = reason

    def __str__(self) -> str:
        return (
            f"{self.expression!r} is a {self.type_name} in the browser, and only JSON comes from "
            f"there ({self.reason}). Ask for a part of it, such as str({self.expression})"
        )


class BrowserMissingError(ConfigError):
    """This machine lacks a browser, or the program by which tests drive it."""


class SiteError(ConfigError):
    """The site cannot be built, or something that it is built of is missing."""
