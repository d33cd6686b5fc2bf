"""`pyodide-rtc serve` for the time of a test: a built site and its signaling, on one port."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from pyodide_rtc.testing.browsers.errors import SiteError
from pyodide_rtc.testing.browsers.guard import guarded, kill_below

__all__ = ["SignalingServer", "serve_site"]


@dataclass(slots=True)
class SignalingServer:
    """A running `pyodide-rtc serve`.

    Args:
        port: the one port of site and signaling; 0 until it has one.
        site: the folder that it serves.
        address: of this machine, where it listens.
    """

    port: int
    site: Path | None = None
    address: str = "localhost"
    _process: subprocess.Popen[str] | None = field(default=None, init=False, repr=False)

    @property
    def host(self) -> str:
        """What stands for the host in a topic."""
        return f"{self.address}:{self.port}"

    @property
    def url(self) -> str:
        """The site's address."""
        return f"http://{self.host}"

    @property
    def signaling_url(self) -> str:
        """The signaling server's address."""
        return f"ws://{self.host}/signaling"

    def stop(self) -> None:
        """End the server; open sockets close."""
        process, self._process = self._process, None
        if process is None:
            return
        process.terminate()
        process.communicate(timeout=10)

    def kill(self) -> None:
        """End the server without a word, as a crash does."""
        if self._process is not None:
            kill_below(self._process.pid)
        self.stop()

    def start(self) -> None:
        """Be there, on the same port as before.

        Raises:
            SiteError: the server did not start.
        """
        with TemporaryFile("w+") as said:
            self._process = _start(self.site, self.port, self.address, said)
            assert self._process.stdout is not None, "asked for a pipe"
            line = self._process.stdout.readline()
            if not line.startswith("listening on ws://"):
                said.seek(0)
                raise SiteError(
                    f"The signaling server did not start: {(line + said.read()).strip()}",
                    "It needs pip install 'pyodide-rtc[server]'.",
                )
        self.port = int(line.rsplit(":", 1)[1].split("/")[0])


@contextmanager
def serve_site(site: Path | None, address: str = "localhost") -> Iterator[SignalingServer]:
    """Run `pyodide-rtc serve` on a free port.

    Args:
        site: the built site that it serves; None for signaling alone.
        address: of this machine, where it listens.

    Raises:
        SiteError: the server did not start.
    """
    server = SignalingServer(0, site, address)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def _start(site: Path | None, port: int, address: str, said: IO[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pyodide_rtc", "serve", "--port", str(port)]
    if address != "localhost":
        command += ["--host", address]
    if site is not None:
        command += ["--site", str(site)]
    pipe = subprocess.PIPE
    return subprocess.Popen(
        guarded(command), stdin=pipe, stdout=pipe, stderr=said, text=True, start_new_session=True
    )
