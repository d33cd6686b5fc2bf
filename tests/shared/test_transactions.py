from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from pycrdt import Doc, Map, Text, XmlFragment

from pyodide_rtc.errors import InternalError, TransactionError
from pyodide_rtc.shared import Values
from shared.notebook import Notebook


class FailedError(Exception):
    """Raised by a block."""


def test_changes_are_one_update() -> None:
    ada, updates = Notebook(), list[bytes]()
    ada.doc.observe(lambda event: updates.append(event.update))
    state = ada.values.map("state")
    updates.clear()
    with ada.values.transaction():
        state["a"] = 1
        with ada.values.transaction():
            state["b"] = 2
        assert state == {"a": 1, "b": 2}
    assert len(updates) == 1


def test_what_is_raised_takes_back_what_the_block_did() -> None:
    ada, events = Notebook(), list[Any]()
    values = ada.values
    state, items, text = values.map("state"), values.list("items"), values.text("text")
    state.update(kept=1, rows=[{"a": [1]}], gone="x")
    items.extend([1, 2, 3])
    text += "A📊B"
    for value in (state, items, text):
        value.observe(events.append)
    before = state.to_py(), items.to_py(), str(text)

    with pytest.raises(FailedError), values.transaction():
        state["kept"] = 2
        state["rows"][0]["a"].append(5)
        del state["gone"]
        state["new"] = {"b": 1}
        with values.transaction():
            items[1:2] = [7, [8]]
        text.insert(1, "é")
        values.map("name")["x"] = 1
        values.text("other").append("x")
        raise FailedError

    assert (state.to_py(), items.to_py(), str(text)) == before
    assert (values.map("name"), values.text("other")) == ({}, "")
    ada.turn()
    assert events == [], "nothing happened"
    state["kept"] = 3
    ada.turn()
    assert len(events) == 1
    bob = Notebook("Bob")
    bob.hear(ada)
    assert bob.values.map("state") == state
    assert ada.errors == []


def test_a_removed_container_is_a_new_one_afterwards() -> None:
    ada = Notebook()
    state = ada.values.map("state")
    state["rows"] = [1]
    rows = state["rows"]
    with pytest.raises(FailedError), ada.values.transaction():
        del state["rows"]
        raise FailedError
    assert rows.is_removed
    state["rows"].append(2)
    assert state == {"rows": [1, 2]}


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("transaction"),
        RecursionError(),
        KeyError("a"),
        ExceptionGroup("", [FailedError()]),
    ],
)
def test_what_is_raised_goes_on_as_it_is(error: Exception) -> None:
    ada = Notebook()
    ada.doc.get("xml", type=XmlFragment)
    for outer in (ada.values.transaction, ada.doc.transaction):
        with pytest.raises(type(error)) as raised, outer(), ada.values.transaction():
            ada.values.map("state")["a"] = 1
            raise error
        assert raised.value is error
        assert error.__cause__ is None
    assert ada.errors == []


def test_a_panic_of_pycrdt_is_an_error_like_others() -> None:
    ada = Notebook()
    state = ada.values.map("state")
    with pytest.raises(InternalError, match="PanicException"), ada.values.transaction():
        state["a"] = 1
        del ada.doc.get("text", type=Text)[1000:1005]
    assert state == {}
    state["a"] = 2
    assert state == {"a": 2}


def test_within_one_of_pycrdt_it_is_a_part_of_that() -> None:
    ada = Notebook()
    state = ada.values.map("state")
    with ada.doc.transaction(), pytest.raises(FailedError), ada.values.transaction():
        state["a"] = 1
        raise FailedError
    assert state == {"a": 1}, "as the docs say"


def in_observer(ada: Notebook, use: Callable[[], Any], deep: bool) -> Any:
    """Call something inside an observer of pycrdt."""
    found = list[Any]()

    def observer(event: Any) -> None:
        try:
            found.append(use())
        except TransactionError as error:
            found.append(error)

    raw = ada.doc.get("raw", type=Map)
    subscription = raw.observe(observer) if deep else ada.doc.observe(observer)
    raw["x"] = 1
    (raw if deep else ada.doc).unobserve(subscription)
    return found[0]


def in_block(ada: Notebook) -> None:
    with ada.values.transaction():
        ada.values.map("state")["a"] = 2


@pytest.mark.parametrize("deep", [True, False])
def test_inside_an_observer_of_pycrdt(deep: bool) -> None:
    ada = Notebook()
    state, text, items = ada.values.map("state"), ada.values.text("t"), ada.values.list("l")
    state["a"] = 1
    writes: list[Callable[[], Any]] = [
        lambda: state.update(a=2),
        lambda: text.append("x"),
        lambda: items.append(1),
        lambda: ada.values.map("new"),
        lambda: in_block(ada),
        lambda: ada.values.undo_manager(state),
    ]
    for write in writes:
        error = in_observer(ada, write, deep)
        assert isinstance(error, TransactionError)
        assert isinstance(error.remedy, str)
    read = in_observer(ada, state.to_py, deep)
    assert read == {"a": 1} if deep else isinstance(read, TransactionError)
    assert "SharedMap" in in_observer(ada, lambda: repr(state), deep)
    state["a"] = 3
    assert state == {"a": 3}


def test_what_observers_of_pycrdt_raise_is_told() -> None:
    ada = Notebook()
    state = ada.values.map("state")

    def fail(event: Any) -> None:
        raise FailedError

    subscription = ada.doc.get("state", type=Map).observe(fail)
    state["a"] = 1
    assert state == {"a": 1}
    [group] = ada.errors
    assert isinstance(group, ExceptionGroup)
    del subscription


async def test_a_block_that_awaits_is_told_once() -> None:
    errors: list[BaseException] = []
    loop = asyncio.get_running_loop()
    values = Values(Doc(), loop.call_soon, errors.append, str)
    state = values.map("state")
    events: list[Any] = []
    state.observe(events.append)

    async def other() -> None:
        assert state == {"a": 1}, "reading is no matter"
        for write in (lambda: state.update(b=1), lambda: values.transaction().__enter__()):
            with pytest.raises(TransactionError, match="another task"):
                write()

    with values.transaction():
        state["a"] = 1
        await asyncio.create_task(other())
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        state["c"] = 1

    assert state == {"a": 1, "c": 1}
    [error] = errors
    assert isinstance(error, TransactionError)
    assert "waits" in error.problem
    for _ in range(3):
        await asyncio.sleep(0)
    assert len(events) == 1
    state["d"] = 1


async def test_callbacks_wait_for_a_block_that_awaits() -> None:
    errors: list[BaseException] = []
    loop = asyncio.get_running_loop()
    values = Values(Doc(), loop.call_soon, errors.append, str)
    state, log = values.map("state"), values.list("log")
    state.observe(lambda event: log.append(repr(event)))
    state["a"] = 1
    with values.transaction():
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert log == []
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert log == ["<here: state['a'] added 1>"]
    assert len(errors) == 1
