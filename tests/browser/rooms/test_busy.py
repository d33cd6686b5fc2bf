"""Kernels that do not answer: they compute, wait for input, or their page is frozen.

The page answers for them. So the person stays, and the others see what they wait for.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from harness.browsers import Kind
from harness.people import COMPUTE, Cast, Person
from harness.site import REPOSITORY, exposed_copy
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from pyodide_rtc.testing.browsers import eventually, serve_site

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

NAMES = "sorted(s['user']['name'] for s in room.awareness.states.values())"
ADA = "[(p.name, p.is_asleep, p.edits_wait, p.is_synced) for p in room.peers if p.busy_s]"
SHOWN_S = 12.0
"""A peer is asked when it was silent for 2 s, and busy after 5 s more; the rest is for the load."""


def meet(ada: Person, bob: Person, room: str) -> None:
    ada.join(repr(room), "user='Ada'")
    bob.join(repr(room), "user='Bob'")
    for person in (ada, bob):
        person.eventually(NAMES, ["Ada", "Bob"])
        person.eventually("room.synced", True)


def see_it_wait(bob: Person, *, is_asleep: bool = False) -> None:
    """Bob writes something. He sees that it waits for Ada, who does not answer."""
    bob.eventually(ADA, [["Ada", is_asleep, False, True]], timeout_s=SHOWN_S)
    bob.run("state['while'] = 'busy'")
    bob.eventually(ADA, [["Ada", is_asleep, True, False]])
    assert bob.value("room.synced") is False
    word = "asleep" if is_asleep else "busy"
    why = bob.value("room.why")
    assert why.startswith(f"1 peer is connected, 0 synced: edits wait for Ada ({word} for "), why


def see_it_taken(ada: Person, bob: Person) -> None:
    bob.eventually("room.why", "1 peer is connected and synced.")
    ada.eventually("[state.get('while'), room.synced]", ["busy", True])
    for person in (ada, bob):
        assert person.value(NAMES) == ["Ada", "Bob"]
    for person in (ada, bob):
        person.run("room.leave()")


@pytest.mark.parametrize(
    ("busy", "other", "busy_s"),
    [
        ("chromium", "firefox", 35),  # longer than presence lasts without renewal
        ("firefox", "chromium", 12),
    ],
)
def test_a_kernel_that_computes(
    cast: Cast, room_name: str, busy: Kind, other: Kind, busy_s: int
) -> None:
    """Reproduces: after 30.0 s the others lost its name, and were synced all along."""
    ada, bob = cast.person("one", busy), cast.person("two", other)
    meet(ada, bob, room_name)
    bob.run("came = []\nobservation = room.observe(lambda e: came.append(e.kind))")
    computing = ada.start(COMPUTE.format(busy_s))
    see_it_wait(bob)

    def is_computed() -> bool:
        assert bob.value(NAMES) == ["Ada", "Bob"]
        return ada.is_done(computing)

    eventually(is_computed, busy_s + 10, "the end of the cell")
    assert "peer-left" not in bob.value("came")
    see_it_taken(ada, bob)


def test_a_kernel_that_waits_for_input(cast: Cast, room_name: str) -> None:
    ada, bob = cast.person("one"), cast.person("two")
    meet(ada, bob, room_name)
    waiting = ada.start("answer = input('well?')")
    see_it_wait(bob)
    ada.driver.find_element(By.CSS_SELECTOR, ".jp-Stdin-input").send_keys("yes", Keys.ENTER)
    eventually(lambda: ada.is_done(waiting), 20, "the end of the cell")
    see_it_taken(ada, bob)


@contextmanager
def frozen(person: Person) -> Iterator[None]:
    """Freeze a page as Chromium does with one in the background."""
    set_state = person.driver.execute_cdp_cmd  # type: ignore[attr-defined]
    set_state("Page.setWebLifecycleState", {"state": "frozen"})
    try:
        yield
    finally:
        set_state("Page.setWebLifecycleState", {"state": "active"})


def test_a_page_that_is_frozen(cast: Cast, room_name: str) -> None:
    # She has a browser of her own: the page stays hidden, and pages that are draw slowly.
    ada, bob = cast.person("sleeper"), cast.person("two")
    meet(ada, bob, room_name)
    with frozen(ada):
        see_it_wait(bob, is_asleep=True)
    see_it_taken(ada, bob)


def test_a_busy_kernel_whose_page_is_closed_is_gone(cast: Cast, room_name: str) -> None:
    ada, bob = cast.person("one"), cast.person("two")
    meet(ada, bob, room_name)
    ada.start(COMPUTE.format(60))
    bob.eventually(ADA, [["Ada", False, False, True]], timeout_s=SHOWN_S)
    ada.driver.get(f"{ada.server.url}/lab/jupyter-lite.json")
    bob.eventually("[len(room.peers), len(room.awareness.states)]", [0, 1], timeout_s=5)
    bob.run("room.leave()")
    ada.open(room="demo")


def test_where_the_kernel_brings_the_page_part(tmp_path: Path, room_name: str) -> None:
    """A site without the labextension."""
    site = exposed_copy(REPOSITORY / "demo-site/_output-bare", tmp_path / "site")
    with serve_site(site) as server, ExitStack() as stack:
        cast = Cast(stack, server)
        ada, bob = cast.person("one"), cast.person("two")
        meet(ada, bob, room_name)
        assert ada.value("room.route") != "port"
        ada.start(COMPUTE.format(12))
        see_it_wait(bob)
        see_it_taken(ada, bob)
