"""A served folder, and a JupyterLite notebook in a browser."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any
from urllib.parse import urlencode

from selenium.webdriver.remote.webdriver import WebDriver

from harness.waiting import eventually

__all__ = [
    "REPOSITORY",
    "SITE",
    "CellError",
    "Notebook",
    "add_extension",
    "exposed_copy",
    "run_async",
    "serve_folder",
]

REPOSITORY = Path(__file__).parents[3]
SITE = REPOSITORY / "demo-site/_output"
"""What `make site` builds."""

FRONT_END = ("@jupyter/docprovider-extension", "@jupyter/collaboration-extension")
"""What documents are edited together with, of jupyter-collaboration."""

START_TIMEOUT_S = 120


class _Handler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {
        ".mjs": "text/javascript",
        ".wasm": "application/wasm",
    }

    def log_message(self, format: str, *args: object) -> None:
        """Keep the test's output for the test."""


class _SharingHandler(_Handler):
    def end_headers(self) -> None:
        self.send_header("Access-Control-Allow-Origin", "*")
        super().end_headers()


@contextmanager
def serve_folder(folder: Path, *, is_shared: bool = False) -> Iterator[str]:
    """Serve a folder on a free port of localhost, and so on an origin of its own; gives its URL.

    Args:
        folder: what is served.
        is_shared: whether pages of other origins may read it, as those of a CDN.
    """
    handler = _SharingHandler if is_shared else _Handler
    server = ThreadingHTTPServer(("localhost", 0), partial(handler, directory=str(folder)))
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://localhost:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def exposed_copy(site: Path, target: Path, *, is_coedited: bool = False, **config: object) -> Path:
    """Copy a built site by hard links, with `window.jupyterapp`, which `Notebook` needs.

    Args:
        site: the output folder of demo-site/build.py.
        target: must not exist.
        is_coedited: whether documents are edited together. Tests of kernels' rooms write their
            cells into notebooks that are one file, in one room, and are not to meet there.
        config: more for the site's `jupyter-config-data`.
    """
    shutil.copytree(site, target, copy_function=os.link)
    path = target / "jupyter-lite.json"
    content = json.loads(path.read_text())
    data = content["jupyter-config-data"]
    if not is_coedited:
        extensions = data["federated_extensions"]
        data["federated_extensions"] = [e for e in extensions if e["name"] not in FRONT_END]
    data |= {"exposeAppInBrowser": True} | config
    path.unlink()  # it is the same file as in the site
    path.write_text(json.dumps(content))
    return target


def add_extension(site: Path, name: str) -> None:
    """Add a prebuilt extension of this environment to a copy of a site."""
    installed = Path(sys.prefix, "share/jupyter/labextensions", name)
    shutil.copytree(installed, site / "extensions" / name)
    build = json.loads((installed / "package.json").read_text())["jupyterlab"]["_build"]
    path = site / "jupyter-lite.json"
    content = json.loads(path.read_text())
    content["jupyter-config-data"]["federated_extensions"].append({"name": name, **build})
    path.write_text(json.dumps(content))


def run_async(driver: WebDriver, script: str, *args: object) -> Any:
    """Run the body of an async JavaScript function on the page, and return what it returns."""
    wrapped = f"""
        const done = arguments[arguments.length - 1];
        (async function () {{ {script} }})(...arguments).then(
            (value) => done([value]), (error) => done([null, `${{error}}\\n${{error?.stack}}`]));
    """
    value, *error = driver.execute_async_script(wrapped, *args)
    if error:
        raise AssertionError(f"JavaScript on the page: {error[0]}")
    return value


class CellError(AssertionError):
    """A cell raised; the message is its traceback."""


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
_START_CELL = """
    const [source, kept] = arguments;
    const { sharedModel } = panel.content.model;
    const superfluous = sharedModel.cells.length - kept;
    if (superfluous > 0) sharedModel.deleteCellRange(0, superfluous);
    sharedModel.addCell({ cell_type: "code", source });
    panel.content.activeCellIndex = sharedModel.cells.length - 1;
    const { model } = panel.content.activeCell;
    (window.testCells ??= new Map()).set(model.id, false);
    const done = () => window.testCells.set(model.id, true);
    window.jupyterapp.commands.execute("notebook:run-cell").then(done, done);
    return model.id;
"""
_GET_CELL = """
    const [id] = arguments;
    const cell = [...panel.content.model.sharedModel.cells].find((cell) => cell.id === id);
    return { done: window.testCells?.get(id) ?? true, outputs: cell?.getOutputs() ?? [] };
"""


# A page with many cells is slow to add another, so old ones go.
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


class Notebook:
    """A notebook of the site, driven as a user does: cells run one after another.

    Args:
        driver: a browser.
        site_url: of a `exposed_copy`.
        path: of a notebook that the site has.
        app: the application that shows it.
    """

    def __init__(
        self,
        driver: WebDriver,
        site_url: str,
        path: str = "start-here.ipynb",
        app: str = "notebooks",
    ) -> None:
        self.driver = driver
        self._url = f"{site_url}/{app}/index.html"
        self._path = path

    def open(self, **query: str) -> None:
        """Open the page with this query (`room="demo"`), and wait until its kernel is idle."""
        self.driver.get(f"{self._url}?{urlencode({'path': self._path, **query})}")
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
        cell: str = self.js(_FIND + _START_CELL, source, _CELLS_KEPT)
        return cell

    def is_done(self, cell: str) -> bool:
        """Whether a cell has come to its end."""
        return bool(self._get(cell)["done"])

    def text(self, cell: str) -> str:
        """Read what a cell has put out so far: streams and plain text.

        Raises:
            CellError: the cell raised.
        """
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
        cell = self.start(source)
        eventually(lambda: self._get(cell)["done"], timeout_s, f"the end of the cell {source!r}")
        return self.text(cell)

    def ask(self, source: str, timeout_s: float = 30) -> str:
        """Let the kernel run this when its turn comes, without a cell; return what it prints.

        A cell takes JupyterLab 200 ms and more to draw: too much for a question that is put again
        and again until the answer is the expected one.

        Raises:
            CellError: it raised.
        """
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
    texts = []
    for output in outputs:
        match output["output_type"]:
            case "stream":
                texts.append(_joined(output["text"]))
            case "error":
                raise CellError("\n".join(output["traceback"]))
            case _:
                texts.append(_joined(output["data"].get("text/plain", "")))
    return "".join(texts)


def _joined(text: str | list[str]) -> str:
    return text if isinstance(text, str) else "".join(text)
