"""Two who join at the same instant: each has the other's data, every time.

`PYODIDE_RTC_JOINS=200` makes it two hundred times.
"""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from harness.people import Cast, StockPage
from harness.served import SignalingServer
from harness.site import run_async

HERE = Path(__file__).parent
JOINS = int(os.environ.get("PYODIDE_RTC_JOINS", "20"))
LEAD_S = 0.5
"""From giving the orders to the instant: both must have them by then."""

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180 + 5 * JOINS)]

CALL_KERNEL = """
    const [name, args] = arguments;
    const channel = new BroadcastChannel("joining");
    const answer = new Promise((resolve) => {
        channel.onmessage = ({ data: [kind, value] }) => kind === "answer" && resolve(value);
    });
    channel.postMessage(["call", JSON.stringify([name, args])]);
    return answer.then(JSON.parse).finally(() => channel.close());
"""
Call = Callable[..., Any]
_serving: dict[str, Call] = {}
_rooms = count(1)


@pytest.fixture(scope="module")
def cast(server: SignalingServer) -> Iterator[Cast]:
    """Browsers of our own: kernels that serve can do nothing else any more."""
    with ExitStack() as stack:
        yield Cast(stack, server)


def kernel(cast: Cast, name: str) -> Call:
    """Somebody's kernel, which does what it is asked without JupyterLab drawing cells."""
    if name not in _serving:
        person = cast.person(name)
        person.run((HERE / "joining.py").read_text())
        person.notebook.start("await serve()")
        _serving[name] = lambda what, *args: run_async(person.driver, CALL_KERNEL, what, args)
    return _serving[name]


def join_together(one: Call, other: Call, *wheres: list[Any], password: str | None) -> list[Any]:
    """Let both join at one instant, and give the milliseconds that each took, or what it saw."""
    at_ms = (time.time() + LEAD_S) * 1000
    one("prepare", "one", "other", *wheres[0], password, at_ms)
    other("prepare", "other", "one", *wheres[1], password, at_ms)
    taken = [one("met"), other("met")]
    one("leave")
    other("leave")
    return taken


def report(capsys: pytest.CaptureFixture[str], what: str, taken: list[list[Any]]) -> None:
    failed = [pair for pair in taken if not all(isinstance(ms, (int, float)) for ms in pair)]
    slower = sorted(max(pair) for pair in taken if pair not in failed)
    with capsys.disabled():
        print(
            f"\n{what}: {len(slower)} of {len(taken)}, both have the data after "
            f"p50 {statistics.median(slower):.0f} ms, "
            f"p95 {slower[round(0.95 * (len(slower) - 1))]:.0f} ms, at most {slower[-1]:.0f} ms"
        )
    assert failed == []


def test_two_notebooks_half_of_the_time_with_a_password(
    cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = kernel(cast, "one"), kernel(cast, "two")
    taken = []
    for number in range(JOINS):
        name = f"together-{next(_rooms)}"
        password = "secret" if number % 2 else None
        taken.append(join_together(one, other, [name], [name], password=password))
    report(capsys, "two notebooks", taken)


@pytest.mark.parametrize("asked_first", ["kernel", "page"])
def test_a_notebook_and_a_stock_page(
    cast: Cast, server: SignalingServer, capsys: pytest.CaptureFixture[str], asked_first: str
) -> None:
    ours, page = kernel(cast, "one"), StockPage(cast.driver("stock"), server)
    page.driver.get(f"{server.url}/stock/index.html")
    page.run((HERE / "joining.js").read_text())

    def stock(name: str, *args: object) -> Any:
        script = "return await window[arguments[0]](...arguments[1]);"
        return run_async(page.driver, script, name, args)

    taken = []
    for number in range(JOINS):
        name = f"together-{next(_rooms)}"
        password = "secret" if number % 2 else None
        theirs = [f"{server.host}/{name}", [server.signaling_url]]
        ends = [(ours, [name]), (stock, theirs)]
        if asked_first == "page":
            ends.reverse()
        (one, where), (other, other_where) = ends
        taken.append(join_together(one, other, where, other_where, password=password))
    report(capsys, f"a notebook and a stock page, {asked_first} asked first", taken)
