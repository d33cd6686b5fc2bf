"""A TURN server of the test: coturn, on its own port, with a login."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from harness.passing_on import passed_on
from pyodide_rtc.testing.browsers import eventually

__all__ = ["TURNSERVER", "far_away", "open_turn"]

TURNSERVER = shutil.which("turnserver")
_USER, _SECRET = "class", "secret"
_START_S = 10


@contextmanager
def open_turn(address: str, folder: Path) -> Iterator[list[dict[str, str]]]:
    """Run coturn at an address of this machine; gives it as `ice_servers` of a room.

    Args:
        address: where it listens, and from where it relays.
        folder: for its files.
    """
    assert TURNSERVER is not None, "tests are skipped without coturn"
    with socket.create_server((address, 0)) as free:
        port = free.getsockname()[1]
    command = [TURNSERVER, "-n", "-L", address, "-E", address, "-p", str(port)]
    command += ["--lt-cred-mech", "-u", f"{_USER}:{_SECRET}", "-r", "test", "--fingerprint"]
    command += ["--no-tls", "--no-dtls", "--no-cli", "--log-file", "stdout"]
    command += ["--userdb", str(folder / "turn.db"), "--pidfile", str(folder / "turn.pid")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: _listens(address, port), _START_S, "coturn listens")
        yield [{"urls": f"turn:{address}:{port}", "username": _USER, "credential": _SECRET}]
    finally:
        process.terminate()
        process.wait(timeout=10)


@contextmanager
def far_away(turn: list[dict[str, str]], delay_ms: float) -> Iterator[list[dict[str, str]]]:
    """Put a long way before a TURN server; gives it as `ice_servers` of a room.

    Args:
        turn: the server, as `open_turn` gives it.
        delay_ms: how much longer all takes, in each direction.
    """
    [server] = turn
    _, address, port = server["urls"].split(":")
    options = ("--host", address, "--delay-ms", str(delay_ms))
    with passed_on(int(port), *options, address=address) as own_port:
        yield [server | {"urls": f"turn:{address}:{own_port}?transport=tcp"}]


def _listens(address: str, port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex((address, port)) == 0
