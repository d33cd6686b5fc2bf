"""The panel of a room, by what people see, press and hear of it on their pages."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from harness.people import COMPUTE, Cast, Person
from harness.site import REPOSITORY, exposed_copy
from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from pyodide_rtc.testing.browsers import eventually, serve_site

from .said import wait_said

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

PANEL = ".prtc-panel"

AUDIT = """
const panel = [...document.querySelectorAll(".prtc-panel")].at(-1);
const name = (one) => one.getAttribute("aria-label") || one.textContent.trim()
    || one.closest("label")?.textContent.trim();
const shown = (one) => one.getClientRects().length > 0;
const faults = [];
const hasName = (one) => name(one) || one.getAttribute("aria-labelledby");
for (const one of panel.querySelectorAll("button, input, progress, svg, [role=group]"))
    if (shown(one) && !hasName(one)) faults.push(one.outerHTML);
for (const one of panel.querySelectorAll("[aria-labelledby]"))
    if (!document.getElementById(one.getAttribute("aria-labelledby"))) faults.push(one.outerHTML);
for (const one of panel.querySelectorAll("ul > :not(li), [tabindex]")) faults.push(one.outerHTML);
if (panel.scrollWidth > panel.clientWidth) faults.push("it is too wide");
return faults;
"""

SHOWN = """
return [...document.querySelectorAll(".jp-OutputArea-output table")].at(-1)
    ?.parentElement.innerText ?? "";
"""
"""What the HTML says that was drawn last; it is drawn anew at any moment."""


@pytest.fixture
def pair(cast: Cast, room_name: str) -> Iterator[tuple[Person, Person]]:
    one, two = cast.person("one"), cast.person("two", "firefox")
    one.run("%pip install -q anywidget", timeout_s=90)
    for person, name in ((one, "Ada"), (two, "Bob")):
        person.join(repr(room_name), f"user={name!r}")
    one.run("room.panel()")
    for person in (one, two):
        person.eventually("room.synced", True)
    yield one, two
    for person in (one, two):
        person.run("room.leave()")


SLIDER = """
%pip install -q ipywidgets
import ipywidgets
slider = room.share(ipywidgets.IntSlider(), "slider")
"""
RUN_AGAIN = """
    const { content } = window.jupyterapp.shell.currentWidget;
    const cells = [...content.model.sharedModel.cells];
    content.activeCellIndex = cells.findIndex(({ id }) => id === arguments[0]);
    window.jupyterapp.commands.execute("notebook:run-cell");
"""
DRAWN = """
    const { widgets } = window.jupyterapp.shell.currentWidget.content;
    const cell = widgets.find(({ model }) => model.id === arguments[0]);
    return cell.node.querySelectorAll(arguments[1]).length;
"""


def panel(person: Person) -> WebElement:
    """The panel that was drawn last."""
    person.look()
    found = eventually(lambda: person.driver.find_elements(By.CSS_SELECTOR, PANEL), 20, "a panel")
    element: WebElement = found[-1]
    return element


def says(person: Person, pattern: str, timeout_s: float = 20) -> str:
    """Wait until the panel says something."""
    return wait_said(lambda: panel(person).text, pattern, timeout_s)


def press(person: Person, label: str) -> None:
    buttons = panel(person).find_elements(By.TAG_NAME, "button")
    next(one for one in buttons if one.is_displayed() and one.text == label).click()


def buttons(person: Person) -> list[str]:
    found = panel(person).find_elements(By.TAG_NAME, "button")
    return [one.text for one in found if one.is_displayed()]


def audit(person: Person) -> list[Any]:
    """What a screen reader would stumble over."""
    found: list[Any] = person.driver.execute_script(AUDIT)
    return found


def test_each_sees_the_other_and_how_fast_they_are_reached(pair: tuple[Person, Person]) -> None:
    one, two = pair
    said = says(one, r"Bob\nsynced · direct · (< 1|\d+) ms")
    for words in ("main document", "in sync with Bob", "This browser keeps it"):
        assert words in said
    assert re.search(r"Ada\s+\(you\)", said)
    assert re.search(r"signaling\nreached", said)
    two.run("room.me.set(looking_at='the plot')")
    says(one, "looks at the plot")
    assert audit(one) == []
    assert one.value("round(room.peers[0].round_trip_ms) < 1000")


def test_leave_join_again_and_forget(pair: tuple[Person, Person], room_name: str) -> None:
    one, two = pair
    for person in pair:
        person.run(SLIDER, timeout_s=90)
    one.run("state['n'] = 1\nheard = []\nobservation = state.observe(heard.append)")
    press(one, "Leave")
    says(one, r"The room was left\.")
    two.eventually("[len(room.peers), len(room.people)]", [0, 1])
    assert buttons(one) == ["Join again"]
    one.run("state['n'] = 2")
    press(one, "Join again")
    says(one, r"Bob\nsynced")
    two.eventually("state['n']", 2)
    assert one.value("room.stage") == "open", "the room that the cells have goes on"
    two.run("slider.value, state['m'] = 7, 1")
    one.eventually(
        "[slider.value, 'm' in str(heard)]", [7, True]
    )  # and so do widgets and observers

    press(one, "Forget what is stored…")
    assert "remove all that this browser keeps of it" in says(one, "The others keep theirs")
    assert audit(one) == []
    press(one, "Keep it")
    assert "Keep it" not in buttons(one)
    is_kept = f"{room_name!r} in [each.room for each in await pyodide_rtc.stored_rooms()]"
    one.eventually(is_kept, True)
    press(one, "Forget what is stored…")
    press(one, "Forget it")
    says(one, r"The room was left\.")
    eventually(lambda: buttons(one) == [], 20, "nobody comes back to what is forgotten")
    one.eventually(is_kept, False)  # the room is left first, and then removed
    assert two.value("state['n']") == 2, "the others keep theirs"


def test_by_keyboard_alone(pair: tuple[Person, Person]) -> None:
    one, _ = pair
    says(one, "Bob")
    one.driver.execute_script("arguments[0].focus()", panel(one).find_element(By.TAG_NAME, "input"))

    def key(*keys: str) -> str:
        ActionChains(one.driver).send_keys(*keys).perform()
        return str(one.driver.switch_to.active_element.text)

    assert key(Keys.TAB) == "Copy link"
    assert key(Keys.TAB) == "Show QR code"
    assert key(Keys.ENTER) == "Hide QR code"
    assert panel(one).find_elements(By.CSS_SELECTOR, "svg[role=img]")
    assert key(Keys.TAB) == "Leave"
    assert key(Keys.TAB) == "Forget what is stored…"
    assert key(Keys.ENTER) == "Keep it", "the harmless answer first"
    assert key(Keys.ESCAPE) == "Forget what is stored…"
    ActionChains(one.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
    key(Keys.SPACE)
    says(one, r"The room was left\.")
    focused = one.driver.switch_to.active_element.text
    assert focused == "Join again", "who pressed a button that is gone goes on at the next"


def test_while_a_cell_runs_it_says_so(pair: tuple[Person, Person]) -> None:
    one, two = pair
    says(one, "Bob")
    cell = one.start(COMPUTE.format(6))
    press(one, "Leave")
    says(one, "Python is busy. This is done as soon as the running cell has ended.")
    eventually(lambda: one.is_done(cell), 30, "the cell has ended")
    says(one, r"The room was left\.")
    assert "Python is busy" not in panel(one).text
    two.eventually("len(room.peers)", 0)


def test_the_link_leads_to_the_room(pair: tuple[Person, Person], room_name: str) -> None:
    one, _ = pair
    says(one, "Bob")
    link = panel(one).find_element(By.TAG_NAME, "input").get_attribute("value")
    assert link == f"{one.server.url}/notebooks/index.html?room={room_name}"
    press(one, "Copy link")
    says(one, "The link is copied|Press Ctrl")


def test_a_cell_that_is_run_again_has_one_panel(pair: tuple[Person, Person]) -> None:
    one, _ = pair
    says(one, "Bob")
    before = len(one.driver.find_elements(By.CSS_SELECTOR, PANEL))
    assert one.value("room.panel() is room.panel()")
    one.run("room.panel()")
    says(one, "Bob")
    assert len(one.driver.find_elements(By.CSS_SELECTOR, PANEL)) == before + 1


def test_a_restart_and_the_same_cell_bring_it_back_once(
    pair: tuple[Person, Person], room_name: str
) -> None:
    one, two = pair
    two.run(SLIDER, timeout_s=90)
    cell = one.start(f"{SLIDER}\ndisplay(slider, room.panel())")
    one.wait(cell, 90)
    says(one, "Bob")
    drawn = f"{PANEL}, .noUi-handle"
    assert one.js(DRAWN, cell, drawn) == 2
    two.run("slider.value = 7")
    one.restart()
    one.run("%pip install -q anywidget", timeout_s=90)
    one.join(repr(room_name), "user='Ada'")
    one.js(RUN_AGAIN, cell)
    one.eventually("slider.value", 7)
    says(one, "Bob")
    eventually(lambda: one.js(DRAWN, cell, drawn) == 2, 20, "one panel and one slider")


def test_names_are_text(pair: tuple[Person, Person]) -> None:
    one, two = pair
    evil = "<img src=x onerror='window.evil=1'>" + "x" * 60
    two.run(f"room.awareness.set_local_state_field('user', {{'name': {evil!r}}})")
    says(one, re.escape("<img src=x"))
    assert panel(one).find_elements(By.TAG_NAME, "img") == []
    assert one.driver.execute_script("return window.evil ?? null") is None
    assert audit(one) == [], "and it is no wider for it"


def test_a_page_without_the_extension_of_anywidget(tmp_path: Path, room_name: str) -> None:
    site = exposed_copy(REPOSITORY / "demo-site/_output-bare", tmp_path / "site")
    with serve_site(site) as server, ExitStack() as stack:
        ada = Cast(stack, server).person("one")
        ada.join(repr(room_name), "user='Ada'")
        ada.run("room.panel()")

        def shown() -> str:
            return str(ada.driver.execute_script(SHOWN))

        said = eventually(lambda: "Ada (you)" in shown() and shown(), 20, "it is HTML")
        assert "This page cannot draw widgets" in said
        ada.run("room.document('board')")
        eventually(lambda: "board" in shown(), 20, "and it is brought up to date")
        ada.run("room.monitor()")
        eventually(lambda: "Receiving " in shown(), 20, "the monitor says the rates")
        assert "so the monitor has no plots" in shown()
        ada.run("room.panel()")
        ada.run("room.leave()")
        eventually(lambda: "The room was left." in shown(), 20, "up to the end")
