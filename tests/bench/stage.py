"""Who is measured: two kernels of ours and two stock pages, each in a browser of its own.

Groups have more of both.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

from harness.calls import JOIN_IN_KERNEL, JOIN_ON_PAGE, Call, call_kernel, call_page
from harness.people import Cast, Person, StockPage
from harness.site import REPOSITORY, exposed_copy
from selenium.webdriver.remote.webdriver import WebDriver
from stock.page import stock_page_folder

from pyodide_rtc.testing.browsers import SignalingServer, serve_site

HERE = Path(__file__).parent
KERNEL_SCRIPT = (HERE / "kernel_side.py").read_text()
PAGE_SCRIPT = (HERE / "page_side.js").read_text()
BARE_SCRIPT = (HERE / "bare_channel.js").read_text()

_T = TypeVar("_T")
_rooms = count(1)


@dataclass(frozen=True, slots=True)
class Side:
    """Two ends of one kind.

    Args:
        name: what they run.
        ends: calls to them.
        drivers: their browsers.
        where: gives what says to them which room: of a name, with the servers of the site or
            another.
        open_guest: opens one more in the second's browser, in a tab of its own.
        group: gives so many ends, the two among them; opens those that are missing, each in a
            browser of its own, until the stage ends.
        heap_bytes: gives what the first end's heap holds, garbage not counted.
        forget: makes them forget the servers of former rooms: y-webrtc uses all that it knows.
    """

    name: str
    ends: tuple[Call, Call]
    drivers: tuple[WebDriver, WebDriver]
    where: Callable[[str, str | None], list[Any]]
    open_guest: Callable[[], Call]
    group: Callable[[int], Sequence[Call]]
    heap_bytes: Callable[[], float]
    forget: Callable[[], object]

    def leave(self) -> None:
        """Let both leave, the second first."""
        for end in reversed(self.ends):
            end("leave")


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything that lines.py needs.

    Args:
        sides: y-webrtc, then ours.
        bare: calls to the notebooks' own pages, for bare data channels between them.
        port: of the site and its signaling server.
    """

    sides: tuple[Side, Side]
    bare: tuple[Call, Call]
    port: int

    def in_turn(self, times: int, once: Callable[[Side], _T]) -> tuple[list[_T], list[_T]]:
        """Do it with both sides in turn: what the machine does meanwhile meets both alike."""
        taken: list[list[_T]] = [[], []]
        for _ in range(times):
            for side, results in zip(self.sides, taken, strict=True):
                results.append(once(side))
        return taken[0], taken[1]


def new_room() -> str:
    """Name a room that nothing else uses."""
    return f"bench-{next(_rooms)}"


@contextmanager
def open_stage() -> Iterator[Stage]:
    """Open four browsers; needs the built demo site."""
    with ExitStack() as stack:
        # Beside the site, for its hard links, and under a name that git ignores.
        demo_site = REPOSITORY / "demo-site"
        beside = tempfile.TemporaryDirectory(prefix="_output-bench-", dir=demo_site)
        folder = stack.enter_context(beside)
        site = exposed_copy(demo_site / "_output", Path(folder) / "site")
        shutil.copytree(stock_page_folder(), site / "stock")
        server = stack.enter_context(serve_site(site))
        cast = Cast(stack, server)
        people = [cast.person(name) for name in ("one", "two")]
        sides = _stock_side(cast, server), _our_side(cast, people)
        yield Stage(sides, _bare_ends(people), server.port)


def _stock_side(cast: Cast, server: SignalingServer) -> Side:
    drivers = cast.driver("page one"), cast.driver("page two")

    def where(room: str, signaling: str | None) -> list[Any]:
        return [f"{server.host}/{room}", [signaling or server.signaling_url]]

    def open_page(driver: WebDriver) -> Call:
        StockPage(driver, server).open()
        return call_page(driver, JOIN_ON_PAGE, PAGE_SCRIPT)

    def open_guest() -> Call:
        drivers[1].switch_to.new_window("tab")
        return open_page(drivers[1])

    def open_pages() -> tuple[Call, Call]:
        return open_page(drivers[0]), open_page(drivers[1])

    def heap_bytes() -> float:
        ask: Callable[..., Any] = drivers[0].execute_cdp_cmd  # type: ignore[attr-defined]
        ask("HeapProfiler.collectGarbage", {})
        used: float = ask("Runtime.getHeapUsage", {})["usedSize"]
        return used

    ends = open_pages()
    group = _group_of(ends, lambda name: open_page(cast.driver(f"page {name}")))
    return Side("y-webrtc", ends, drivers, where, open_guest, group, heap_bytes, open_pages)


def _our_side(cast: Cast, people: Sequence[Person]) -> Side:
    one, two = people

    def open_guest() -> Call:
        two.driver.switch_to.new_window("tab")
        guest = Person(two.driver, two.server, two.driver.current_window_handle)
        guest.open(room="demo")
        return call_kernel(guest, KERNEL_SCRIPT)

    ends = tuple(call_kernel(person, JOIN_IN_KERNEL, KERNEL_SCRIPT) for person in people)
    group = _group_of(ends, lambda name: call_kernel(cast.person(name), KERNEL_SCRIPT))
    return Side(
        "pyodide-rtc",
        (ends[0], ends[1]),
        (one.driver, two.driver),
        _as_list,
        open_guest,
        group,
        lambda: ends[0]("heap_bytes"),
        lambda: None,
    )


def _group_of(ends: Sequence[Call], open_one: Callable[[str], Call]) -> Callable[[int], list[Call]]:
    """Give what makes a group of these ends and others, which it opens by names."""
    opened = list(ends)

    def group(size: int) -> list[Call]:
        while len(opened) < size:
            opened.append(open_one(f"{len(opened) + 1} of a group"))
        return opened[:size]

    return group


def _as_list(room: str, signaling: str | None) -> list[Any]:
    return [room, signaling]


def _bare_ends(people: Sequence[Person]) -> tuple[Call, Call]:
    one, two = (call_page(person.driver, BARE_SCRIPT) for person in people)
    return one, two
