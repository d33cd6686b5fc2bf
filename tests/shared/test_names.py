from __future__ import annotations

import pytest
from pycrdt import Array, Doc, Map, Text

from pyodide_rtc.errors import NameInUseError, ValueRefusedError
from shared.notebook import Notebook, exchange, pair


def test_a_name_gives_one_value() -> None:
    values = Notebook().values
    assert values.map("a") is values.map("a")
    with pytest.raises(ValueRefusedError):
        values.map(3)  # type: ignore[arg-type]


def test_one_name_as_two_kinds() -> None:
    ada = Notebook()
    values = ada.values
    values.map("a")
    ada.doc.get("raw", type=Text)
    for use, name, words in (
        (values.text, "a", "a map, and as a text"),
        (values.list, "a", "a map, and as a list"),
        (values.map, "raw", "a text, and as a map"),
    ):
        with pytest.raises(NameInUseError, match=words):
            use(name)
    assert values.map("a") == {}
    assert values.text("raw") == ""


def test_a_peers_use_is_told_once() -> None:
    ada, bob = pair()
    ada.values.map("a")["x"] = 1
    ada.values.text("b")
    bob.values.text("a").append("x")
    bob.values.map("b")["x"] = 1
    exchange(ada, bob)
    for notebook in (ada, bob):
        notebook.values.check_names()
        notebook.values.check_names()
    assert [str(error)[:56] for error in ada.errors] == [
        "The name 'a' is used as a map, and as a list or text as ",
        "The name 'b' is used as a text, and as a map as well. Us",
    ]
    assert len(bob.errors) == 1, "nobody has written the text"
    assert ada.values.map("a") == {"x": 1}
    assert bob.values.text("a") == "x"


def test_it_is_told_at_the_first_use_as_well() -> None:
    ada, bob = pair()
    ada.values.list("a").append(1)
    bob.hear(ada)
    bob.values.map("a")
    [error] = bob.errors
    assert isinstance(error, NameInUseError)


def test_names_merge_whoever_was_first() -> None:
    ada, bob = pair()
    for notebook in (ada, bob):
        notebook.values.list("todo").append(notebook.name)
    exchange(ada, bob)
    assert sorted(ada.values.list("todo")) == ["Ada", "Bob"]


def test_a_stock_page_sees_plain_types() -> None:
    ada = Notebook()
    ada.values.map("state").update(n=3, rows=[{"a": 1}], table=((1, 2),))
    ada.values.list("items").extend([1, [2]])
    ada.values.text("text").append("A📊B")
    stock: Doc[Map[object]] = Doc()
    stock.apply_update(ada.doc.get_update())
    state = stock.get("state", type=Map)
    assert isinstance(state["rows"], Array)
    assert isinstance(state["rows"][0], Map)
    assert state["table"] == [[1, 2]]
    assert state.to_py() == {"n": 3, "rows": [{"a": 1}], "table": [[1, 2]]}
    assert str(stock.get("text", type=Text)) == "A📊B"

    state["rows"].append(Map({"b": Text("é")}))
    state["json"] = {"list": [1.0]}
    ada.doc.apply_update(stock.get_update())
    shared = ada.values.map("state")
    assert shared["rows"] == [{"a": 1}, {"b": "é"}]
    assert shared["json"]["list"] == (1,)
    shared["rows"][1]["b"] += "ü"
    assert shared["rows"][1] == {"b": "éü"}


def test_a_name_that_is_no_text_is_refused() -> None:
    with pytest.raises(ValueRefusedError, match=r"name: 3 is of type int. Give a text: map"):
        Notebook().values.map(3)  # type: ignore[arg-type]
