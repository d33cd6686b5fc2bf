"""Connections that are passed on, by a process of its own: see pass_on.py."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

__all__ = ["passed_on"]

_SCRIPT = Path(__file__).with_name("pass_on.py")


@contextmanager
def passed_on(
    port: int | None,
    *options: str,
    address: str = "127.0.0.1",
    prefix: Sequence[str] = (),
    stderr: int | None = None,
) -> Iterator[int]:
    """Pass connections on to a port; gives the port at which they come.

    Args:
        port: where they are passed on to; None for the same number as that at which they come.
        options: of pass_on.py.
        address: of this machine, at which they come.
        prefix: what stands before the command, to run it elsewhere.
        stderr: where it says what goes wrong, as for a process.
    """
    with socket.create_server((address, 0)) as listener:
        own_port, descriptor = listener.getsockname()[1], listener.fileno()
        command = [*prefix, sys.executable, str(_SCRIPT), str(descriptor), str(port or own_port)]
        process = subprocess.Popen([*command, *options], pass_fds=[descriptor], stderr=stderr)
    try:
        yield own_port
    finally:
        process.terminate()
        process.wait(timeout=10)
