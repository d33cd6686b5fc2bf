"""The surprises of pycrdt that are none here: each as a cell in a real kernel, with its output."""

from __future__ import annotations

import pytest
from harness.kept import NOBODY, join
from harness.people import Cast, StockPage

from pyodide_rtc.testing.browsers import SignalingServer

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

CAUGHT = """
try:
    {}
except Exception as error:
    print(type(error).__name__, '|', error)
"""


def raises(statement: str) -> str:
    """A cell that prints what a statement raises, if `except Exception` catches it."""
    return CAUGHT.format(statement)


CELLS = [
    # Numbers.
    ("state['n'] = 3; list(range(state['n']))", "[0, 1, 2]"),
    ("state['x'] = 3.5; state['b'] = True; [state['x'], state['b']]", "[3.5, True]"),
    ("state['big'] = 2**53 - 1; state['big']", "9007199254740991"),
    (raises("state['big'] = 2**53"), "ValueRefusedError | state['big']: "),
    (raises("state['big'] = 2**64"), "ValueRefusedError | state['big']: "),
    # Texts.
    ("text += 'A📊B'; text.insert(2, 'X'); text", "SharedText('A📊XB')"),
    ("[len(text), text[1], text[-1], text[1:3], text.find('B')]", "[4, '📊', 'B', '📊X', 3]"),
    ("del text[1000:1005]; del text[2]; str(text)", "'A📊B'"),
    (raises("text[1000]"), "IndexError | "),
    ("text.set('A📊C'); str(text)", "'A📊C'"),
    # Nested values.
    (
        "state['todo'] = []; state['todo'].append({'done': False}); state",
        "'todo': [{'done': False}]",
    ),
    ("state['todo'][0]['done'] = True; state['todo'].to_py()", "[{'done': True}]"),
    ("state['todo'] == [{'done': True}]", "True"),
    ("state['plain'] = (1, [2]); state['plain']", "(1, (2,))"),
    ("state['rows'] = pyodide_rtc.plain([[1, 2]]); state['rows']", "((1, 2),)"),
    ("state.setdefault('todo', []) == state['todo']", "True"),
    (raises("state['again'] = state['todo']"), "to_py()"),
    # What cannot be shared.
    (raises("state[1] = 'a'"), "ValueRefusedError | "),
    (raises("state['s'] = {1, 2}"), "ValueRefusedError | state['s']: "),
    (raises("state['d'] = __import__('datetime').datetime.now()"), "isoformat"),
    (raises("state['d'] = {'deep': {1: 'a'}}"), "ValueRefusedError | state['d']['deep']"),
    (raises("room.text('state')"), "NameInUseError | The name 'state' is used as a map"),
    (raises("room.map(1)"), "ValueRefusedError | "),
    # Order, and kinds.
    ("list(state) == sorted(state)", "True"),
    ("isinstance(state, __import__('collections').abc.MutableMapping)", "True"),
    ("items.extend([3, 1, 2]); items.sort(); items", "SharedList([1, 2, 3])"),
    # Transactions.
    (
        raises("exec('with room.transaction():\\n  state[\"n\"] = 9\\n  1 / 0')"),
        "ZeroDivisionError",
    ),
    ("state['n']", "3"),
    # Observers.
    ("seen = []; observation = room.map('state').observe(seen.append)", ""),
    ("state['n'] = 4; await asyncio.sleep(0); seen", "<here: state['n'] changed 3 to 4>"),
    ("writing = state.observe(lambda e: text.append('!') if len(text) < 5 else None)", ""),
    ("state['n'] = 5; await asyncio.sleep(0.01); writing.cancel(); str(text)", "'A📊C!'"),
    ("failing = state.observe(lambda event: 1 / 0)", ""),
    ("state['n'] = 6; await asyncio.sleep(0.01); failing.cancel(); state['n']", "6"),
    ("[type(fault).__name__ for fault in room.faults]", "'ZeroDivisionError'"),
    # Undo.
    ("undo = room.undo_manager(text)", ""),
    ("text += ' mine'; undo.undo(); str(text)", "'A📊C!'"),
    ("undo.redo(); str(text)", "'A📊C! mine'"),
    # pycrdt beside it.
    ("room.doc['state']['n'] if 'state' in room.doc else state.raw['n']", "6.0"),
]


def test_the_surprises_are_none_any_more(cast: Cast, room_name: str) -> None:
    person = cast.person("one")
    join(person, room_name, NOBODY)
    person.run("import asyncio")
    for source, expected in CELLS:
        shown = person.run(source)
        assert expected in shown if expected else not shown.strip(), (source, shown)
    person.run("room.leave()")


NEST = """
deep = 1
for _ in range(99):
    deep = [deep]
state['deep'] = deep
state['wide'] = {f'k{n}': {'n': n} for n in range(1000)}
"""


def test_deep_and_wide_values(cast: Cast, room_name: str) -> None:
    """A kernel's stack is small."""
    one, two = cast.person("one"), cast.person("two")
    for person in (one, two):
        join(person, room_name)
    two.run("state.observe(print)")
    one.eventually("[p.is_synced for p in room.peers]", [True])
    one.run(NEST)
    expected = one.value("state.to_py()")
    two.eventually("state.to_py()", expected)
    with pytest.raises(AssertionError, match="ValueRefusedError"):
        one.run("state['deeper'] = [[deep]]")
    for person in (one, two):
        assert person.value("len(room.faults)") == 0
        person.run("room.leave()")


def test_a_stock_page_counts_and_the_notebook_reads_an_int(
    cast: Cast, server: SignalingServer, room_name: str
) -> None:
    person = cast.person("one")
    page = StockPage(cast.driver("stock"), server)
    join(person, room_name)
    page.join(room_name)
    person.run("state['n'] = 3; state['nested'] = {'list': [1]}")
    page.eventually("me.map.toJSON()", {"n": 3, "nested": {"list": [1]}})
    for _ in range(3):
        page.run("me.map.set('n', me.map.get('n') + 1)")
    person.eventually("[state['n'], type(state['n']).__name__]", [6, "int"])
    person.run("for _ in range(state['n']): state['n'] += 1")
    page.eventually("me.map.get('n')", 12)
    page.run("me.map.get('nested').get('list').push([2])")
    person.eventually("state['nested'].to_py()", {"list": [1, 2]})
    page.run("me.provider.destroy()")
    person.run("room.leave()")
