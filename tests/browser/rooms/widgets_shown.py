"""Two widgets that people share, and what their pages show of them."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from harness.people import Person
from selenium.webdriver import Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from pyodide_rtc.testing.browsers import eventually

__all__ = ["COUNT", "SHARE", "drag_at_once", "part", "readout", "texts_shown"]

SHARE = """
import ipywidgets as widgets
slider = room.share(widgets.IntSlider(description="threshold"), "threshold")
notes = room.share(widgets.Textarea(description="notes"), "notes")
widgets.VBox([slider, notes])
"""
"""A slider and a text area; ipywidgets has to be installed."""

COUNT = "heard = []\nobservation = room.map('widget:threshold').observe(heard.append)"
"""Notes each change of the slider in the room."""


def part(person: Person, selector: str) -> WebElement:
    """What is drawn last of these."""
    person.look()
    return eventually(lambda: person.driver.find_elements(By.CSS_SELECTOR, selector), 20, selector)[
        -1
    ]


def texts_shown(*people: Person) -> list[str | None]:
    return [part(person, "textarea").get_attribute("value") for person in people]


def readout(person: Person) -> str:
    return part(person, ".widget-readout").text


def drag_at_once(people: Sequence[Person], slider: str, name: str) -> None:
    """Both drag the slider that was drawn last; they end with one value, and then are silent.

    Args:
        people: two of them.
        slider: its variable in their notebooks.
        name: by which it is shared.
    """
    one, two = people
    for person in people:
        person.run(COUNT.replace("threshold", name))

    def drag(person: Person, key: str) -> None:
        handle = part(person, ".noUi-handle")
        for _ in range(25):
            handle.send_keys(key)

    one.run(f"{slider}.value = 50")
    two.eventually(f"{slider}.value", 50)
    with ThreadPoolExecutor() as pool:
        list(pool.map(drag, people, (Keys.ARROW_UP, Keys.ARROW_DOWN)))
    eventually(lambda: readout(one) == readout(two), 5, "both show one value")
    before = [person.value("len(heard)") for person in people]
    one.run("import asyncio\nawait asyncio.sleep(1)")  # the silence that is meant is a second's
    assert [person.value("len(heard)") for person in people] == before
    assert one.value(f"{slider}.value") == two.value(f"{slider}.value") == float(readout(one))
