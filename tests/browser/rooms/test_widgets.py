"""Widgets that two people share, by what they see and do on their pages."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.people import Cast, Person
from harness.waiting import eventually
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SHARE = """
import ipywidgets as widgets
slider = room.share(widgets.IntSlider(description="threshold"), "threshold")
notes = room.share(widgets.Textarea(description="notes"), "notes")
widgets.VBox([slider, notes])
"""


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


def part(person: Person, selector: str) -> WebElement:
    """What is drawn last of these."""
    person.look()
    return eventually(lambda: person.driver.find_elements(By.CSS_SELECTOR, selector), 20, selector)[
        -1
    ]


def readout(person: Person) -> str:
    return part(person, ".widget-readout").text


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
