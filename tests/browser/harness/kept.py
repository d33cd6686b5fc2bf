"""What the tests of kept rooms share: a browser whose profile outlives it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from harness.browsers import Kind, open_browser
from harness.people import Person
from pyodide_rtc.testing.browsers import SignalingServer

NOBODY = "signaling=['ws://localhost:9/']"
"""The discard port: nothing listens there."""

CONTENT = "[state.to_py(), str(text), items.to_py()]"


@contextmanager
def person_of(
    server: SignalingServer, profile: Path, kind: Kind, *flags: str, **options: Any
) -> Iterator[Person]:
    """Open a browser with this profile, and a notebook in it that has the wheel."""
    with open_browser(kind, *flags, profile=profile, **options) as driver:
        person = Person(driver, server)
        person.open(room="demo")
        yield person


def join(person: Person, name: str, *arguments: str) -> None:
    """Join, and have what was kept."""
    person.join(repr(name), *arguments)
    person.run("await room.until_loaded(20)")
