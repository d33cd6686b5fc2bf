from __future__ import annotations

import copy
import json
import pickle
from collections import OrderedDict, deque
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import IntEnum
from fractions import Fraction
from math import inf, isnan, nan
from typing import Any

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Map, Text

from pyodide_rtc.errors import ValueRefusedError
from pyodide_rtc.protocol.link import MAX_RECEIVED_BYTES
from pyodide_rtc.shared import PlainDict, plain
from pyodide_rtc.shared.plain_values import MAX_NESTING, MAX_VALUE_BYTES
from shared.notebook import Notebook, exchange, pair


class Colour(IntEnum):
    RED = 1


class Index:
    def __index__(self) -> int:
        return 7


class Scalar:
    """As numpy's scalars are."""

    dtype = "int64"
    shape = ()

    def __init__(self, value: object) -> None:
        self._value = value

    def item(self) -> object:
        return self._value


class Timestamp(datetime):
    """As pandas' is."""


class NAType:
    """As pandas' is."""


@pytest.fixture
def state() -> Any:
    return Notebook().values.map("state")


@pytest.mark.parametrize(
    ("value", "given"),
    [
        (3, 3),
        (3.0, 3),
        (-0.0, 0),
        (2**53 - 1, 2**53 - 1),
        (1 - 2**53, 1 - 2**53),
        (1.5, 1.5),
        (1e300, 1e300),
        (inf, inf),
        (True, True),
        (None, None),
        ("A📊é", "A📊é"),
        ("", ""),
        (b"\x00\xff", b"\x00\xff"),
        (bytearray(b"x"), b"x"),
        (Colour.RED, 1),
        (Index(), 7),
        (Fraction(1, 2), 0.5),
        (Scalar(5), 5),
        (Scalar(True), True),
        (Scalar(0.25), 0.25),
        ((1, [2.0, (3,)]), (1, (2, (3,)))),
        ((), ()),
        (plain([1, {"a": [2.0]}]), (1, {"a": (2,)})),
        (plain({"a": {"b": [1]}}), {"a": {"b": (1,)}}),
    ],
)
def test_what_comes_back(value: object, given: object) -> None:
    ada, bob = pair()
    ada.values.map("state")["x"] = value
    exchange(ada, bob)

    for notebook in (ada, bob):
        back = notebook.values.map("state")["x"]
        assert back == given
        assert type(back) in (type(given), PlainDict)


def test_not_a_number(state: Any) -> None:
    state["x"] = nan
    assert isnan(state["x"])


@pytest.mark.parametrize(
    ("value", "kind", "remedy"),
    [
        (2**53, "int 9007199254740992", "str(value)"),
        (-(2**64), "int", "str(value)"),
        (1 << 20_000, "bits", "str(value)"),
        ({1, 2}, "set", "sorted(value)"),
        (datetime.now(UTC), "datetime", ".isoformat()"),
        (date(2026, 1, 1), "date", ".isoformat()"),
        (Timestamp(2026, 1, 1), "Timestamp", ".isoformat()"),
        (Decimal(1), "Decimal", "float(value)"),
        (1j, "complex", "value.real"),
        (range(3), "range", "list(value)"),
        (numpy.ones(3), "ndarray", ".tolist()"),
        (numpy.arange(1), "ndarray", ".tolist()"),
        (numpy.array(["a", "b"]), "ndarray", ".tolist()"),
        (NAType(), "NAType", "None"),
        (memoryview(b"x"), "memoryview", "bytes(value)"),
        (deque([1]), "deque", "text, numbers"),
        (object(), "object", "text, numbers"),
        ({1: "a"}, "the key 1 is of type int", "str(key)"),
        ({"\ud800": 1}, "half a character", "another key"),
        ("\ud800", "half a character", "encode"),
        (Map(), "Map of pycrdt", "dict"),
        (Array([1]), "Array of pycrdt", "list"),
        (Text("x"), "Text of pycrdt", "text"),
    ],
    ids=lambda value: value if isinstance(value, str) and value.isascii() else type(value).__name__,
)
def test_what_is_refused(state: Any, value: object, kind: str, remedy: str) -> None:
    state["x"] = "before"
    for refused in (value, [value], {"a": [value]}, (value,), plain([value])):
        with pytest.raises(ValueRefusedError) as error:
            state["x"] = refused
        assert str(error.value).startswith("state['x']")
        assert kind in error.value.what
        assert remedy in error.value.remedy

    assert state == {"x": "before"}, "the document can be used, and is as before"


def test_the_place_is_named(state: Any) -> None:
    state["a"] = {"rows": []}
    with pytest.raises(ValueRefusedError, match=r"state\['a'\]\['rows'\]\[0\]\['b'\]\[1\]: a set"):
        state["a"]["rows"].append({"b": [1, {2}]})
    with pytest.raises(ValueRefusedError, match="state: the key 3 is of type int"):
        state[3] = 1


def test_python_catches_it_as_its_own(state: Any) -> None:
    with pytest.raises(TypeError):
        state["x"] = {1}
    with pytest.raises(ValueError, match="2\\*\\*53"):
        state["x"] = 2**53


def test_what_peers_do_not_take(state: Any) -> None:
    deep: list[Any] = []
    for _ in range(MAX_NESTING + 1):
        deep = [deep]
    with pytest.raises(ValueRefusedError, match="deeper than"):
        state["x"] = deep
    with pytest.raises(ValueRefusedError, match="deeper than"):
        state["x"] = plain(deep)
    cyclic: list[Any] = []
    cyclic.append(cyclic)
    with pytest.raises(ValueRefusedError, match="twice"):
        state["x"] = cyclic
    part = bytes(MAX_VALUE_BYTES // 4)
    with pytest.raises(ValueRefusedError, match="256 MiB"):
        state["x"] = [part, part, part, part, b"x"]
    assert state == {}


def test_the_limit_is_that_of_a_message() -> None:
    assert MAX_VALUE_BYTES == MAX_RECEIVED_BYTES


def test_the_same_list_twice_would_be_two(state: Any) -> None:
    row = [0]
    with pytest.raises(ValueRefusedError, match="the same list is in it twice"):
        state["grid"] = [row, row]
    state["grid"] = [(0,)] * 2
    assert state["grid"] == [(0,), (0,)]


def test_a_shared_value_cannot_be_in_two_places(state: Any) -> None:
    state["a"] = {"b": [1]}
    for value in (state["a"], state["a"]["b"]):
        for refused in (value, [value], plain(value), (value,)):
            with pytest.raises(ValueRefusedError, match=r"value\.to_py\(\)"):
                state["c"] = refused
    state["c"] = state["a"].to_py()
    state["c"]["b"].append(2)
    assert state == {"a": {"b": [1]}, "c": {"b": [1, 2]}}


def test_it_stays_where_it_is(state: Any) -> None:
    state["a"] = [[1]]
    rows = state["a"]
    state["a"] += [2]
    state["a"][0] += [3]
    assert state["a"] is rows
    assert state == {"a": [[1, 3], 2]}


def test_plain_values_are_read_only(state: Any) -> None:
    state["x"] = plain({"a": [1, {"b": 2}]})
    value = state["x"]
    for change in (
        lambda: value.__setitem__("c", 1),
        lambda: value.pop("a"),
        lambda: value.update(c=1),
        lambda: value["a"][1].clear(),
    ):
        with pytest.raises(ValueRefusedError, match="read-only"):
            change()
    assert isinstance(value["a"], tuple)
    assert json.loads(json.dumps(value)) == {"a": [1, {"b": 2}]}
    assert copy.deepcopy(value) == pickle.loads(pickle.dumps(value)) == value
    state["y"] = value
    assert isinstance(state["y"], PlainDict)


def test_other_mappings_become_shared(state: Any) -> None:
    state["x"] = OrderedDict(b=1, a=2)
    state["x"]["c"] = 3
    assert state == {"x": {"a": 2, "b": 1, "c": 3}}


def test_scalars_of_numpy(state: Any) -> None:
    state.update(i=numpy.int64(3), f=numpy.float32(0.5), b=numpy.bool_(True))
    assert state == {"i": 3, "f": 0.5, "b": True}
    assert state["b"] is True


leaves = st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(max_size=5)
trees = st.recursive(
    leaves,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(trees)
def test_any_tree_comes_back(tree: Any) -> None:
    ada, bob = pair()
    ada.values.map("state")["x"] = tree
    ada.values.map("state")["y"] = plain(tree)
    exchange(ada, bob)

    back = bob.values.map("state").to_py()
    assert back["x"] == tree
    assert json.loads(json.dumps(back["y"])) == tree
