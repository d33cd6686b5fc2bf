"""Calls into notebooks and pages whose work is to be timed, or goes on by itself.

A cell per call would measure JupyterLab, too: drawing one takes its page 150 ms. So a notebook runs
one cell that goes on (serving.py), and is asked by a BroadcastChannel of its page.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

from selenium.webdriver.remote.webdriver import WebDriver

from harness.people import Person
from harness.site import run_async

__all__ = ["JOIN_IN_KERNEL", "JOIN_ON_PAGE", "Call", "call_kernel", "call_page", "join_together"]

Call = Callable[..., Any]
"""`call(name, ...)` runs that function of a notebook or page, and gives what it returns."""

_HERE = Path(__file__).parent
_SERVE = (_HERE / "serving.py").read_text()
JOIN_IN_KERNEL = (_HERE / "joining.py").read_text()
"""To join at a given instant: `prepare`, `met`, `part`."""
JOIN_ON_PAGE = (_HERE / "joining.js").read_text()
"""The same for a page with stock y-webrtc."""

_CALL_KERNEL = """
    const [name, what, args] = arguments;
    const channel = new BroadcastChannel(name);
    const answer = new Promise((resolve, reject) => {
        channel.onmessage = ({ data: [kind, value] }) => {
            if (kind === "answer") resolve(JSON.parse(value));
            if (kind === "error") reject(new Error(value));
        };
    });
    channel.postMessage(["call", JSON.stringify([what, args])]);
    return answer.finally(() => channel.close());
"""
_BE_STILL = """
    const style = document.createElement("style");
    style.textContent = "* { animation: none !important }";
    document.head.append(style);
"""
_CALL_PAGE = "return await window[arguments[0]](...arguments[1]);"
_LEAD_S = 0.5  # from giving the orders to the instant: both must have them by then


def call_kernel(person: Person, *scripts: str) -> Call:
    """Let a notebook serve from now on what these scripts define; it can do nothing else.

    Until `end` is called, or its kernel is restarted: then it is to be called anew.
    """
    for script in (*scripts, _SERVE):
        person.run(script)
    name = f"calls {uuid4()}"  # tabs of one browser hear each other's channels
    person.start(f"await serve({name!r})")
    # JupyterLab turns a wheel as long as a cell runs: a tenth of a core, and this one does not end.
    person.driver.execute_script(_BE_STILL)

    def call(what: str, *args: object) -> Any:
        person.look()
        return run_async(person.driver, _CALL_KERNEL, name, what, args)

    return call


def call_page(driver: WebDriver, *scripts: str) -> Call:
    """Call what these scripts put on the window of the page that is open."""
    for script in scripts:
        driver.execute_script(script)

    def call(what: str, *args: object) -> Any:
        return run_async(driver, _CALL_PAGE, what, args)

    return call


def join_together(
    one: tuple[Call, list[Any]],
    other: tuple[Call, list[Any]],
    *,
    password: str | None,
    patience_s: float,
) -> list[Any]:
    """Let both join at one instant, and leave again.

    Args:
        one: who, and what says to it which room.
        other: the same.
        password: the room's.
        patience_s: how long each waits for what the other has.

    Returns:
        the milliseconds that each took to have the other's data, or what it saw instead.
    """
    (call_one, where), (call_other, other_where) = one, other
    rest = password, (time.time() + _LEAD_S) * 1000, patience_s
    call_one("prepare", "one", "other", *where, *rest)
    call_other("prepare", "other", "one", *other_where, *rest)
    taken = [call_one("met"), call_other("met")]
    for call in (call_one, call_other):
        call("part")
    return taken
