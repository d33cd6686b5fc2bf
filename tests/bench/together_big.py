"""Large notebooks, opened: those that others edit, beside files of this browser's own."""

from __future__ import annotations

import statistics
from contextlib import ExitStack
from dataclasses import dataclass

from harness.browsers import open_browser
from harness.together import Desk
from lines import Row

from pyodide_rtc.testing.browsers import SignalingServer

SMALL = "answer.ipynb"
LINE = "0123456789" * 9 + "\n"
MARK = "# the other was here"

_FIND = """
    const [path, cells, mark] = arguments;
    const passed = async (find) => {
        while (!find()) await new Promise((resolve) => setTimeout(resolve, 5));
        return performance.now();
    };
    const panel = () => [...(window.jupyterapp?.shell.widgets("main") ?? [])].find(
        (widget) => widget.context?.path === path && widget.context.isReady);
    const isShown = () => panel()?.content.model?.sharedModel.cells.length === cells
        && panel().node.querySelector(".jp-Notebook .jp-Cell .cm-content");
    const isMarked = () => !mark
        || panel()?.content.model?.sharedModel.getCell(0).getSource().includes(mark);
"""
_OPEN = f"""{_FIND}
    const start = performance.now();
    window.jupyterapp.commands.execute("docmanager:open", {{ path }});
    const shown = await passed(isShown);
    return [shown - start, (await passed(isMarked)) - start];
"""
_IS_THERE = f"{_FIND} return passed(() => isShown() && isMarked());"
_MARK = """
    const panel = [...window.jupyterapp.shell.widgets("main")].find(
        (widget) => widget.context?.path === arguments[0]);
    panel.content.model.sharedModel.getCell(0).updateSource(0, 0, arguments[1]);
"""


@dataclass(frozen=True, slots=True)
class Book:
    """A notebook: cells of code with long outputs."""

    name: str
    cells: int
    lines_each: int

    @property
    def path(self) -> str:
        return f"{self.name.replace(' ', '-')}.ipynb"


FIVE_MB = Book("notebook of 5 MB", 200, 275)
LINES = Book("10,000 lines in 20 cells", 20, 500)


def big(server: SignalingServer, rounds: int) -> list[Row]:
    """Measure opening them by a command of a page that is there, and by the link of their page."""
    commanded: tuple[list[float], ...] = [], [], []
    linked: dict[Book, tuple[list[float], ...]] = {FIVE_MB: ([], []), LINES: ([], [])}
    for number in range(rounds):
        local, _ = _by_command(server, FIVE_MB, None)
        shown, marked = _by_command(server, FIVE_MB, f"big-{number}")
        for taken, time_ms in zip(commanded, (local, shown, marked), strict=True):
            taken.append(time_ms / 1000)
        for book, times in linked.items():
            for taken, room in zip(times, (None, f"{book.lines_each}-{number}"), strict=True):
                taken.append(_by_link(server, book, room) / 1000)

    def row(what: str, stock: list[float], ours: list[float]) -> Row:
        p50s = statistics.median(stock), statistics.median(ours)
        return Row(f"{what}, p50, s", *p50s, "<= 2 x", "without a room")

    local_s, shown_s, marked_s = commanded
    by_link = "by its link, only the other has it: shown with all"
    return [
        row(f"{FIVE_MB.name}, both have it: shown", local_s, shown_s),
        row(f"{FIVE_MB.name}, both have it: with the other's edit", local_s, marked_s),
        *(row(f"{book.name}, {by_link}", *times) for book, times in linked.items()),
    ]


def _by_command(server: SignalingServer, book: Book, room: str | None) -> list[float]:
    """Open it on a page that is there already, and has it; gives times in ms."""
    with ExitStack() as stack:
        ada = _desk(stack, server, "Ada")
        ada.open(SMALL, room)
        ada.wait_kernel()
        ada.put_file(book.path, notebook(book))
        if room is not None:
            _open_at_another(stack, server, book, room)
            ada.wait_company(2)
        mark = None if room is None else MARK
        times: list[float] = ada.ask(_OPEN, book.path, book.cells, mark)
        return times


def _by_link(server: SignalingServer, book: Book, room: str | None) -> float:
    """Open its page in a browser that has the site in its cache; gives ms since navigation."""
    with ExitStack() as stack:
        ada = _desk(stack, server, "Ada")
        ada.open(SMALL, room)
        ada.wait_kernel()
        if room is None:
            ada.put_file(book.path, notebook(book))
        else:
            _open_at_another(stack, server, book, room)
        ada.go(book.path, room)
        mark = None if room is None else MARK
        time_ms: float = ada.ask(_IS_THERE, book.path, book.cells, mark)
        return time_ms


def _desk(stack: ExitStack, server: SignalingServer, name: str) -> Desk:
    return Desk(stack.enter_context(open_browser("chromium")), server, name)


def _open_at_another(stack: ExitStack, server: SignalingServer, book: Book, room: str) -> None:
    bob = _desk(stack, server, "Bob")
    bob.open(SMALL, room)
    bob.wait_company(2)
    bob.put_file(book.path, notebook(book))
    bob.ask(_OPEN, book.path, book.cells, None)
    bob.js(_MARK, book.path, MARK)
    bob.wait_kernel()


def notebook(book: Book) -> dict[str, object]:
    """Make the file."""
    return {
        "nbformat": 4,
        "nbformat_minor": 5,
        "metadata": {"kernelspec": {"name": "python", "display_name": "Python"}},
        "cells": [
            {
                "id": f"cell-{number}",
                "cell_type": "code",
                "source": f"print(text[{number}])",
                "metadata": {},
                "outputs": [
                    {
                        "output_type": "stream",
                        "name": "stdout",
                        "text": f"{number}\n" + LINE * (book.lines_each - 1),
                    }
                ],
                "execution_count": number + 1,
            }
            for number in range(book.cells)
        ],
    }
