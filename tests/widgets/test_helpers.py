"""Button, log, poll, output and interact."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import ipywidgets
import pytest

from pyodide_rtc import ConfigError, NameInUseError, RoomClosedError, ValueRefusedError
from pyodide_rtc.widgets import Button, Click, Log, Output, Poll, interact
from widgets.people import Company, in_company


@in_company
async def test_a_click_counts_once_everywhere_with_who_clicked(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (Button(p.room, "start", "Start") for p in (ada, bob))
    heard: dict[str, list[str]] = {"Ada": [], "Bob": []}
    hers.on_click(lambda click: heard["Ada"].append(click.by))
    his.on_click(lambda click: heard["Bob"].append(click.by))
    hers.click()
    his.click()
    his.click()
    await asyncio.sleep(1)

    assert sorted(heard["Ada"]) == sorted(heard["Bob"]) == ["Ada", "Bob", "Bob"]
    assert hers.clicks == his.clicks
    assert [click.is_mine for click in hers.clicks] == [click.by == "Ada" for click in hers.clicks]
    assert len(hers.clicks) == 3
    assert abs(hers.clicks[0].at - datetime.now(UTC)) < timedelta(minutes=5)
    assert hers.description == "Start"


@in_company
async def test_a_click_of_the_page_counts(company: Company) -> None:
    button = Button(company.person("Ada").room, "start")
    clicked = {"method": "custom", "content": {"event": "click"}}
    button.comm.handle_msg({"content": {"data": clicked}, "buffers": []})
    assert [click.by for click in button.clicks] == ["Ada"]
    assert button.description == "start"


@in_company
async def test_a_button_that_is_made_again_has_the_clicks_and_one_callback(
    company: Company,
) -> None:
    ada, bob = await company.pair()
    his = Button(bob.room, "start")
    heard: list[Click] = []
    for _ in range(3):
        hers = Button(ada.room, "start")
        hers.on_click(heard.append)
        his.click()
        await asyncio.sleep(1)
    assert len(heard) == 3
    assert len(hers.clicks) == 3
    hers.on_click(heard.append, remove=True)
    hers.on_click(heard.append, remove=True)
    his.click()
    await asyncio.sleep(1)
    assert len(heard) == 3


@in_company
async def test_a_callback_that_fails_keeps_no_other_from_hearing(company: Company) -> None:
    ada, bob = await company.pair()
    heard: list[Click] = []
    button = Button(bob.room, "start")
    button.on_click(lambda click: click.nothing)  # type: ignore[attr-defined]
    button.on_click(heard.append)
    clicks = ada.room.list("button:start")
    clicks.append({"by": ["nested"]})
    await asyncio.sleep(1)
    clicks[0]["by"].append(5)
    Button(ada.room, "start").click()
    await asyncio.sleep(1)

    assert [click.by for click in heard] == ["Ada"]
    [fault] = bob.faults
    assert "nothing" in fault


@in_company
async def test_old_clicks_that_arrive_late_are_history(company: Company) -> None:
    ada, bob = await company.pair()
    heard: list[Click] = []
    Button(bob.room, "start").on_click(heard.append)
    clicks = ada.room.list("button:start")
    clicks.append({"by": "Eve", "at": 1_700_000_000})
    clicks.extend([5, {"by": 5, "at": "now"}, {"by": "Eve", "at": 1e300}])
    await asyncio.sleep(1)
    assert heard == []
    assert len(Button(bob.room, "start").clicks) == 2
    assert bob.faults == []


@in_company
async def test_a_log_shows_who_wrote_what(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (Log(p.room, "answers") for p in (ada, bob))
    hers.write("it is 42")
    his.write("<b>no</b>")
    await asyncio.sleep(1)

    assert [(e.by, e.text) for e in hers.entries] == [(e.by, e.text) for e in his.entries]
    assert sorted((e.by, e.text) for e in his.entries) == [
        ("Ada", "it is 42"),
        ("Bob", "<b>no</b>"),
    ]
    assert hers.value == his.value
    assert "Ada: it is 42" in his.value
    assert his.disabled
    with pytest.raises(ValueRefusedError, match="has to be a text"):
        hers.write(5)  # type: ignore[arg-type]
    bob.room.list("log:answers").append("nonsense")
    await asyncio.sleep(1)
    assert len(hers.entries) == 2
    assert Log(ada.room, "answers").value == hers.value


@in_company
async def test_one_vote_a_person(company: Company) -> None:
    people = [company.person(name) for name in ("Ada", "Bob", "Eve", "Ada")]  # Ada has two tabs
    await company.meet()
    polls = [Poll(p.room, "lunch", "Where?", ["canteen", "park"]) for p in people]
    polls[0].vote("park")
    polls[1].vote("canteen")
    polls[2].vote("park")
    await asyncio.sleep(1)
    polls[3].vote("canteen")
    await asyncio.sleep(1)

    for poll in polls:
        assert poll.votes == {"canteen": ("Ada", "Bob"), "park": ("Eve",)}
    polls[1].vote(None)
    polls[1].vote(None)
    await asyncio.sleep(1)
    assert polls[0].votes == {"canteen": ("Ada",), "park": ("Eve",)}


@in_company
async def test_a_poll_is_voted_in_by_its_buttons_and_shows_the_votes(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (Poll(p.room, "q", "Where?", ["canteen", "park"]) for p in (ada, bob))
    button, _, _ = hers.children[2].children
    assert (hers.children[0].value, button.description) == ("Where?", "park")
    button.click()
    await asyncio.sleep(1)
    _, bar, label = his.children[2].children
    assert (bar.value, bar.max, label.value) == (1, 1, "1  Ada")


@in_company
async def test_many_people_in_one_poll(company: Company) -> None:
    people = [company.person(f"Person {n}") for n in range(6)]
    await company.meet()
    polls = [Poll(p.room, "q", "Where?", ["a", "b", "c"]) for p in people]
    for poll in polls:
        poll.vote("b")
    await asyncio.sleep(2)
    assert [len(poll.votes["b"]) for poll in polls] == [6] * 6
    assert polls[0].children[2].children[2].value.endswith("and 1 more")


@pytest.mark.parametrize("options", [[], ["one"], ["one", "one"], ["one", 2]])
@in_company
async def test_a_poll_needs_options(options: Any, company: Company) -> None:
    with pytest.raises(ValueRefusedError):
        Poll(company.person("Ada").room, "q", "Where?", options)


@in_company
async def test_a_vote_for_what_is_no_option(company: Company) -> None:
    room = company.person("Ada").room
    poll = Poll(room, "q", "Where?", ["a", "b"])
    with pytest.raises(ValueRefusedError, match="'c' is none of the options"):
        poll.vote("c")
    room.map("poll:q")["Eve"] = "c"
    room.map("poll:q")["Bob"] = {"a": 1}
    assert poll.votes == {"a": (), "b": ()}


@in_company
async def test_what_is_printed_is_shown_by_all(company: Company) -> None:
    ada, bob = await company.pair()
    hers, his = (Output(p.room, "results") for p in (ada, bob))
    with hers:
        print("one")
        print("two", end="")
    await asyncio.sleep(1)
    his.write(", three\n")
    await asyncio.sleep(1)

    assert hers.text == his.text == "one\ntwo, three\n"
    for output in (hers, his):
        [stream] = output.children[0].outputs
        assert stream == {"output_type": "stream", "name": "stdout", "text": output.text}
    his.clear()
    await asyncio.sleep(1)
    assert hers.text == ""
    assert hers.children[0].outputs == ()


@in_company
async def test_what_fails_while_printing_is_raised(
    company: Company, capsys: pytest.CaptureFixture[str]
) -> None:
    output = Output(company.person("Ada").room, "results")
    with pytest.raises(ZeroDivisionError), output:
        print("before")
        _ = 1 / 0
    assert output.text == "before\n"
    print("after")
    assert capsys.readouterr().out == "after\n"


@in_company
async def test_interact_calls_each_notebooks_own_function(company: Company) -> None:
    ada, bob = await company.pair()
    called: dict[str, list[tuple[int, str]]] = {"Ada": [], "Bob": []}

    def of(person: str) -> Any:
        def plot(n: int, color: str) -> None:
            called[person].append((n, color))

        return plot

    made = [interact(of(p.name), room=p.room, n=(0, 20), color=["red", "blue"]) for p in (ada, bob)]
    await asyncio.sleep(1)
    slider, choice, _ = made[0].children
    slider.value = 3
    choice.value = "blue"
    await asyncio.sleep(1)

    assert called["Ada"][-1] == called["Bob"][-1] == (3, "blue")
    with pytest.raises(NameInUseError):
        interact(of("Ada"), room=bob.room, n=["a"], color=["red"])


@in_company
async def test_interact_leaves_out_what_is_fixed(company: Company) -> None:
    ada, bob = await company.pair()
    seen: list[int] = []

    def add(a: int, b: int) -> None:
        seen.append(a + b)

    for person in (ada, bob):
        made = interact(add, room=person.room, name="sum", a=ipywidgets.fixed(100), b=(0, 5))
    await asyncio.sleep(1)
    made.children[0].value = 4
    await asyncio.sleep(1)
    assert seen[-2:] == [104, 104]


@in_company
async def test_they_share_themselves(company: Company) -> None:
    ada, bob = await company.pair()
    for person in (ada, bob):
        made = Poll(person.room, "q", "Where?", ["a", "b"])
        with pytest.raises(ValueRefusedError, match="a Poll is shared already"):
            person.room.share(made, "q")
        person.room.share(ipywidgets.VBox([made, Button(person.room, "b")]), "box")
    assert [name for name in ada.room.doc if name.startswith("widget:")] == ["widget:box"]
    ada.room.leave()
    with pytest.raises(RoomClosedError):
        Log(ada.room, "late")


@in_company
async def test_what_cannot_be_called_is_refused_where_it_is_given(company: Company) -> None:
    room = company.person("Ada").room
    with pytest.raises(ConfigError, match="cannot be called"):
        Button(room, "b").on_click("start")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="cannot be called"):
        interact(5, room=room, n=(0, 5))  # type: ignore[arg-type]
