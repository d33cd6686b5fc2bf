"""Whatever happens: a value that says that it is there is what its path leads to."""

from __future__ import annotations

import random
from typing import Any

import pytest
from pycrdt import Array, Map
from seeds import seeds

from pyodide_rtc.shared import SharedList, SharedMap
from shared.notebook import Notebook, exchange, pair


class FailedError(Exception):
    """Raised by a block."""


def containers(value: Any) -> list[Any]:
    """Give a shared value and all that are in it."""
    inner = value.values() if isinstance(value, SharedMap) else value
    return [
        value,
        *(c for one in inner if isinstance(one, (SharedMap, SharedList)) for c in containers(one)),
    ]


def follow(notebook: Notebook, path: tuple[str | int, ...]) -> Any:
    value: Any = notebook.values.map(str(path[0]))
    for step in path[1:]:
        value = value[step]
    return value


def change(draw: random.Random, notebook: Notebook, is_raw: bool = True) -> None:
    """Change something, here and there with pycrdt's own objects.

    Not so within a transaction: what they replace in it after it was read cannot be noticed.
    """
    target = draw.choice(containers(notebook.values.map("state")))
    new = draw.choice([1, [2], {"a": 3}, [[4], {"b": [5]}]])
    raw = draw.choice([lambda: 1.0, lambda: Array([Map()]), lambda: Map({"r": Array()})])()
    match draw.choice([0, 1, 2, 5, 3, 4][: 6 if is_raw else 4]), target:
        case ((0 | 1), SharedMap()):
            target[draw.choice("abc")] = new
        case 2, SharedMap():
            target.pop(draw.choice("abc"), None)
        case 3, SharedMap():
            target.raw[draw.choice("abc")] = raw
        case ((0 | 1), _):
            target[draw.randrange(3) : draw.randrange(3)] = [new]
        case 2, _:
            del target[draw.randrange(3) :]
        case 3, _:
            target.raw.insert(0, raw)
        case 4, _ if len(target) and isinstance(target, SharedList):
            del target.raw[draw.randrange(len(target))]
        case _:
            target.clear() if draw.random() < 0.2 else None


@pytest.mark.parametrize("seed", seeds(30))
def test_handles_are_what_their_path_leads_to(seed: int) -> None:
    draw = random.Random(seed)
    ada, bob = pair()
    held: list[Any] = []
    for _ in range(30):
        match draw.randrange(4):
            case 0:
                change(draw, bob)
                exchange(ada, bob)
            case 1:
                before = ada.values.map("state").to_py()
                with pytest.raises(FailedError), ada.values.transaction():
                    for _ in range(3):
                        change(draw, ada, is_raw=False)
                        held += containers(ada.values.map("state"))
                    raise FailedError
                assert ada.values.map("state") == before
            case 2:
                with draw.choice([ada.values.transaction, ada.doc.transaction])():
                    for _ in range(3):
                        change(draw, ada, is_raw=False)
                        held += containers(ada.values.map("state"))
            case _:
                change(draw, ada)
        held += containers(ada.values.map("state"))
        held = [value for value in held if not value.is_removed]
        for value in held:
            assert follow(ada, value.path) is value
    exchange(ada, bob)
    assert ada.values.map("state") == bob.values.map("state")
    assert ada.errors == []
