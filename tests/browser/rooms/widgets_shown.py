"""Two widgets that people share, and what their pages show of them."""

from __future__ import annotations

from harness.people import Person
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from pyodide_rtc.testing.browsers import eventually

__all__ = ["COUNT", "SHARE", "part", "readout", "texts_shown"]

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
