"""Widgets that two people share, by what they see and do on their pages."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.people import COMPUTE, Cast, Person
from selenium.webdriver import ActionChains, Keys

from pyodide_rtc.testing.browsers import eventually

from .widgets_shown import COUNT, SHARE, drag_at_once, part, readout, texts_shown

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]


@pytest.fixture
def pair(cast: Cast, room_name: str) -> Iterator[tuple[Person, Person]]:
    one, two = cast.person("one"), cast.person("two", "firefox")
    for person, name in ((one, "Ada"), (two, "Bob")):
        person.run("%pip install -q ipywidgets", timeout_s=90)
        person.join(repr(room_name), f"user={name!r}")
        person.run(SHARE)
    for person in (one, two):
        person.eventually("room.synced", True)
    yield one, two
    for person in (one, two):
        person.run("room.leave()")


def place_cursor(person: Person, place: int) -> None:
    """Click into the text, and put the cursor behind so many characters."""
    area = part(person, "textarea")
    area.click()
    person.notebook.js("arguments[0].setSelectionRange(arguments[1], arguments[1])", area, place)


def test_a_slider_moves_at_the_other(pair: tuple[Person, Person]) -> None:
    one, two = pair
    handle = part(one, ".noUi-handle")
    ActionChains(one.driver).click(handle).perform()
    for _ in range(5):
        handle.send_keys(Keys.ARROW_UP)
    eventually(lambda: readout(one) == readout(two) == "5", 20, "both show 5")
    for person in (one, two):
        person.eventually("slider.value", 5)
    two.run("slider.value = 70")
    eventually(lambda: readout(one) == "70", 20, "what code sets is shown at the other")
    assert one.value("[str(f) for f in room.faults]") == []


def test_two_type_into_one_text(pair: tuple[Person, Person]) -> None:
    one, two = pair
    part(one, "textarea").send_keys("from Ada. ")
    eventually(lambda: part(two, "textarea").get_attribute("value") == "from Ada. ", 20, "he reads")
    part(two, "textarea").send_keys("from Bob.")
    for person in (one, two):
        person.eventually("notes.value", "from Ada. from Bob.")
        shown = part(person, "textarea")
        assert shown.get_attribute("value") == "from Ada. from Bob."


def test_it_is_where_it_was_after_a_restart(pair: tuple[Person, Person], room_name: str) -> None:
    one, two = pair
    two.run("slider.value = 33")
    one.eventually("slider.value", 33)
    one.restart()
    one.run("%pip install -q ipywidgets", timeout_s=90)
    one.join(repr(room_name), "user='Ada'")
    one.run(SHARE)
    assert one.value("slider.value") == 33
    eventually(lambda: readout(one) == "33", 20, "it is shown")
    one.eventually("room.synced", True)


def test_the_page_is_heard_while_a_cell_awaits(pair: tuple[Person, Person]) -> None:
    """ipywidgets' own messages wait until the cell has ended."""
    one, two = pair
    handle = part(one, ".noUi-handle")
    waiting = one.start(
        "while slider.value != 3: await room.until_changed(slider, 60)\nslider.value"
    )
    for _ in range(2):
        handle.send_keys(Keys.ARROW_UP)
    eventually(lambda: readout(two) == "2", 20, "he sees it")
    part(one, "textarea").send_keys("typed meanwhile")
    two.eventually("notes.value", "typed meanwhile")
    assert not one.is_done(waiting)
    handle.send_keys(Keys.ARROW_UP)
    eventually(lambda: one.is_done(waiting), 20, "the cell has what it waits for")
    assert one.notebook.text(waiting) == "3"
    eventually(lambda: readout(two) == "3", 20, "he sees the last one")
    part(one, "textarea").send_keys(", and afterwards")
    eventually(
        lambda: texts_shown(one, two) == ["typed meanwhile, and afterwards"] * 2, 20, "all of it"
    )


def test_who_types_keeps_the_cursor(pair: tuple[Person, Person]) -> None:
    one, two = pair
    part(one, "textarea").send_keys("<>|")
    eventually(lambda: texts_shown(two) == ["<>|"], 20, "both have it")
    letters, digits = "ABCDEFGHIJKLMNOPQRST", "01234567890123456789"
    place_cursor(one, 1)
    place_cursor(two, 3)

    def type_each(person: Person, characters: str) -> None:
        area = part(person, "textarea")
        for character in characters:
            area.send_keys(character)

    with ThreadPoolExecutor() as pool:
        list(pool.map(type_each, pair, (letters, digits)))
    expected = f"<{letters}>|{digits}"
    for person in pair:
        person.eventually("notes.value", expected)
    assert texts_shown(one, two) == [expected, expected]


def test_a_callback_that_computes_and_then_sets(pair: tuple[Person, Person]) -> None:
    one, two = pair
    one.run(f"""
def answer(change):
    notes.unobserve(answer, "value")
    {COMPUTE.format(6).replace(chr(10), chr(10) + "    ")}
    notes.value += " computed"
notes.observe(answer, "value")
""")
    part(one, "textarea").send_keys("Ada")
    part(two, "textarea").send_keys("Bob")
    part(one, "textarea").send_keys(" types on")
    one.eventually("' computed' in notes.value and 'Bob' in notes.value", True)
    two.eventually("notes.value", one.value("notes.value"))
    text = str(one.value("notes.value"))
    assert sorted(text) == sorted("Ada types on computedBob"), text
    eventually(lambda: texts_shown(one, two) == [text, text], 20, "both see it")


def test_a_thousand_values_are_few_messages(pair: tuple[Person, Person]) -> None:
    one, two = pair
    two.run("slider.max = 2000")
    two.run(COUNT)
    one.run("""
import asyncio, time
slider.max = 2000
started = time.monotonic()
for value in range(1, 1001):
    slider.value = value
    await asyncio.sleep(max(0, started + value * 0.002 - time.monotonic()))
""")
    two.eventually("slider.value", 1000)
    assert 10 < two.value("len(heard)") < 150
    two.run("observation.cancel()")


def test_both_drag_at_once_and_then_there_is_silence(pair: tuple[Person, Person]) -> None:
    drag_at_once(pair, "slider", "threshold")


def test_the_cell_run_five_times_and_a_second_tab(
    pair: tuple[Person, Person], room_name: str
) -> None:
    one, two = pair
    for _ in range(5):
        one.run(SHARE)
    part(one, ".noUi-handle").send_keys(Keys.ARROW_UP)
    two.eventually("slider.value", 1)
    first = one.driver.current_window_handle
    one.driver.switch_to.new_window("tab")
    tab = Person(one.driver, one.server, one.driver.current_window_handle)
    tab.open(room="demo")
    tab.run("%pip install -q ipywidgets", timeout_s=90)
    tab.join(repr(room_name))
    tab.run(SHARE)
    tab.eventually("slider.value", 1)
    part(tab, ".noUi-handle").send_keys(Keys.ARROW_UP)
    two.eventually("slider.value", 2)
    tab.driver.close()
    one.driver.switch_to.window(first)
    one.eventually("slider.value", 2)
    assert one.value("[str(f) for f in room.faults]") == []


def test_a_reload_has_it_all_before_anybody_is_there(
    pair: tuple[Person, Person], room_name: str
) -> None:
    one, two = pair
    one.run("slider.value = 12\nnotes.value = 'noted'\nroom.state.answers = [1, 2]")
    one.eventually("room.stored.is_saved", True)
    two.eventually("slider.value", 12)
    two.run("room.leave()")
    one.open(room="demo")
    one.run("%pip install -q ipywidgets", timeout_s=90)
    one.join(repr(room_name), "user='Ada'")
    one.run(SHARE)
    assert one.value("[len(room.peers), slider.value, notes.value, room.state.to_py()]") == [
        0,
        12,
        "noted",
        {"answers": [1, 2]},
    ]
    eventually(lambda: [readout(one), *texts_shown(one)] == ["12", "noted"], 20, "it is shown")


def test_helpers_by_clicks(pair: tuple[Person, Person]) -> None:
    one, two = pair
    for person in pair:
        person.run("""
from pyodide_rtc.widgets import Button, Log, Poll
clicks = []
button, log = Button(room, "start", "Start"), Log(room, "events")
button.on_click(lambda click: clicks.append(click.by))
poll = Poll(room, "lunch", "Where?", ["canteen", "park"])
widgets.VBox([button, poll, log])
""")
    waiting = one.start("import asyncio\nwhile not clicks: await asyncio.sleep(0.05)")
    one.click(".widget-button", "Start")
    eventually(lambda: one.is_done(waiting), 20, "the click arrives while the cell awaits")
    two.click(".widget-button", "Start")
    for person in pair:
        person.eventually("sorted(clicks)", ["Ada", "Bob"])
    one.click(".widget-button", "park")
    two.click(".widget-button", "park")
    for person in pair:
        person.eventually("poll.votes", {"canteen": [], "park": ["Ada", "Bob"]})
    two.run("log.write('hello')")
    eventually(lambda: "Bob: hello" in str(texts_shown(one)[0]), 20, "the log")
