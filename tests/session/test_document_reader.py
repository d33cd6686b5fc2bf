"""A document of which Yrs cannot read everything: all else of it is told as ever."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest
from pycrdt import Doc, Map
from seeds import some
from wire.strange_updates import broken_update, strange_update

from pyodide_rtc.errors import InternalError
from pyodide_rtc.session.document_reader import DocumentReader
from pyodide_rtc.wire.state import decode_state_vector, encode_state_vector
from pyodide_rtc.wire.update_extent import extent_of
from pyodide_rtc.yrs import is_panic

from .test_document_binding import Bound, update_of

PLAYS = some(1000)

PANIC = b"\1\1\1\1\0\0\0"
"""A GC of no length at clock 1 of client 1. Yrs 0.28 takes it, and divides by zero in
`BlockSet::find_pivot` whenever it encodes what client 1 has."""

OWN_LIST = b"\1\1\2\0\2\1\4root\1\0011\0010\0"
"""A JSON content: Yrs 0.28 reads one value more than it tells, and writes them all: it cannot read
that again."""


@pytest.mark.parametrize("count", [1, 2])
def test_what_makes_yrs_panic_is_passed_over(count: int) -> None:
    """Reproduces: eight bytes of one peer, and nobody was sent anything any more."""
    doc: Doc[Any] = Doc()
    for client in range(1, 1 + count):
        doc.apply_update(PANIC.replace(b"\1\1\1\1", bytes([1, 1, client, 1])))
    doc.get("m", type=Map)["x"] = 1
    faults: list[BaseException] = []
    reader = DocumentReader(doc, faults.append)

    for _ in range(2):
        copy: Doc[Any] = Doc()
        copy.apply_update(reader.update_since())
        assert copy.get("m", type=Map).to_py() == {"x": 1}
        assert reader.update_since(copy.get_state())[:1] == b"\0"
        assert extent_of(reader.beyond()).spans == {}
    [fault] = faults
    assert isinstance(fault, InternalError)
    assert "are not passed on" in fault.reason


def test_a_state_vector_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\w"):
        DocumentReader(Doc(), [].append).update_since(b"\xff")


@pytest.mark.parametrize("error", [KeyboardInterrupt, MemoryError])
@pytest.mark.parametrize("panics", [0, 1], ids=["at once", "after a panic"])
def test_what_is_no_panic_is_raised(
    monkeypatch: pytest.MonkeyPatch, error: type[BaseException], panics: int
) -> None:
    doc: Doc[Any] = Doc()
    doc.apply_update(PANIC)

    def interrupt(_: object) -> bytes:
        raise error

    reads = iter([doc.get_update] * panics + [interrupt])
    monkeypatch.setattr(doc, "get_update", lambda since: next(reads)(since))
    with pytest.raises(error):
        DocumentReader(doc, [].append).update_since()
    assert list(reads) == []


async def test_what_yrs_cannot_read_again_is_not_compared() -> None:
    """Reproduces: each later check failed, and what was lost was not found any more."""
    bound = Bound()
    behind = bytes([1, 1, 2, 5]) + OWN_LIST[4:]
    bound.binding.apply(7, behind)
    bound.binding.apply(7, update_of(a=1))
    bound.binding.flush_applied()

    for _ in range(2):
        check = bound.binding.inventory().check
        assert 1 in decode_state_vector(check.state_vector).values()
    assert bound.binding.diff(b"\0")
    bound.map["own"] = 1
    bound.binding.flush()
    assert bound.map.to_py()["own"] == 1
    assert all(isinstance(error, InternalError) for error in bound.errors)


OTHER_LIST = bytes.fromhex("02010700020104726f6f7400014d00624d010000")
"""Another one, found by trying: in it a list of no values."""


@pytest.mark.parametrize("update", [OWN_LIST, OTHER_LIST, PANIC])
def test_a_newcomer_gets_all_that_can_be_read(update: bytes) -> None:
    """Reproduces: a newcomer could not read what it was sent, and closed its peer for good."""
    doc: Doc[Any] = Doc()
    doc.get("map", type=Map)["work"] = "honest"
    doc.apply_update(update)
    faults: list[BaseException] = []
    reader = DocumentReader(doc, faults.append)
    newcomer: Doc[Any] = Doc()
    newcomer.apply_update(reader.update_since())
    assert newcomer.get("map", type=Map).to_py() == {"work": "honest"}
    [fault] = faults
    assert isinstance(fault, InternalError)
    assert reader.told({1: 2, 7: 1, 77: 1, doc.client_id: 1})[doc.client_id] == 1
    with pytest.raises(ValueError, match=r"\w"):
        reader.update_since(b"\xff")


async def test_what_cannot_be_read_is_not_passed_on() -> None:
    bound = Bound()
    bound.binding.apply(7, OWN_LIST)
    bound.binding.flush_applied()
    assert bound.changes == []
    assert bound.large == [7], "who needs it gets the difference"
    newcomer: Doc[Any] = Doc()
    newcomer.apply_update(bound.binding.diff(b"\0"))
    assert 1 not in decode_state_vector(bound.binding.inventory().check.state_vector)


@pytest.mark.parametrize("make", [strange_update, broken_update])
async def test_no_update_that_yrs_takes_keeps_what_is_ours_from_others(make: Any) -> None:
    """Reproduces: an exception in reading the document kept everything from everybody."""
    for seed in range(PLAYS):
        bound = Bound()
        bound.binding.apply(7, make(Random(seed)))
        bound.binding.flush_applied()
        bound.map["own"] = 1
        bound.map["more"] = 2
        bound.binding.flush()
        mine = {bound.doc.client_id: 0}
        copy: Doc[Any] = Doc()
        for update, source in bound.changes:
            if source is None:
                copy.apply_update(update)
        if copy.get("map", type=Map).to_py() != {"own": 1, "more": 2}:
            # It goes as a difference: who needs it asks for it.
            assert None in bound.large
        clocks = decode_state_vector(bound.binding.state_vector)
        inventory = bound.binding.inventory()
        Doc().apply_update(inventory.beyond)
        others = encode_state_vector({**dict.fromkeys(clocks, 2**32 - 1), **mine})
        asker: Doc[Any] = Doc()
        asker.apply_update(bound.binding.diff(others))
        assert asker.get("map", type=Map).to_py() == {"own": 1, "more": 2}, seed
        state = bound.binding.state(1_000_000)
        assert state is not None
        newcomer: Doc[Any] = Doc()
        newcomer.apply_update(state)
        assert newcomer.get("map", type=Map).to_py() == {"own": 1, "more": 2}, seed
        assert bound.binding.inventory() is inventory


def test_a_panic_is_told_from_other_errors() -> None:
    doc: Doc[Any] = Doc()
    doc.apply_update(PANIC)
    with pytest.raises(BaseException, match="divide by zero") as caught:
        doc.get_update()
    assert is_panic(caught.value)
    assert not is_panic(ZeroDivisionError())
