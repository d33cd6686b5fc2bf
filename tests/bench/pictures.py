"""Takes the pictures of the README and of docs, on the demo site.

make pictures
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

sys.path[:0] = [str(Path(__file__).parents[1] / "browser")]

from harness.browsers import open_browser  # noqa: E402 - harness is not a package that is installed
from harness.people import Person  # noqa: E402
from harness.people_shown import close_dialog, open_status, open_user_form, panel_people  # noqa: E402
from harness.site import SITE, exposed_copy  # noqa: E402
from harness.together import Desk  # noqa: E402
from selenium.webdriver import ActionChains, Keys  # noqa: E402
from selenium.webdriver.common.by import By  # noqa: E402
from selenium.webdriver.remote.webelement import WebElement  # noqa: E402

from pyodide_rtc.testing.browsers import (  # noqa: E402
    SignalingServer,
    eventually,
    serve_site,
)

PATH = "together.ipynb"
PEOPLE = (("Ada", "e65100"), ("Bob", "1565c0"))
SIZE = (760, 560)
TASK = "input[placeholder='What is to be done?']"
PLOT = ".widget-interact img"
BOARD = "canvas[aria-label='a board to draw on']"
RUN_S = 120
"""So long a notebook may take until its cells have run."""
WRITE = """
import asyncio, random
for n in range(45):
    text.append("x" * random.randint(0, {0}000) * (n % 20 < 12))
    await asyncio.sleep(1)
"""
PAGE = """<!doctype html>
<body style="margin:0;display:inline-flex;gap:12px;padding:12px;background:#cfd8dc">
  <img src="{0}" style="width: 760px; height: auto; box-shadow: 0 2px 8px #0006">
  <img src="{1}" style="width: 760px; height: auto; box-shadow: 0 2px 8px #0006">
</body>
"""


def main() -> None:
    target = Path(sys.argv[1])
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        site = exposed_copy(SITE, Path(folder, "site"), is_coedited=True)
        server = stack.enter_context(serve_site(site))
        ada, bob = (_desk(stack, server, name) for name, _ in PEOPLE)
        take_together(ada, bob, target / "together.png")
        take_room(ada, bob, target / "room.png")
        take_question(ada, bob, target / "question.png")
        take_name(bob, target / "name.png")
        for name, (seen, use) in DEMOS.items():
            take_demo(ada, bob, f"{name}.ipynb", seen, use, target / f"{name}.png")
        people = [Person(desk.driver, server) for desk in (ada, bob)]
        take_panel(people, target / "panel.png")
        take_monitor(people, target / "monitor.png")
    for picture in sorted(target.glob("*.png")):
        print(f"picture: {picture}, {picture.stat().st_size / 1000:.0f} kB")


def take_together(ada: Desk, bob: Desk, target: Path) -> None:
    """Both type in one notebook, side by side."""
    _open(ada, bob, "notebooks")
    ada.run_cell(2)
    eventually(lambda: bob.outputs(2), 60, "what came out is at Bob's")
    ada.write(4, "  # typed by Ada")
    bob.eventually("cells", ada.cells)
    bob.write(2, "  # and by Bob")
    ada.eventually("cells", bob.cells)
    bob.cell(4)  # brings it to where it can be seen
    eventually(lambda: "Ada" in bob.flags, 10, "Ada's name")
    _side_by_side(ada, bob, target)


def take_demo(
    ada: Desk,
    bob: Desk,
    path: str,
    seen: str,
    use: Callable[[Person, Person], object],
    target: Path,
) -> None:
    """Both have run a demo notebook, and used it.

    Args:
        ada: her desk.
        bob: his desk.
        path: the demo.
        seen: the selector of what is to be seen, and is there once its cells have run.
        use: what they do.
        target: the picture.
    """
    for desk in (ada, bob):
        desk.driver.set_window_size(SIZE[0], 700)
    _open(ada, bob, "notebooks", path)
    people = [Person(desk.driver, desk.server) for desk in (ada, bob)]
    for desk, person in zip((ada, bob), people, strict=True):
        desk.execute("notebook:run-all-cells")  # who runs what the other is running is asked first
        person.find(seen, timeout_s=RUN_S)
    use(*people)
    for person in people:
        person.js("arguments[0].scrollIntoView({ block: 'center' })", person.find(seen))
        person.js("document.activeElement.blur()")
    _side_by_side(ada, bob, target)


def use_dashboard(ada: Person, bob: Person) -> None:
    """Ada moves the first slider."""

    def first(person: Person, selector: str) -> WebElement:
        return person.driver.find_elements(By.CSS_SELECTOR, selector)[0]

    for _ in range(3):
        first(ada, ".noUi-handle").send_keys(Keys.ARROW_UP)
    for person in (ada, bob):
        eventually(
            lambda person=person: first(person, ".widget-readout").text == "6", 20, "both show it"
        )


def use_todo(ada: Person, bob: Person) -> None:
    """Each adds a task, and one is done."""
    for person, task in ((ada, "measure the spring"), (bob, "draw the plot")):
        person.find(TASK).send_keys(task)
        person.click(".widget-button", "Add")
        for each in (ada, bob):
            each.find(".widget-checkbox", task)
    ada.js("document.querySelector('.widget-checkbox input').click()")
    eventually(lambda: bob.js("return document.querySelector('input:checked')"), 20, "it is done")


def use_poll(ada: Person, bob: Person) -> None:
    """Both vote, and Bob asks."""
    ada.click(".widget-button", "a wave")
    bob.click(".widget-button", "both")
    bob.click(".widget-button", "I have a question")
    for name in ("1 Ada", "1 Bob"):
        for person in (ada, bob):
            person.find(".widget-label", name)


def use_drawing(ada: Person, bob: Person) -> None:
    """Both draw a line."""
    bob.run("board.color = '#d32f2f'")
    for person, left in ((ada, -150), (bob, 50)):
        canvas = person.find(BOARD)
        person.js("arguments[0].scrollIntoView({ block: 'center' })", canvas)
        chain = ActionChains(person.driver).move_to_element_with_offset(canvas, left, -60)
        chain.click_and_hold()
        for turn in range(8):
            chain.move_by_offset(12, 50 if turn % 2 else -50)
        chain.release().perform()
    for person in (ada, bob):
        person.eventually("len(strokes)", 2)


def _side_by_side(ada: Desk, bob: Desk, target: Path) -> None:
    with tempfile.TemporaryDirectory() as folder:
        shots = [Path(folder, f"{desk.name}.png") for desk in (ada, bob)]
        for desk, shot in zip((ada, bob), shots, strict=True):
            desk.driver.save_screenshot(str(shot))
        page = Path(folder, "page.html")
        page.write_text(PAGE.format(*(shot.as_uri() for shot in shots)))
        for desk in (ada, bob):
            desk.settle()
        ada.driver.set_window_size(2 * SIZE[0] + 60, SIZE[1] + 200)
        ada.driver.get(page.as_uri())
        body = ada.driver.find_element(By.TAG_NAME, "body")
        target.write_bytes(body.screenshot_as_png)


def take_room(ada: Desk, bob: Desk, target: Path) -> None:
    """Who is here: the panel at the left, and the dialog of the status item."""
    for desk in (ada, bob):
        desk.driver.set_window_size(1100, 640)
    _open(ada, bob, "lab")
    ada.click("[data-id='jp-collaboration-panel']")
    eventually(lambda: panel_people(ada) == ["Bob"], 20, "Bob is in the panel")
    eventually(lambda: "in sync" in ada.status, 20, "the notebook is in sync")
    open_status(ada)
    ada.driver.save_screenshot(str(target))
    close_dialog(ada)


def take_panel(people: list[Person], target: Path) -> None:
    """The panel of a room, in a notebook."""
    for person, (name, color) in zip(people, PEOPLE, strict=True):
        person.driver.set_window_size(1400, 900)
        person.open(room="physics-101")
        person.run("%pip install -q anywidget", timeout_s=90)
        person.join(f"user={{'name': {name!r}, 'color': '#{color}'}}")
        person.eventually("room.stage", "open")
    ada, bob = people
    bob.run("room.me.set(looking_at='cell 3')\nroom.document('board').map('m')['n'] = 1")
    ada.run("room.document('board')")
    ada.run("room.panel()")
    panel = ada.driver.find_elements(By.CSS_SELECTOR, ".prtc-panel")[-1]
    eventually(lambda: "looks at cell 3" in panel.text and " ms" in panel.text, 30, "all is shown")
    next(one for one in panel.find_elements(By.TAG_NAME, "button") if "QR" in one.text).click()
    ada.driver.execute_script("arguments[0].scrollIntoView()", panel)
    target.write_bytes(panel.screenshot_as_png)


def take_monitor(people: list[Person], target: Path) -> None:
    """The monitor of the room of the panel, after both have written for a while."""
    ada, bob = people
    ada.run("room.monitor()")
    cells = [(person, person.start(WRITE.format(most))) for person, most in ((bob, 3), (ada, 1))]
    for person, cell in cells:
        eventually(lambda person=person, cell=cell: person.is_done(cell), 90, "it is written")
    monitor = ada.driver.find_elements(By.CSS_SELECTOR, ".prtc-monitor")[-1]
    ada.driver.execute_script("arguments[0].scrollIntoView()", monitor)
    target.write_bytes(monitor.screenshot_as_png)


def take_question(ada: Desk, bob: Desk, target: Path) -> None:
    """Who runs a cell that somebody else is running is asked first."""
    bob.command(2, "b")
    bob.click_cell(3)
    bob.type("import asyncio\nawait asyncio.sleep(60)  # computes")
    ada.eventually("cells", bob.cells)
    bob.run_cell(3)
    running = "return document.querySelector('.jp-Notebook').innerText.includes('[*]')"
    eventually(lambda: ada.js(running), 20, "Ada sees it running")
    ada.run_cell(3)
    eventually(lambda: ada.dialogs, 20, "Ada is asked")
    ada.driver.save_screenshot(str(target))
    close_dialog(ada)


def use_plot(ada: Person, bob: Person) -> None:
    """Ada moves the first slider; each notebook draws."""

    def drawn(person: Person) -> str:
        return str(person.js("return document.querySelector(arguments[0])?.src", PLOT))

    before = drawn(bob)
    ada.driver.find_elements(By.CSS_SELECTOR, ".noUi-handle")[0].send_keys(Keys.ARROW_UP * 2)
    eventually(lambda: drawn(ada) == drawn(bob) != before, 20, "both have drawn it")


def take_name(bob: Desk, target: Path) -> None:
    """The dialog for name and colour."""
    open_user_form(bob)
    bob.driver.save_screenshot(str(target))
    close_dialog(bob)


def _desk(stack: ExitStack, server: SignalingServer, name: str) -> Desk:
    driver = stack.enter_context(open_browser("chromium"))
    driver.set_window_size(*SIZE)
    return Desk(driver, server, name)


def _open(ada: Desk, bob: Desk, app: str, path: str = PATH) -> None:
    for desk, (_, color) in zip((ada, bob), PEOPLE, strict=True):
        desk.go(path, "demo", app, usercolor=color)
    for desk in (ada, bob):
        desk.wait_shown()
        desk.wait_company()
        desk.wait_kernel()


DEMOS = {
    "dashboard": (".noUi-handle", use_dashboard),
    "plot": (PLOT, use_plot),
    "todo": (TASK, use_todo),
    "poll": (".widget-hprogress", use_poll),
    "drawing": (BOARD, use_drawing),
}

if __name__ == "__main__":
    main()
