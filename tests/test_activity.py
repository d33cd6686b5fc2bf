"""Runs of cells are signs that a person is active."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest
from IPython.core.interactiveshell import InteractiveShell

from pyodide_rtc.activity import IDLE_S, Activity
from pyodide_rtc.testing import run_virtual


@pytest.fixture
def shell() -> Iterator[InteractiveShell]:
    made = InteractiveShell.instance(colors="nocolor")
    yield made
    made.reset()
    InteractiveShell.clear_instance()


def test_a_cell_that_runs_ends_it(shell: InteractiveShell) -> None:
    async def main() -> None:
        told: list[bool] = []
        activity = Activity(told.append)
        await asyncio.sleep(IDLE_S + 1)
        assert told == [True]
        shell.events.trigger("pre_run_cell", None)
        assert told == [True, False]
        await asyncio.sleep(IDLE_S - 1)
        shell.events.trigger("post_run_cell", None)
        await asyncio.sleep(IDLE_S - 1)
        assert told == [True, False], "its end is one as well"

        activity.close()
        activity.close()
        assert not any(shell.events.callbacks[name] for name in ("pre_run_cell", "post_run_cell"))
        activity.note()
        await asyncio.sleep(2 * IDLE_S)
        assert told == [True, False]

    run_virtual(main())


def test_to_show_it_is_no_sign() -> None:
    """What is shown to the others passes by where signs are noted."""

    async def main() -> None:
        told: list[bool] = []

        def tell(is_idle: bool) -> None:
            told.append(is_idle)
            activity.note()

        activity = Activity(tell)
        await asyncio.sleep(5 * IDLE_S)
        assert told == [True]
        activity.note()
        assert told == [True, False]
        activity.close()

    run_virtual(main())
