"""Plain traits: numbers, choices, dates, lists."""

from __future__ import annotations

import asyncio
import datetime
from collections.abc import Callable
from typing import Any

import ipywidgets as widgets
import pytest
import traitlets

from pyodide_rtc import RtcError
from pyodide_rtc.room_status import RoomEvent
from pyodide_rtc.widgets.binding import INTERVAL_S
from widgets.people import Company, in_company

Make = Callable[[], Any]


@pytest.mark.parametrize(
    ("make", "trait", "value"),
    [
        (widgets.IntSlider, "value", 7),
        (widgets.FloatSlider, "value", 3.0),
        (widgets.FloatSlider, "value", 2.5),
        (widgets.BoundedIntText, "value", 7),
        (widgets.FloatLogSlider, "value", 100.0),
        (widgets.IntRangeSlider, "value", (3, 9)),
        (widgets.FloatRangeSlider, "value", (3.0, 9.5)),
        (widgets.Checkbox, "value", True),
        (widgets.ToggleButton, "value", True),
        (widgets.Text, "value", "A📊B"),
        (widgets.Textarea, "value", "two\nlines"),
        (widgets.Combobox, "value", "pear"),
        (widgets.ColorPicker, "value", "#ff0000"),
        (widgets.DatePicker, "value", datetime.date(2026, 11, 30)),
        (widgets.TimePicker, "value", datetime.time(12, 30, 15)),
        (widgets.NaiveDatetimePicker, "value", datetime.datetime(2026, 11, 30, 12, 30)),
        (widgets.TagsInput, "value", ["one", "two"]),
        (widgets.ColorsInput, "value", ["red", "#00ff00"]),
        (widgets.FloatsInput, "value", [1.0, 2.5]),
        (lambda: widgets.Dropdown(options=["a", "b", "c"]), "value", "b"),
        (lambda: widgets.RadioButtons(options=[("one", object), ("two", 2)]), "value", 2),
        (lambda: widgets.ToggleButtons(options=["a", "b"]), "value", "b"),
        (lambda: widgets.SelectionSlider(options=[1, 2, 3]), "value", 3),
        (lambda: widgets.SelectMultiple(options=["a", "b", "c"]), "value", ("a", "c")),
        (lambda: widgets.SelectionRangeSlider(options=[1, 2, 3]), "value", (2, 3)),
        (lambda: widgets.Tab([widgets.VBox(), widgets.VBox()]), "selected_index", 1),
        (widgets.Label, "value", "shown"),
        (widgets.IntProgress, "value", 42),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),  # no address: two processes compare
)
@in_company
async def test_a_change_arrives_with_its_type(
    make: Make, trait: str, value: object, company: Company
) -> None:
    ada, bob = await company.pair()
    hers, his = ada.room.share(make(), "w"), bob.room.share(make(), "w")
    await asyncio.sleep(1)
    setattr(hers, trait, value)
    await asyncio.sleep(1)

    arrived = getattr(his, trait)
    assert arrived == value
    assert type(arrived) is type(getattr(hers, trait))
    assert ada.faults == bob.faults == []


@in_company
async def test_the_first_one_in_gives_the_value(company: Company) -> None:
    ada, bob = await company.pair()
    hers = ada.room.share(widgets.IntSlider(7), "n")
    await asyncio.sleep(1)
    his = bob.room.share(widgets.IntSlider(3), "n")

    assert his.value == 7, "at once"
    await asyncio.sleep(1)
    assert (hers.value, his.value) == (7, 7)


@in_company
async def test_who_shares_before_the_content_has_come_takes_it_all_the_same(
    company: Company,
) -> None:
    """Whose write Yjs takes of two at once is decided by client ids: it must not matter here."""
    for name in "nmopqrst":
        ada, bob = company.person("Ada"), company.person("Bob")
        company.part(ada, bob)
        hers = ada.room.share(widgets.IntSlider(1), name)
        hers.value = 7
        untouched = ada.room.share(widgets.IntSlider(5), name + "2")
        await asyncio.sleep(1)
        his = bob.room.share(widgets.IntSlider(3), name)
        his_untouched = bob.room.share(widgets.IntSlider(4), name + "2")
        company.network.heal()
        await asyncio.gather(ada.room.until_synced(60), bob.room.until_synced(60))
        await asyncio.sleep(2)

        assert (hers.value, his.value) == (7, 7)
        assert (untouched.value, his_untouched.value) == (5, 5)
        ada.room.leave()
        bob.room.leave()


@in_company
async def test_first_values_of_others_do_not_stay(company: Company) -> None:
    ada, bob = company.person("Ada"), company.person("Bob")
    company.part(ada, bob)
    for person in (ada, bob):
        person.room.share(widgets.IntSlider(), "n")
    company.network.heal()
    await company.meet()

    assert len(ada.room.map("widget:n")) == len(bob.room.map("widget:n")) == 1


@in_company
async def test_a_drag_is_merged_and_its_last_value_arrives(company: Company) -> None:
    ada, bob = await company.pair()
    hers = ada.room.share(widgets.IntSlider(max=1000), "n")
    his = bob.room.share(widgets.IntSlider(max=1000), "n")
    await asyncio.sleep(1)
    heard: list[object] = []
    bob.room.map("widget:n").observe(heard.append)
    seen: list[int] = []
    his.observe(lambda change: seen.append(change.new), "value")
    for value in range(1, 1001):
        hers.value = value
        await asyncio.sleep(0.002)
    await asyncio.sleep(1)

    assert his.value == 1000
    assert 10 < len(heard) <= 2 / INTERVAL_S + 2 < 150
    assert seen == sorted(seen)


@in_company
async def test_a_kernel_that_is_busy_writes_as_it_goes_on(company: Company) -> None:
    """Its timers are late: the values would else wait for the end of the cell."""
    ada, _ = await company.pair()
    loop: Any = asyncio.get_running_loop()
    hers = ada.room.share(widgets.IntSlider(max=1000), "n")
    for value in (1, 2, 3):
        loop.spend(1.0)
        hers.value = value
        assert ada.room.map("widget:n")["value"] == value


@in_company
async def test_two_who_drag_at_once_end_with_one_value_and_silence(company: Company) -> None:
    ada, bob = await company.pair()
    hers = ada.room.share(widgets.FloatSlider(step=0.1), "x")
    his = bob.room.share(widgets.FloatSlider(step=0.1), "x")
    await asyncio.sleep(1)

    async def drag(slider: widgets.FloatSlider, start: float) -> None:
        for step in range(100):
            slider.value = start + step / 10
            await asyncio.sleep(0.02)

    await asyncio.gather(drag(hers, 1), drag(his, 50))
    await asyncio.sleep(1)
    told: list[object] = []
    for person in (ada, bob):
        person.room.map("widget:x").observe(told.append)
    await asyncio.sleep(10)

    assert told == []
    assert hers.value == his.value
    assert hers.value in (10.9, 59.9)


@in_company
async def test_what_arrives_is_not_sent_back(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (p.room.share(widgets.IntSlider(), "n") for p in (ada, bob))
    await asyncio.sleep(1)
    at_bob = bob.room.doc.get_state()
    heard: list[str] = []
    ada.room.map("widget:n").observe(lambda event: heard.append(event.author))
    hers.value = 5
    await asyncio.sleep(5)

    assert his.value == 5
    assert heard == [""], "her own change, and nothing of Bob"
    assert bob.room.doc.get_state() != at_bob


@in_company
async def test_an_observer_that_changes_the_value_again_is_a_change(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (p.room.share(widgets.IntSlider(), "n") for p in (ada, bob))
    await asyncio.sleep(1)

    def at_most_50(change: Any) -> None:
        his.value = min(change.new, 50)

    his.observe(at_most_50, "value")
    hers.value = 80
    await asyncio.sleep(1)

    assert (hers.value, his.value) == (50, 50)
    assert ada.faults == bob.faults == []


@in_company
async def test_a_failing_observer_is_told_and_the_value_is_there(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (p.room.share(widgets.IntSlider(), "n") for p in (ada, bob))
    await asyncio.sleep(1)

    def fail(_: object) -> None:
        raise ZeroDivisionError("of a user")

    his.observe(fail, "value")
    hers.value = 8
    await asyncio.sleep(1)

    assert his.value == 8
    assert bob.faults == ["of a user"]


@pytest.mark.parametrize(
    "nonsense",
    ["text", None, [1, 2], {"a": [1]}, {"nested": {}}, b"\0", 1e300],
    ids=repr,
)
@in_company
async def test_a_value_that_the_trait_refuses_changes_nothing_and_is_told(
    nonsense: object, company: Company
) -> None:
    ada, bob = await company.pair()
    events: list[RoomEvent] = []
    bob.room.observe(events.append)
    hers, his = (p.room.share(widgets.Checkbox(True), "c") for p in (ada, bob))
    await asyncio.sleep(1)
    ada.room.map("widget:c")["value"] = nonsense
    await asyncio.sleep(1)

    assert (hers.value, his.value) == (True, True)
    [fault] = bob.faults
    assert "The widget 'c' (Checkbox) did not take the value" in fault
    assert "of Ada" in fault
    assert [event.kind for event in events].count("fault") == 1

    his.value = False
    await asyncio.sleep(1)
    assert hers.value is False, "it goes on"


@pytest.mark.parametrize("first", [5, {}, {"at": "now", "kind": 1, "traits": []}, {"at": None}])
@in_company
async def test_nonsense_in_place_of_first_values_is_left_out(
    first: object, company: Company
) -> None:
    ada, bob = await company.pair()
    ada.room.map("widget:n")["first:1"] = first
    ada.room.map("widget:n")["first:2"] = {"nested": first}
    await asyncio.sleep(1)
    his = bob.room.share(widgets.IntSlider(4), "n")
    await asyncio.sleep(1)
    hers = ada.room.share(widgets.IntSlider(1), "n")

    assert (hers.value, his.value) == (4, 4)


@in_company
async def test_what_the_bounds_cut_is_told_and_stays_whole_for_the_others(
    company: Company,
) -> None:
    ada, bob = await company.pair()
    hers = ada.room.share(widgets.IntSlider(max=1000), "n")
    his = bob.room.share(widgets.IntSlider(max=100), "n")
    await asyncio.sleep(1)
    hers.value = 500
    await asyncio.sleep(1)

    assert (hers.value, his.value) == (500, 100)
    [fault] = bob.room.faults
    assert "did not take the value 500 of Ada: it became 100. The room has it" in str(fault)
    for value in (600, 700, 800):
        hers.value = value
        await asyncio.sleep(1)
    assert bob.room.faults.count(fault) == 1, "a drag beyond the bounds is told once"
    for value in (50, 900):
        hers.value = value
        await asyncio.sleep(1)
    assert bob.room.faults.count(bob.room.faults[-1]) == 2
    assert (hers.value, his.value) == (900, 100)


@in_company
async def test_bounds_are_shared_if_they_are_named_and_come_with_their_value(
    company: Company,
) -> None:
    ada, bob = await company.pair()
    named = ("max", "min", "value")
    hers, his = (p.room.share(widgets.IntSlider(), "n", traits=named) for p in (ada, bob))
    await asyncio.sleep(1)
    hers.max, hers.min, hers.value = 1000, 500, 700
    await asyncio.sleep(1)

    assert (his.min, his.value, his.max) == (500, 700, 1000)
    assert bob.faults == []


@in_company
async def test_an_option_that_another_lacks_is_told(company: Company) -> None:
    ada, bob = await company.pair()
    hers = ada.room.share(widgets.Dropdown(options=["a", "b", "c"]), "d")
    his = bob.room.share(widgets.Dropdown(options=["c", "a"]), "d")
    await asyncio.sleep(1)
    hers.value = "c"
    await asyncio.sleep(1)
    assert his.value == "c", "by its label, wherever it stands"

    hers.value = "b"
    await asyncio.sleep(1)
    assert his.value == "c"
    assert "label not found" in bob.faults[0]


@pytest.mark.parametrize(
    ("thing", "name", "traits", "said"),
    [
        (5, "n", None, "a value of type int is no widget"),
        (widgets.IntSlider, "n", None, "a value of type MetaHasTraits is no widget"),
        (widgets.IntSlider(), 5, None, "is of type int"),
        (widgets.IntSlider(), "\ud800", None, "half a character"),
        (widgets.IntSlider(), "n", ["nothing"], "there is no such trait"),
        (widgets.IntSlider(), "n", [5], "there is no such trait"),
        (widgets.IntSlider(), "n", 5, "no names of traits"),
        (widgets.IntSlider(), "n", ["_view_name"], "the widget's own making"),
        (widgets.IntSlider(), "n", ["layout"], "it has widgets"),
        (widgets.Controller(), "n", ["axes"], "it is read-only"),
        (widgets.HTML(), "n", None, "Use a Label"),
        (widgets.HTML(), "n", ["value"], "shown as HTML"),
        (widgets.Output(), "n", ["outputs"], "shown as HTML"),
        (widgets.IntSlider(), "n", ["description_allow_html"], "shown as HTML"),
        (widgets.IntSlider(description_allow_html=True), "n", ["description"], "shown as HTML"),
        (widgets.Button(), "n", None, "pyodide_rtc.widgets.Button"),
        (widgets.Output(), "n", None, "pyodide_rtc.widgets.Output"),
        (widgets.Dropdown(options=[1]), "n", ["options_of"], "Can be shared: "),
    ],
    ids=lambda value: str(value)[:30],
)
@in_company
async def test_what_cannot_be_shared_is_refused(
    thing: Any, name: Any, traits: Any, said: str, company: Company
) -> None:
    room = company.person("Ada").room
    with pytest.raises(RtcError) as raised:
        room.share(thing, name, traits=traits)
    assert said in str(raised.value)
    assert len(room.map("widget:n")) == 0


@in_company
async def test_a_value_that_cannot_be_shared_is_told(company: Company) -> None:
    ada, bob = await company.pair()

    class Anything(widgets.DOMWidget):  # type: ignore[misc]
        thing = traitlets.Any()

    hers, his = (p.room.share(Anything(), "a", traits=["thing"]) for p in (ada, bob))
    await asyncio.sleep(1)
    hers.thing = object()
    await asyncio.sleep(1)
    assert "a object cannot be shared" in ada.faults[0]
    hers.thing = 2.0
    await asyncio.sleep(1)
    assert his.thing == 2
