"""A site as its owner makes it: three commands in an empty folder, a static server, a CDN."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harness.site import REPOSITORY

__all__ = ["StaticServer", "build_as_owner", "serve_statically", "use_cdn"]

DEMO = REPOSITORY / "demo-site"
PAGE = REPOSITORY / "docs/site-owners.md"
CDN = re.compile(rb"https://[\w.]+/pyodide/v[\d.]+/full/")
"""Where JupyterLite's kernel has Pyodide from by default."""


@dataclass(frozen=True)
class StaticServer:
    """A server of files that knows nothing of rooms.

    Args:
        url: its address.
    """

    url: str


def build_as_owner(folder: Path) -> Path:
    """Build a site by the commands of the docs, with their configuration; gives its folder.

    Our wheels come from dist/, all others from the package index, in the versions that the demo
    site has.
    """
    install, configuration, build = _from_the_docs()
    (folder / "jupyter-lite.json").write_text(configuration)
    _run([sys.executable, "-m", "venv", "venv"], folder)
    wheels = ["--quiet", "--find-links", str(REPOSITORY / "dist")]
    pins = [
        ("--constraint", str(DEMO / f"{name}.txt")) for name in ("requirements", "labextensions")
    ]
    _run([*install, *wheels, *(word for pin in pins for word in pin)], folder)
    _run(build, folder)
    return folder / "_output"


def _from_the_docs() -> tuple[list[str], str, list[str]]:
    """Read the two commands and the configuration that stand at the beginning of the page."""
    page = PAGE.read_text()
    commands = re.findall(r"^```sh\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[0].splitlines()
    configuration = re.findall(r"^```json\n(.*?)^```", page, re.DOTALL | re.MULTILINE)[0]
    install, build = (line.replace("'", "").split() for line in commands)
    return install, configuration, build


def _run(command: list[str], folder: Path) -> None:
    path = os.pathsep.join([str(folder / "venv/bin"), os.environ["PATH"]])
    environment = {**os.environ, "PATH": path, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout}\n{done.stderr}"


def use_cdn(site: Path, url: str) -> None:
    """Put another address into a copy of a site, wherever its kernel has Pyodide's from.

    The tests reach no CDN.
    """
    extension = site / "extensions/@jupyterlite/pyodide-kernel-extension"
    changed = 0
    for path in extension.rglob("*.js*"):
        content, count = CDN.subn(f"{url}/".encode(), path.read_bytes())
        if count:
            path.unlink()  # it may be the same file as in the site
            path.write_bytes(content)
            changed += 1
    assert changed >= 2, "the kernel's script and its schema name the address"


@contextmanager
def serve_statically(site: Path) -> Iterator[StaticServer]:
    """Serve a folder by Python's own static server, on a free port."""
    command = [sys.executable, "-u", "-m", "http.server", "--bind", "localhost", "0"]
    with subprocess.Popen(
        command, cwd=site, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None, "asked for a pipe"
        port = re.search(r" port (\d+) ", process.stdout.readline())
        assert port, "the server says where it is"
        try:
            yield StaticServer(f"http://localhost:{port[1]}")
        finally:
            process.terminate()
