"""What tests in browsers are told if something is wrong."""

from __future__ import annotations

import pytest

from pyodide_rtc.errors import RtcError
from pyodide_rtc.testing.browsers import (
    BrowserMissingError,
    CellError,
    NotJsonError,
    SiteError,
)

TRACEBACK = "\x1b[31mNameError\x1b[39m: name 'x' is not defined"


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (CellError("NameError", "name", TRACEBACK), "NameError: name 'x' is not defined"),
        (
            NotJsonError("room", "Room", "it is not serializable"),
            "'room' is a Room in the browser, and only JSON comes from there (it is not "
            "serializable). Ask for a part of it, such as str(room)",
        ),
        (BrowserMissingError("There is none", "Install one."), "There is none. Install one."),
        (SiteError("It is missing", "Set it."), "It is missing. Set it."),
    ],
    ids=lambda value: type(value).__name__,
)
def test_each_has_a_sentence(error: RtcError, sentence: str) -> None:
    assert str(error) == sentence
    assert isinstance(error, RtcError)


def test_what_raises_in_a_cell_fails_a_test_as_an_assertion_does() -> None:
    assert issubclass(CellError, AssertionError)
    assert issubclass(NotJsonError, TypeError)
