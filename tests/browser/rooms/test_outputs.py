"""What callbacks of a room put out appears below the cell that asked for them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from harness.people import Cast, Person
from selenium.webdriver import Keys

from pyodide_rtc.testing.browsers import eventually

from .widgets_shown import part

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

ALONE = "import ipywidgets\nalone = ipywidgets.IntSlider()\nalone"
"""A slider that is not shared: moving it is a message of its own to the kernel."""

CAPTURED = """
import ipywidgets
from IPython.display import clear_output
slider = room.share(ipywidgets.IntSlider(description="threshold"), "threshold")
output = ipywidgets.Output()

def show(change):
    with output:
        clear_output(wait=True)
        print("it is", change.new)

slider.observe(show, "value")
ipywidgets.VBox([slider, output])
"""


@pytest.fixture
def pair(cast: Cast, room_name: str) -> Iterator[tuple[Person, Person]]:
    one, two = cast.person("one"), cast.person("two", "firefox")
    for person, name in ((one, "Ada"), (two, "Bob")):
        person.run("%pip install -q ipywidgets", timeout_s=90)
        person.join(repr(room_name), f"user={name!r}")
    for person in (one, two):
        person.eventually("room.synced", True)
    yield one, two
    for person in (one, two):
        person.run("room.leave()")


def move_alone(person: Person) -> None:
    """Move a slider that nobody shares: the kernel's last message is then no cell's."""
    person.run(ALONE)
    part(person, ".noUi-handle").send_keys(Keys.ARROW_UP)
    person.eventually("alone.value", 1)


def test_an_observer_prints_below_its_cell(pair: tuple[Person, Person]) -> None:
    one, two = pair
    cell = two.start("state.observe(lambda event: print('heard', state['n']))")
    two.wait(cell)
    move_alone(two)
    one.run("state['n'] = 7")
    eventually(lambda: two.notebook.text(cell).endswith("heard 7\n"), 20, "it is below its cell")


def test_an_output_takes_what_a_shared_slider_makes(pair: tuple[Person, Person]) -> None:
    for person in pair:
        person.run(CAPTURED)
    for key, moved in ((Keys.ARROW_UP, 1), (Keys.ARROW_UP, 2), (Keys.ARROW_DOWN, 1)):
        part(pair[0], ".noUi-handle").send_keys(key)
        for person in pair:
            eventually(
                lambda person=person, moved=moved: (
                    part(person, ".widget-output").text == f"it is {moved}"
                ),
                20,
                f"it is {moved}",
            )
