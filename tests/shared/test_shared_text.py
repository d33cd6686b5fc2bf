from __future__ import annotations

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Array, Text
from seeds import seeds

from pyodide_rtc.errors import ValueRefusedError, ValueRemovedError
from pyodide_rtc.shared import SharedText
from pyodide_rtc.shared.text_copy import PIECE_CHARACTERS, TextCopy
from shared.notebook import Notebook, exchange, pair

SOME = "A📊B Grüße 日本語 e\u0301 👩‍👩‍👧 plain"


@pytest.fixture
def text() -> SharedText:
    return Notebook().values.text("text")


def test_positions_are_characters(text: SharedText) -> None:
    text += "A📊B"
    text.insert(2, "X")
    assert text == "A📊XB"
    assert (len(text), text[1], text[-1], text[1:3]) == (4, "📊", "B", "📊X")
    del text[1]
    assert text == "AXB"
    text.set("Grüße")
    del text[2]
    assert text == "Grße"
    text[-1] = "日本"
    assert text == "Grß日本"
    text[1:3] = ""
    assert text == "G日本"


def test_it_reads_as_a_str(text: SharedText) -> None:
    text += "Grüße, Grüße\nan 📊"
    plain = "Grüße, Grüße\nan 📊"
    assert str(text) == text == plain
    assert text != "other"
    assert list(text) == list(plain)
    assert "üße" in text
    assert 3 not in text
    assert (text.find("G", 1), text.rfind("G"), text.index("📊"), text.find("z")) == (7, 7, 16, -1)
    assert (text.count("ß"), text.startswith("Gr"), text.endswith("📊")) == (2, True, True)
    assert (text.split(), text.splitlines()) == (plain.split(), plain.splitlines())
    assert (text.upper(), text.lower(), text.strip("G")) == (
        plain.upper(),
        plain.lower(),
        plain.strip("G"),
    )
    assert (text + "!", "!" + text, f"{text:>20}") == (plain + "!", "!" + plain, f"{plain:>20}")
    assert text < "H"
    assert text[::-1] == plain[::-1] == "".join(reversed(text))
    with pytest.raises(ValueError, match="not found"):
        text.index("z")


def test_positions_that_are_missing(text: SharedText) -> None:
    text += "abc"
    for position in (3, -4, 10**30):
        with pytest.raises(IndexError):
            del text[position]
        with pytest.raises(IndexError):
            text[position]
        with pytest.raises(IndexError):
            text[position] = "x"
    del text[1000:1005]
    assert text[1000:1005] == ""
    text[1000:1005] = "d"
    text.insert(1000, "e")
    text.insert(-1000, "_")
    del text[::2]
    assert text == "ace"
    text.clear()
    assert not text


@pytest.mark.parametrize("refused", [3, None, b"x", "\ud800", ["a"]])
def test_what_is_no_text(text: SharedText, refused: Any) -> None:
    text += "abc"
    for write in (
        lambda: text.append(refused),
        lambda: text.insert(0, refused),
        lambda: text.set(refused),
        lambda: text.__setitem__(0, refused),
    ):
        with pytest.raises(ValueRefusedError, match="text"):
            write()
    assert text == "abc"


def test_only_the_difference_is_written() -> None:
    ada, bob = pair()
    mine, theirs = ada.values.text("t"), bob.values.text("t")
    mine += "Dear all,\nwe met on Monday.\nBye"
    exchange(ada, bob)
    mine.set("Dear all,\nwe met on Tuesday.\nBye")
    theirs.set("Dear friends,\nwe met on Monday.\nBye!")
    exchange(ada, bob)
    assert mine == theirs == "Dear friends,\nwe met on Tuesday.\nBye!"


def test_both_set_it_anew_at_once() -> None:
    ada, bob = pair()
    ada.values.text("t").set("old")
    exchange(ada, bob)
    for notebook in (ada, bob):
        notebook.values.text("t").set("old and new")
    exchange(ada, bob)
    assert ada.values.text("t") == bob.values.text("t")
    assert str(ada.values.text("t")).count("old") == 1


def test_a_long_text_set_anew(text: SharedText) -> None:
    long = SOME * 500
    text.set(long)
    vector = text.raw.doc.get_state()
    text.set(long)
    assert text.raw.doc.get_state() == vector
    text.set(long[:5_000] + "new" + long[5_001:])
    assert text == long[:5_000] + "new" + long[5_001:]


def test_raw_edits_are_seen_at_once() -> None:
    ada = Notebook()
    text, raw = ada.values.text("t"), ada.doc.get("t", type=Text)
    text += "é1"
    with ada.doc.transaction():
        raw.insert(0, "ü")
        assert text == "üé1"
        del raw[4:5]
        raw.insert(4, "2")
        assert text == "üé2", "as long as before"
        text.insert(2, "📊")
    assert text == str(raw) == "üé📊2"


def test_objects_of_other_editors_are_one_character() -> None:
    ada = Notebook()
    raw = ada.doc.get("t", type=Text)
    raw += "é"
    raw.insert_embed(2, {"image": "x"})
    raw += "📊"
    text = ada.values.text("t")
    assert text == "é\ufffc📊"
    text.insert(2, "ü")
    del text[1]
    assert text == "éü📊"


def test_nested_texts_of_others(text: SharedText) -> None:
    ada = Notebook()
    state = ada.values.map("state")
    state.raw["t"] = Text("é")
    state["t"] += "x"
    nested = state["t"]
    assert state == {"t": "éx"}
    assert nested.path == ("state", "t")
    ada.doc.get("state", type=type(state.raw))["t"] = Array()
    with pytest.raises(ValueRemovedError):
        nested.append("y")


def test_reprs(text: SharedText) -> None:
    text += "<b>é"
    assert repr(text) == "SharedText('<b>é')"
    assert "<b>" not in text._repr_html_()


@pytest.mark.parametrize("seed", seeds(24))
def test_it_does_as_a_str_does(seed: int) -> None:
    draw = random.Random(seed)
    ada, bob = pair()
    shared, model = ada.values.text("t"), ""
    if seed % 2:
        shared += SOME * 150
        model += SOME * 150
    for _ in range(120):
        new = "".join(draw.choices(SOME, k=draw.randrange(5)))
        start, stop = (draw.randrange(-len(model) - 3, len(model) + 3) for _ in range(2))
        match draw.randrange(6):
            case 0:
                shared += new
                model += new
            case 1:
                shared.insert(start, new)
                model = model[:start] + new + model[start:] if start else new + model
            case 2 | 3:
                begin, end, _ = slice(start, stop).indices(len(model))
                shared[start:stop] = new
                model = model[:begin] + new + model[max(begin, end) :]
            case 4:
                begin, end, _ = slice(start, stop).indices(len(model))
                end = min(end, begin + 9)
                del shared[begin:end]
                model = model[:begin] + model[max(begin, end) :]
            case 5:
                model = new + model[5:]
                shared.set(model)
        assert (str(shared), len(shared)) == (model, len(model))
        bob.hear(ada)
        assert bob.values.text("t") == model


@pytest.mark.parametrize("seed", seeds(12))
def test_two_who_write_at_once_become_one(seed: int) -> None:
    draw = random.Random(seed)
    ada, bob = pair()
    for _ in range(30):
        for notebook in (ada, bob):
            text = notebook.values.text("t")
            text.insert(draw.randrange(9), draw.choice(SOME))
            if draw.random() < 0.3:
                del text[draw.randrange(len(text))]
        exchange(ada, bob)
        assert ada.values.text("t") == bob.values.text("t")


@given(st.text(max_size=20), st.integers(0, 3), st.data())
def test_positions_of_a_copy(text: str, times: int, data: st.DataObject) -> None:
    whole = text * (times * PIECE_CHARACTERS // 10 + 1)
    copy = TextCopy(whole)
    for _ in range(4):
        start = data.draw(st.integers(0, len(whole)))
        stop = data.draw(st.integers(start, len(whole)))
        before = len(whole[:start].encode())
        assert copy.bytes_before(start) == before
        assert copy.characters_before(before) == start
        assert copy.part(start, stop) == whole[start:stop]
        new = data.draw(st.text(max_size=5)) * data.draw(st.sampled_from([1, 1, 2_000]))
        copy.splice(start, stop, new)
        whole = whole[:start] + new + whole[stop:]
        assert (copy.length, copy.size_bytes) == (len(whole), len(whole.encode()))
        assert copy.part(0, min(len(whole), start + 1)) == whole[: start + 1]
        assert str(copy) == whole
