from __future__ import annotations

import gc
import random
import sys
from collections.abc import Iterator
from typing import Any

import pytest
from pycrdt import Map, Text
from seeds import seeds

from pyodide_rtc.errors import ConfigError, SharedValueError
from pyodide_rtc.shared import Change, ValuesChanged
from shared.notebook import Notebook, exchange, pair


def changes(events: list[ValuesChanged]) -> list[Change]:
    return [change for event in events for change in event.changes]


def test_one_event_for_each_transaction_in_a_turn_of_its_own() -> None:
    ada, seen = Notebook(), list[ValuesChanged]()
    state = ada.values.map("state")
    state.update(n=1, old=1)
    state.observe(seen.append)
    with ada.values.transaction():
        state["n"] = 2
        state["n"] = 3
        state["new"] = {"a": [1]}
        del state["old"]
    assert seen == []
    ada.turn()

    [event] = seen
    assert event.author == ""
    assert event.changes == (
        Change(("n",), "changed", 1, 3),
        Change(("new",), "added", None, {"a": [1]}),
        Change(("old",), "removed", 1),
    )
    assert repr(event) == (
        "<here: state['n'] changed 1 to 3; state['new'] added {'a': [1]}; state['old'] removed 1>"
    )


def test_the_same_plain_value_once_more_is_no_change() -> None:
    ada, seen = Notebook(), list[ValuesChanged]()
    state = ada.values.map("state")
    state.update({"n": 3, "rows": [1]})
    state.observe(seen.append)
    state["n"] = 3
    ada.turn()
    assert seen == []
    state["n"] = 3.5
    state["rows"] = [1]
    ada.turn()
    assert changes(seen) == [
        Change(("n",), "changed", 3, 3.5),
        Change(("rows",), "changed", [1], [1]),  # another list: who has the old one has none
    ]


def test_nested_changes_have_their_path() -> None:
    ada, seen = Notebook(), list[ValuesChanged]()
    state = ada.values.map("state")
    state["rows"] = [{"a": 1}, (1, [2])]
    state.observe(seen.append)
    state["rows"][0]["a"] = 2
    state["rows"].insert(0, {"b": 1})
    state["rows"][1]["a"] = 3
    del state["rows"][2]
    state["rows"][0] = "new"
    ada.turn()

    assert changes(seen) == [
        Change(("rows", 0, "a"), "changed", 1, 2),
        Change(("rows", 0), "added", None, [{"b": 1}]),
        Change(("rows", 1, "a"), "changed", 2, 3),
        Change(("rows", 2), "removed", [(1, (2,))]),
        Change(("rows", 0), "changed", [{"b": 1}], ["new"]),
    ]


def test_texts_are_told_in_characters() -> None:
    ada, seen = Notebook(), list[ValuesChanged]()
    text = ada.values.text("t")
    text += "A📊B"
    text.observe(seen.append)
    text.insert(2, "é")
    del text[1]
    text[0:1] = "日本"
    with ada.values.transaction():
        text.insert(0, "📊")
        text += "!"
    ada.turn()

    assert changes(seen) == [
        Change((2,), "added", None, "é"),
        Change((1,), "removed", "📊"),
        Change((0,), "changed", "A", "日本"),
        Change((0,), "added", None, "📊"),
        Change((5,), "added", None, "!"),
    ]


def test_what_peers_do_has_their_name() -> None:
    ada, bob = pair()
    seen = list[ValuesChanged]()
    ada.values.map("state").observe(seen.append)
    bob.values.map("state")["x"] = [1]
    exchange(ada, bob)
    bob.values.map("state")["x"].append(2)
    exchange(ada, bob)
    del bob.values.map("state")["x"]
    exchange(ada, bob)
    ada.turn()

    assert {event.author for event in seen} == {"Bob"}
    assert changes(seen) == [
        Change(("x",), "added", None, [1]),
        Change(("x", 1), "added", None, [2]),
        Change(("x",), "removed", [1, 2]),
    ]


def test_it_is_kept_until_it_is_cancelled() -> None:
    ada, seen = Notebook(), list[ValuesChanged]()
    observation = ada.values.map("state").observe(seen.append)
    gc.collect()
    state = ada.values.map("state")
    state["n"] = 1
    ada.turn()
    assert len(seen) == 1
    assert repr(observation) == "<Observation of state: cancel() ends it>"
    assert "Observation" in observation._repr_html_()

    state["n"] = 2
    observation.cancel()
    observation()
    ada.turn()
    state["n"] = 3
    ada.turn()
    assert len(seen) == 1, "not even of what has happened already"
    assert not observation.is_active
    assert repr(observation) == "<Observation of state: cancelled>"

    with state.observe(seen.append):
        state["n"] = 4
        ada.turn()
    state["n"] = 5
    ada.turn()
    assert len(seen) == 2


def test_closing_ends_all() -> None:
    ada, seen = Notebook(), list[ValuesChanged]()
    state = ada.values.map("state")
    observations = [state.observe(seen.append) for _ in range(2)]
    ada.values.close()
    state["n"] = 1
    ada.turn()
    assert seen == []
    assert not any(observation.is_active for observation in observations)
    assert state == {"n": 1}


def test_it_may_write_and_read_everything() -> None:
    ada = Notebook()
    state = ada.values.map("state")

    def on_change(event: ValuesChanged) -> None:
        if state["n"] < 3:
            state["n"] += 1
            ada.values.list("log").append(state["n"])

    state.observe(on_change)
    state["n"] = 0
    for turns in range(1, 4):
        ada.turn()
        assert state["n"] == turns, "each in a turn of its own: nothing goes on for ever"
    ada.turn()
    assert ada.values.list("log") == [1, 2, 3]
    assert ada.errors == []


def test_what_it_raises_is_shown_and_others_are_called() -> None:
    ada, seen = Notebook(), list[ValuesChanged]()
    state = ada.values.map("state")
    fault = KeyError("mine")

    def fail(event: ValuesChanged) -> None:
        raise fault

    state.observe(fail)
    state.observe(seen.append)
    state["n"] = 1
    ada.turn()
    assert ada.errors == [fault]
    assert len(seen) == 1


def test_observers_of_pycrdt_work_beside_it() -> None:
    ada, seen = Notebook(), list[ValuesChanged]()
    state = ada.values.map("state")
    raw = ada.doc.get("state", type=Map)
    read = list[Any]()

    def on_event(event: Any) -> None:
        read.append((state.to_py(), ada.values.text("t").find("x"), repr(state)))

    ada.values.text("t").set("éx")
    state.observe(seen.append)
    subscription = raw.observe(on_event)
    raw["n"] = 1.0
    raw["t"] = Text("é")
    raw["t"].insert(2, "ü")
    ada.turn()
    assert read[0] == ({"n": 1}, 1, "SharedMap({'n': 1})")
    assert [change.new for change in changes(seen)] == [1, "é", "ü"]
    raw.unobserve(subscription)


@pytest.fixture
def usual_recursion() -> Iterator[None]:
    """Python's own limit: jedi sets another one where it is imported, in other tests too."""
    before = sys.getrecursionlimit()
    sys.setrecursionlimit(1_000)
    yield
    sys.setrecursionlimit(before)


@pytest.mark.usefixtures("usual_recursion")
def test_what_a_peer_nests_too_deep_harms_nothing_else() -> None:
    ada, seen = Notebook(), list[ValuesChanged]()
    state = ada.values.map("state")
    state.observe(seen.append)
    deep: Any = 1
    for _ in range(900):
        deep = [deep]
    state.raw["plain"] = deep
    assert state["plain"][0][0][0]
    nested = Map()
    state.raw["shared"] = nested
    for _ in range(900):
        nested["a"] = Map()
        nested = nested["a"]
    with pytest.raises(SharedValueError, match="too deep"):
        state.to_py()
    assert "too deep" in repr(state)
    del state["shared"]
    state["n"] = 1
    state["n"] = 2
    ada.turn()
    assert changes(seen)[-1].new == 2
    assert state["n"] == 2


def test_long_events_have_short_reprs() -> None:
    event = ValuesChanged("state", tuple(Change((n,), "added", None, "x" * 999) for n in range(9)))
    assert "6 more" in repr(event)
    assert len(repr(event)) < 400


def replay(copy: Any, change: Change) -> None:
    *path, last = change.path
    for step in path:
        copy = copy[step]
    if isinstance(last, int):
        copy[last : last + len(change.old or ())] = change.new or []
    elif change.action == "removed":
        del copy[last]
    else:
        copy[last] = change.new


@pytest.mark.parametrize("seed", seeds(20))
def test_the_events_tell_all(seed: int) -> None:
    """Who replays them has the value, and `old` is what was there."""
    draw = random.Random(seed)
    ada, bob = pair()
    state = ada.values.map("state")
    state["rows"] = []
    exchange(ada, bob)
    seen = list[ValuesChanged]()
    state.observe(seen.append)
    copy: dict[str, Any] = state.to_py()
    for _ in range(60):
        notebook = draw.choice([ada, bob])
        with notebook.values.transaction():
            for _ in range(draw.randrange(1, 4)):
                rows = notebook.values.map("state").setdefault("rows", [])
                rows.insert(draw.randrange(4), draw.choice([[1], {"a": 1}, 5, (1, 2)]))
                row = draw.choice(list(rows))
                if isinstance(row, (type(rows), type(notebook.values.map("state")))):
                    row.append(3) if isinstance(row, type(rows)) else row.update(a=draw.random())
                if draw.random() < 0.5:
                    del rows[draw.randrange(len(rows)) :]
                if draw.random() < 0.1:
                    notebook.values.map("state")["rows"] = [[0]]
        exchange(ada, bob)
        ada.turn()
        for change in changes(seen):
            replay(copy, change)
        seen.clear()
        assert copy == state.to_py() == bob.values.map("state").to_py()
    assert ada.errors == bob.errors == []


def test_what_cannot_be_called_is_refused() -> None:
    with pytest.raises(ConfigError, match="3 cannot be called"):
        Notebook().values.map("state").observe(3)  # type: ignore[arg-type]
