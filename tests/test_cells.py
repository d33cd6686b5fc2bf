"""Output of callbacks; tests/browser/rooms/test_outputs.py does it in real kernels."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from pyodide_rtc import cells
from pyodide_rtc.observers import Observers


class Kernel:
    """Publishes output as that of a request, as the kernel of pyodide_kernel does."""

    __module__ = "pyodide_kernel.kernel"

    def __init__(self) -> None:
        self.published: list[tuple[str, object]] = []
        self._parent_header: dict[str, Any] = {}

    def take(self, kind: str, id: str) -> None:
        """Take a request; output is its own from now on."""
        self._parent_header = {"header": {"msg_type": kind, "msg_id": id}}

    def publish(self, what: object) -> None:
        self.published.append((self._parent_header["header"]["msg_id"], what))


class Shell:
    def __init__(self, kernel: object) -> None:
        self.kernel = kernel


@pytest.fixture
def kernel(monkeypatch: pytest.MonkeyPatch) -> Kernel:
    """The kernel of this notebook, in which cell 1 runs."""
    kernel = Kernel()
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: Shell(kernel))
    monkeypatch.setattr(cells, "last_cell", None)
    kernel.take("execute_request", "cell 1")
    return kernel


def test_an_observer_is_part_of_the_cell_that_asked(kernel: Kernel) -> None:
    observers: Observers[str] = Observers()
    observers.add("room", kernel.publish)
    kernel.take("comm_msg", "a slider was moved")
    for callback in observers:
        callback("somebody came")
    kernel.publish("moved")
    assert kernel.published == [("cell 1", "somebody came"), ("a slider was moved", "moved")]


def test_what_asks_while_no_cell_runs_is_part_of_the_last_that_asked(kernel: Kernel) -> None:
    cells.for_this_cell(kernel.publish)
    kernel.take("comm_msg", "a click")
    callback = cells.for_this_cell(kernel.publish)
    kernel.take("comm_msg", "another")
    callback("heard")
    assert kernel.published == [("cell 1", "heard")]


def test_it_is_over_when_the_callback_raises(kernel: Kernel) -> None:
    callback = cells.for_this_cell({}.__getitem__)
    kernel.take("execute_request", "cell 2")
    with pytest.raises(KeyError):
        callback("nothing")
    kernel.publish("mine")
    assert kernel.published == [("cell 2", "mine")]


def test_a_cell_that_begins_within_a_callback_keeps_its_output(kernel: Kernel) -> None:
    """A callback can block while the browser runs another stack."""
    callback = cells.for_this_cell(lambda: kernel.take("execute_request", "cell 2"))
    kernel.take("comm_msg", "a slider was moved")
    callback()
    kernel.publish("mine")
    assert kernel.published == [("cell 2", "mine")]


async def test_each_step_of_what_it_awaits_is_part_of_the_cell(kernel: Kernel) -> None:
    async def answer() -> str:
        kernel.publish("asked")
        try:
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            kernel.publish("cancelled")
        return "no"

    callback = cells.for_this_cell(answer)
    kernel.take("execute_request", "cell 2")
    task = asyncio.ensure_future(wait_for(callback()))
    await asyncio.sleep(0)
    kernel.publish("mine")
    task.cancel()
    assert await task == "no"
    kernel.publish("still mine")
    assert kernel.published == [
        ("cell 1", "asked"),
        ("cell 2", "mine"),
        ("cell 1", "cancelled"),
        ("cell 2", "still mine"),
    ]


async def wait_for(awaitable: Any) -> object:
    return await awaitable


def test_elsewhere_a_callback_is_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cells, "last_cell", None)
    assert cells.for_this_cell(print) is print
    monkeypatch.setattr("IPython.core.getipython.get_ipython", lambda: Shell(object()))
    assert cells.for_this_cell(print) is print
