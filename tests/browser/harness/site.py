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

from selenium.webdriver.remote.webdriver import WebDriver

from pyodide_rtc.testing.browsers import CellError, notebook
from pyodide_rtc.testing.browsers.notebook import START_TIMEOUT_S, run_async

__all__ = [
    "REPOSITORY",
    "SITE",
    "START_TIMEOUT_S",
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


class Notebook(notebook.Notebook):
    """A notebook of the demo site.

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
        super().__init__(driver, site_url, path, app)
