"""On CPython: what of the package's work would come out in a cell of a notebook, as in Pyodide.

Pyodide's loop prints the exception of a task that has no callback but its own, and whatever comes
to the loop's exception handler. An exception that passes through JavaScript is given to
`sys.excepthook`; in a cell that is IPython's, and the cell has failed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Coroutine
from types import ModuleType
from typing import Any, TypeVar

import pytest

from pyodide_rtc.testing import VirtualTimeLoop

T = TypeVar("T")


class _Task(asyncio.Task[T]):
    """A task that knows how many callbacks it was given."""

    callbacks = 0

    def add_done_callback(self, *args: Any, **kwargs: Any) -> None:
        self.callbacks += 1
        super().add_done_callback(*args, **kwargs)


class CellLoop(VirtualTimeLoop):
    """A loop on virtual time that collects what Pyodide's loop would print into the cell."""

    def __init__(self) -> None:
        super().__init__()
        self.surfaced: list[object] = []
        self.set_task_factory(self._make_task)
        self.set_exception_handler(lambda _, told: self.surfaced.append(told))

    def _make_task(
        self, _loop: asyncio.AbstractEventLoop, work: Any, **about: Any
    ) -> asyncio.Task[Any]:
        task: _Task[Any] = _Task(work, loop=self, **about)
        task.add_done_callback(self._look)
        return task

    def _look(self, task: Any) -> None:
        if task.callbacks == 1 and not task.cancelled() and task.exception() is not None:
            self.surfaced.append(task.exception())


def blocking(awaitable: Awaitable[Any], timeout_s: float = 1e9) -> Any:
    """Wait inside of a plain call, while all else goes on: what JSPI does for a kernel."""
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    assert task is not None
    asyncio.tasks._leave_task(loop, task)
    try:
        future = asyncio.ensure_future(awaitable)
        while not future.done():
            loop._run_once()  # type: ignore[attr-defined]
    finally:
        asyncio.tasks._enter_task(loop, task)
    return future.result()


def run_cell(
    monkeypatch: pytest.MonkeyPatch, main: Callable[[], Coroutine[Any, Any, None]]
) -> list[object]:
    """Run code as a cell, with Pyodide's `run_sync`; return what came out in it by itself."""

    def run_sync(awaitable: Awaitable[T]) -> T:
        future = asyncio.ensure_future(awaitable)
        future.add_done_callback(lambda _: None)  # JavaScript's own
        try:
            result: T = blocking(future)
        except BaseException:  # it passes through JavaScript
            sys.excepthook(*sys.exc_info())
            raise
        return result

    ffi = ModuleType("pyodide.ffi")
    ffi.run_sync = run_sync  # type: ignore[attr-defined]
    surfaced: list[object] = []
    loop = CellLoop()
    with monkeypatch.context() as patch:
        patch.setitem(sys.modules, "pyodide.ffi", ffi)
        patch.setattr(sys, "excepthook", lambda _, error, __: surfaced.append(error))
        with asyncio.Runner(loop_factory=lambda: loop) as runner:
            runner.run(main())
    return surfaced + loop.surfaced
