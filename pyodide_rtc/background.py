"""What runs beside the user's code. What fails there is logged, and surfaces in no cell.

In Pyodide whatever escapes becomes a matter of the cell that happens to run. The loop prints the
exception of a timer, and that of a task which nobody awaits. An exception that reaches JavaScript
is given to `sys.excepthook`; within a cell that is IPython's, and then the cell has failed, even if
its code catches the exception. So this package begins its tasks and timers here, and JavaScript
gets only functions that are `quiet`. tests/test_background.py looks for all others.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from pyodide_rtc.errors import RtcError
from pyodide_rtc.yrs import is_panic

__all__ = ["begin", "later", "quiet", "soon"]

logger = logging.getLogger("pyodide_rtc.background")

T = TypeVar("T")


def begin(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """Begin a task; who awaits it gets what it raises."""
    task = asyncio.ensure_future(work)
    task.add_done_callback(_note)
    return task


def soon(callback: Callable[..., object], *args: object) -> asyncio.Handle:
    """Call back in the loop's next turn."""
    return asyncio.get_running_loop().call_soon(quiet(callback), *args)


def later(delay_s: float, callback: Callable[..., object], *args: object) -> asyncio.TimerHandle:
    """Call back in so many seconds."""
    return asyncio.get_running_loop().call_later(delay_s, quiet(callback), *args)


def quiet(callback: Callable[..., object]) -> Callable[..., None]:
    """Return a function that does the same, but only logs what the callback raises."""

    def call(*args: object) -> None:
        try:
            callback(*args)
        except BaseException as error:  # a panic of Yrs is no `Exception`
            if not isinstance(error, Exception) and not is_panic(error):
                raise
            _log(error)

    return call


def _note(task: asyncio.Task[Any]) -> None:
    """Take a task's exception, so that it does not count as one that nobody has taken."""
    if not task.cancelled() and (error := task.exception()) is not None:
        _log(error)


def _log(error: BaseException) -> None:
    # Our own errors are for whoever awaits the task. All others are faults of this package.
    level = logging.DEBUG if isinstance(error, RtcError) else logging.ERROR
    logger.log(level, "! %s in the background", type(error).__name__, exc_info=error)
