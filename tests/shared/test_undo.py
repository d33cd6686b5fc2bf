from __future__ import annotations

import pytest

from pyodide_rtc.errors import TransactionError, ValueRemovedError
from shared.notebook import Notebook, exchange, pair


def test_it_takes_back_what_was_done_here() -> None:
    ada = Notebook()
    state, text = ada.values.map("state"), ada.values.text("text")
    undo = ada.values.undo_manager(group_s=0)
    assert repr(undo) == "<UndoManager: can neither undo nor redo>"
    assert not undo.undo()
    state["n"] = 1
    state["rows"] = [{"a": 1}]
    text += "é📊"
    assert undo.can_undo
    assert undo.undo()
    assert text == ""
    assert undo.undo()
    assert state == {"n": 1}
    assert repr(undo) == "<UndoManager: can undo and redo>"
    assert undo.redo()
    assert undo.redo()
    assert (state, text) == ({"n": 1, "rows": [{"a": 1}]}, "é📊")
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
    assert undo.undo()


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
