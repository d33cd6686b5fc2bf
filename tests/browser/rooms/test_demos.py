"""The demo notebooks with widgets: two people run all cells, and click what they see."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from harness.people import Cast, Person
from harness.site import REPOSITORY
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.remote.webelement import WebElement

from pyodide_rtc.testing.browsers import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CONTENT = REPOSITORY / "demo-site/content"


def run_all(people: tuple[Person, Person], name: str, room: str) -> None:
    """Run all cells of a demo, in both browsers at once, in a room of its own."""
    cells = json.loads((CONTENT / name).read_text())["cells"]
    sources = ["".join(cell["source"]) for cell in cells if cell["cell_type"] == "code"]

    def run(person: Person, user: str) -> None:
        for source in sources:
            own_room = source.replace("join()", f"join({room!r}, user={user!r})")
            person.run(own_room, timeout_s=90)

    with ThreadPoolExecutor() as pool:
        list(pool.map(run, people, ("Ada", "Bob")))
    for person in people:
        person.eventually("room.synced", True)


MOVES = """
import asyncio
for number in range(500):
    waves.value = number % 10 + 1
    await asyncio.sleep(0)
"""


@pytest.fixture
def people(cast: Cast, request: pytest.FixtureRequest) -> Iterator[tuple[Person, Person]]:
    """Ada and Bob; what they saw at the end is kept in .pytest-rtc/demos."""
    found = cast.person("one"), cast.person("two", "firefox")
    yield found
    folder = REPOSITORY / ".pytest-rtc/demos"
    folder.mkdir(parents=True, exist_ok=True)
    for person, name in zip(found, ("ada", "bob"), strict=True):
        person.screenshot(folder / f"{request.node.originalname}-{name}.png")


def shown(person: Person, selector: str, text: str) -> bool:
    """Whether one of these with this text in it can be seen."""
    seen = """
        const [selector, text] = arguments;
        return [...document.querySelectorAll(selector)]
            .some((each) => each.checkVisibility() && each.innerText.includes(text));
    """
    return bool(person.js(seen, selector, text))


def wait_both(people: tuple[Person, Person], is_so: Callable[[Person], object], what: str) -> None:
    for person in people:
        eventually(lambda person=person: is_so(person), 20, what)


def test_a_to_do_list(people: tuple[Person, Person], room_name: str) -> None:
    ada, bob = people
    run_all(people, "todo.ipynb", room_name)
    ada.find("input[placeholder='What is to be done?']").send_keys("measure")
    ada.click(".widget-button", "Add")
    wait_both(people, lambda p: shown(p, ".widget-checkbox", "measure"), "both see the task")
    bob.click(".widget-checkbox input")
    ticked = "[item['done'] for item in todo]"
    for person in people:
        person.eventually(ticked, [True])
    wait_both(people, lambda p: p.find(".widget-checkbox input").is_selected(), "it is ticked")
    ada.click(".widget-button", "Remove")
    wait_both(people, lambda p: not shown(p, ".widget-checkbox", ""), "it is gone")


def test_a_poll(people: tuple[Person, Person], room_name: str) -> None:
    ada, bob = people
    run_all(people, "poll.ipynb", room_name)
    ada.click(".widget-button", "a wave")
    bob.click(".widget-button", "both")
    wait_both(people, lambda p: shown(p, ".widget-label", "1 Ada"), "Ada's vote")
    wait_both(people, lambda p: shown(p, ".widget-label", "1 Bob"), "Bob's vote")
    bob.click(".widget-button", "I have a question")
    wait_both(people, lambda p: shown(p, ".widget-label", "Bob"), "his hand")
    bob.find("input[placeholder='Your question']").send_keys("why?")
    bob.click(".widget-button", "Send")
    wait_both(
        people,
        lambda p: "Bob: why?" in str(p.find("textarea").get_attribute("value")),
        "his question",
    )


def test_a_dashboard(people: tuple[Person, Person], room_name: str) -> None:
    ada, bob = people
    run_all(people, "dashboard.ipynb", room_name)

    def line(person: Person) -> str:
        return str(
            person.js("return document.querySelector('svg polyline').getAttribute('points')")
        )

    before = line(bob)
    ada.find(".noUi-handle").send_keys(Keys.ARROW_UP)
    eventually(lambda: line(bob) != before and line(bob) == line(ada), 20, "both plots are redrawn")
    bob.click(".widget-button", "Measure")
    wait_both(people, lambda p: shown(p, ".widget-label", "measured 1 times"), "one click")
    for person in people:
        person.eventually("[entry.by for entry in log.entries]", ["Bob"])
    ada.run(MOVES)
    bob.eventually("waves.value", 10)
    eventually(lambda: line(ada) == line(bob), 20, "both plots are the same after 500 moves")


def test_a_drawing(people: tuple[Person, Person], room_name: str) -> None:
    ada, bob = people
    run_all(people, "drawing.ipynb", room_name)
    with ThreadPoolExecutor() as pool:
        list(pool.map(draw, people, (-100, 100)))
    for person in people:
        person.eventually("len(strokes)", 2)
    drawn = """
        const [canvas] = arguments;
        const { data } = canvas.getContext("2d").getImageData(0, 0, 600, 300);
        return data.filter((value, at) => at % 4 === 3 && value > 0).length;
    """
    pixels = [p.notebook.js(drawn, p.find("canvas")) for p in (ada, bob)]
    assert min(pixels) > 500, "both see both strokes"


HAS_MATPLOTLIB = any((REPOSITORY / "demo-site/_output/pypi").glob("matplotlib-*.whl"))

PICTURE = "[...document.querySelectorAll('.widget-interact img')].at(-1)?.src"
WATCH = f"""
    window.pictures = new Set();
    const look = () => {{
        window.pictures.add({PICTURE});
        requestAnimationFrame(look);
    }};
    look();
"""


@pytest.mark.skipif(not HAS_MATPLOTLIB, reason="the site has no matplotlib: `make matplotlib site`")
def test_a_plot(people: tuple[Person, Person], room_name: str) -> None:
    ada, bob = people
    run_all(people, "plot.ipynb", room_name)

    def picture(person: Person) -> str:
        return str(person.js(f"return {PICTURE}"))

    wait_both(people, picture, "the plot")
    before = picture(bob)
    ada.find(".noUi-handle").send_keys(Keys.ARROW_UP)
    eventually(
        lambda: picture(ada) == picture(bob) != before, 20, "matplotlib has redrawn it in both"
    )
    for person in people:
        person.js(WATCH)
    drag(ada, ada.driver.find_elements("css selector", ".noUi-handle")[-1], 500)
    drawn = [person.js("return window.pictures.size") for person in people]
    assert min(drawn) > 5, "it was redrawn in both while the slider was dragged"
    eventually(lambda: picture(ada) == picture(bob), 20, "both have the plot of the last value")


def drag(person: Person, handle: WebElement, moves: int) -> None:
    """Drag a slider to and fro, by so many moves of the mouse."""
    person.notebook.js("arguments[0].scrollIntoView({ block: 'center' })", handle)
    chain = ActionChains(person.driver, duration=5).click_and_hold(handle)
    for move in range(moves):
        chain.move_by_offset(1 if move // 40 % 2 == 0 else -1, 0)
    chain.release().perform()


def draw(person: Person, left: int) -> None:
    canvas = person.find("canvas[aria-label='a board to draw on']")
    person.notebook.js("arguments[0].scrollIntoView({ block: 'center' })", canvas)
    chain = ActionChains(person.driver).move_to_element_with_offset(canvas, left, -50)
    chain.click_and_hold().move_by_offset(30, 40).move_by_offset(30, 40).release().perform()
