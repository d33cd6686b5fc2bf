"""What Yrs accepts and writes can be read: one strange update must not blind a room."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from pycrdt import Doc
from seeds import some

from pyodide_rtc.wire.state import decode_units
from pyodide_rtc.wire.update_extent import extent_of
from pyodide_rtc.yrs import is_panic

from .strange_updates import broken_update, strange_update

PLAYS = some(4000)


def accepts(doc: Doc[Any], update: bytes) -> bool:
    try:
        doc.apply_update(update)
    except BaseException as error:
        if not isinstance(error, ValueError | RuntimeError) and not is_panic(error):
            raise
        return False
    return True


def test_what_yrs_accepts_of_all_kinds_can_be_read() -> None:
    accepted = 0
    for seed in range(PLAYS):
        update = strange_update(Random(seed), has_json=False)
        if accepts(Doc(), update):
            accepted += 1
            decode_units(extent_of(update).deletions)
    assert accepted > PLAYS / 5


@pytest.mark.parametrize("make", [strange_update, broken_update])
def test_what_yrs_writes_then_can_be_read(make: Any) -> None:
    """Reproduces: two kinds of types that Yrs knows and Yjs does not were refused."""
    accepted = 0
    for seed in range(PLAYS):
        doc: Doc[Any] = Doc()
        if not accepts(doc, make(Random(seed))):
            continue
        try:
            written = doc.get_update()
        except BaseException as error:
            if not is_panic(error):
                raise
            continue  # of that there is another test: test_reading.py
        accepted += 1
        decode_units(extent_of(written).deletions)
    assert accepted > PLAYS / 20
