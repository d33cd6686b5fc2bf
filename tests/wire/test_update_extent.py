from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Text

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.wire.lib0 import encode_var_uint
from pyodide_rtc.wire.state import decode_state_vector
from pyodide_rtc.wire.update_extent import MAX_DEPTH, extent_of, nests_too_deep, reaches_beyond

from .documents import random_document
from .wire_helpers import damaged_bytes, quick, raises_only_wire_errors


def uints(*numbers: int) -> bytes:
    return b"".join(map(encode_var_uint, numbers))


@quick
@given(st.integers(0, 2**32))
def test_a_state_goes_as_far_as_its_state_vector(seed: int) -> None:
    doc = random_document(seed)

    extent = extent_of(doc.get_update())

    clocks = decode_state_vector(doc.get_state())
    assert extent.spans == {client: [(0, clock)] for client, clock in clocks.items()}
    assert extent.deletions == doc.get_update(doc.get_state())[1:]


def test_a_difference_begins_where_it_was_asked_for_even_within_a_struct() -> None:
    doc: Doc[Any] = Doc(client_id=7)
    doc.get("text", type=Text).insert(0, "hello")

    assert extent_of(doc.get_update(uints(1, 7, 2))).spans == {7: [(2, 5)]}
    assert extent_of(doc.get_update(doc.get_state())).spans == {}


def test_what_comes_behind_a_gap_is_a_span_of_its_own() -> None:
    gc, skip = 0, 10
    update = uints(1, 4, 7, 4, gc, 2, skip, 1, gc, 5, gc, 1, 0)

    assert extent_of(update).spans == {7: [(4, 6), (7, 13)]}
    assert extent_of(uints(1, 2, 7, 4, skip, 1, gc, 5, 0)).spans == {7: [(5, 10)]}
    assert extent_of(uints(1, 1, 7, 4, skip, 1, 0)).spans == {}


def test_a_change_reaches_beyond_an_update_with_later_units_of_anybody() -> None:
    gc = 0
    update = uints(1, 1, 7, 4, gc, 2, 0)

    assert not reaches_beyond(update, update)
    assert not reaches_beyond(uints(1, 1, 7, 5, gc, 1, 0), update)
    assert reaches_beyond(uints(1, 1, 7, 4, gc, 3, 0), update)
    assert reaches_beyond(uints(2, 1, 7, 4, gc, 2, 1, 8, 0, gc, 1, 0), update)
    assert not reaches_beyond(update, b"no update")


@pytest.mark.parametrize("data", [b"", b"\x01", uints(1, 1, 7, 0, 11, 1, 0)])
def test_what_is_no_update_is_refused(data: bytes) -> None:
    with pytest.raises(DecodeError):
        extent_of(data)


@quick
@given(damaged_bytes(st.builds(lambda s: random_document(s, edits=5).get_update(), st.integers())))
def test_nonsense_raises_typed_errors_only(data: bytes) -> None:
    raises_only_wire_errors(lambda: extent_of(data))


def nested(levels: int) -> bytes:
    """An update with one value that nests so deep, beside another one."""
    value = b"\x75\2\x7e" * (levels // 2) + b"\x76\1\1k" * (levels - levels // 2) + b"\x7e"
    return b"\1\1\1\0\x08\1\1r\1" + value + b"\0"


def test_values_may_nest_to_a_limit() -> None:
    assert not nests_too_deep(nested(MAX_DEPTH))
    assert nests_too_deep(nested(MAX_DEPTH + 1))
    assert nests_too_deep(nested(3 * MAX_DEPTH)[:-100]), "though it ends too early"


def test_letters_are_no_levels() -> None:
    doc: Doc[Any] = Doc()
    doc.get("text", type=Text).insert(0, "uvw" * MAX_DEPTH)

    assert not nests_too_deep(doc.get_update())
    assert not nests_too_deep(b"u" * 2 * MAX_DEPTH)
