from __future__ import annotations

import random
from collections.abc import MutableMapping
from typing import Any

import pytest
from pycrdt import Map
from seeds import seeds

from pyodide_rtc.errors import ValueRemovedError
from pyodide_rtc.shared import SharedList, SharedMap
from shared.notebook import Notebook, exchange, pair


@pytest.fixture
def state() -> SharedMap:
    return Notebook().values.map("state")


def test_it_is_a_mapping(state: SharedMap) -> None:
    state.update({"b": 2}, a=1)
    assert isinstance(state, MutableMapping)
    assert (list(state), len(state), "a" in state, "c" in state) == (["a", "b"], 2, True, False)
    assert (state.get("c"), state.get("c", 5), dict(state)) == (None, 5, {"a": 1, "b": 2})
    assert state == {"a": 1, "b": 2}
    assert state != {"a": 1}
    assert state | {"c": 3} == {"a": 1, "b": 2, "c": 3}
    state |= {"c": 3}
    assert state.pop("c") == 3
    assert state.pop("c", None) is None
    assert state.popitem() == ("b", 2)
    state.clear()
    assert not state


@pytest.mark.parametrize("key", ["missing", 3, None, "\ud800"])
def test_keys_that_are_missing(state: SharedMap, key: Any) -> None:
    assert key not in state
    for access in (state.__getitem__, state.__delitem__, state.pop):
        with pytest.raises(KeyError):
            access(key)
    with pytest.raises(KeyError):
        state.popitem()


def test_what_is_assigned_is_shared_at_any_depth(state: SharedMap) -> None:
    state["todo"] = []
    state["todo"].append("x")
    state["deep"] = {"a": [{"b": []}]}
    state["deep"]["a"][0]["b"].append(1)

    assert state == {"todo": ["x"], "deep": {"a": [{"b": [1]}]}}
    assert isinstance(state["todo"], SharedList)
    assert state.to_py() == {"todo": ["x"], "deep": {"a": [{"b": [1]}]}}
    assert type(state.to_py()["deep"]) is dict


def test_one_value_has_one_handle_that_moves_with_it(state: SharedMap) -> None:
    state["rows"] = [{"n": 1}, {"n": 2}]
    row = state["rows"][1]
    assert row is state["rows"][1]
    state["rows"].insert(0, {"n": 0})
    assert row is state["rows"][2]
    assert row.path == ("state", "rows", 2)
    with pytest.raises(TypeError):
        hash(row)


def test_setdefault_gives_what_is_shared(state: SharedMap) -> None:
    state.setdefault("todo", []).append(1)
    state.setdefault("todo", []).append(2)
    assert state == {"todo": [1, 2]}
    assert state.setdefault("n", 3) == 3


def removals() -> list[Any]:
    return [
        lambda state: state.pop("a"),
        lambda state: state.clear(),
        lambda state: state.__setitem__("a", {"b": {}}),
        lambda state: state.update(a=1),
        lambda state: state.raw.__delitem__("a"),
        lambda state: state.raw.__setitem__("a", Map({"b": Map()})),
    ]


@pytest.mark.parametrize("remove", removals())
def test_a_removed_value_says_so(state: SharedMap, remove: Any) -> None:
    state["a"] = {"b": {}}
    outer, inner = state["a"], state["a"]["b"]
    remove(state)

    for value in (outer, inner):
        assert value.is_removed
        assert repr(value) == "SharedMap(removed)"
        for use in (
            lambda value=value: value["x"],
            lambda value=value: value.update(x=1),
            lambda value=value: len(value),
            lambda value=value: value.to_py(),
            lambda value=value: value.observe(print),
            lambda value=value: value.path,
            lambda value=value: value.raw,
        ):
            with pytest.raises(ValueRemovedError, match="removed or replaced"):
                use()


def test_a_peer_removes_it() -> None:
    ada, bob = pair()
    ada.values.map("state")["a"] = [1]
    exchange(ada, bob)
    mine = ada.values.map("state")["a"]
    del bob.values.map("state")["a"]
    exchange(ada, bob)
    with pytest.raises(ValueRemovedError):
        mine.append(2)


def test_within_a_transaction_handles_are_those_of_now(state: SharedMap) -> None:
    notebook = Notebook()
    state = notebook.values.map("state")
    state["a"] = [1]
    old = state["a"]
    for transaction in (notebook.values.transaction, notebook.doc.transaction):
        with transaction():
            state["a"] = [2]
            new = state["a"]
            assert old.is_removed
            new.append(3)
        new.append(4)
        assert state["a"] is new
        assert new == [2, 3, 4]
        old = new


def test_what_is_there_already_is_not_written(state: SharedMap) -> None:
    state.update(n=1, flag=True, rows=[{"a": (1, 2)}], text="x")
    before = state["rows"]
    vector = state.raw.doc.get_state()
    state.update(n=1.0, flag=True, rows=[{"a": (1, 2)}], text="x")
    assert state.raw.doc.get_state() == vector
    assert state["rows"] is before
    state.update(flag=1)
    assert state["flag"] == 1
    assert state["flag"] is not True


def test_reprs_are_short_and_safe(state: SharedMap) -> None:
    state["x"] = "<script>" * 1_000
    assert len(repr(state)) < 1_100
    assert repr(state).startswith("SharedMap({'x': '<script>")
    assert "<script>" not in state._repr_html_()


@pytest.mark.parametrize("seed", seeds(12))
def test_it_does_as_a_dict_does(seed: int) -> None:
    draw = random.Random(seed)
    ada, bob = pair()
    shared, model = ada.values.map("state"), dict[str, Any]()
    values = [1, 2.5, "é📊", None, True, [1, [2]], {"k": {"l": 1}}, (1, 2), b"x"]
    for _ in range(150):
        key = draw.choice("abcdé")
        value = draw.choice(values)
        match draw.randrange(6):
            case 0 | 1:
                shared[key] = value
                model[key] = value
            case 2:
                assert shared.pop(key, 0) == model.pop(key, 0)
            case 3:
                assert shared.setdefault(key, value) == model.setdefault(key, value)
            case 4:
                shared.update({key: value})
                model.update({key: value})
            case 5 if model.get(key) == {"k": {"l": 1}}:
                shared[key]["k"]["l"] = 1.0
        assert shared == model
        assert list(shared) == sorted(model)
        bob.hear(ada)
        assert bob.values.map("state") == model


@pytest.mark.parametrize("seed", seeds(12))
def test_two_who_write_at_once_become_one(seed: int) -> None:
    draw = random.Random(seed)
    ada, bob = pair()
    for _ in range(20):
        for notebook in (ada, bob):
            state = notebook.values.map("state")
            for _ in range(draw.randrange(4)):
                state.setdefault(draw.choice("ab"), [])
                state.setdefault(draw.choice("ab"), []).append(draw.randrange(100))
                if draw.random() < 0.2:
                    state.popitem()
        exchange(ada, bob)
        assert ada.values.map("state") == bob.values.map("state")


def test_an_attribute_is_no_key() -> None:
    """Reproduces: `state.n = 3` was taken, and shared with nobody."""
    state = Notebook().values.map("state")
    with pytest.raises(AttributeError, match=r"write map\['n'\] ="):
        state.n = 3  # type: ignore[attr-defined]
    assert state == {}
