"""What somebody says and then goes is taken whole by a kernel that computes meanwhile."""

from __future__ import annotations

import pytest
from harness.people import COMPUTE, Person

pytestmark = [pytest.mark.browser, pytest.mark.timeout(300)]

SAY_AND_GO = """
import asyncio
for number in range(30):
    text.insert(len(text), "x")
    await asyncio.sleep(0.02)
text.insert(len(text), "0123456789" * 10_000)
await asyncio.sleep(0.5)
room.leave()
"""


def test_a_computing_kernel_has_all_of_it(
    two_people: tuple[Person, Person], room_name: str
) -> None:
    """Reproduces: by channels that the page passes on, 30 of 100,030 characters arrived."""
    one, two = two_people
    for person in (one, two):
        person.join(repr(room_name))
    for person in (one, two):
        person.eventually("[p.is_synced for p in room.peers]", [True])
    two.start(COMPUTE.format(8))
    one.run(SAY_AND_GO)
    two.run("None")  # which waits until the cell before is done
    two.eventually("len(text)", 100_030)
    two.eventually("[p.is_connected for p in room.peers]", [])
    assert two.value("str(text) == 'x' * 30 + '0123456789' * 10_000")
    assert two.value("len(room.faults)") == 0
    two.run("room.leave()")
