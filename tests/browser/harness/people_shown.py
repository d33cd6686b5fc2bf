"""What a page shows of people and of the room: status item, dialog, notices, panel, user menu."""

from __future__ import annotations

from selenium.webdriver import Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

from harness.together import Desk
from pyodide_rtc.testing.browsers import eventually

__all__ = [
    "change_user",
    "close_dialog",
    "dialog_text",
    "open_status",
    "open_user_form",
    "panel_people",
    "people_listed",
    "press_dialog_button",
    "set_input",
    "toasts",
]

_DIALOG = ".jp-Dialog"


def open_status(desk: Desk) -> str:
    """Click the status item, and give what its dialog says."""
    desk.click("#pyodide-rtc-room")
    return wait_dialog(desk)


def wait_dialog(desk: Desk) -> str:
    """Wait for a dialog, and give its text."""
    return str(eventually(lambda: dialog_text(desk), 10, f"{desk.name}: a dialog"))


def dialog_text(desk: Desk) -> str:
    """Give the text of the dialog that is open; empty if there is none."""
    return str(desk.js(f"return document.querySelector('{_DIALOG}')?.innerText ?? ''"))


def people_listed(desk: Desk) -> list[tuple[str, str]]:
    """Give names and colours of the people in the dialog of the status item."""
    found = desk.js(
        """
        return [...document.querySelectorAll(".pyodide-rtc-about .prtc-person")].map((one) =>
            [one.querySelector(".prtc-line").textContent,
             getComputedStyle(one.querySelector(".prtc-badge")).backgroundColor]);
        """
    )
    return [(name, color) for name, color in found]


def press_dialog_button(desk: Desk, label: str) -> None:
    """Click a button of the dialog, and wait until the dialog is gone."""
    desk.look()
    before = desk.driver.find_element(By.CSS_SELECTOR, _DIALOG)
    buttons = before.find_elements(By.CSS_SELECTOR, ".jp-Dialog-footer button")
    next(one for one in buttons if one.text.strip() == label).click()
    WebDriverWait(desk.driver, 10).until(staleness_of(before))


def close_dialog(desk: Desk) -> None:
    """Close the dialog by Escape."""
    desk.type(Keys.ESCAPE)
    eventually(lambda: dialog_text(desk) == "", 10, f"{desk.name}: the dialog is closed")


def set_input(desk: Desk, selector: str, value: str) -> None:
    """Put a text or a colour into a field: no driver operates the picker of colours."""
    desk.js(
        """
        const [selector, value] = arguments;
        const input = document.querySelector(selector);
        input.value = value;
        for (const kind of ["input", "change"])
            input.dispatchEvent(new Event(kind, { bubbles: true }));
        """,
        selector,
        value,
    )


def change_user(desk: Desk, name: str, color: str | None = None) -> None:
    """Take another name by the user menu."""
    open_user_form(desk)
    field = desk.driver.switch_to.active_element
    assert field.get_attribute("type") == "text", "one can type at once"
    field.clear()
    field.send_keys(name)
    if color is not None:
        set_input(desk, ".pyodide-rtc-user input[type=color]", color)
    press_dialog_button(desk, "Change")


def open_user_form(desk: Desk) -> None:
    """Open the dialog for name and colour by the user menu."""
    desk.click("#jp-UserMenu .lm-MenuBar-item")
    entry = "[data-command='pyodide-rtc:change-user']"
    eventually(
        lambda: any(
            one.is_displayed() for one in desk.driver.find_elements(By.CSS_SELECTOR, entry)
        ),
        10,
        f"{desk.name}: the menu",
    )
    desk.type(Keys.ARROW_DOWN, Keys.ENTER)
    wait_dialog(desk)


def toasts(desk: Desk) -> list[str]:
    """Give the texts of the notices on the screen."""
    found: list[str] = desk.js(
        "return [...document.querySelectorAll('.jp-toast-message')].map((one) => one.innerText)"
    )
    return found


def panel_people(desk: Desk) -> list[str]:
    """Give the names in the collaborators panel, which is open."""
    names = "[...document.querySelectorAll('.jp-CollaboratorHeader > span:last-child')]"
    found: list[str] = desk.js(f"return {names}.map((one) => one.textContent)")
    return found
