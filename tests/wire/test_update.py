from __future__ import annotations

from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text
from seeds import some

from pyodide_rtc.errors import DecodeError
from pyodide_rtc.wire.lib0 import encode_var_bytes, encode_var_string, encode_var_uint
from pyodide_rtc.wire.update import MIN_PIECE_BYTES, cut_update

from .documents import deleted_in, everything, random_document, replayed, state_of
from .wire_helpers import damaged_bytes, load_vectors, quick, raises_only_wire_errors

EMPTY = b"\0\0"
any_seed = st.integers(0, 2**32)
sizes = st.integers(MIN_PIECE_BYTES, 1500)


def update_with(
    *structs: bytes, client: int = 5, clock: int = 0, deletions: bytes = b"\0"
) -> bytes:
    """An update by hand: some structs of one client."""
    head = b"\x01" + bytes([len(structs)]) + encode_var_uint(client) + encode_var_uint(clock)
    return head + b"".join(structs) + deletions


def item(kind: int, content: bytes, *, info: int = 0, before: bytes = b"\x01\x01t") -> bytes:
    return bytes([kind | info]) + before + content


# Against the document itself.


@settings(max_examples=some(40), deadline=None)
@given(any_seed, sizes)
def test_pieces_in_order_make_the_same_document(seed: int, max_bytes: int) -> None:
    doc = random_document(seed)
    pieces = cut_update(doc.get_update(), max_bytes)

    assert everything(replayed(pieces)) == everything(doc)


@settings(max_examples=some(20), deadline=None)
@given(any_seed, sizes)
def test_pieces_in_any_order_lose_nothing(seed: int, max_bytes: int) -> None:
    # The Yrs of pycrdt 0.14.13 often leaves updates pending whose dependencies came after them
    # (JavaScript's Yjs seldom): what it lacks it gets by its state vector, as from any peer.
    doc = random_document(seed)
    pieces = cut_update(doc.get_update(), max_bytes)
    Random(seed).shuffle(pieces)
    other = replayed(pieces)
    other.apply_update(doc.get_update(other.get_state()))

    assert everything(other) == everything(doc)


@settings(max_examples=some(20), deadline=None)
@given(any_seed, sizes)
def test_a_difference_is_cut_like_a_state(seed: int, max_bytes: int) -> None:
    doc = random_document(seed)
    before = doc.get_update()
    state_vector = doc.get_state()
    doc.get("text", type=Text).insert(0, "🌍 and more " * 50)
    doc.get("array", type=Array).extend(list(range(500)))
    pieces = cut_update(doc.get_update(state_vector), max_bytes)

    assert len(pieces) > 1
    assert everything(replayed([before, *pieces])) == everything(doc)


@settings(max_examples=some(20), deadline=None)
@given(any_seed, sizes)
def test_pieces_are_small_where_they_can_be(seed: int, max_bytes: int) -> None:
    doc: Doc[Any] = Doc(client_id=2**32 - 1)
    random = Random(seed)
    text, array = doc.get("text", type=Text), doc.get("array", type=Array)
    for _ in range(40):
        text.insert(0, random.choice(["a" * 3000, "🌍" * 500, "x"]))
        array.insert(random.randint(0, len(array)), random.randrange(2**40))
        if str(text).startswith("aaa"):
            del text[random.randrange(3)]
    update = doc.get_update()
    pieces = cut_update(update, max_bytes)

    assert max(map(len, pieces)) <= max_bytes
    assert sum(map(len, pieces)) < 4 * len(update) + 100
    assert everything(replayed(pieces)) == everything(doc)


@pytest.mark.parametrize("number", range(4))
@pytest.mark.parametrize("max_bytes", [64, 100, 300])
def test_states_of_javascript_documents_are_cut(number: int, max_bytes: int) -> None:
    state = bytes.fromhex(load_vectors("yjs-states")["updates"][number])
    pieces = cut_update(state, max_bytes)
    whole, parts = replayed([state]), replayed(pieces)

    assert len(pieces) > len(state) / max_bytes
    assert deleted_in(parts.get_update()) == deleted_in(whole.get_update()) == deleted_in(state)
    assert state_of(parts.get_state()) == state_of(whole.get_state())
    for name in ("text", "rich"):
        assert parts.get(name, type=Text).diff() == whole.get(name, type=Text).diff()


def test_a_piece_is_about_as_large_as_it_may_be() -> None:
    doc: Doc[Any] = Doc()
    shared: Map[Any] = doc.get("map", type=Map)
    for i in range(2000):
        shared[str(i)] = "x" * 20
    pieces = cut_update(doc.get_update(), 5000)

    assert all(4900 < len(piece) <= 5000 for piece in pieces[:-1])


def test_what_fits_is_one_piece_and_the_deletions() -> None:
    doc: Doc[Any] = Doc()
    text = doc.get("text", type=Text)
    text.insert(0, "hello")
    update = doc.get_update()
    assert cut_update(update, 1000) == [update]
    del text[0]
    structs, deletions = cut_update(doc.get_update(), 1000)
    assert structs.endswith(b"\0")
    assert deletions.startswith(b"\0\x01")


def test_an_update_that_says_nothing_is_one_piece() -> None:
    assert cut_update(EMPTY, 100) == [EMPTY]


def test_many_deletions_are_cut_between_ranges() -> None:
    doc: Doc[Any] = Doc()
    text = doc.get("text", type=Text)
    text.insert(0, "ab" * 1000)
    for i in range(1000):
        del text[i]
    pieces = [p for p in cut_update(doc.get_update(), 100) if p.startswith(b"\0")]

    assert len(pieces) > 20
    assert max(map(len, pieces)) <= 100


def test_deletions_of_many_clients_are_cut_between_clients() -> None:
    ranges = b"".join(encode_var_uint(10**6 + i) + b"\x01\x05\x01" for i in range(100))
    pieces = cut_update(b"\0" + encode_var_uint(100) + ranges, 80)

    assert max(map(len, pieces)) <= 80
    assert sum(piece[1] for piece in pieces) == 100


# How structs are cut, byte for byte.


def test_the_right_part_of_a_string_has_the_end_of_the_left_one_as_origin() -> None:
    update = update_with(item(4, encode_var_string("x" * 100)))
    first, second, *_ = cut_update(update, 64)

    taken = first[8]
    text = b"x" * taken
    assert first == b"\x01\x01\x05\x00" + b"\x04\x01\x01t" + bytes([taken]) + text + b"\0"
    assert second[:7] == b"\x01\x01\x05" + bytes([taken]) + b"\x84\x05" + bytes([taken - 1])


def test_right_origin_and_key_stay_with_each_part() -> None:
    ids = b"\x07\x01" + b"\x08\x02"
    update = update_with(item(4, encode_var_string("x" * 100), info=0xE0, before=ids))
    first, second, *_ = cut_update(update, 64)

    assert first[4:9] == b"\xe4\x07\x01\x08\x02"
    taken = first[9]
    assert second[4:9] == b"\xe4\x05" + bytes([taken - 1]) + b"\x08\x02"


def test_a_right_origin_alone_is_joined_by_an_origin() -> None:
    update = update_with(item(4, encode_var_string("x" * 100), info=0x40, before=b"\x08\x02"))
    first, second, *_ = cut_update(update, 64)

    assert first[4:7] == b"\x44\x08\x02"
    assert second[4:9] == b"\xc4\x05" + bytes([first[7] - 1]) + b"\x08\x02"


@pytest.mark.parametrize("character", ["ö", "語", "🌍"])
def test_no_character_is_cut(character: str) -> None:
    for shift in range(4):
        text = "x" * shift + character * 100
        pieces = cut_update(update_with(item(4, encode_var_string(text))), 64)
        assert max(map(len, pieces)) <= 64
        assert str(replayed(pieces).get("t", type=Text)) == text


def test_a_character_goes_whole_even_where_there_is_no_room() -> None:
    parent = b"\x01" + encode_var_string("a very long name of a shared type " * 3)
    pieces = cut_update(update_with(item(4, encode_var_string("🌍🌍"), before=parent)), 64)

    assert len(pieces[0]) > 64
    assert len(pieces) == 2


def test_lists_are_cut_between_values() -> None:
    for kind, element in ((8, b"\x77\x03abc"), (2, b"\x03abc")):
        pieces = cut_update(update_with(item(kind, b"\x32" + element * 50)), 64)
        assert max(map(len, pieces)) <= 64
        assert sum(piece.count(element) for piece in pieces) == 50


LARGE = encode_var_bytes(b"x" * 100)


@pytest.mark.parametrize(
    ("kind", "content"),
    [(3, LARGE), (5, LARGE), (6, b"\x01b" + LARGE), (7, b"\x03" + LARGE), (9, LARGE + b"\x7e"),
     (8, b"\x01\x77" + LARGE), (2, b"\x01" + LARGE)],
    ids=["binary", "embed", "format", "type", "document", "a value", "a JSON value"],
)  # fmt: skip
def test_what_cannot_be_cut_goes_as_a_piece_of_its_own(kind: int, content: bytes) -> None:
    small = b"\x84\x05\x00\x01a"
    whole = item(kind, content)
    pieces = cut_update(update_with(item(4, b"\x01a"), whole, small), 64)

    assert [len(piece) > 64 for piece in pieces] == [False, True, False]
    assert pieces[1] == update_with(whole, clock=1)
    assert pieces[2] == update_with(small, clock=2)


def test_gaps_are_kept() -> None:
    update = update_with(b"\x00\x05", b"\x0a\x03", item(4, b"\x01a"), clock=2)
    assert cut_update(update, 100) == [update]


def test_values_of_every_kind_are_passed_over() -> None:
    values = [
        b"\x7f", b"\x7e", b"\x7d\x05", b"\x7d\x80\x01", b"\x7c0000", b"\x7b00000000",
        b"\x7a00000000", b"\x79", b"\x78", b"\x77\x01a", b"\x74\x01\xff",
        b"\x75\x02\x75\x00\x78", b"\x76\x02\x01k\x76\x00\x01l\x75\x01\x7e",
    ]  # fmt: skip
    update = update_with(item(8, bytes([len(values)]) + b"".join(values)))
    assert cut_update(update, 1000) == [update]


def test_parents_of_every_kind_are_passed_over() -> None:
    by_id = item(4, b"\x01a", before=b"\x00\x05\x00")
    with_key = item(4, b"\x01a", info=0x20, before=b"\x01\x01t\x03key")
    update = update_with(by_id, with_key)
    assert cut_update(update, 1000) == [update]


# Bad input.


@pytest.mark.parametrize(
    ("update", "expected"),
    [
        (b"", "a number, not the end"),
        (b"\x01\x01\x05\x00", "1 bytes"),
        (b"\x80", "a number, not the end"),
        (b"\xff" * 12, r"a number up to 2\^53-1"),
        (b"\xff" * 7 + b"\x7f", r"a number up to 2\^53-1"),
        (update_with(item(11, b"")), "a known content, not 11"),
        (update_with(item(7, b"\x07")), "a known type, not 7"),
        (update_with(item(8, b"\x01\x01")), "a tag of a value, not 1"),
        (update_with(item(8, b"\x01\x7d\x80"), deletions=b""), "1 bytes"),
        (update_with(item(4, b"\x01\xff")), "utf-8"),
        (update_with(item(3, b"\x05a")), "5 bytes"),
        (EMPTY + b"\0", "the end of the update"),
    ],
)
def test_no_update_is_refused(update: bytes, expected: str) -> None:
    with pytest.raises(DecodeError, match=expected):
        cut_update(update, 100)


def test_no_nesting_is_too_deep() -> None:
    update = update_with(item(8, b"\x01" + b"\x75\x01" * 100_000 + b"\x7e"))
    assert cut_update(update, 1 << 20) == [update]


@quick
@given(
    st.binary(max_size=60)
    | damaged_bytes(st.integers(0, 20).map(lambda s: random_document(s, edits=8).get_update())),
    sizes,
)
def test_any_input_raises_only_wire_errors(data: bytes, max_bytes: int) -> None:
    raises_only_wire_errors(lambda: cut_update(data, max_bytes))
