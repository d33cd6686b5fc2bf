from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Text, merge_updates

from pyodide_rtc.wire.lib0 import encode_var_uint
from pyodide_rtc.wire.pairs import Pairs
from pyodide_rtc.wire.update_extent import extent_of

from .documents import random_document
from .wire_helpers import damaged_bytes, quick

VECTORS = json.loads(
    (Path(__file__).parents[1] / "vectors" / "yjs-half-characters.json").read_text()
)
WRITTEN = bytes.fromhex(VECTORS["written"])
CASES = VECTORS["cases"]
FIRST_HALF, SECOND_HALF, WHOLE = (bytes((0, 1, 1, 1, *r)) for r in ((1, 1), (2, 1), (1, 2)))


def uints(*numbers: int) -> bytes:
    return b"".join(map(encode_var_uint, numbers))


def written(text: str, client: int = 1) -> bytes:
    doc: Doc[Any] = Doc(client_id=client)
    doc.get("t", type=Text).insert(0, text)
    return doc.get_update()


def knowing(*updates: bytes) -> Pairs:
    pairs = Pairs()
    for update in updates:
        pairs.learn(update)
    return pairs


def text_of(*updates: bytes) -> str:
    doc: Doc[Any] = Doc()
    text = doc.get("t", type=Text)
    for update in updates:
        doc.apply_update(update)
    return str(text)


def test_a_second_unit_is_one_that_nobody_may_cut_before() -> None:
    pairs = knowing(written("é📊📊b"), written("x" * 5000 + "📊", client=2**40))

    assert [clock for clock in range(9) if (1, clock) in pairs] == [2, 4]
    assert (2**40, 5001) in pairs
    assert (2**40, 2) not in pairs


def test_what_is_no_update_has_none() -> None:
    assert (1, 1) not in knowing(b"", b"nothing", "📊".encode())
    update = written("📊")
    assert (1, 1) in knowing(update[:-1]), "up to where it goes wrong"


@pytest.mark.parametrize("update", [FIRST_HALF, SECOND_HALF])
def test_half_a_pair_is_deleted_as_a_whole(update: bytes) -> None:
    mended = knowing(WRITTEN).mend(update)

    assert mended.cut == {1: [(1, 3)]}
    assert mended.deletions == WHOLE
    assert mended.update == update
    assert text_of(WRITTEN, mended.deletions, mended.update) == "ab"


@pytest.mark.parametrize("name", CASES)
def test_whatever_yjs_does_between_the_halves(name: str) -> None:
    update = bytes.fromhex(CASES[name]["update"])

    mended = knowing(WRITTEN).mend(update)

    assert mended.cut == {1: [(1, 3)]}
    assert text_of(WRITTEN, mended.deletions, mended.update) == CASES[name]["rest"]


@pytest.mark.parametrize("name", CASES)
def test_so_does_a_state_of_yjs_in_which_it_is_cut_already(name: str) -> None:
    mended = knowing(WRITTEN).mend(bytes.fromhex(CASES[name]["state"]))

    assert mended.cut == {1: [(1, 3)]}


def test_it_is_deleted_until_it_is_known_to_be_deleted() -> None:
    pairs = knowing(WRITTEN)
    cut = pairs.mend(FIRST_HALF).cut
    assert pairs.mend(FIRST_HALF).cut == cut == {1: [(1, 3)]}

    pairs.forget(cut)

    assert pairs.mend(FIRST_HALF).cut == {}


@pytest.mark.parametrize(
    "update",
    [
        WHOLE,
        bytes((0, 1, 1, 2, 0, 1, 3, 1)),  # its neighbours
        b"",
        b"\x01",
        b"\0\1\1\1\2",  # ends within the deletions
        written("new", client=2),
    ],
)
def test_what_cuts_nothing_stays_as_it_is(update: bytes) -> None:
    mended = knowing(WRITTEN).mend(update)

    assert (mended.cut, mended.update) == ({}, update)
    mended = knowing().mend(update)
    assert (mended.cut, mended.update) == ({}, update)


def test_several_are_told_by_client_and_in_order() -> None:
    both = knowing(written("📊📊📊"), written("📊", client=2))

    cut = both.mend(b"\0" + uints(2, 2, 1, 0, 1, 1, 2, 3, 2, 0, 1)).cut
    assert cut == {1: [(0, 2), (2, 4), (4, 6)], 2: [(0, 2)]}


@pytest.mark.parametrize("name", CASES)
def test_a_pair_that_comes_with_its_cut_becomes_what_it_is_for_yjs(name: str) -> None:
    """Reproduces: Yrs takes structs before deletions, also where the pair was deleted first."""
    update = bytes.fromhex(CASES[name]["update"])
    merged = merge_updates(written("📊x", client=2), WRITTEN, update)

    mended = knowing().mend(merged)

    assert mended.cut == {}
    assert extent_of(mended.update).spans == extent_of(merged).spans
    left = text_of(mended.update).replace("x", "").replace("📊", "")
    assert left.replace("\ufffd", "") == CASES[name]["rest"].replace("\ufffd", "")


def test_what_was_brought_and_is_whole_is_remembered() -> None:
    pairs = knowing()
    pairs.mend(merge_updates(written("📊📊"), bytes((0, 1, 1, 1, 0, 1))))

    assert (1, 1) not in pairs
    assert (1, 3) in pairs
    assert pairs.mend(bytes((0, 1, 1, 1, 3, 1))).cut == {1: [(2, 4)]}


def test_a_pair_that_comes_after_its_cut_becomes_the_same() -> None:
    pairs = knowing()
    pairs.expect(FIRST_HALF, {})
    pairs.expect(b"\0\1\1", {})  # is none

    mended = pairs.mend(WRITTEN)

    assert text_of(FIRST_HALF, mended.update) == "a\ufffdb"
    assert text_of(pairs.mend(WRITTEN).update) == "a📊b", "it was the only cut"


def test_only_what_the_document_lacks_is_expected() -> None:
    pairs = knowing()
    pairs.expect(bytes((0, 1, 1, 1, 1, 1)), {1: 2})

    assert pairs.mend(WRITTEN).update == WRITTEN


def test_no_more_is_expected_than_there_can_honestly_be() -> None:
    pairs = knowing()
    pairs.expect(FIRST_HALF, {})
    ranges = b"".join(uints(clock, 1) for clock in range(10, 20_010, 2))
    pairs.expect(b"\0" + uints(1, 2, 10_000) + ranges, {})

    assert pairs.mend(WRITTEN).update == WRITTEN


def test_garbage_and_skips_have_no_origin() -> None:
    gc, skip = 0, 10
    update = uints(1, 3, 1, 0, gc, 1, skip, 1, gc, 1, 0)

    assert knowing(WRITTEN).mend(update).cut == {}


@quick
@given(st.integers(0, 2**32))
def test_documents_of_our_own_cut_nothing(seed: int) -> None:
    doc = random_document(seed)
    update = doc.get_update()
    pairs = knowing()

    assert pairs.mend(update).update == update
    assert pairs.mend(update).cut == {}
    assert pairs.mend(doc.get_update(doc.get_state())).cut == {}


@quick
@given(damaged_bytes(st.builds(lambda s: random_document(s, edits=5).get_update(), st.integers())))
def test_nonsense_raises_nothing(data: bytes) -> None:
    pairs = knowing(WRITTEN, data)
    pairs.mend(data)
    pairs.expect(data, {})
