"""An open document of the site as a person has it: driven by clicks and keys."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from typing import Any
from urllib.parse import urlencode

from selenium.webdriver import ActionChains, Keys
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement

from harness.owned import StaticServer
from harness.site import START_TIMEOUT_S, run_async
from pyodide_rtc.testing.browsers import SignalingServer, eventually

__all__ = ["Desk", "all_equal", "copies", "open_all", "sources"]

_desks = count(1)

_FIND = """
    const panel = [...(window.jupyterapp?.shell.widgets("main") ?? [])].find(
        (widget) => widget.isVisible && widget.context) ?? window.jupyterapp?.shell.currentWidget;
    const shared = panel?.context?.isReady ? panel.context.model?.sharedModel : undefined;
"""
_CELLS = f"""{_FIND}
    return shared?.cells?.map((cell) => cell.getSource());
"""
_CELL = """[...document.querySelectorAll(".jp-Notebook .jp-Cell")]
    .filter((cell) => cell.offsetParent !== null)[arguments[0]]"""


_ARE_KERNELS_UP = """
    const panels = [...(window.jupyterapp?.shell.widgets("main") ?? [])];
    const sessions = panels.map((panel) => panel.context?.sessionContext);
    return sessions.every((one) => !one?.kernelPreference.shouldStart
        || ["idle", "busy"].includes(one.session?.kernel?.status));
"""


class Desk:
    """Somebody's tab with an open document.

    Args:
        driver: a browser.
        server: the site, mostly with its signaling.
        name: what `?username=` says.
    """

    def __init__(
        self, driver: WebDriver, server: SignalingServer | StaticServer, name: str
    ) -> None:
        self.driver = driver
        self.server = server
        self.name = name
        self.window = driver.current_window_handle
        self.last: Any = None
        self._workspace = f"desk-{next(_desks)}"  # without the tabs of the test before
        _ = self.errors  # those of the test before

    # Opening.

    def open(self, path: str, room: str | None, app: str = "lab", **query: str) -> None:
        """Open a document, and wait until it is shown."""
        self.go(path, room, app, **query)
        self.wait_shown()

    def go(self, path: str, room: str | None, app: str = "lab", **query: str) -> None:
        """Open a document, and do not wait for it."""
        self.settle()
        named = {} if room is None else {"room": room, "username": self.name}
        if app == "lab":
            query["workspace"] = self._workspace
        address = urlencode({**named, **query, "path": path})
        self.driver.get(f"{self.server.url}/{app}/index.html?{address}")

    def leave(self) -> None:
        """Leave the page."""
        self.settle()
        self.driver.get("about:blank")

    def settle(self) -> None:
        """Wait until no kernel of the page is on its way, before it is left.

        Chromium 156 ends the whole tab now and then when a page is left while a kernel of
        JupyterLite's compiles Pyodide: seen on a site with nothing of ours, once in 5 rounds.
        """
        eventually(lambda: self.js(_ARE_KERNELS_UP), START_TIMEOUT_S, f"{self.name}: kernels")

    def wait_restorable(self, path: str) -> None:
        """Wait until JupyterLab has noted which document is open: a reload opens it again.

        It notes that some seconds later, and takes `?path=` out of the address at once.
        """
        noted = """
            const { workspaces } = window.jupyterapp.serviceManager;
            const { values } = await workspaces.list();
            return JSON.stringify(values).includes(arguments[0]);
        """
        eventually(lambda: run_async(self.driver, noted, path), START_TIMEOUT_S, f"{path} is noted")

    def look(self) -> None:
        """Turn the driver to this tab, where the browser has several."""
        if len(self.driver.window_handles) > 1:
            self.driver.switch_to.window(self.window)

    def reload(self) -> None:
        """Reload the page."""
        self.look()
        self.driver.refresh()
        self.wait_shown()

    def wait_shown(self) -> None:
        """Wait until the document has content."""
        shown = f"{_FIND} return shared && (shared.cells ? shared.cells.length > 0 : true);"
        eventually(lambda: self.js(shown), START_TIMEOUT_S, f"{self.name}: the document is shown")

    def wait_company(self, people: int = 2) -> None:
        """Wait until the status item says that so many people are here."""
        words = f"{people} {'person' if people == 1 else 'people'}"
        eventually(lambda: words in self.status, START_TIMEOUT_S, f"{self.name}: {words}")

    # Reading.

    def js(self, script: str, *args: object) -> Any:
        """Run JavaScript on the page."""
        self.look()
        return self.driver.execute_script(script, *args)

    def ask(self, script: str, *args: object) -> Any:
        """Run the body of an async JavaScript function on the page."""
        self.look()
        return run_async(self.driver, script, *args)

    @property
    def status(self) -> str:
        """The status item."""
        text = self.js("return document.querySelector('#pyodide-rtc-room')?.textContent ?? ''")
        return str(text)

    @property
    def why(self) -> str:
        """The sentence behind the status item."""
        return str(self.js("return document.querySelector('#pyodide-rtc-room')?.title ?? ''"))

    @property
    def cells(self) -> list[str] | None:
        """The sources of the notebook's cells."""
        found: list[str] | None = self.js(_CELLS)
        return found

    @property
    def content(self) -> Any:
        """The whole document as JSON, without what is each browser's own."""
        return self.js(
            f"""{_FIND}
            const source = shared?.getSource();
            if (!source?.cells) return source;
            const [ofNotebook, ofCell] = arguments;
            ofNotebook.forEach((key) => delete source.metadata[key]);
            for (const cell of source.cells) ofCell.forEach((key) => delete cell.metadata[key]);
            return JSON.parse(JSON.stringify(source)); // else what is undefined arrives as None
            """,
            ["kernelspec", "language_info", "widgets"],
            ["trusted", "collapsed", "scrolled", "jupyter", "jp-MarkdownHeadingCollapsed"],
        )

    def outputs(self, index: int) -> list[dict[str, Any]]:
        """The outputs of a cell."""
        found: list[dict[str, Any]] = self.js(
            f"{_FIND} return shared.getCell(arguments[0]).getOutputs()", index
        )
        return found

    def saved(self, path: str) -> Any:
        """Give the content of a file of this browser; None where there is none."""
        return run_async(
            self.driver,
            """
            const { contents } = window.jupyterapp.serviceManager;
            try {
                return (await contents.get(arguments[0], { content: true })).content;
            } catch { return null; }
            """,
            path,
        )

    def put_file(self, path: str, content: object) -> None:
        """Write a notebook into this browser's storage, as an upload does."""
        run_async(
            self.driver,
            """
            const [path, content] = arguments;
            const { contents } = window.jupyterapp.serviceManager;
            const folders = path.split("/").slice(0, -1);
            for (const index of folders.keys()) {
                const folder = folders.slice(0, index + 1).join("/");
                await contents.save(folder, { type: "directory", format: "json" });
            }
            await contents.save(path, { type: "notebook", format: "json", content });
            """,
            path,
            content,
        )

    def upload(self, path: str, text: str) -> None:
        """Write a text file into this browser's storage, as an upload over it does."""
        run_async(
            self.driver,
            """
            const [path, content] = arguments;
            const { contents } = window.jupyterapp.serviceManager;
            await contents.save(path, { type: "file", format: "text", content });
            """,
            path,
            text,
        )

    def execute(self, command: str, **arguments: object) -> None:
        """Run a command of JupyterLab, as its menu does, and do not wait for its end."""
        self.js(
            "window.jupyterapp.commands.execute(arguments[0], arguments[1])", command, arguments
        )

    def answer(self, text: str | None = None) -> None:
        """Accept the dialog that is open, with a text if it asks for one."""
        accept = ".jp-Dialog .jp-mod-accept:not(:disabled)"
        eventually(
            lambda: self.driver.find_elements(By.CSS_SELECTOR, accept), 10, f"{self.name}: a dialog"
        )
        if text is not None:
            field = self.driver.find_element(By.CSS_SELECTOR, ".jp-Dialog input")
            field.clear()
            field.send_keys(text)
        self.click(accept)
        eventually(lambda: not self.dialogs, 10, f"{self.name}: the dialog is closed")

    @property
    def tab(self) -> str:
        """The path of the document in front; empty if there is none."""
        return str(self.js("return window.jupyterapp?.shell.currentWidget?.context?.path ?? ''"))

    @property
    def is_dirty(self) -> bool:
        """Whether the tab says that the document is not saved in this browser."""
        return bool(self.js(f"{_FIND} return panel.context.model.dirty"))

    @property
    def is_shared(self) -> bool:
        """Whether the engine has reached the room."""
        return "person" in self.status or "people" in self.status

    @property
    def notices(self) -> str:
        """What the notifications say."""
        text: str = self.js(
            """
            const notices = document.querySelectorAll(".jp-toastContainer, .Toastify");
            return [...notices].map((one) => one.innerText).join(" ");
            """
        )
        return text

    @property
    def flags(self) -> list[str]:
        """The names at the cursors of others."""
        found: list[str] = self.js(
            "return [...document.querySelectorAll('.jp-remote-userFlag-name')]"
            ".map((flag) => flag.textContent)"
        )
        return found

    @property
    def files(self) -> list[str]:
        """The names of the files in this browser's first folder."""
        listing = "return (await window.jupyterapp.serviceManager.contents.get('')).content"
        found: list[str] = run_async(self.driver, f"{listing}.map((file) => file.name)")
        return found

    @property
    def dialogs(self) -> list[str]:
        """The texts of the dialogs that are open."""
        found: list[str] = self.js(
            "return [...document.querySelectorAll('.jp-Dialog')].map((one) => one.innerText)"
        )
        return found

    @property
    def errors(self) -> list[str]:
        """What the console had of errors since it was asked last (Chromium only)."""
        if self.driver.name == "firefox":
            return []
        entries = self.driver.get_log("browser")  # type: ignore[attr-defined]
        errors = [str(entry["message"]) for entry in entries if entry["level"] == "SEVERE"]
        # A page without a room asks whether to leave it, as a kernel has written into the notebook.
        return [error for error in errors if "beforeunload" not in error]

    def eventually(self, read: str, expected: object, timeout_s: float = 20) -> None:
        """Wait until an attribute of this desk is this."""

        def is_reached() -> bool:
            self.last = getattr(self, read)
            return bool(self.last == expected)

        try:
            eventually(is_reached, timeout_s, read)
        except AssertionError as error:
            raise AssertionError(
                f"{self.name}: {read} is {self.last!r}, not {expected!r}"
            ) from error

    @property
    def kernel_status(self) -> str:
        """What the notebook's kernel does."""
        status = "panel.sessionContext.session?.kernel?.status ?? 'none'"
        return str(self.js(f"{_FIND} return panel ? {status} : 'none'"))

    def wait_kernel(self) -> None:
        """Wait until the notebook's kernel can run a cell."""
        self.eventually("kernel_status", "idle", START_TIMEOUT_S)

    # Doing, as a person does.

    def save(self) -> None:
        """Save as Ctrl+S does, and wait until that is done."""
        run_async(self.driver, f"{_FIND} await panel.context.save();")

    def restart_kernel(self) -> None:
        """Restart the notebook's kernel."""
        run_async(self.driver, f"{_FIND} await panel.sessionContext.session.kernel.restart();")

    def cell(self, index: int) -> WebElement:
        """Find a cell on the screen."""
        script = f"const cell = {_CELL}; cell?.scrollIntoView({{ block: 'center' }}); return cell;"
        found: WebElement = eventually(
            lambda: self.js(script, index), 10, f"{self.name}: cell {index} is on the screen"
        )
        return found

    def click_text(self) -> None:
        """Click into the text of a file."""
        self.click(".jp-FileEditor:not(.lm-mod-hidden) .cm-content")

    def click_cell(self, index: int) -> None:
        """Click into the text of a cell."""
        self.cell(index).find_element(By.CSS_SELECTOR, ".cm-content").click()

    def type(self, *keys: str) -> None:
        """Type where the focus is."""
        self.look()
        ActionChains(self.driver).send_keys(*keys).perform()

    def press(self, *keys: str) -> None:
        """Press keys together, such as Ctrl and Z."""
        self.look()
        *held, last = keys
        chain = ActionChains(self.driver)
        for key in held:
            chain = chain.key_down(key)
        chain = chain.send_keys(last)
        for key in reversed(held):
            chain = chain.key_up(key)
        chain.perform()

    def write(self, index: int, text: str) -> None:
        """Click into a cell, and type at its end."""
        self.click_cell(index)
        self.press(_CONTROL, Keys.END)
        self.type(text)

    def run_cell(self, index: int) -> None:
        """Run a cell by Shift+Enter."""
        self.click_cell(index)
        self.press(Keys.SHIFT, Keys.ENTER)

    def command(self, index: int, *keys: str) -> None:
        """Choose a cell and press keys of the command mode."""
        self.click_cell(index)
        self.type(Keys.ESCAPE)
        self.type(*keys)

    def click(self, selector: str) -> None:
        """Click something."""
        self.look()
        self.driver.find_element(By.CSS_SELECTOR, selector).click()


_CONTROL = Keys.COMMAND if sys.platform == "darwin" else Keys.CONTROL


def open_all(*desks: Desk, path: str, room: str, app: str = "lab") -> None:
    """Open a document at all desks, and wait until all of them are in its room."""
    with ThreadPoolExecutor() as pool:
        list(pool.map(lambda desk: desk.go(path, room, app), desks))
    for desk in desks:
        desk.wait_shown()
        desk.wait_company(len(desks))


def sources(desk: Desk, path: str) -> list[str] | None:
    """Give the sources of the cells of a notebook as this browser has saved it; None without it."""
    saved = desk.saved(path)
    return saved and [cell["source"] for cell in saved["cells"]]


def copies(path: str, *desks: Desk) -> list[str]:
    """Give the copies of a notebook that browsers keep for people who would have lost theirs."""
    name = path.rpartition("/")[2].removesuffix(".ipynb")
    return [file for desk in desks for file in desk.files if file.startswith(f"{name} (my copy)")]


def all_equal(*desks: Desk, timeout_s: float = 30) -> Any:
    """Wait until the desks show the same document, and give it."""

    def contents() -> Any:
        found = [desk.content for desk in desks]
        return found if found[0] and all(one == found[0] for one in found) else None

    try:
        return eventually(contents, timeout_s, "equal documents")[0]
    except AssertionError as error:
        shown = "\n".join(f"{desk.name}: {desk.content}" for desk in desks)
        raise AssertionError(f"not equal after {timeout_s} s:\n{shown}") from error
