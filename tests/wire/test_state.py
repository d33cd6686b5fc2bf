from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map

from pyodide_rtc.wire.lib0 import encode_var_uint
from pyodide_rtc.wire.state import (
    count_gaps,
    count_missing,
    decode_state_vector,
    decode_units,
    digest_of,
    encode_state_vector,
)

from .wire_helpers import damaged_bytes, quick, raises_only_wire_errors


def document(**values: object) -> Doc[Any]:
    doc: Doc[Any] = Doc()
    doc.get("map", type=Map).update(values)
    return doc


def copy_of(doc: Doc[Any]) -> Doc[Any]:
    copy: Doc[Any] = Doc()
    copy.apply_update(doc.get_update())
    return copy


def deletions(doc: Doc[Any]) -> bytes:
    return digest_of(doc.get_update(doc.get_state())[1:], {})


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

    have, wanted = decode_state_vector(other.get_state()), decode_state_vector(one.get_state())
    assert count_missing(have, wanted) == 3
    assert count_missing(wanted, have) == 1
    assert count_missing(wanted, wanted) == 0


def test_gaps_are_counted_up_to_what_is_behind_them() -> None:
    assert count_gaps({7: 3, 8: 1}, {7: [(5, 7), (9, 10)], 9: [(4, 5)]}) == 2 + 2 + 4
    assert count_gaps({7: 3}, {7: [(2, 5), (5, 6)]}) == 0, "what overlaps is no gap"
    assert count_gaps({7: 3}, {}) == 0


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
    one = uints(2, 7, 2, 0, 1, 4, 2, 9, 1, 0, 1)
    other = uints(2, 9, 1, 0, 1, 7, 2, 4, 2, 0, 1)

    assert digest_of(one, {}) == digest_of(other, {})
    behind = {7: [(1, 2), (4, 5)], 9: [(3, 4)]}
    assert digest_of(one, behind) == digest_of(one, {9: [(3, 4)], 7: [(4, 5), (1, 2)]})


def test_what_is_behind_gaps_is_another_matter_than_what_is_deleted() -> None:
    one, units = uints(1, 7, 1, 4, 2), {7: [(4, 6)]}

    assert len({digest_of(uints(0), {}), digest_of(one, {}), digest_of(uints(0), units)}) == 3


def test_ranges_that_touch_are_one() -> None:
    def digest(*ranges: int) -> bytes:
        return digest_of(uints(1, 7, len(ranges) // 2, *ranges), {})

    assert digest(0, 2, 2, 0, 2, 3) == digest(0, 5) == digest(0, 5, 9, 0)
    assert digest(0, 2, 3, 2) != digest(0, 5)
    assert digest() == digest_of(uints(0), {})
    assert digest_of(uints(0), {7: [(4, 5), (5, 6)]}) == digest_of(uints(0), {7: [(4, 6)]})


def test_a_state_vector_is_written_as_it_is_read() -> None:
    assert encode_state_vector({}) == b"\0"
    assert encode_state_vector({7: 300, 2**40: 1, 8: 0}) == uints(2, 7, 300, 2**40, 1)


@quick
@given(st.sets(st.integers(0, 12)), st.sets(st.integers(0, 12)))
def test_equal_units_alone_have_equal_digests(one: set[int], other: set[int]) -> None:
    digests = {digest_of(delete_set(*units), {}) for units in (one, other)}
    assert (len(digests) == 1) == (one == other)
    assert decode_units(delete_set(*one)).keys() == ({7} if one else set())


def delete_set(*units: int) -> bytes:
    """Of one client, each unit as a range of its own."""
    ranges = [n for unit in units for n in (unit, 1)]
    return uints(1, 7, len(units), *ranges) if units else uints(0)


@quick
@given(st.one_of(st.binary(max_size=40), damaged_bytes(st.just(uints(1, 7, 1, 0, 5)))))
def test_nonsense_raises_typed_errors_only(data: bytes) -> None:
    raises_only_wire_errors(lambda: digest_of(data, {}))
    raises_only_wire_errors(lambda: decode_state_vector(data))
