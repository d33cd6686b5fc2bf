from __future__ import annotations

import random
from collections.abc import MutableSequence
from typing import Any

import pytest
from seeds import seeds

from pyodide_rtc.errors import ValueRefusedError, ValueRemovedError
from pyodide_rtc.shared import SharedList
from shared.notebook import Notebook, exchange, pair


@pytest.fixture
def items() -> SharedList:
    return Notebook().values.list("items")


def test_it_is_a_sequence(items: SharedList) -> None:
    items += [3, 1]
    items.append(2)
    items.insert(0, 0)
    items.insert(-100, -1)
    items.insert(100, 9)
    assert isinstance(items, MutableSequence)
    assert items == [-1, 0, 3, 1, 2, 9]
    assert (items[-1], items[1:3], items[::-2], len(items)) == (9, [0, 3], [9, 1, 0], 6)
    assert (items.index(3), items.count(3), 3 in items, 7 in items) == (2, 1, True, False)
    five = [5]
    assert (items + five, five + items) == ([-1, 0, 3, 1, 2, 9, 5], [5, -1, 0, 3, 1, 2, 9])
    items.remove(3)
    assert items.pop() == 9
    assert items.pop(0) == -1
    items.reverse()
    assert items == [2, 1, 0]
    items.sort()
    assert items.copy() == [0, 1, 2]
    items.sort(key=lambda item: -item)
    assert items == [2, 1, 0]
    items.clear()
    assert not items
    assert items != (1,)


@pytest.mark.parametrize("position", [2, -3, 10**30])
def test_positions_that_are_missing(items: SharedList, position: int) -> None:
    items.extend([1, 2])
    for access in (
        lambda: items[position],
        lambda: items.pop(position),
        lambda: items.__delitem__(position),
        lambda: items.__setitem__(position, 1),
    ):
        with pytest.raises(IndexError):
            access()
    assert items[5:10] == []
    del items[5:10]
    items[5:10] = [3]
    assert items == [1, 2, 3]
    with pytest.raises(IndexError):
        SharedList.pop(Notebook().values.list("empty"))


def test_what_is_no_position(items: SharedList) -> None:
    with pytest.raises(TypeError):
        items["a"]  # type: ignore[index]
    with pytest.raises(ValueRefusedError, match="3 values cannot replace 2 items"):
        items.extend([1, 2, 3, 4])
        items[::2] = [1, 2, 3]


def test_a_list_into_itself(items: SharedList) -> None:
    items.extend([1, [2]])
    items.extend(items)
    assert items == [1, [2], 1, [2]]


def test_equal_ends_are_not_written(items: SharedList) -> None:
    items.extend([1, [2], 3, {"a": 4}, 5])
    nested, last = items[1], items[3]
    items[:] = [1, [2], 7, 8, {"a": 4}, 5]
    assert items == [1, [2], 7, 8, {"a": 4}, 5]
    assert items[1] is nested
    assert items[4] is last
    items[:] = list(items)
    assert items[1] is nested


def test_moved_items_are_refused_where_they_are_shared(items: SharedList) -> None:
    items.extend([[1], [2]])
    with pytest.raises(ValueRefusedError, match="two places"):
        items[0], items[1] = items[1], items[0]
    items.reverse()
    assert items == [[2], [1]]


def test_removed_items_say_so(items: SharedList) -> None:
    items.extend([[1], [2], [3]])
    first, second, third = items
    del items[0]
    items.raw.insert(0, 5)
    del items.raw[1]
    for gone in (first, second):
        with pytest.raises(ValueRemovedError):
            gone.append(1)
    third.append(4)
    assert items == [5, [3, 4]]
    items[1] = [6]
    assert third.is_removed
    with pytest.raises(ValueRemovedError):
        len(third)


@pytest.mark.parametrize("seed", seeds(20))
def test_it_does_as_a_list_does(seed: int) -> None:
    draw = random.Random(seed)
    ada, bob = pair()
    shared, model = ada.values.list("items"), list[Any]()
    values = [1, 2.5, "é📊", None, True, [1], {"k": 1}, (1, 2)]
    for _ in range(120):
        value = draw.choice(values)
        position = draw.randrange(-3, len(model) + 3)
        part = slice(*(draw.choice([None, draw.randrange(-9, 9)]) for _ in range(2)))
        match draw.randrange(8):
            case 0:
                shared.insert(position, value)
                model.insert(position, value)
            case 1:
                shared[part] = [value, 7]
                model[part] = [value, 7]
            case 2 if len(model) > 12:
                del shared[part]
                del model[part]
            case 3:
                del shared[::3]
                del model[::3]
            case 4 if model:
                shared[-1] = model[-1] = value
            case 5:
                shared.extend([value] * (not isinstance(value, (list, dict))))
                model.extend([value] * (not isinstance(value, (list, dict))))
            case 6:
                assert shared[part] == model[part]
                assert shared[::-1] == model[::-1]
            case 7 if model:
                assert shared.pop() == model.pop()
        assert shared == model
        bob.hear(ada)
        assert bob.values.list("items") == model


@pytest.mark.parametrize("seed", seeds(12))
def test_two_who_write_at_once_become_one(seed: int) -> None:
    draw = random.Random(seed)
    ada, bob = pair()
    for _ in range(20):
        for notebook in (ada, bob):
            items = notebook.values.list("items")
            for _ in range(draw.randrange(4)):
                items.insert(draw.randrange(5), [draw.randrange(9)])
                draw.choice(list(items)).append(1)
                if draw.random() < 0.3:
                    items.pop(draw.randrange(len(items)))
        exchange(ada, bob)
        assert ada.values.list("items") == bob.values.list("items")
