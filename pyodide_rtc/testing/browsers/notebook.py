"""A notebook of a JupyterLite site in a browser: its cells, its kernel, its page."""

from __future__ import annotations

from itertools import count
from typing import Any
from urllib.parse import urlencode

from selenium.webdriver.remote.webdriver import WebDriver

from pyodide_rtc.testing.browsers.errors import CellError
from pyodide_rtc.testing.browsers.waiting import eventually

__all__ = ["START_TIMEOUT_S", "Notebook", "run_async"]

START_TIMEOUT_S = 120


def run_async(driver: WebDriver, script: str, *args: object) -> Any:
    """Run the body of an async JavaScript function on the page, and return what it returns.

    Args:
        driver: the browser.
        script: the body; has `arguments`, may use `await`.
        args: its arguments.

    Raises:
        AssertionError: the script failed; tells how.
    """
    wrapped = f"""
        const done = arguments[arguments.length - 1];
        (async function () {{ {script} }})(...arguments).then(
            (value) => done([value]), (error) => done([null, `${{error}}\\n${{error?.stack}}`]));
    """
    value, *error = driver.execute_async_script(wrapped, *args)
    if error:
        raise AssertionError(f"JavaScript on the page: {error[0]}")
    return value


_FIND = """
    const panel = window.jupyterapp?.shell.currentWidget;
    const session = panel?.sessionContext?.session;
"""
_IS_IDLE = f"{_FIND} return session?.kernel?.status === 'idle' && panel.content.model != null;"
_KERNEL_STATE = f"""{_FIND}
    const {{ kernel }} = session ?? {{}};
    const state = [panel?.title.label, kernel?.name, kernel?.status, kernel?.connectionStatus];
    return [...state, document.body.innerText.slice(-300)];
"""
_RUN_ACTIVE = """
    const { model } = panel.content.activeCell;
    (window.testCells ??= new Map()).set(model.id, false);
    const done = () => window.testCells.set(model.id, true);
    window.jupyterapp.commands.execute("notebook:run-cell").then(done, done);
    return model.id;
"""
_ADD_CELL = """
    const [source, kept] = arguments;
    const { sharedModel } = panel.content.model;
    const added = [...sharedModel.cells].filter((cell) => window.testCells?.has(cell.id));
    for (const old of added.slice(0, Math.max(0, added.length - kept)))
        sharedModel.deleteCell(sharedModel.cells.indexOf(old));
    sharedModel.addCell({ cell_type: "code", source });
    panel.content.activeCellIndex = sharedModel.cells.length - 1;
"""
_CHOOSE_CELL = "panel.content.activeCellIndex = arguments[0];"
_CODE_CELLS = """
    const cells = [...panel.content.model.sharedModel.cells];
    return cells.flatMap((cell, index) => cell.cell_type === "code" ? [index] : []);
"""
_GET_CELL = """
    const [id] = arguments;
    const cell = [...panel.content.model.sharedModel.cells].find((cell) => cell.id === id);
    return { done: window.testCells?.get(id) ?? true, outputs: cell?.getOutputs() ?? [] };
"""


# A page with many cells is slow to add another, so old ones of those that were added go.
_CELLS_KEPT = 10
_ASK_KERNEL = """
    const [code, patience] = arguments;
    const future = session.kernel.requestExecute({ code, store_history: false });
    const outputs = [];
    future.onIOPub = ({ header, content }) => {
        if (["stream", "error"].includes(header.msg_type)) {
            outputs.push({ output_type: header.msg_type, ...content });
        }
    };
    const late = new Promise((_, reject) => setTimeout(reject, patience, "no answer in time"));
    await Promise.race([future.done, late]);
    return outputs;
"""


_NEW = """
    const { started, commands } = window.jupyterapp;
    await started;
    await commands.execute("notebook:create-new", { kernelName: "python" });
"""
_workspaces = count(1)


class Notebook:
    """A notebook of the site, driven as a user does: cells run one after another.

    Args:
        driver: a browser.
        site_url: of a site with `exposeAppInBrowser`.
        path: of a notebook that the site has; None for a new one, in JupyterLab.
        app: the application that shows it.
    """

    def __init__(
        self, driver: WebDriver, site_url: str, path: str | None = None, app: str = "notebooks"
    ) -> None:
        self.driver = driver
        self._path = path
        self._url = f"{site_url}/{'lab' if path is None else app}/index.html"

    def open(self, **query: str) -> None:
        """Open the page with this query (`room="demo"`), and wait until its kernel is idle."""
        self.go(**query)
        self.wait_open()

    def go(self, **query: str) -> None:
        """Open the page with this query, and do not wait for it."""
        if self._path is not None:
            query = {"path": self._path, **query}
        else:  # in the same workspace, JupyterLab would open what was open before
            query = {"workspace": f"test-{next(_workspaces)}", **query}
        self.driver.get(f"{self._url}?{urlencode(query)}")

    def wait_open(self) -> None:
        """Wait until the page that was opened shows the notebook, and its kernel is idle."""
        if self._path is None:
            there = "return window.jupyterapp != null"
            eventually(lambda: self.js(there), START_TIMEOUT_S, "JupyterLab is there")
            run_async(self.driver, _NEW)
        self.wait_idle()

    def wait_idle(self) -> None:
        """Wait until the kernel can run a cell."""
        try:
            eventually(lambda: self.js(_IS_IDLE), START_TIMEOUT_S, "the kernel is idle")
        except AssertionError as error:
            raise AssertionError(f"{error}; the page: {self.js(_KERNEL_STATE)}") from error

    def js(self, script: str, *args: object) -> Any:
        """Run JavaScript on the page."""
        return self.driver.execute_script(script, *args)

    def start(self, source: str) -> str:
        """Add a cell at the end and start it; gives its id."""
        cell: str = self.js(_FIND + _ADD_CELL + _RUN_ACTIVE, source, _CELLS_KEPT)
        return cell

    def is_done(self, cell: str) -> bool:
        """Whether a cell has come to its end."""
        return bool(self._get(cell)["done"])

    def text(self, cell: str) -> str:
        """Read what a cell has put out so far: streams and plain text.

        Raises:
            CellError: the cell raised.
        """
        __tracebackhide__ = True
        return _as_text(self._get(cell)["outputs"])

    def outputs(self, cell: str) -> list[dict[str, Any]]:
        """Read a cell's outputs as they are saved."""
        outputs: list[dict[str, Any]] = self._get(cell)["outputs"]
        return outputs

    def run(self, source: str, timeout_s: float = 30) -> str:
        """Run a cell to its end, and return its text.

        Raises:
            CellError: the cell raised.
        """
        __tracebackhide__ = True  # a failure is that of the test's own line
        return self.wait(self.start(source), timeout_s)

    def wait(self, cell: str, timeout_s: float) -> str:
        """Wait for the end of a cell, and return its text.

        Raises:
            CellError: the cell raised.
        """
        __tracebackhide__ = True
        eventually(lambda: self.is_done(cell), timeout_s, "the end of the cell")
        return self.text(cell)

    def run_all(self, timeout_s: float = 120) -> list[str]:
        """Run all code cells that the notebook has, and return their texts.

        Raises:
            CellError: a cell raised; those after it are not run.
        """
        __tracebackhide__ = True
        texts = []
        for index in self.js(_FIND + _CODE_CELLS):
            cell = self.js(_FIND + _CHOOSE_CELL + _RUN_ACTIVE, index)
            texts.append(self.wait(cell, timeout_s))
        return texts

    def ask(self, source: str, timeout_s: float = 30) -> str:
        """Let the kernel run this when its turn comes, without a cell; return what it prints.

        A cell takes JupyterLab 200 ms and more to draw: too much for a question that is put again
        and again until the answer is the expected one.

        Raises:
            CellError: it raised.
        """
        __tracebackhide__ = True
        return _as_text(run_async(self.driver, _FIND + _ASK_KERNEL, source, timeout_s * 1000))

    def restart(self) -> None:
        """Restart the kernel."""
        run_async(self.driver, f"{_FIND} await session.kernel.restart();")
        self.wait_idle()

    def save(self) -> None:
        """Save the notebook into the browser's storage."""
        run_async(self.driver, f"{_FIND} await panel.context.save();")

    def _get(self, cell: str) -> dict[str, Any]:
        found: dict[str, Any] = self.js(_FIND + _GET_CELL, cell)
        return found


def _as_text(outputs: list[dict[str, Any]]) -> str:
    __tracebackhide__ = True
    texts = []
    for output in outputs:
        match output["output_type"]:
            case "stream":
                texts.append(_joined(output["text"]))
            case "error":
                traceback = "\n".join(output["traceback"])
                raise CellError(output["ename"], output["evalue"], traceback)
            case _:
                texts.append(_joined(output["data"].get("text/plain", "")))
    return "".join(texts)


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)
