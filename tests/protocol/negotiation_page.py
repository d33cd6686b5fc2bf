"""The drawing and the tables in docs/negotiation.md, made of the negotiation's table.

`python -m tests.protocol.negotiation_page` puts them into the page.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from pyodide_rtc.protocol.connections.negotiation import EVERY, TABLE, TIMEOUTS_S, Event, Row, State
from pyodide_rtc.protocol.connections.negotiation_steps import Steps

COMMAND = ".venv/bin/python -m tests.protocol.negotiation_page"
PAGE = Path(__file__).parents[2] / "docs/negotiation.md"
BEGIN, END = f"<!-- begin {{name}}: made by `{COMMAND}` -->", "<!-- end {name} -->"


def states_of(row: Row) -> tuple[State, ...]:
    """Give the states that a row is for."""
    return row[0] if isinstance(row[0], tuple) else (row[0],)


def rows_of(state: State, event: Event) -> Iterator[Row]:
    """Give the rows that can count in a state, up to the one that always does."""
    for row in TABLE[event]:
        if state in states_of(row):
            yield row
            if row[1] is None:
                return


def name_of(step: Callable[..., object]) -> str:
    """Give the words that a function is called by."""
    return step.__name__.replace("_", " ")


def meaning(step: Callable[..., object]) -> str:
    """Give what a function does, or what a condition says, as its docstring's first line tells."""
    line = (inspect.getdoc(step) or "").splitlines()[0]
    return re.sub(r"^Tell whether (.)", lambda found: found[1], line)


def drawing() -> str:
    """Draw the changes of state; one arrow has all events that lead the same way."""
    arrows: dict[tuple[State, State], list[str]] = {}
    for state in State:
        for event in Event:
            for _, condition, next_state, _action in rows_of(state, event):
                if next_state not in (None, state):
                    words = event_words(event) + (f" [{name_of(condition)}]" if condition else "")
                    labels = arrows.setdefault((state, next_state), [])
                    labels += [] if words in labels else [words]
    lines = [
        f"    {state.name} --> {next_state.name} : {'<br/>'.join(shortest(labels))}"
        for (state, next_state), labels in arrows.items()
    ]
    ends = [f"    {state.name} --> [*]" for state in (State.GONE, State.FAILED)]
    lines = ["stateDiagram-v2", f"    [*] --> {State.IDLE.name}", *lines, *ends]
    return "\n".join(["```mermaid", *lines, "```"])


def shortest(labels: list[str]) -> list[str]:
    """Leave out the conditions of an event that leads the same way without them."""
    return [label for label in labels if label.partition(" [")[0] not in labels or "[" not in label]


def event_words(event: Event) -> str:
    """Give the words that an event is called by."""
    return event.name.lower().replace("_", " ")


def table(*lines: Iterable[str]) -> str:
    """Lay out a Markdown table; the first line is its heading."""
    heading, *rest = [f"| {' | '.join(line)} |" for line in lines]
    return "\n".join([heading, "|" + "---|" * heading.count(" | ") + "---|", *rest])


def states() -> str:
    """List the states, and how long each may last."""
    times = [f"{TIMEOUTS_S[s]:g} s" if s in TIMEOUTS_S else "" for s in State]
    rows = [(f"`{s.name}`", s.value, time) for s, time in zip(State, times, strict=True)]
    return table(("state", "meaning", "lasts at most"), *rows)


def events() -> str:
    """List the events."""
    return table(("event", "meaning"), *((event_words(e), e.value) for e in Event))


def transitions() -> str:
    """List the rows of the table."""
    lines = [("event", "state", "condition", "next state", "action")]
    for event, rows in TABLE.items():
        for row in rows:
            states = states_of(row)
            names = "every" if states == EVERY else ", ".join(f"`{s.name}`" for s in states)
            _, condition, next_state, action = row
            what = name_of(condition) if condition else ""
            then = f"`{next_state.name}`" if next_state else "the same"
            lines.append((event_words(event), names, what, then, name_of(action)))
    return table(*lines, ("every other", "every other", "", "the same", name_of(Steps.pass_over)))


def conditions() -> str:
    """List the conditions that the table has."""
    used = dict.fromkeys(row[1] for rows in TABLE.values() for row in rows if row[1])
    return table(("condition", "holds if"), *((name_of(c), meaning(c).rstrip(".")) for c in used))


def actions() -> str:
    """List the actions that the table has."""
    used = dict.fromkeys(row[3] for rows in TABLE.values() for row in rows)
    return table(("action", "meaning"), *((name_of(a), meaning(a)) for a in used))


PARTS = (drawing, states, events, transitions, conditions, actions)


def generated(page: str) -> str:
    """Give the page with all its parts as the table has them."""
    for part in PARTS:
        begin, end = (mark.format(name=part.__name__) for mark in (BEGIN, END))
        before, _, rest = page.partition(begin)
        _, found, after = rest.partition(end)
        assert found, f"docs/negotiation.md lacks the marks {begin} and {end}"
        page = f"{before}{begin}\n\n{part()}\n\n{end}{after}"
    return page


if __name__ == "__main__":
    PAGE.write_text(generated(PAGE.read_text()))
