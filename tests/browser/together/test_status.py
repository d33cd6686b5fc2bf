"""What a person sees of the room: the status item, its dialog, and notices."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from harness.people import StockPage
from harness.people_shown import (
    close_dialog,
    dialog_text,
    open_status,
    people_listed,
    toasts,
    wait_dialog,
)
from harness.site import SITE, START_TIMEOUT_S, exposed_copy
from harness.together import Desk, all_equal, open_all
from selenium.webdriver import Keys
from selenium.webdriver.remote.webdriver import WebDriver

from pyodide_rtc.testing.browsers import SignalingServer, eventually, serve_site

from .conftest import DeskOf

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

_SPOKEN = "return document.querySelector('#pyodide-rtc-status [role=status]').textContent"
_FOCUSED = "return document.activeElement?.id"


def says(desk: Desk, words: str, timeout_s: float = 20) -> None:
    """Wait until the status item says this."""
    try:
        eventually(lambda: desk.status.endswith(f": {words}"), timeout_s, words)
    except AssertionError as error:
        raise AssertionError(f"{desk.name}: {desk.status!r}, not {words!r}") from error


@pytest.mark.parametrize("app", ["lab", "notebooks"])
def test_the_document_in_front(
    desk: DeskOf, put: Callable[..., str], room_name: str, app: str
) -> None:
    path = put("one = 1")
    ada, bob = desk("ada"), desk("bob")
    ada.go(path, room_name, app)
    eventually(lambda: ada.status == f"{room_name}: starting", 30, "it says that it starts")
    ada.wait_shown()
    says(ada, "1 person", 60)
    said = open_status(ada)
    assert "You are alone in the room: nobody else has joined it yet." in said
    assert f"{path}\nNobody else has it open." in said
    bob.open(path, room_name, app)
    says(ada, "2 people, in sync", 60)
    says(bob, "2 people, in sync", 60)
    # The dialog that was open has followed; a screen reader was told.
    both = ["ada (you)", "bob"]
    eventually(lambda: [name for name, _ in people_listed(ada)] == both, 5, "both are listed")
    eventually(lambda: f"{path}\nIt is in sync with bob." in wait_dialog(ada), 5, "it is in sync")
    eventually(lambda: ada.js(_SPOKEN) == ada.status, 5, "it is spoken")
    close_dialog(ada)
    bob.leave()
    says(ada, "1 person", 30)
    assert ada.errors == bob.errors == []


def test_by_keyboard(desk: DeskOf, put: Callable[..., str], room_name: str) -> None:
    path = put("one = 1")
    ada = desk("ada")
    ada.open(path, room_name)
    ada.wait_company(1)
    ada.settle()
    ada.command(0)  # leaves the editor, in which Tab indents
    for _ in range(80):
        ada.press(Keys.TAB)
        if ada.js(_FOCUSED) == "pyodide-rtc-room":
            break
    assert ada.js(_FOCUSED) == "pyodide-rtc-room", "Tab leads there"
    ada.press(Keys.ENTER)
    assert room_name in wait_dialog(ada)
    is_within = "return document.querySelector('.jp-Dialog').contains(document.activeElement)"
    assert ada.js(is_within)
    close_dialog(ada)
    assert ada.js(_FOCUSED) == "pyodide-rtc-room", "the focus is where it was"
    assert ada.errors == []


def test_the_link_for_a_friend(desk: DeskOf, put: Callable[..., str], room_name: str) -> None:
    path = put("one = 1")
    room = f"{room_name} ü&"
    ada, bob = desk("ada"), desk("bob")
    ada.open(path, room)
    ada.wait_company(1)
    ada.settle()
    ada.click_cell(0)
    open_status(ada)
    ada.click(".pyodide-rtc-about .prtc-copy")
    eventually(lambda: "The link is copied." in dialog_text(ada), 10, "it is told")
    ada.click(".pyodide-rtc-about .prtc-toggle")
    assert ada.js("return document.querySelector('.pyodide-rtc-about svg[role=img] path') !== null")
    close_dialog(ada)
    ada.click_cell(0)
    ada.press(Keys.CONTROL, "a")
    ada.press(Keys.CONTROL, "v")
    [link] = eventually(lambda: ada.cells != ["one = 1"] and ada.cells, 10, "it is pasted")
    assert link.startswith(f"{ada.server.url}/lab/index.html?room=")
    assert "username" not in link
    bob.driver.get(link)
    bob.wait_shown()
    bob.wait_company()
    all_equal(ada, bob)
    assert bob.status.startswith(f"{room}: ")
    assert ada.errors == bob.errors == []


def test_signaling_is_down_and_comes_back(
    desk: DeskOf, server_elsewhere: SignalingServer, signaling: SignalingServer, room_name: str
) -> None:
    ada = desk("ada")
    ada.server = server_elsewhere
    signaling.stop()
    try:
        ada.open("answer.ipynb", room_name)
        says(ada, "1 person, no signaling server", 60)
        [notice] = eventually(lambda: toasts(ada), 10, "a notice")
        assert notice.startswith("No signaling server is reached: peers need one to find")
        assert "Go on working" in notice
        said = open_status(ada)
        assert signaling.signaling_url in said, "and the dialog says which, and why"
        close_dialog(ada)
    finally:
        signaling.start()
    says(ada, "1 person", 30)
    eventually(
        lambda: toasts(ada) == ["A signaling server is reached again."],
        10,
        "the notice has changed",
    )
    eventually(lambda: toasts(ada) == [], 20, "and goes by itself")
    failures = [error for error in ada.errors if signaling.signaling_url[5:] not in error]
    assert failures == [], "the browser itself reports what it cannot reach"


def test_somebody_has_another_password(
    desk: DeskOf, put: Callable[..., str], drivers: Callable[..., WebDriver], room_name: str
) -> None:
    path = put("one = 1")
    ada, bob = desk("ada"), desk("bob")
    ada.open(path, room_name)
    # Stock y-webrtc announces itself once: whoever comes to the server later does not hear it.
    eventually(lambda: "You are alone" in ada.why, START_TIMEOUT_S, "ada is at the server")
    stranger = StockPage(drivers("stock"), ada.server)
    stranger.join(f"{room_name}/files", "secret")
    says(ada, "1 person, another password", 30)
    [notice] = eventually(lambda: toasts(ada), 10, "a notice")
    assert notice.startswith("Somebody is in a room of this name with another password")
    bob.open(path, room_name)
    says(ada, "2 people, another password", 60)
    assert len(toasts(ada)) == 1, "it is said once"
    open_status(ada)
    row = f"{path}\nIt is in sync with bob.\n1 kB"
    eventually(lambda: row in wait_dialog(ada), 5, "how it is, and how large")
    close_dialog(ada)
    stranger.driver.get("about:blank")
    says(ada, "2 people, in sync", 90)
    eventually(lambda: toasts(ada) == [], 10, "the notice is closed")
    assert ada.errors == bob.errors == []


_SPOIL_ONE = """
    const { postMessage } = MessagePort.prototype;
    MessagePort.prototype.postMessage = function (message, ...others) {
        if (Array.isArray(message) && message[0] === "update") {
            MessagePort.prototype.postMessage = postMessage;
            message = [...message.slice(0, 3), new Uint8Array([9, 9, 9])];
        }
        return postMessage.call(this, message, ...others);
    };
"""


def test_what_could_not_be_merged(desk: DeskOf, put: Callable[..., str], room_name: str) -> None:
    path = put("one = 1")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    ada.js(_SPOIL_ONE)
    ada.write(0, "!")
    says(ada, "2 people, not merged", 10)
    [notice] = eventually(lambda: toasts(ada), 10, "a notice")
    assert notice.startswith(f"{path} could not be merged with that of the others")
    # What it says helps: close it, and open it again.
    ada.save()
    ada.click(".lm-TabBar-tab.lm-mod-current .lm-TabBar-tabCloseIcon")
    eventually(lambda: toasts(ada) == [], 10, "the notice is closed")
    ada.open(path, room_name)
    ada.wait_company()
    all_equal(ada, bob)
    bob.eventually("cells", ["one = 1!"])


def test_what_is_not_shown_of_the_others(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put("one = 1")
    ada, bob = desk("ada"), desk("bob")
    open_all(ada, bob, path=path, room=room_name)
    ada.js(
        """
        const { context } = window.jupyterapp.shell.currentWidget;
        context.model.sharedModel.ydoc.once("afterTransaction", () => { throw new Error("test"); });
        """
    )
    bob.write(0, "!")
    says(ada, "2 people, not merged", 10)
    [notice] = eventually(lambda: toasts(ada), 10, "a notice")
    assert notice.startswith(f"{path} does not show all that others have edited.")
    ada.click(".lm-TabBar-tab.lm-mod-current .lm-TabBar-tabCloseIcon")
    eventually(lambda: toasts(ada) == [], 10, "the notice is closed")


def test_without_the_engine_it_says_so(desk: DeskOf, tmp_path: Path, room_name: str) -> None:
    site = exposed_copy(SITE, tmp_path / "site", is_coedited=True)
    for index in site.rglob("all.json"):
        packages = json.loads(index.read_text())
        if "pycrdt" in packages:
            del packages["pycrdt"]
            index.unlink()
            index.write_text(json.dumps(packages))
    ada = desk("ada")
    with serve_site(site) as server:
        ada.server = server
        ada.open("answer.ipynb", room_name)
        says(ada, "not shared", 120)
        [notice] = eventually(lambda: toasts(ada), 10, "a notice")
        assert "no wheel of pycrdt" in notice
        said = open_status(ada)
        assert "Reload the page." in said
        close_dialog(ada)
        ada.write(1, "!")
        ada.save()
        assert "!" in ada.saved("answer.ipynb")["cells"][1]["source"]
        assert ada.dialogs == []
        ada.leave()


_WATCH_WORKERS = """
    window.Worker = class extends Worker {
        constructor(url, options) {
            super(url, options);
            if (/engine/.test(options?.name)) window.engineWorker = this;
        }
    };
"""


def test_an_engine_that_has_died_is_no_company(
    desk: DeskOf, put: Callable[..., str], room_name: str
) -> None:
    path = put("one = 1")
    ada, bob = desk("ada"), desk("bob")
    driver: Any = ada.driver
    added = driver.execute_cdp_cmd(
        "Page.addScriptToEvaluateOnNewDocument", {"source": _WATCH_WORKERS}
    )
    open_all(ada, bob, path=path, room=room_name)
    says(ada, "2 people, in sync", 20)
    died = "window.engineWorker.dispatchEvent(new ErrorEvent('error', {message: 'no memory'}))"
    assert ada.js(f"{died}; return document.querySelector('#pyodide-rtc-room').textContent") == (
        f"{room_name}: starting"
    )
    says(ada, "2 people, in sync", 60)
    driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
