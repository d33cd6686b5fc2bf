"""What a person finds at the keyboard: names by Tab, and by `?` arguments and examples.

The names are written down here: what is not meant for users is not among them.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
from collections.abc import Callable
from operator import attrgetter
from typing import Any

import jedi
import pytest

import pyodide_rtc
import pyodide_rtc.testing
import pyodide_rtc.testing.browsers
import pyodide_rtc.widgets
from pyodide_rtc.testing import Network, run_virtual

DOCUMENT = """awareness doc list map peers state stored synced text transaction undo_manager
    until_loaded until_synced"""
VALUE = "is_removed observe path raw to_py"
TUPLE = "count index"

NAMES = {
    "room": f"""{DOCUMENT} baton call document documents error export expose exposed faults forget
        has_strangers ice_failure leave me monitor name observe obstacle panel people route servers
        share stage status topic unexpose unshare until until_changed why""",
    "board": f"{DOCUMENT} close name",
    "room.awareness": """client_id local_state names observe set_local_state set_local_state_field
        states""",
    "state": f"{VALUE} clear copy get items keys pop popitem setdefault update values",
    "todo": f"{VALUE} append clear copy count extend index insert pop remove reverse sort",
    "notes": f"""{VALUE} append clear count endswith find index insert lower rfind set split
        splitlines startswith strip upper""",
    "room.state": "clear get items keys observe pop popitem setdefault to_py update values",
    "undo": "can_redo can_undo clear redo undo",
    "observation": "cancel is_active",
    "room.people": TUPLE,
    "room.people[0]": "color initials is_me looking_at name peer_id state",
    "room.me": "color looking_at name set",
    "room.peers": TUPLE,
    "room.peers[0]": """ahead behind busy_s client_id edits_wait is_asleep is_connected is_relayed
        is_synced name peer_id retries round_trip_ms transfers unknown_messages via""",
    "room.servers[0]": "reason retry_in_s state url",
    "room.status": "peers servers stage synced why",
    "room.stored": "is_saved reason size_bytes where",
    "room.documents['board']": "is_open name peers",
    "room.faults": f"{TUPLE} at",
    "room.exposed['grade']": "is_here name peers",
    "room.baton('run')": "holder is_mine name waiting",
    "event": "document error kind name peer_id person reason server transfer",
    "seen": "added document names removed updated",
    "changed": "author changes where",
    "changed.changes[0]": "action new old path",
    "pyodide_rtc": " ".join(name for name in pyodide_rtc.__all__ if name[0] != "_"),
    "pyodide_rtc.widgets": "Button Click Log LogEntry Output Poll interact",
    "pyodide_rtc.testing": " ".join(pyodide_rtc.testing.__all__),
    "pyodide_rtc.testing.browsers": """BrowserMissingError CHROMIUM_FLAGS CellError NotJsonError
        Person SignalingServer SiteError SiteOptions build_site eventually open_browser
        serve_site""",
}


@pytest.fixture(autouse=True, scope="module")
def own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Two processes that write one cache of jedi can read half a file of each other."""
    jedi.settings.cache_directory = str(tmp_path_factory.mktemp("jedi"))


def completed(code: str, names: dict[str, Any]) -> list[str]:
    """Complete code as IPython does, without the names that it hides."""
    found = jedi.Interpreter(code, [names]).complete()
    return [each.name for each in found if not each.name.startswith("_")]


def notebook(look: Callable[[dict[str, Any]], None]) -> None:
    """Look at what a notebook has that has used everything."""

    async def main() -> None:
        network = Network()
        ada, bob = (network.host().join(user=name) for name in ("Ada", "Bob"))
        events, seen, changed = [], [], []
        observation = ada.observe(events.append)
        ada.awareness.observe(seen.append)
        board, state = ada.document("board"), ada.map("numbers")
        bob.document("board")
        bob.expose(len, name="grade")
        state.observe(changed.append)
        state["todo"] = []
        await asyncio.gather(ada.until_synced(10), bob.until_synced(10))
        await asyncio.sleep(1)
        look(
            {
                "pyodide_rtc": pyodide_rtc,
                "room": ada,
                "board": board,
                "state": state,
                "todo": state["todo"],
                "notes": ada.text("notes"),
                "undo": ada.undo_manager(state),
                "observation": observation,
                "event": events[0],
                "seen": seen[0],
                "changed": changed[0],
            }
        )

    run_virtual(main())


@pytest.mark.parametrize("name", NAMES)
def test_tab_lists_what_users_are_meant_to_use(name: str) -> None:
    def look(names: dict[str, Any]) -> None:
        assert sorted(completed(f"{name}.", names)) == sorted(set(NAMES[name].split()))

    notebook(look)


@pytest.mark.parametrize(
    ("code", "like"),
    [
        ("pyodide_rtc.join().", "room"),
        ("room.document('board').", "board"),
        ("room.baton('run').", "room.baton('run')"),
        ("room.map('state').", "state"),
        ("room.list('todo').", "todo"),
        ("room.text('notes').", "notes"),
        ("room.undo_manager().", "undo"),
        ("state.observe(print).", "observation"),
        ("room.awareness.observe(print).", "observation"),
        ("for peer in room.peers:\n    peer.", "room.peers[0]"),
        ("for person in room.people:\n    person.", "room.people[0]"),
    ],
)
def test_tab_knows_what_a_call_gives(code: str, like: str) -> None:
    def look(names: dict[str, Any]) -> None:
        assert sorted(completed(code, names)) == sorted(set(NAMES[like].split()))

    notebook(look)


def test_nothing_else_is_public() -> None:
    """Else it would be found by `dir`, and by who completes without jedi."""

    def look(names: dict[str, Any]) -> None:
        for name, listed in NAMES.items():
            public = {n for n in dir(eval(name, names)) if not n.startswith("_")}
            assert public == set(listed.split()), name

    notebook(look)


MODULES = (pyodide_rtc, pyodide_rtc.widgets)
CLASSES = [
    each
    for module in MODULES
    for each in map(vars(module).get, module.__all__)
    if inspect.isclass(each) and not issubclass(each, Exception)
]


def members(kind: type) -> dict[str, Any]:
    """Give what this package has put into a class."""
    own = [base for base in reversed(kind.__mro__) if base.__module__.startswith("pyodide_rtc")]
    return {name: value for base in own for name, value in vars(base).items()}


def told() -> list[Any]:
    """Give the public functions and the methods of public classes that this package makes."""
    functions = {
        f"{kind.__name__}.{name}": function
        for kind in CLASSES
        for name, function in members(kind).items()
        if inspect.isfunction(function) and not name.startswith("_")
    }
    for module in MODULES:
        for name in module.__all__:
            if inspect.isfunction(value := getattr(module, name)):
                functions[name] = value
    return [pytest.param(function, id=name) for name, function in functions.items()]


@pytest.mark.parametrize("function", told())
def test_help_tells_each_argument(function: Callable[..., Any]) -> None:
    text = inspect.getdoc(function) or ""
    taken = [name for name in inspect.signature(function).parameters if name != "self"]
    missing = [n for n in taken if not re.search(rf"^ +\*{{0,2}}{n}: ", text, re.MULTILINE)]
    assert text
    assert missing == []


SHOWN_BY_EXAMPLE = """join import_room stored_rooms plain enable_logging
    Room Room.baton Room.call Room.document Room.export Room.expose Room.forget Room.leave
    Room.observe Room.share Room.unexpose Room.unshare Room.until Room.until_changed
    Baton CallRefusedError
    Document Document.close Document.list Document.map Document.text Document.transaction
    Document.undo_manager Document.until_loaded Document.until_synced
    Awareness Awareness.observe Awareness.set_local_state Awareness.set_local_state_field
    SharedList SharedMap SharedMap.observe SharedNamespace SharedNamespace.observe SharedText
    UndoManager Observation Faults
    widgets.Button widgets.Log widgets.Poll widgets.Output widgets.interact"""


@pytest.mark.parametrize("name", SHOWN_BY_EXAMPLE.split())
def test_help_shows_an_example_that_is_python(name: str) -> None:
    lines = (inspect.getdoc(attrgetter(name)(pyodide_rtc)) or "").splitlines()
    example = [line.strip()[4:] for line in lines if re.match(r" *(>>>|\.\.\.)", line)]
    assert example
    compile("\n".join(example), name, "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


def test_help_tells_each_property() -> None:
    for kind in CLASSES:
        for name, value in members(kind).items():
            if isinstance(value, property):
                assert inspect.getdoc(value), f"{kind.__name__}.{name}"
