"""Runs a command, and ends it with all that it has started once whoever asked for it is gone.

    python guard.py [--remove FOLDER] COMMAND ...

A test run may end in a way that runs no code of it any more: by SIGTERM or SIGKILL, or by
pytest-timeout's thread. Its end of this program's input closes all the same, and that is the
signal. On Linux, what the command has started stays below this program even if its parent ends.

Needs the standard library alone, so it is started as a file: the package takes longer to import.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from threading import Thread
from types import FrameType

__all__ = ["descendants", "guarded", "kill_below"]

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE_S = 3.0
_PAUSE_S = 0.02


def guarded(command: list[str], *, remove: Path | None = None) -> list[str]:
    """Give the command that runs another one under guard; start it with a pipe as its input.

    Args:
        command: what to run.
        remove: a folder that is of no use after it.
    """
    if os.name != "posix":
        return command
    removing = [] if remove is None else ["--remove", str(remove)]
    return [sys.executable, "-I", __file__, *removing, *command]


def descendants(pid: int) -> list[int]:
    """Give the processes that this one has started, and those that they have; Linux only."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            text = stat.read_text()
            state, parent, *_ = text[text.rindex(")") + 2 :].split()
            if state != "Z":
                children.setdefault(int(parent), []).append(int(stat.parent.name))
    found = list(children.get(pid, []))
    for child in found:
        found.extend(children.get(child, []))
    return found


def kill_below(pid: int) -> None:
    """Kill at once what runs under the guard of this process id; Linux only."""
    for child in descendants(pid):
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def main(arguments: list[str]) -> int:
    """Run the command until it ends, or nobody wants it any more; gives its exit code."""
    folder, command = "", arguments
    if arguments[0] == "--remove":
        _, folder, *command = arguments
    _adopt_orphans()
    child: subprocess.Popen[bytes] | None = None
    signal.signal(signal.SIGTERM, _stop)
    try:
        child = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        Thread(target=_watch_input, daemon=True).start()
        return _wait(child.pid)
    except SystemExit:
        return 1
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        _end(child)
        if folder:
            shutil.rmtree(folder, ignore_errors=True)


def _adopt_orphans() -> None:
    """Become the parent of whatever below this process loses its own."""
    with suppress(AttributeError, OSError):  # Linux only
        ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit


def _watch_input() -> None:
    while os.read(0, 4096):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


def _wait(pid: int) -> int:
    """Wait until the command has ended; those that were adopted may end before it."""
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == pid:
            return os.waitstatus_to_exitcode(status)


def _end(child: subprocess.Popen[bytes] | None) -> None:
    """End all processes below this one, gently at first."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        deadline = time.monotonic() + _PATIENCE_S
        while _signal_all(child, number) and time.monotonic() < deadline:
            time.sleep(_PAUSE_S)


def _signal_all(child: subprocess.Popen[bytes] | None, number: signal.Signals) -> bool:
    """Signal all that are left, and return whether there are any."""
    left = descendants(os.getpid())
    for pid in left:
        with suppress(ProcessLookupError):
            os.kill(pid, number)
    if child is not None and not sys.platform.startswith("linux"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, number)
    with suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    return bool(left)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
