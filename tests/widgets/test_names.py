"""Names: cells that run again, boxes with children, types that differ, the ends of sharing."""

from __future__ import annotations

import asyncio
from typing import Any

import anywidget
import ipywidgets as widgets
import pytest
import traitlets

from pyodide_rtc import (
    ChangeTimeoutError,
    NameInUseError,
    RoomClosedError,
    SharedValueError,
    TransactionError,
    ValueRefusedError,
)
from widgets.people import Company, in_company


@in_company
async def test_the_widget_is_given_back(company: Company) -> None:
    slider = widgets.IntSlider()
    assert company.person("Ada").room.share(slider, "n") is slider


@in_company
async def test_a_cell_that_runs_again_replaces_the_widget(company: Company) -> None:
    ada, bob = await company.pair()
    his = bob.room.share(widgets.IntSlider(4), "n")
    await asyncio.sleep(1)
    made = []
    for _ in range(5):
        made.append(ada.room.share(widgets.IntSlider(1), "n"))
        made[-1].value += 1
        await asyncio.sleep(1)

    assert his.value == made[-1].value == 9
    assert [each.value for each in made] == [5, 6, 7, 8, 9], "each was live until the next one"
    made[0].value = 50
    await asyncio.sleep(1)
    assert his.value == 9


@in_company
async def test_a_widget_outlives_its_kernel_and_its_page(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (p.room.share(widgets.IntSlider(), "n") for p in (ada, bob))
    notes = ada.room.share(widgets.Textarea("first"), "notes")
    hers.value, notes.value = 8, "first, then more"
    await asyncio.sleep(1)
    for person in (ada, bob):
        person.room.leave()

    again = type(ada)(company.network, "Ada")  # another kernel in the same browser, and alone
    await again.room.until_loaded(10)
    assert again.room.share(widgets.IntSlider(), "n").value == 8
    assert again.room.share(widgets.Textarea("first"), "notes").value == "first, then more"
    assert his.value == 8


@in_company
async def test_what_was_kept_counts_though_it_is_read_late(company: Company) -> None:
    ada = company.person("Ada")
    ada.room.share(widgets.IntSlider(), "n").value = 8
    await asyncio.sleep(1)
    ada.room.leave()
    await asyncio.sleep(1)
    again = type(ada)(company.network, "Ada")
    slider = again.room.share(widgets.IntSlider(3), "n")
    await again.room.until_loaded(10)
    await asyncio.sleep(1)

    assert slider.value == 8


@in_company
async def test_a_second_kernel_of_the_same_browser_is_live(company: Company) -> None:
    ada = company.person("Ada")
    tab = company.person("Ada")
    hers, also_hers = (p.room.share(widgets.IntSlider(), "n") for p in (ada, tab))
    await company.meet()
    hers.value = 3
    await asyncio.sleep(1)
    assert also_hers.value == 3


@in_company
async def test_a_widget_moves_to_the_name_that_it_got_last(company: Company) -> None:
    ada, bob = await company.pair()
    slider = widgets.IntSlider(1)
    ada.room.share(slider, "one")
    ada.room.share(slider, "two")
    one, two = (bob.room.share(widgets.IntSlider(), name) for name in ("one", "two"))
    await asyncio.sleep(1)
    slider.value = 5
    await asyncio.sleep(1)

    assert (one.value, two.value) == (1, 5)


@in_company
async def test_after_unshare_it_is_ones_own(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (p.room.share(widgets.IntSlider(), "n") for p in (ada, bob))
    hers.value = 2
    ada.room.unshare(hers)
    ada.room.unshare(hers)
    await asyncio.sleep(1)
    assert his.value == 2, "what was under way arrives"
    his.value = 7
    await asyncio.sleep(1)
    assert hers.value == 2
    hers.value = 9
    await asyncio.sleep(1)
    assert his.value == 7
    with pytest.raises(ValueRefusedError, match="no widget"):
        ada.room.unshare("n")


@in_company
async def test_two_types_under_one_name(company: Company) -> None:
    ada, bob = await company.pair()
    hers = ada.room.share(widgets.IntSlider(3), "n")
    await asyncio.sleep(1)
    with pytest.raises(NameInUseError, match=r"widget IntSlider.* widget Dropdown") as raised:
        bob.room.share(widgets.Dropdown(options=["a"]), "n")
    assert (raised.value.used_as, raised.value.wanted) == ("widget IntSlider", "widget Dropdown")
    assert hers.value == 3


@in_company
async def test_two_types_of_people_who_have_not_met(company: Company) -> None:
    ada, bob = company.person("Ada"), company.person("Bob")
    company.part(ada, bob)
    hers = ada.room.share(widgets.IntSlider(3), "n")
    his = bob.room.share(widgets.Text("three"), "n")
    company.network.heal()
    await company.meet()

    assert ada.faults == []
    [fault] = bob.faults
    assert "widget IntSlider" in fault
    assert "widget Text" in fault
    his.value = "mine"
    hers.value = 4
    await asyncio.sleep(1)
    assert (hers.value, his.value) == (4, "mine")
    with pytest.raises(SharedValueError, match="is not shared"):
        await bob.room.until_changed(his)


def dashboard(*more: Any) -> Any:
    inputs = widgets.HBox([widgets.IntSlider(), widgets.Checkbox()])
    return widgets.Tab([widgets.VBox([inputs, widgets.HTML("<b>x</b>")]), widgets.Text(), *more])


@in_company
async def test_a_tab_is_shared_with_its_children(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (p.room.share(dashboard(), "board") for p in (ada, bob))
    await asyncio.sleep(1)
    hers.selected_index = 1
    hers.children[0].children[0].children[0].value = 5
    hers.children[0].children[0].children[1].value = True
    hers.children[0].children[1].value = "<script>hers</script>"
    hers.children[1].value = "typed"
    await asyncio.sleep(1)

    assert his.selected_index == 1
    slider, box = his.children[0].children[0].children
    assert (slider.value, box.value) == (5, True)
    assert his.children[1].value == "typed"
    assert his.children[0].children[1].value == "<b>x</b>", "what is shown as HTML stays at home"
    assert ada.faults == bob.faults == []


@in_company
async def test_children_come_and_go(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (p.room.share(dashboard(), "board") for p in (ada, bob))
    gone = his.children[1]
    for tab in (hers, his):
        tab.children = [tab.children[0], widgets.Text(), widgets.FloatText()]
    await asyncio.sleep(1)
    hers.children[2].value = 2.5
    hers.children[1].value = "new"
    await asyncio.sleep(1)

    assert his.children[2].value == 2.5
    assert his.children[1].value == "new"
    assert gone.value == ""
    his.children = [his.children[0], widgets.Checkbox()]
    assert "widget Text" in bob.faults[0]
    assert "widget Checkbox" in bob.faults[0]

    bob.room.unshare(his)
    hers.children[0].children[0].children[0].value = 9
    await asyncio.sleep(1)
    assert his.children[0].children[0].children[0].value == 0


@in_company
async def test_a_child_with_a_name_of_its_own_keeps_it(company: Company) -> None:
    ada, bob = await company.pair()
    slider = ada.room.share(widgets.IntSlider(), "n")
    ada.room.share(widgets.VBox([slider, widgets.Text()]), "board")
    his = bob.room.share(widgets.IntSlider(), "n")
    await asyncio.sleep(1)
    slider.value = 6
    await asyncio.sleep(1)
    assert his.value == 6


class Counter(anywidget.AnyWidget):  # type: ignore[misc]
    _esm = "export default { render() {} }"
    count = traitlets.Int(0).tag(sync=True)
    scores = traitlets.Dict().tag(sync=True)
    points = traitlets.List().tag(sync=True)
    inner = traitlets.Int(0)
    told = traitlets.Int(0, read_only=True).tag(sync=True)


@in_company
async def test_an_anywidget_shares_what_its_page_has(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (p.room.share(Counter(), "counter") for p in (ada, bob))
    await asyncio.sleep(1)
    hers.set_state({"scores": {"Ada": 1}})  # as the page does
    hers.count = 4
    hers.inner = 9
    hers.points = [[0.5, 1], [2, "x"]]
    hers.set_trait("told", 3)
    await asyncio.sleep(1)
    assert (his.count, his.inner, his.told) == (4, 0, 0)
    assert his.scores == {"Ada": 1}
    assert his.points == [[0.5, 1], [2, "x"]]

    his.scores["Bob"] = 2  # in place: traitlets tells nobody
    his.scores = {**his.scores, "Eve": 3}
    await asyncio.sleep(1)
    assert hers.scores == {"Ada": 1, "Bob": 2, "Eve": 3}
    assert ada.faults == bob.faults == []


@in_company
async def test_waiting_for_a_change(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (p.room.share(widgets.IntSlider(), "n") for p in (ada, bob))
    await asyncio.sleep(1)
    waiting = asyncio.ensure_future(bob.room.until_changed(his, 60))
    also = asyncio.ensure_future(ada.room.until_changed(hers))
    await asyncio.sleep(5)
    assert not waiting.done()
    hers.value = 5
    await asyncio.wait_for(asyncio.gather(waiting, also), 1)
    assert his.value == 5

    with pytest.raises(ChangeTimeoutError, match="widget 'n' was not changed within 3 s"):
        await bob.room.until_changed(his, 3)
    with pytest.raises(SharedValueError, match="is not shared in this room"):
        await bob.room.until_changed(widgets.IntSlider())


@in_company
async def test_waiting_ends_when_sharing_does(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (p.room.share(widgets.IntSlider(), "n") for p in (ada, bob))
    waiting = [asyncio.ensure_future(p.room.until_changed(w)) for p, w in ((ada, hers), (bob, his))]
    await asyncio.sleep(1)
    ada.room.unshare(hers)
    bob.room.leave()
    with pytest.raises(SharedValueError, match="it was unshared"):
        await waiting[0]
    with pytest.raises(RoomClosedError):
        await waiting[1]


@in_company
async def test_the_last_value_arrives_though_its_room_is_left_at_once(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (p.room.share(widgets.IntSlider(), "n") for p in (ada, bob))
    await asyncio.sleep(1)
    for hers.value in range(1, 20):
        pass
    ada.room.leave()
    await asyncio.sleep(5)
    assert his.value == 19

    hers.value = 30
    await asyncio.sleep(1)
    assert his.value == 19
    with pytest.raises(RoomClosedError):
        ada.room.share(hers, "n")
    ada.join().share(hers, "n")
    await asyncio.sleep(5)
    assert hers.value == his.value == 19, "later ones take the room's"


@in_company
async def test_a_transaction_of_another_task_holds_values_up_and_loses_none(
    company: Company,
) -> None:
    ada, bob = await company.pair()
    hers, his = (p.room.share(widgets.IntSlider(), "n") for p in (ada, bob))
    notes, his_notes = (p.room.share(widgets.Text("a"), "t") for p in (ada, bob))
    await asyncio.sleep(1)

    async def hold() -> None:
        with ada.room.transaction():
            await asyncio.sleep(2)

    holding = asyncio.ensure_future(hold())
    await asyncio.sleep(0.5)
    hers.value, notes.value = 5, "ab"
    await holding
    await asyncio.sleep(1)
    assert (his.value, his_notes.value) == (5, "ab")


@in_company
async def test_sharing_while_another_task_has_a_transaction(company: Company) -> None:
    ada, bob = await company.pair()

    async def hold() -> None:
        with ada.room.transaction():
            await asyncio.sleep(2)

    holding = asyncio.ensure_future(hold())
    await asyncio.sleep(0.5)
    slider = widgets.IntSlider(4)
    with pytest.raises(TransactionError):
        ada.room.share(slider, "n")
    await holding
    ada.room.unshare(slider)
    ada.room.share(slider, "n")
    await asyncio.sleep(1)
    assert bob.room.share(widgets.IntSlider(), "n").value == 4


class Failing(anywidget.AnyWidget):  # type: ignore[misc]
    _esm = "export default { render() {} }"
    thing = traitlets.Int(1).tag(
        sync=False, to_json=lambda value, _: 1 // value, from_json=lambda value, _: 1 // value
    )


@in_company
async def test_a_conversion_that_fails_is_told_and_hurts_nobody_else(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (p.room.share(Failing(), "f", traits=["thing"]) for p in (ada, bob))
    await asyncio.sleep(1)
    hers.thing = 0
    await asyncio.sleep(1)
    assert "does not give it to its page" in ada.faults[0]
    assert his.thing == 1
    ada.room.map("widget:f")["thing"] = 0
    await asyncio.sleep(1)
    assert "division" in bob.faults[0]
    assert his.thing == 1
    ada.room.leave()
    bob.room.leave()
    assert ada.room.stage == bob.room.stage == "left"


@in_company
async def test_a_value_that_cannot_be_written_any_more_is_told(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (p.room.share(widgets.IntSlider(), "n") for p in (ada, bob))
    await asyncio.sleep(1)

    async def hold() -> None:
        with ada.room.transaction():
            await asyncio.sleep(2)

    holding = asyncio.ensure_future(hold())
    await asyncio.sleep(0.5)
    hers.value = 5
    ada.room.unshare(hers)
    await holding
    await asyncio.sleep(1)
    assert his.value == 0
    assert "The last change of the widget 'n' was not shared" in ada.faults[-1]
