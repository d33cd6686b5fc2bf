"""Whatever ends a test run, what it has started under guard ends with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from pyodide_rtc.testing.browsers import eventually
from pyodide_rtc.testing.browsers.guard import descendants, guarded, kill_below

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks for processes in /proc")

LASTING = [sys.executable, "-c", "import time; time.sleep(600)"]
# As a browser does: its child has a session of its own, and outlives its parent.
WITH_ORPHAN = [sys.executable, "-c", f"import subprocess; subprocess.Popen({LASTING!r}, \
    start_new_session=True); import time; time.sleep(600)"]  # fmt: skip
LEAVES_ORPHAN = ["sh", "-c", "sleep 600 & echo $!"]
STUBBORN = ["sh", "-c", "trap '' TERM; sleep 600 & wait"]


def is_there(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


@contextmanager
def running(command: list[str], count: int, *folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Start a command under guard, and wait until it and its children are so many."""
    remove = folder[0] if folder else None
    with subprocess.Popen(
        guarded(command, remove=remove), stdin=subprocess.PIPE, stdout=subprocess.DEVNULL
    ) as guard:
        try:
            eventually(lambda: len(descendants(guard.pid)) == count, 10, f"{count} processes")
            yield guard
        finally:
            kill_below(guard.pid)


@pytest.mark.parametrize("end", ["its input closes", "it is terminated"])
@pytest.mark.parametrize(("command", "count"), [(LASTING, 1), (WITH_ORPHAN, 2), (STUBBORN, 2)])
def test_all_is_ended(end: str, command: list[str], count: int, tmp_path: Path) -> None:
    folder = tmp_path / "profile"
    folder.mkdir()
    with running(command, count, folder) as guard:
        pids = descendants(guard.pid)
        if end == "it is terminated":
            guard.terminate()
        elif guard.stdin is not None:
            guard.stdin.close()
        assert guard.wait(20) == 1
        assert [pid for pid in pids if is_there(pid)] == []
        assert not folder.exists()


def test_a_command_that_ends_by_itself_leaves_nothing_behind() -> None:
    pipe = subprocess.PIPE
    with subprocess.Popen(guarded(LEAVES_ORPHAN), stdin=pipe, stdout=pipe) as guard:
        assert guard.stdout is not None, "asked for a pipe"
        orphan = int(guard.stdout.readline())
        assert guard.wait(20) == 0
        assert not is_there(orphan)


def test_its_exit_code_is_that_of_the_command() -> None:
    command = guarded([sys.executable, "-c", "raise SystemExit(3)"])
    with subprocess.Popen(command, stdin=subprocess.PIPE) as guard:
        assert guard.wait(20) == 3


def test_who_has_started_it_is_killed() -> None:
    """As a run whose pytest-timeout ends it from a thread: nothing of its code runs any more."""
    code = f"""
        import os, subprocess, sys
        guard = subprocess.Popen({guarded(WITH_ORPHAN)!r}, stdin=subprocess.PIPE)
        print(guard.pid, flush=True)
        sys.stdin.read()
    """
    with subprocess.Popen(
        [sys.executable, "-c", "\n".join(line.strip() for line in code.splitlines())],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None, "asked for a pipe"
        guard = int(run.stdout.readline())
        eventually(lambda: len(descendants(guard)) == 2, 10, "all has started")
        pids = [guard, *descendants(guard)]
        os.kill(run.pid, signal.SIGKILL)
        eventually(lambda: not any(map(is_there, pids)), 20, "all has ended")
