"""The demo site as a person gets it: the built site and its signaling, on one port."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

__all__ = ["SignalingServer", "serve_site"]


@dataclass(slots=True)
class SignalingServer:
    """A running `pyodide-rtc serve`.

    Args:
        port: the one port of site and signaling.
        process: stops and starts with it.
        site: the folder that it serves.
        address: of this machine, where it listens.
    """

    port: int
    process: subprocess.Popen[str]
    site: Path | None = None
    address: str = "localhost"

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
        self.process.terminate()
        self.process.wait(timeout=10)
        assert self.process.stdout is not None, "asked for a pipe"
        self.process.stdout.close()

    def start(self) -> None:
        """Be there again, on the same port."""
        self.process = _start(self.site, self.port, self.address)
        _read_port(self.process)


@contextmanager
def serve_site(site: Path | None, address: str = "localhost") -> Iterator[SignalingServer]:
    """Run `pyodide-rtc serve` on a free port, with this site."""
    process = _start(site, 0, address)
    server = SignalingServer(_read_port(process), process, site, address)
    try:
        yield server
    finally:
        server.stop()


def _start(site: Path | None, port: int, address: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "pyodide_rtc", "serve", "--port", str(port)]
    if address != "localhost":
        command += ["--host", address]
    if site is not None:
        command += ["--site", str(site)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)


def _read_port(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None, "asked for a pipe"
    line = process.stdout.readline()
    if not line.startswith("listening on ws://"):
        raise AssertionError(f"the server said {line!r}")
    return int(line.rsplit(":", 1)[1].split("/")[0])
