from __future__ import annotations

import asyncio

import pytest
from widgets.people import Company, in_company

from pyodide_rtc import ValueRefusedError, ValuesChanged


@in_company
async def test_attributes_and_items_are_the_same_for_all(company: Company) -> None:
    ada, bob = await company.pair()
    ada.room.shared.n = 3
    ada.room.shared["two words"] = [1]
    await asyncio.sleep(1)

    assert bob.room.shared.n == 3
    assert type(bob.room.shared.n) is int
    assert bob.room.shared["two words"] == [1]
    bob.room.shared["two words"].append(2)
    assert bob.room.shared == {"n": 3, "two words": [1, 2]}
    assert bob.room.shared.to_py() == {"n": 3, "two words": [1, 2]}
    assert "n" in bob.room.shared
    assert "n" in dir(bob.room.shared)
    assert "two words" not in dir(bob.room.shared)
    assert repr(bob.room.shared) == "SharedNamespace({'n': 3, 'two words': [1, 2]})"
    assert "SharedNamespace" in bob.room.shared._repr_html_()

    del bob.room.shared.n
    await asyncio.sleep(1)
    assert list(ada.room.shared) == ["two words"]


@in_company
async def test_what_nobody_has_shared(company: Company) -> None:
    shared = company.person("Ada").room.shared
    with pytest.raises(AttributeError, match="nobody has shared 'missing'"):
        _ = shared.missing
    with pytest.raises(AttributeError, match="nobody has shared 'missing'"):
        del shared.missing
    with pytest.raises(KeyError):
        _ = shared["missing"]
    assert not hasattr(shared, "_ipython_display_")
    assert getattr(shared, "missing", 5) == 5


@pytest.mark.parametrize("name", ["items", "observe", "_hidden"])
@in_company
async def test_a_name_that_the_object_has_itself_is_an_item(name: str, company: Company) -> None:
    shared = company.person("Ada").room.shared
    with pytest.raises(ValueRefusedError, match=rf"Write shared\['{name}'\]"):
        setattr(shared, name, 1)
    shared[name] = 1
    assert shared[name] == 1


@in_company
async def test_a_value_that_cannot_be_shared(company: Company) -> None:
    shared = company.person("Ada").room.shared
    with pytest.raises(ValueRefusedError, match="a set cannot be shared"):
        shared.x = {1}
    assert len(shared) == 0


@in_company
async def test_observers_are_told_of_each_change(company: Company) -> None:
    ada, bob = await company.pair()
    told: list[ValuesChanged] = []
    with bob.room.shared.observe(told.append):
        ada.room.shared.n = 3
        await asyncio.sleep(1)
    ada.room.shared.n = 4
    await asyncio.sleep(1)
    assert list(map(repr, told)) == ["<Ada: shared['n'] added 3>"]
