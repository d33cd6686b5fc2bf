from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.wire.lib0 import encode_var_uint
from pyodide_rtc.wire.state import (
    count_missing,
    decode_state_vector,
    digest_deletions,
    encode_state_vector,
    lacks_deletions,
)

from .helpers import damaged_bytes, quick, raises_only_wire_errors


def document(**values: object) -> Doc[Any]:
    doc: Doc[Any] = Doc()
    doc.get("map", type=Map).update(values)
    return doc


def copy_of(doc: Doc[Any]) -> Doc[Any]:
    copy: Doc[Any] = Doc()
    copy.apply_update(doc.get_update())
    return copy


def deletions(doc: Doc[Any]) -> bytes:
    return digest_deletions(doc.get_update(doc.get_state()))


def uints(*numbers: int) -> bytes:
    return b"".join(map(encode_var_uint, numbers))


def test_a_state_vector_of_a_document() -> None:
    doc = document(x=1, y=2)

    assert decode_state_vector(doc.get_state()) == {doc.client_id: 2}
    assert decode_state_vector(Doc().get_state()) == {}


def test_what_is_missing_is_counted_in_units() -> None:
    one = document(x=1)
    other = copy_of(one)
    text = one.get("list", type=Array)
    text.extend([1, 2, 3])
    other.get("map", type=Map)["z"] = 1

    assert count_missing(other.get_state(), one.get_state()) == 3
    assert count_missing(one.get_state(), other.get_state()) == 1
    assert count_missing(one.get_state(), one.get_state()) == 0


def test_deletions_are_seen_though_the_state_vectors_are_equal() -> None:
    one = document(x=1, y=2)
    other = copy_of(one)
    assert deletions(one) == deletions(other)

    del one.get("map", type=Map)["x"]
    assert one.get_state() == other.get_state()
    assert deletions(one) != deletions(other)

    other.apply_update(one.get_update())
    assert deletions(one) == deletions(other)


def test_the_order_of_clients_and_ranges_does_not_matter() -> None:
    one = uints(0, 2, 7, 2, 0, 1, 4, 2, 9, 1, 0, 1)
    other = uints(0, 2, 9, 1, 0, 1, 7, 2, 4, 2, 0, 1)

    assert digest_deletions(one) == digest_deletions(other)


def test_ranges_that_touch_are_one() -> None:
    assert digest_deletions(uints(0, 1, 7, 3, 0, 2, 2, 0, 2, 3)) == digest_deletions(
        uints(0, 1, 7, 1, 0, 5)
    )
    assert digest_deletions(uints(0, 1, 7, 2, 0, 2, 3, 2)) != digest_deletions(
        uints(0, 1, 7, 1, 0, 5)
    )
    assert digest_deletions(uints(0, 1, 7, 2, 0, 5, 9, 0)) == digest_deletions(
        uints(0, 1, 7, 1, 0, 5)
    )


def test_a_state_vector_is_written_as_it_is_read() -> None:
    assert encode_state_vector({}) == b"\0"
    assert encode_state_vector({7: 300, 2**40: 1, 8: 0}) == uints(2, 7, 300, 2**40, 1)


def delete_set(*units: int) -> bytes:
    """Of one client, each unit as a range of its own."""
    ranges = [n for unit in units for n in (unit, 1)]
    return uints(1, 7, len(units), *ranges) if units else uints(0)


@quick
@given(st.sets(st.integers(0, 12)), st.sets(st.integers(0, 12)))
def test_a_delete_set_lacks_what_is_only_in_the_other(have: set[int], wanted: set[int]) -> None:
    assert lacks_deletions(delete_set(*have), delete_set(*wanted)) == (not wanted <= have)


def test_deletions_of_another_client_do_not_count() -> None:
    assert lacks_deletions(uints(1, 8, 1, 0, 9), uints(1, 7, 1, 0, 1))
    assert not lacks_deletions(uints(2, 8, 1, 0, 9, 7, 1, 0, 9), uints(1, 7, 2, 3, 1, 1, 1))


def test_an_update_with_structs_is_refused() -> None:
    with pytest.raises(DecodeError, match="without structs"):
        digest_deletions(document(x=1).get_update())


@quick
@given(st.one_of(st.binary(max_size=40), damaged_bytes(st.just(uints(0, 1, 7, 1, 0, 5)))))
def test_nonsense_raises_typed_errors_only(data: bytes) -> None:
    raises_only_wire_errors(lambda: digest_deletions(data))
    raises_only_wire_errors(lambda: decode_state_vector(data))
