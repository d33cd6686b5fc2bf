"""JupyterLab with jupyter-collaboration and its server, in an environment of its own."""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError

from pyodide_rtc.testing.browsers import eventually

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "recipes"))

from cache import cached  # noqa: E402 - its folder is not a package

PINS = HERE / "jupyter_collaboration.txt"
_START_TIMEOUT_S = 60


@dataclass(frozen=True, slots=True)
class Collaboration:
    """A running server.

    Args:
        url: its address.
        token: who knows it may use the server.
        folder: the notebooks.
        process: the server.
    """

    url: str
    token: str
    folder: Path
    process: subprocess.Popen[bytes]

    def address_of(self, path: str) -> str:
        """Give the address of an open notebook."""
        return f"{self.url}/lab/tree/{path}?token={self.token}"


@contextmanager
def serve_collaboration(address: str = "localhost") -> Iterator[Collaboration]:
    """Run the server on a free port, with an empty folder and settings of its own."""
    python = _environment() / "bin/python"
    with socket.create_server((address, 0)) as free:
        port = free.getsockname()[1]
    token = secrets.token_hex(16)
    url = f"http://{address}:{port}"
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as home:
        folder = Path(home, "notebooks")
        folder.mkdir()
        settings = {
            "ServerApp.ip": address,
            "ServerApp.port": str(port),
            "ServerApp.root_dir": str(folder),
            "ServerApp.allow_root": "True",
            "ServerApp.open_browser": "False",
            "IdentityProvider.token": token,
            "LabApp.expose_app_in_browser": "True",  # for those who measure
            "LabApp.extension_manager": "readonly",  # nothing is asked of a package registry
            "LabApp.news_url": "None",
            "LabApp.check_for_updates_class": "jupyterlab.NeverCheckForUpdate",
        }
        command = [str(python), "-m", "jupyterlab", *(f"--{k}={v}" for k, v in settings.items())]
        places = {f"JUPYTER_{what}_DIR": f"{home}/{what}" for what in ("CONFIG", "DATA", "RUNTIME")}
        with Path(home, "log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=folder, env=os.environ | places, stdout=log, stderr=log
            )
        server = Collaboration(url, token, folder, process)
        try:
            eventually(lambda: _is_up(server), _START_TIMEOUT_S, "jupyter-collaboration's server")
            yield server
        finally:
            process.terminate()
            process.wait(timeout=20)


def versions() -> str:
    """Tell what is compared with."""
    lines = PINS.read_text().splitlines()
    names = ("jupyter-collaboration", "jupyterlab")
    found = [line.split("  #")[0] for line in lines if line.split("==")[0] in names]
    return ", ".join(line.replace("==", " ") for line in found)


def _is_up(server: Collaboration) -> bool:
    if server.process.poll() is not None:
        log = (server.folder.parent / "log").read_text()
        raise AssertionError(f"jupyter-collaboration's server ended: {log[-2000:]}")
    request = urllib.request.Request(
        f"{server.url}/api/status", headers={"Authorization": f"token {server.token}"}
    )
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False


def _environment() -> Path:
    """Give the virtual environment with it."""
    inputs = {"pins": PINS, "python": sys.version, "at": sys.base_prefix}
    return cached("jupyter-collaboration", inputs, _install, takes="about a minute")


def _install(folder: Path) -> None:
    subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
    pip = [str(folder / "bin/python"), "-m", "pip", "install", "--quiet", "--no-deps"]
    subprocess.run([*pip, "-r", str(PINS)], check=True)
