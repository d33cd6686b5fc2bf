"""People with rooms on one network, in virtual time."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

from pyodide_rtc.room import Room
from pyodide_rtc.testing import MemoryHost, Network, run_virtual


class Person:
    """A person with a kernel; `room` is the one that it joined last."""

    def __init__(self, network: Network, name: str) -> None:
        self.name = name
        self.host: MemoryHost = network.host(browser=name)
        self.room = self.join()

    def join(self) -> Room:
        self.room = self.host.join(user=self.name)
        return self.room

    @property
    def faults(self) -> list[str]:
        return [str(fault) for fault in self.room.faults]


class Company:
    """Those who take part in a test."""

    def __init__(self) -> None:
        self.network = Network(max_delay_s=0.05)
        self._people: list[Person] = []

    def person(self, name: str) -> Person:
        self._people.append(Person(self.network, name))
        return self._people[-1]

    async def pair(self) -> tuple[Person, Person]:
        """Ada and Bob, synced."""
        ada, bob = self.person("Ada"), self.person("Bob")
        await self.meet()
        return ada, bob

    async def meet(self) -> None:
        """Wait until all are synced, and everything that was under way has arrived."""
        await asyncio.gather(*(each.room.until_synced(30) for each in self._people))
        await asyncio.sleep(1)

    def part(self, one: Person, other: Person) -> None:
        """Cut the network between two people."""
        self.network.cut([one.host], [other.host])


def in_company(test: Callable[..., Awaitable[None]]) -> Callable[..., None]:
    """Run a test in virtual time; its last argument is a new company."""

    @wraps(test)
    def run(*arguments: Any, **named: Any) -> None:
        async def main() -> None:
            await test(*arguments, company=Company(), **named)

        run_virtual(main())

    # Else pytest looks for a fixture `company`.
    taken = inspect.signature(test)
    others = [each for name, each in taken.parameters.items() if name != "company"]
    run.__signature__ = taken.replace(parameters=others)  # type: ignore[attr-defined]
    return run
