"""Batons in bad weather: whoever comes, computes, dies or is cut off, one has it, and it goes on.

More plays: `python -m tests.simulation.test_batons --runs 3000`.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from dataclasses import dataclass, field
from random import Random

import pytest
from seeds import seeds

from pyodide_rtc.errors import BatonLostError, BatonTimeoutError, RoomClosedError, SignalingError
from pyodide_rtc.room import Room
from pyodide_rtc.testing import MemoryHost, Network, run_virtual

from .background_faults import collected
from .play_helpers import URL, make_rooms

BUSY_S = 60.0
SETTLED_S = 60.0


@dataclass
class Person:
    """One who asks for the baton again and again, until its host dies or it leaves."""

    name: str
    host: MemoryHost
    room: Room
    is_gone: bool = False
    is_inside: bool = False
    waiting: int = 0
    had: int = 0
    lost: int = 0
    is_free: asyncio.Event = field(default_factory=asyncio.Event)


@dataclass
class Play:
    """One run.

    Args:
        seed: decides everything.
        has_cuts: whether the network parts; then each part may have a holder.
    """

    seed: int
    has_cuts: bool

    def __post_init__(self) -> None:
        self.random = Random(self.seed)
        self.network = Network(self.seed, max_delay_s=self.random.choice((0.01, 0.1, 0.5)))
        self.people: list[Person] = []
        self.clashes: list[str] = []
        self.browsers = self.random.choice((0, 0, 1))

    async def run(self) -> None:
        """Let all happen, and see that all is well.

        Raises:
            AssertionError: it is not.
        """
        with collected() as faults:
            for number in range(self.random.randint(2, 5)):
                self._join(f"u{number}")
            await asyncio.gather(*(p.room.until_synced(30) for p in self.people))
            # All know each other: from now on there is one holder.
            await asyncio.gather(
                *(p.room.until(lambda p=p: self._knows_all(p), 60) for p in self.people)
            )
            working = [
                self._work(person)
                for person in self.people
                for _ in range(self.random.choice((1, 1, 2)))
            ]
            troubles = [self._trouble() for _ in range(self.random.randint(0, 4))]
            await asyncio.gather(*working, *troubles)
            self.network.heal()
            await asyncio.sleep(SETTLED_S)
            await self._check()
        assert faults == []

    def _join(self, name: str) -> None:
        browser = "shared" if self.browsers and self.random.random() < 0.6 else None
        host = self.network.host(browser=browser)
        room = make_rooms(host).join("demo", signaling=URL, user=name, store=False)
        self.people.append(Person(name, host, room))
        self.people[-1].is_free.set()

    def _knows_all(self, person: Person) -> bool:
        connected = [peer for peer in person.room.peers if peer.is_connected]
        return len(connected) == len(self.people) - 1

    async def _work(self, person: Person) -> None:
        loop = asyncio.get_running_loop()
        while loop.time() < BUSY_S and not person.is_gone:
            await asyncio.sleep(self.random.random() * 3)
            await self._until_free(person)
            person.waiting += 1
            try:
                async with person.room.baton("run", timeout_s=self.random.choice((None, 1, 20))):
                    person.waiting -= 1
                    await self._hold(person)
                    await self._until_free(person)
                    person.waiting += 1
            except BatonTimeoutError:
                pass
            except BatonLostError:
                person.lost += 1
                assert self.has_cuts or person.is_gone, "nobody else can have had it"
            except RoomClosedError:
                assert person.is_gone
            person.waiting -= 1

    async def _until_free(self, person: Person) -> None:
        """A kernel that computes does nothing else; one in memory would go on."""
        await person.is_free.wait()

    async def _hold(self, person: Person) -> None:
        others = [p.name for p in self.people if p.is_inside and not p.is_gone]
        if others and not person.is_gone and not self.has_cuts:
            self.clashes.append(f"{person.name} came in where {others} are")
        person.is_inside, person.had = True, person.had + 1
        try:
            await asyncio.sleep(self.random.random() ** 3 * 10)
        finally:
            person.is_inside = False

    # What goes wrong.

    async def _trouble(self) -> None:
        await asyncio.sleep(self.random.random() * BUSY_S * 0.8)
        kinds = [self._kill, self._leave, self._compute, self._compute]
        if self.has_cuts:
            kinds += [self._cut, self._cut, self._cut]
        await self.random.choice(kinds)()

    def _some(self) -> Person | None:
        here = [person for person in self.people if not person.is_gone]
        return self.random.choice(here) if len(here) > 1 else None

    async def _kill(self) -> None:
        if (person := self._some()) is not None:
            person.is_gone = True
            self.network.kill(person.host)
            person.room.leave()

    async def _leave(self) -> None:
        if (person := self._some()) is not None:
            person.is_gone = True
            person.room.leave()

    async def _compute(self) -> None:
        person = self._some()
        # One at a time: in memory, what was sent waits as long as its sender computes.
        is_quiet = all(each.is_free.is_set() for each in self.people)
        if person is not None and is_quiet and not person.waiting:
            person.is_free.clear()
            person.host.be_busy()
            await asyncio.sleep(self.random.random() * 20)
            person.host.be_free()
            person.is_free.set()

    async def _cut(self) -> None:
        hosts = [person.host for person in self.people]
        ones = self.random.sample(hosts, k=len(hosts) // 2)
        others = [host for host in hosts if host not in ones]
        self.network.cut(ones, others)
        self.network.cut(ones, [URL])
        await asyncio.sleep(self.random.random() ** 2 * 45)
        self.network.heal()

    # What has to be so in the end.

    async def _check(self) -> None:
        assert self.clashes == []
        here = [person for person in self.people if not person.is_gone]
        holders = [p.name for p in here if p.room.baton("run").is_mine]
        assert holders == [], "all blocks have ended"
        for person in here:
            assert person.room.baton("run").holder is None, person.name
            assert person.room.baton("run").waiting == ()
            faults = [f for f in person.room.faults if not isinstance(f, SignalingError)]
            assert faults == [] or self.has_cuts
        had: list[str] = []

        async def take(person: Person) -> None:
            async with person.room.baton("run", timeout_s=60):
                assert [p.name for p in here if p.room.baton("run").is_mine] == [person.name]
                had.append(person.name)
                await asyncio.sleep(0.2)

        await asyncio.gather(*map(take, here))
        assert sorted(had) == sorted(person.name for person in here)
        for person in here:
            person.room.leave()


def play(seed: int, has_cuts: bool) -> None:
    """Run one play.

    Raises:
        AssertionError: it did not end well.
    """
    one = Play(seed, has_cuts)
    try:
        run_virtual(one.run())
    except Exception as error:
        error.add_note(f"seed {seed}, cuts {has_cuts}")
        raise


@pytest.mark.parametrize("seed", seeds(30))
@pytest.mark.parametrize("has_cuts", [False, True], ids=["whole", "cut"])
def test_one_has_it_at_a_time_and_everybody_in_the_end(seed: int, has_cuts: bool) -> None:
    play(seed, has_cuts)


def main() -> int:
    """Run many plays, and tell which failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--start", type=int, default=0)
    parser.add_argument("--runs", type=int, default=3000)
    asked = parser.parse_args()
    failed = 0
    for seed in range(asked.start, asked.start + asked.runs):
        for has_cuts in (False, True):
            try:
                play(seed, has_cuts)
            except Exception as error:  # whatever it is, it is a failed play
                failed += 1
                sys.stdout.write(f"seed {seed}, cuts {has_cuts}: {type(error).__name__}: {error}\n")
    sys.stdout.write(f"{asked.runs} plays of each kind, {failed} failed\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
