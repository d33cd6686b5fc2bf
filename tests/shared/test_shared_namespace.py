from __future__ import annotations

import asyncio

import pytest
from widgets.people import Company, in_company

from pyodide_rtc import ValueRefusedError, ValuesChanged


@in_company
async def test_attributes_and_items_are_the_same_for_all(company: Company) -> None:
    ada, bob = await company.pair()
    ada.room.state.n = 3
    ada.room.state["two words"] = [1]
    await asyncio.sleep(1)

    assert bob.room.state.n == 3
    assert type(bob.room.state.n) is int
    assert bob.room.state["two words"] == [1]
    bob.room.state["two words"].append(2)
    assert bob.room.state == {"n": 3, "two words": [1, 2]}
    assert bob.room.state.to_py() == {"n": 3, "two words": [1, 2]}
    assert "n" in bob.room.state
    assert "n" in dir(bob.room.state)
    assert "two words" not in dir(bob.room.state)
    assert repr(bob.room.state) == "SharedNamespace({'n': 3, 'two words': [1, 2]})"
    assert "SharedNamespace" in bob.room.state._repr_html_()

    del bob.room.state.n
    await asyncio.sleep(1)
    assert list(ada.room.state) == ["two words"]


@in_company
async def test_what_nobody_has_shared(company: Company) -> None:
    state = company.person("Ada").room.state
    with pytest.raises(AttributeError, match="nobody has shared 'missing'"):
        _ = state.missing
    with pytest.raises(AttributeError, match="nobody has shared 'missing'"):
        del state.missing
    with pytest.raises(KeyError):
        _ = state["missing"]
    assert not hasattr(state, "_ipython_display_")
    assert getattr(state, "missing", 5) == 5


@pytest.mark.parametrize("name", ["items", "observe", "_hidden"])
@in_company
async def test_a_name_that_the_object_has_itself_is_an_item(name: str, company: Company) -> None:
    state = company.person("Ada").room.state
    with pytest.raises(ValueRefusedError, match=rf"Write state\['{name}'\]"):
        setattr(state, name, 1)
    state[name] = 1
    assert state[name] == 1


@in_company
async def test_a_value_that_cannot_be_shared(company: Company) -> None:
    state = company.person("Ada").room.state
    with pytest.raises(ValueRefusedError, match="a set cannot be shared"):
        state.x = {1}
    assert len(state) == 0


@in_company
async def test_observers_are_told_of_each_change(company: Company) -> None:
    ada, bob = await company.pair()
    told: list[ValuesChanged] = []
    with bob.room.state.observe(told.append):
        ada.room.state.n = 3
        await asyncio.sleep(1)
    ada.room.state.n = 4
    await asyncio.sleep(1)
    assert list(map(repr, told)) == ["<Ada: state['n'] added 3>"]
