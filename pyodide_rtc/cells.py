"""What a callback puts out appears below the cell that asked for it.

A kernel of JupyterLite publishes output as that of the request that it took last. The page shows it
if that request was a cell's, or has not ended yet. A room calls back whenever something happens:
the last request may be that of a slider which was moved long before, and then the page drops what
the callback prints or draws. So a callback is called as part of the cell that asked for it.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Generator, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from inspect import isawaitable
from typing import Any, TypeAlias

__all__ = ["for_this_cell"]

Request: TypeAlias = Mapping[str, Any]

last_cell: Request | None = None
"""The cell that asked last: what asks while no cell runs, such as a click, asks for that one."""


def for_this_cell(callback: Callable[..., Any]) -> Callable[..., Any]:
    """Return a function that does the same, as part of the cell that runs now.

    What it awaits is part of the cell as well. Where no cell runs or ran, or the kernel is none of
    JupyterLite, the callback itself is returned.
    """
    cell = _cell_of_now()
    if cell is None:
        return callback

    @wraps(callback)
    def call(*args: Any, **kwargs: Any) -> Any:
        with _as_part_of(cell):
            result = callback(*args, **kwargs)
        return _InCell(result, cell) if isawaitable(result) else result

    return call


class _InCell:
    """An awaitable each step of which is part of a cell."""

    def __init__(self, awaitable: Awaitable[Any], cell: Request) -> None:
        self._awaitable = awaitable
        self._cell = cell

    def __await__(self) -> Generator[Any, Any, Any]:
        steps = self._awaitable.__await__()
        step, value = steps.send, None
        while True:
            try:
                with _as_part_of(self._cell):
                    waits_for = step(value)
            except StopIteration as end:
                return end.value
            try:
                step, value = steps.send, (yield waits_for)
            except BaseException as error:  # it is cancelled, say: that is for the awaitable
                step, value = steps.throw, error


def _kernel() -> Any:
    """Return the kernel if it is one of JupyterLite's Pyodide; else None."""
    if "IPython" not in sys.modules:
        return None
    from IPython.core.getipython import get_ipython

    kernel = getattr(get_ipython(), "kernel", None)
    return kernel if type(kernel).__module__.startswith("pyodide_kernel.") else None


def _cell_of_now() -> Request | None:
    global last_cell
    # pyodide_kernel has no public way to set the request whose output it publishes.
    request = getattr(_kernel(), "_parent_header", None)
    if isinstance(request, Mapping) and _type_of(request) == "execute_request":
        last_cell = request
    return last_cell


def _type_of(request: Request) -> object:
    header = request.get("header")
    return header.get("msg_type") if isinstance(header, Mapping) else None


@contextmanager
def _as_part_of(cell: Request) -> Iterator[None]:
    kernel = _kernel()
    before, kernel._parent_header = kernel._parent_header, cell
    try:
        yield
    finally:
        if kernel._parent_header is cell:  # else another cell began, while the browser waited
            kernel._parent_header = before
