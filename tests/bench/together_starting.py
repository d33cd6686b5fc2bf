"""How soon an open document is shown, and shared: beside the same page without a room.

Times are those of the pages themselves, since their navigation began. Two browsers, two kernels,
two engines and the server have the cores of one machine.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

from harness.browsers import open_browser
from harness.site import run_async
from harness.together import Desk
from lines import Row
from open_pages import COMPUTES, NOTE_ENGINE, SHARED, SHOWN
from selenium.webdriver.remote.webdriver import WebDriver

from pyodide_rtc.testing.browsers import SignalingServer

BESIDE = "without a room"
PATH = "answer.ipynb"
TEMPERATURES = ("cold", "warm")


def alone(server: SignalingServer, rounds: int) -> list[Row]:
    """Measure when the document is shown at one who is alone: in a new browser, and there again."""
    times: dict[tuple[str, bool], list[float]] = {}
    for number in range(rounds):
        for is_shared in (False, True):
            room = f"alone-{number}" if is_shared else None
            with open_browser("chromium") as driver:
                for temperature in TEMPERATURES:
                    Desk(driver, server, "Ada").go(PATH, room)
                    shown_s = run_async(driver, SHOWN) / 1000
                    run_async(driver, COMPUTES)
                    times.setdefault((temperature, is_shared), []).append(shown_s)
    return [
        _row(f"document shown, alone and {t}", times[t, False], times[t, True], "<= 1.1 x")
        for t in TEMPERATURES
    ]


@dataclass(slots=True)
class _Times:
    """When things were there, in s; of all pages of one kind."""

    shown: list[float] = field(default_factory=list)
    shared: list[float] = field(default_factory=list)
    computes: list[float] = field(default_factory=list)
    engine_wanted: list[float] = field(default_factory=list)
    engine_starts: list[float] = field(default_factory=list)


def together(server: SignalingServer, rounds: int) -> list[Row]:
    """Measure two who open it at once, and one who comes to another; cold, and again warm."""
    times = {
        (temperature, is_shared): _Times()
        for temperature in TEMPERATURES
        for is_shared in (False, True)
    }
    coming = {temperature: _Times() for temperature in TEMPERATURES}
    for number in range(rounds):
        for is_shared in (False, True):
            with _two_browsers() as drivers:
                for temperature in TEMPERATURES:
                    room = f"pair-{number}-{temperature}" if is_shared else None
                    _open(server, drivers, room, times[temperature, is_shared])
        with _two_browsers() as drivers:
            room = f"coming-{number}"
            _open(server, drivers[:1], room, _Times(), is_alone=True)
            for temperature in TEMPERATURES:
                _open(server, drivers[1:], room, coming[temperature])
    rows = []
    for temperature, aim in zip(TEMPERATURES, ("<= 2 x", "<= 1.5 x"), strict=True):
        base, both, one = times[temperature, False], times[temperature, True], coming[temperature]
        at_once = f"both {temperature} at once"
        rows += [
            _row(f"shown, {at_once}", base.shown, both.shown, ""),
            _row(f"shared with the other, {at_once}", base.shown, both.shared, aim),
            _row(f"a kernel is ready, {at_once}", base.computes, both.computes, ""),
            _engine_row(f"the engine's share, {at_once}", both),
            _came(f"shared with one who is there, {temperature}", one),
            _engine_row(f"the engine's share, {temperature}, one comes to the other", one),
        ]
    return rows


def _open(
    server: SignalingServer,
    drivers: list[WebDriver],
    room: str | None,
    times: _Times,
    *,
    is_alone: bool = False,
) -> None:
    """Open it in all these browsers at once, and note when what was there."""
    with ThreadPoolExecutor() as pool:

        def on_all(script: str) -> list[float]:
            return [time_ms / 1000 for time_ms in pool.map(lambda d: run_async(d, script), drivers)]

        list(pool.map(lambda driver: Desk(driver, server, "Ada").go(PATH, room), drivers))
        times.shown += on_all(SHOWN)
        if room is not None and not is_alone:
            times.shared += on_all(SHARED)
        times.computes += on_all(COMPUTES)
    if room is not None:
        for driver in drivers:
            wanted, ready = driver.execute_script("return [engineWanted, engineReady]")
            times.engine_wanted.append(wanted / 1000)
            times.engine_starts.append((ready - wanted) / 1000)


@contextmanager
def _two_browsers() -> Iterator[list[WebDriver]]:
    with ExitStack() as stack:
        drivers = [stack.enter_context(open_browser("chromium")) for _ in range(2)]
        for driver in drivers:
            driver.execute_cdp_cmd(  # type: ignore[attr-defined]
                "Page.addScriptToEvaluateOnNewDocument", {"source": NOTE_ENGINE}
            )
        yield drivers


def _row(what: str, stock: list[float], ours: list[float], aim: str) -> Row:
    return Row(f"{what}, p50, s", statistics.median(stock), statistics.median(ours), aim, BESIDE)


def _came(what: str, one: _Times) -> Row:
    """Beside when the newcomer itself showed the document."""
    shown, shared = statistics.median(one.shown), statistics.median(one.shared)
    return Row(f"{what}, p50, s", shown, shared, beside="shown there")


def _engine_row(what: str, times: _Times) -> Row:
    wanted, takes = statistics.median(times.engine_wanted), statistics.median(times.engine_starts)
    return Row(f"{what}, p50, s", f"from {wanted:.2f} on", takes, beside="")
