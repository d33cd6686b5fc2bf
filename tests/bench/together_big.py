"""A notebook of 5 MB, opened: the one that others edit, beside a file of this browser's own."""

from __future__ import annotations

import statistics
from contextlib import ExitStack

from harness.browsers import open_browser
from harness.served import SignalingServer
from harness.together import Desk
from lines import Row

SMALL = "answer.ipynb"
BIG = "big.ipynb"
CELLS = 200
OUTPUT_BYTES = 25_000
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


def big(server: SignalingServer, rounds: int) -> list[Row]:
    """Measure opening it by a command of a page that is there, and by the link of its page."""
    commanded: tuple[list[float], ...] = [], [], []
    linked: tuple[list[float], ...] = [], []
    for number in range(rounds):
        local, _ = _by_command(server, None)
        shown, marked = _by_command(server, f"big-{number}")
        for taken, time_ms in zip(commanded, (local, shown, marked), strict=True):
            taken.append(time_ms / 1000)
        for taken, room in zip(linked, (None, f"linked-{number}"), strict=True):
            taken.append(_by_link(server, room) / 1000)

    def row(what: str, stock: list[float], ours: list[float]) -> Row:
        p50s = statistics.median(stock), statistics.median(ours)
        return Row(f"notebook of 5 MB, {what}, p50, s", *p50s, "<= 2 x", "without a room")

    local_s, shown_s, marked_s = commanded
    return [
        row("both have it: shown", local_s, shown_s),
        row("both have it: with the other's edit", local_s, marked_s),
        row("by its link, only the other has it: shown with all", *linked),
    ]


def _by_command(server: SignalingServer, room: str | None) -> list[float]:
    """Open it on a page that is there already, and has it; gives times in ms."""
    with ExitStack() as stack:
        ada = _desk(stack, server, "Ada")
        ada.open(SMALL, room)
        ada.wait_kernel()
        ada.put_file(BIG, notebook())
        if room is not None:
            _open_at_another(stack, server, room)
            ada.wait_company(2)
        mark = None if room is None else MARK
        times: list[float] = ada.ask(_OPEN, BIG, CELLS, mark)
        return times


def _by_link(server: SignalingServer, room: str | None) -> float:
    """Open its page in a browser that has the site in its cache; gives ms since navigation."""
    with ExitStack() as stack:
        ada = _desk(stack, server, "Ada")
        ada.open(SMALL, room)
        ada.wait_kernel()
        if room is None:
            ada.put_file(BIG, notebook())
        else:
            _open_at_another(stack, server, room)
        ada.go(BIG, room)
        time_ms: float = ada.ask(_IS_THERE, BIG, CELLS, None if room is None else MARK)
        return time_ms


def _desk(stack: ExitStack, server: SignalingServer, name: str) -> Desk:
    return Desk(stack.enter_context(open_browser("chromium")), server, name)


def _open_at_another(stack: ExitStack, server: SignalingServer, room: str) -> None:
    bob = _desk(stack, server, "Bob")
    bob.open(SMALL, room)
    bob.wait_company(2)
    bob.put_file(BIG, notebook())
    bob.ask(_OPEN, BIG, CELLS, None)
    bob.js(_MARK, BIG, MARK)
    bob.wait_kernel()


def notebook() -> dict[str, object]:
    """Make it: cells of code with long outputs."""
    line = "0123456789" * 9 + "\n"
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
                        "text": f"{number}\n" + line * (OUTPUT_BYTES // len(line)),
                    }
                ],
                "execution_count": number + 1,
            }
            for number in range(CELLS)
        ],
    }
