from __future__ import annotations

import random

import pytest
from seeds import seeds

from pyodide_rtc.errors import ConfigError, TransactionError, ValueRemovedError
from shared.notebook import Notebook, exchange, pair


def test_it_takes_back_what_was_done_here() -> None:
    ada = Notebook()
    state, text = ada.values.map("state"), ada.values.text("text")
    undo = ada.values.undo_manager(group_s=0)
    assert repr(undo) == "<UndoManager: can neither undo nor redo>"
    assert not undo.undo()
    state["n"] = 1
    state["rows"] = ({"a": 1},)
    text += "é📊"
    assert undo.can_undo
    assert undo.undo()
    assert text == ""
    assert undo.undo()
    assert state == {"n": 1}
    assert repr(undo) == "<UndoManager: can undo and redo>"
    assert undo.redo()
    assert undo.redo()
    assert (state, text) == ({"n": 1, "rows": ({"a": 1},)}, "é📊")
    assert not undo.can_redo
    undo.clear()
    assert not undo.can_undo


def test_changes_of_peers_stay() -> None:
    ada, bob = pair()
    state, text = ada.values.map("state"), ada.values.text("text")
    state["theirs"] = 0
    exchange(ada, bob)
    undo = ada.values.undo_manager(state, text, group_s=0)
    text += "hello"
    exchange(ada, bob)
    bob.values.text("text").insert(2, "BOB")
    bob.values.map("state")["theirs"] = 1
    exchange(ada, bob)
    text += " world"
    state["mine"] = 1
    for _ in range(9):
        undo.undo()
    exchange(ada, bob)
    for notebook in (ada, bob):
        assert notebook.values.text("text") == "BOB"
        assert notebook.values.map("state") == {"theirs": 1}
    for _ in range(9):
        undo.redo()
    assert text == "heBOBllo world"


def test_a_value_that_a_peer_has_overwritten_stays() -> None:
    ada, bob = pair()
    undo = ada.values.undo_manager(ada.values.map("state"), group_s=0)
    ada.values.map("state")["n"] = 1
    exchange(ada, bob)
    bob.values.map("state")["n"] = 2
    exchange(ada, bob)
    undo.undo()
    assert ada.values.map("state") == {"n": 2}


def test_a_value_that_won_leaves_nothing_behind() -> None:
    """What pycrdt cannot do, as the docs say: both wrote at once, and ours came out."""
    ada, bob = pair(2, 1)
    ada.values.map("state")["n"] = "base"
    exchange(ada, bob)
    undo = ada.values.undo_manager(ada.values.map("state"), group_s=0)
    ada.values.map("state")["n"] = "ada"
    bob.values.map("state")["n"] = "bob"
    exchange(ada, bob)
    assert bob.values.map("state") == {"n": "ada"}
    undo.undo()
    exchange(ada, bob)
    assert ada.values.map("state") == bob.values.map("state") == {}


def test_only_its_scopes_and_raw_edits_too() -> None:
    ada = Notebook()
    state, other = ada.values.map("state"), ada.values.map("other")
    state["rows"] = []
    undo = ada.values.undo_manager(state["rows"], group_s=0)
    other["x"] = 1
    state["x"] = 1
    assert not undo.can_undo
    state["rows"].raw.append(1)
    assert undo.undo()
    assert state == {"rows": [], "x": 1}


def test_edits_that_follow_closely_are_one() -> None:
    ada = Notebook()
    state = ada.values.map("state")
    undo = ada.values.undo_manager(state, group_s=100)
    for n in range(5):
        state["n"] = n
    undo.undo()
    assert state == {}


def test_a_failed_block_leaves_nothing_to_undo() -> None:
    ada = Notebook()
    state = ada.values.map("state")
    undo = ada.values.undo_manager(state, group_s=0)
    state["n"] = 1
    with pytest.raises(KeyError), ada.values.transaction():
        state["n"] = 2
        raise KeyError
    undo.undo()
    assert state in ({"n": 1}, {})
    undo.undo()
    assert state == {}


def test_what_it_refuses() -> None:
    ada = Notebook()
    state = ada.values.map("state")
    undo = ada.values.undo_manager(state, group_s=0)
    state["rows"] = []
    rows = state["rows"]
    for transaction in (ada.values.transaction, ada.doc.transaction):
        with transaction():
            for use in (undo.undo, undo.redo, undo.clear, ada.values.undo_manager):
                with pytest.raises(TransactionError, match="transaction is open"):
                    use()
    del state["rows"]
    with pytest.raises(ValueRemovedError):
        ada.values.undo_manager(rows)


@pytest.mark.parametrize("is_turned", [True, False])
@pytest.mark.parametrize("is_list", [True, False])
def test_nested_values_come_and_go_for_good(is_turned: bool, is_list: bool) -> None:
    """As Yrs lets documents differ if it gives them back while others write."""
    ada, bob = pair()
    state, items = ada.values.map("state"), ada.values.list("items")
    state["nested"] = {"a": 1}
    items.append([1])
    undo = ada.values.undo_manager(state, items, group_s=0)
    state["nested"]["a"] = 2
    assert undo.can_undo
    exchange(ada, bob)
    if is_list:
        del bob.values.list("items")[0]
    else:
        del bob.values.map("state")["nested"]
    exchange(ada, bob)
    if is_turned:
        ada.turn()
    assert not undo.can_undo
    assert not undo.undo()
    state["n"] = 1
    assert undo.undo()
    state["new"] = []
    assert not undo.can_undo
    assert not undo.redo()
    assert not undo.can_redo


@pytest.mark.parametrize("seed", seeds(30))
def test_plain_values_in_random_plays(seed: int) -> None:
    draw = random.Random(seed)
    ada, bob = pair()
    values = ada.values
    undo = values.undo_manager(
        values.map("state"), values.list("items"), values.text("text"), group_s=0
    )
    for _ in range(40):
        notebook = draw.choice([ada, ada, bob])
        state, items = notebook.values.map("state"), notebook.values.list("items")
        match draw.randrange(5):
            case 0:
                state[draw.choice("abc")] = draw.randrange(9)
            case 1:
                state.pop(draw.choice("abc"), None)
            case 2:
                items[draw.randrange(3) : draw.randrange(4)] = [draw.randrange(9)]
            case 3:
                notebook.values.text("text")[draw.randrange(4) : draw.randrange(6)] = "é📊"
            case 4:
                draw.choice([undo.undo, undo.redo])()
        if draw.random() < 0.5:
            exchange(ada, bob)
    exchange(ada, bob)
    for kind in ("map", "list", "text"):
        name = {"map": "state", "list": "items", "text": "text"}[kind]
        assert getattr(values, kind)(name) == getattr(bob.values, kind)(name)


def test_observers_are_told() -> None:
    ada, seen = Notebook(), []
    state = ada.values.map("state")
    state.observe(seen.append)
    undo = ada.values.undo_manager(state, group_s=0)
    state["n"] = 1
    undo.undo()
    ada.turn()
    assert [repr(event) for event in seen] == [
        "<here: state['n'] added 1>",
        "<here: state['n'] removed 1>",
    ]


def test_a_scope_that_is_no_shared_value_is_refused() -> None:
    with pytest.raises(ConfigError, match="'state' is no shared value"):
        Notebook().values.undo_manager("state")  # type: ignore[arg-type]
