"""Run other programs; a failure becomes a sentence for the person who waits, not a traceback."""

import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

OUTPUT_LINES = 20
"""How much of a failed program's output is shown: its last lines say what went wrong."""


class BuildError(Exception):
    """The work cannot go on; the message says why and what to do."""


def run(command: Sequence[str | Path], *, cwd: Path, env: Mapping[str, str] | None = None) -> str:
    """Run a command and return what it printed.

    Raises:
        BuildError: the command cannot be started or fails; with the end of its output.
    """
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            text=True,
            errors="replace",
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=True,
        )
    except subprocess.CalledProcessError as error:
        raise BuildError(failure(command, error.output)) from error
    except OSError as error:
        raise BuildError(failure(command, str(error))) from error
    return done.stdout


def failure(command: Sequence[str | Path], output: str) -> str:
    """Say which command failed, with the last lines of its output."""
    return "\n".join([f"{Path(command[0]).name} failed:", *output.splitlines()[-OUTPUT_LINES:]])
