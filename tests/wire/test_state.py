from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map

from pyodide_rtc.wire.lib0 import encode_var_uint
from pyodide_rtc.wire.state import (
    Units,
    count_missing,
    decode_state_vector,
    decode_units,
    digest_deletions,
    encode_question,
    encode_state_vector,
    encode_units,
    lacks_deletions,
    units_of,
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
    return digest_deletions(doc.get_update(doc.get_state())[1:])


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

    have, wanted = units_of(other.get_state(), b"\0"), units_of(one.get_state(), b"\0")
    assert count_missing(have, wanted) == 3
    assert count_missing(wanted, have) == 1
    assert count_missing(wanted, wanted) == 0


Clocks = st.sets(st.integers(0, 12))


def ranges(clocks: set[int]) -> Units:
    """Of one client, those that touch joined."""
    return decode_units(delete_set(*sorted(clocks)))


@quick
@given(Clocks, Clocks)
def test_what_is_behind_gaps_is_counted_too(have: set[int], wanted: set[int]) -> None:
    assert count_missing(ranges(have), ranges(wanted)) == len(wanted - have)
    assert count_missing({}, ranges(wanted)) == len(wanted)


@quick
@given(st.dictionaries(st.integers(0, 2**53 - 1), Clocks.filter(bool)))
def test_units_are_written_as_they_are_read(clocks: dict[int, set[int]]) -> None:
    units = {client: ranges(c)[7] for client, c in clocks.items()}

    assert decode_units(encode_units(units)) == units


def test_what_a_document_has_begins_with_what_has_no_gap() -> None:
    state_vector, beyond = uints(2, 7, 3, 8, 1), uints(2, 7, 1, 5, 2, 9, 1, 4, 1)

    assert units_of(state_vector, beyond) == {7: [(0, 3), (5, 7)], 8: [(0, 1)], 9: [(0, 0), (4, 5)]}


def test_where_there_is_a_gap_the_last_unit_before_it_is_asked_for_again() -> None:
    mine = units_of(uints(4, 1, 5, 2, 5, 3, 5, 4, 1), uints(1, 2, 1, 7, 1))
    theirs = units_of(uints(2, 1, 9, 3, 2), uints(3, 3, 1, 4, 1, 4, 1, 3, 1, 9, 1, 3, 1))

    clocks = decode_state_vector(encode_question(mine, theirs))

    assert clocks == {1: 5, 2: 4, 3: 4}, "4 has one unit, 9 has none: no clock asks for all"


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

    assert digest_deletions(one) == digest_deletions(other)


def test_ranges_that_touch_are_one() -> None:
    assert digest_deletions(uints(1, 7, 3, 0, 2, 2, 0, 2, 3)) == digest_deletions(
        uints(1, 7, 1, 0, 5)
    )
    assert digest_deletions(uints(1, 7, 2, 0, 2, 3, 2)) != digest_deletions(uints(1, 7, 1, 0, 5))
    assert digest_deletions(uints(1, 7, 2, 0, 5, 9, 0)) == digest_deletions(uints(1, 7, 1, 0, 5))


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


@quick
@given(st.one_of(st.binary(max_size=40), damaged_bytes(st.just(uints(1, 7, 1, 0, 5)))))
def test_nonsense_raises_typed_errors_only(data: bytes) -> None:
    raises_only_wire_errors(lambda: digest_deletions(data))
    raises_only_wire_errors(lambda: decode_state_vector(data))
    raises_only_wire_errors(lambda: units_of(b"\0", data))
