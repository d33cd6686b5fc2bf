"""What a person finds at the keyboard of a real kernel: names by Tab, arguments by `?`, errors.

Each name that Tab lists, and each error, is compared on CPython: tests/test_completion.py and
tests/test_tracebacks.py.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from harness.browsers import Kind
from harness.people import Cast, Person
from harness.site import CellError, run_async

from pyodide_rtc.testing.browsers import eventually

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

_KERNEL = """
    const { kernel } = window.jupyterapp.shell.currentWidget.sessionContext.session;
    const [code] = arguments;
    const where = { code, cursor_pos: code.length };
"""
_COMPLETE = _KERNEL + "return (await kernel.requestComplete(where)).content.matches;"
_INSPECT = (
    _KERNEL
    + """
    const { content } = await kernel.requestInspect({ ...where, detail_level: 0 });
    return content.data["text/plain"];
"""
)


@pytest.fixture(params=["chromium", "firefox"])
def person(request: pytest.FixtureRequest, cast: Cast, room_name: str) -> Iterator[Person]:
    kind: Kind = request.param
    one = cast.person("one", kind)
    one.join(repr(room_name), "user='Ada'", "store=False")
    yield one
    one.run("room.leave()")


def names(person: Person, code: str) -> set[str]:
    """What Tab lists, without what comes before the last dot."""
    found = run_async(person.driver, _COMPLETE, code)
    return {name.rpartition(".")[2] for name in found}


def failed(person: Person, source: str) -> list[str]:
    """What a cell shows that fails, line by line, without colours."""
    with pytest.raises(CellError) as raised:
        person.run(source)
    return re.sub(r"\x1b\[[\d;]*m", "", str(raised.value)).strip().splitlines()


def test_the_keyboard(person: Person) -> None:
    """Reproduces: Tab listed nothing after `room.`; the sentence that helps was off the screen."""
    assert {"map", "document", "until_synced", "why"} <= names(person, "room.")
    assert not {"end", "open", "on_notice", "add_fault"} & names(person, "room.")
    assert "join" in names(person, "pyodide_rtc.")
    assert "room_machine" not in names(person, "pyodide_rtc.")
    told = run_async(person.driver, _INSPECT, "pyodide_rtc.join")
    assert "signaling: addresses of signaling servers" in told
    assert 'pyodide_rtc.join("physics-101"' in told

    shown = failed(person, "state['x'] = {1, 2}")
    assert shown[0] == shown[-1]
    assert shown[0].startswith("ValueRefusedError: state['x']: a set cannot be shared. Write ")
    assert len(shown) < 12
    shown = failed(person, "await room.until_synced(0.1)")
    assert shown[0] == shown[-1]
    assert len(shown) < 12

    cell = person.start("state.observe(print)")
    assert person.wait(cell) == "<Observation of state: cancel() ends it>"
    person.run("state['n'] = 3")
    eventually(
        lambda: "<here: state['n'] added 3" in person.notebook.text(cell), 20, "it is printed"
    )
    assert person.run("room.peers") == "()"
    assert len(person.run("room.status").splitlines()) > 1
