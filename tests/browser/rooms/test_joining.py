"""Two who join at the same instant: each has the other's data, every time.

`PYODIDE_RTC_JOINS=200` makes it two hundred times, in each of the three settings.
"""

from __future__ import annotations

import os
import statistics
from collections.abc import Iterator
from itertools import count
from typing import Any

import pytest
from harness.calls import (
    JOIN_IN_KERNEL,
    JOIN_ON_PAGE,
    Call,
    call_kernel,
    call_page,
    join_together,
)
from harness.people import Cast, StockPage

from pyodide_rtc.testing.browsers import SignalingServer

JOINS = int(os.environ.get("PYODIDE_RTC_JOINS", "10"))
PATIENCE_S = 30.0

pytestmark = [pytest.mark.browser, pytest.mark.timeout(180 + 5 * JOINS)]

_serving: dict[str, Call] = {}
_rooms = count(1)


@pytest.fixture(scope="module", autouse=True)
def free_again() -> Iterator[None]:
    """What serves can do nothing else; so it ends."""
    yield
    for call in _serving.values():
        call("end")
    _serving.clear()


def kernel(cast: Cast, name: str) -> Call:
    if name not in _serving:
        _serving[name] = call_kernel(cast.person(name), JOIN_IN_KERNEL)
    return _serving[name]


def report(capsys: pytest.CaptureFixture[str], what: str, taken: list[list[Any]]) -> None:
    assert [pair for pair in taken if any(isinstance(ms, str) for ms in pair)] == []
    slower = [max(pair) for pair in taken]
    p50, p95 = statistics.median(slower), statistics.quantiles(slower, n=20, method="inclusive")[-1]
    with capsys.disabled():
        print(
            f"\n{what}: {len(taken)} times, both have the data after "
            f"p50 {p50:.0f} ms, p95 {p95:.0f} ms, at most {max(slower):.0f} ms"
        )


def test_two_notebooks_half_of_the_time_with_a_password(
    cast: Cast, capsys: pytest.CaptureFixture[str]
) -> None:
    one, other = kernel(cast, "one"), kernel(cast, "two")
    taken = []
    for number in range(JOINS):
        name = f"together-{next(_rooms)}"
        password = "secret" if number % 2 else None
        ends = (one, [name, None]), (other, [name, None])
        taken.append(join_together(*ends, password=password, patience_s=PATIENCE_S))
    report(capsys, "two notebooks", taken)


@pytest.mark.parametrize("asked_first", ["kernel", "page"])
def test_a_notebook_and_a_stock_page(
    cast: Cast, server: SignalingServer, capsys: pytest.CaptureFixture[str], asked_first: str
) -> None:
    ours, page = kernel(cast, "one"), StockPage(cast.driver("stock"), server)
    page.open()
    stock = call_page(page.driver, JOIN_ON_PAGE)
    taken = []
    for number in range(JOINS):
        name = f"together-{next(_rooms)}"
        password = "secret" if number % 2 else None
        theirs = [f"{server.host}/{name}", [server.signaling_url]]
        ends = [(ours, [name, None]), (stock, theirs)]
        if asked_first == "page":
            ends.reverse()
        taken.append(join_together(*ends, password=password, patience_s=PATIENCE_S))
    report(capsys, f"a notebook and a stock page, {asked_first} asked first", taken)
