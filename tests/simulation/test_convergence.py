"""Peers over a network that delays and reorders: whatever happens, all end with the same."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from random import Random

import pytest
from seeds import seeds, some

from pyodide_rtc.errors import PeerError, RtcError, SignalingError
from pyodide_rtc.room import Room
from pyodide_rtc.testing import MemoryHost, Network, run_virtual
from pyodide_rtc.wire.messages import AwarenessMessage, StateCheck, SyncUpdate

from .play_helpers import URL, Wiretap, awake, content, edit

BUSY_S = 8.0
QUIET_S = 40.0  # attempts that an outage cut off are given up after 20 s and made anew


@dataclass
class Play:
    """One random run; the seed decides everything."""

    seed: int
    peers: int
    max_delay_s: float
    password: str | None = None
    joins_within_s: float = 0.0
    leaving: int = 0
    has_outage: bool = False
    present: dict[str, Room] = field(default_factory=dict)

    async def run(self) -> None:
        self.random = Random(self.seed)
        self.network = Network(self.seed, max_delay_s=self.max_delay_s)
        comers = [self._live(f"u{i}", leaves=i < self.leaving) for i in range(self.peers)]
        await asyncio.gather(*comers, self._outage())
        await asyncio.sleep(QUIET_S)
        self._check()
        for room in self.present.values():
            room.leave()

    async def _live(self, name: str, *, leaves: bool) -> None:
        await asyncio.sleep(self.random.random() * self.joins_within_s)
        host = self.network.host()
        room = self.present[name] = host.join(user=name, password=self.password)
        await self._work(room)
        if not leaves:
            return
        room.leave()
        del self.present[name]
        if self.random.random() < 0.5:
            await asyncio.sleep(self.random.random())
            self.present[name] = host.join(user=name, password=self.password, doc=room.doc)
            await self._work(self.present[name])

    async def _work(self, room: Room) -> None:
        end_s = asyncio.get_running_loop().time() + BUSY_S * self.random.random()
        while asyncio.get_running_loop().time() < end_s:
            for _ in range(self.random.randint(1, 3)):
                edit(room.doc, self.random)
            await asyncio.sleep(self.random.random())

    async def _outage(self) -> None:
        if self.has_outage:
            for _ in range(2):
                await asyncio.sleep(self.random.random() * 2)
                self.network.relays[URL].stop()
                await asyncio.sleep(self.random.random() * 3)
                self.network.relays[URL].start()

    def _check(self) -> None:
        rooms = list(self.present.values())
        contents = [content(room.doc) for room in rooms]
        assert contents == [contents[0]] * len(rooms)
        for room in rooms:
            assert awake(room) == set(self.present)
            assert {p.name for p in room.peers} | {_own_name(room)} == set(self.present)
            assert room.synced or len(rooms) == 1, room.why
            assert [f for f in room.faults if not isinstance(f, self._expected_faults())] == []

    def _expected_faults(self) -> tuple[type[RtcError], ...]:
        # Who leaves, or loses the relay, in the middle of an offer is waited for in vain.
        outage = (SignalingError,) if self.has_outage else ()
        return (*outage, PeerError) if self.leaving or self.has_outage else outage


def _own_name(room: Room) -> str:
    name = (room.awareness.local_state or {})["user"]["name"]  # type: ignore[index]
    assert isinstance(name, str)
    return name


@pytest.mark.parametrize("seed", seeds(12))
def test_joining_together(seed: int) -> None:
    run_virtual(Play(seed, peers=2 + seed % 9, max_delay_s=0.15).run())


@pytest.mark.parametrize("seed", seeds(12))
def test_joining_one_after_the_other(seed: int) -> None:
    run_virtual(Play(seed, peers=2 + seed % 9, max_delay_s=0.05, joins_within_s=10.0).run())


@pytest.mark.parametrize("seed", seeds(8))
def test_with_a_password(seed: int) -> None:
    run_virtual(
        Play(seed, 2 + seed % 4, max_delay_s=0.1, password="secret", joins_within_s=0.2).run()
    )


@pytest.mark.parametrize("seed", seeds(12))
def test_with_some_who_leave_and_some_who_return(seed: int) -> None:
    run_virtual(
        Play(seed, 3 + seed % 5, max_delay_s=0.1, joins_within_s=3.0, leaving=1 + seed % 2).run()
    )


@pytest.mark.parametrize("seed", seeds(12))
def test_with_a_relay_that_goes_down_and_comes_again(seed: int) -> None:
    run_virtual(
        Play(seed, 2 + seed % 5, max_delay_s=0.1, joins_within_s=6.0, has_outage=True).run()
    )


@pytest.mark.parametrize("seed", seeds(4))
def test_with_a_delay_of_seconds(seed: int) -> None:
    run_virtual(Play(seed, 2 + seed, max_delay_s=1.5).run())


@pytest.mark.parametrize(
    ("max_delay_s", "has_glare"),
    [
        (0.15, False),  # who has heard the other's announce before its own echo leaves it the word
        (1.5, True),  # beyond the patience of both
    ],
)
def test_joins_that_cross_make_glare_only_where_all_is_slow(
    monkeypatch: pytest.MonkeyPatch, max_delay_s: float, has_glare: bool
) -> None:
    # The runs above rest on it: without glare in some they would show less than they say.
    glaring = 0
    for seed in seeds(16):
        with monkeypatch.context() as patch:
            tap = Wiretap(patch)
            run_virtual(Play(seed, peers=4, max_delay_s=max_delay_s).run())
            glaring += tap.has_glare

    assert glaring >= some(3) if has_glare else glaring == 0


async def linked(count: int) -> tuple[list[MemoryHost], list[Room]]:
    """Rooms that are all synced with each other, and have nothing more to say."""
    network = Network(max_delay_s=0.0)  # all pairs alike: nothing comes by a detour first
    hosts = [network.host() for _ in range(count)]
    rooms = [host.join(user=f"u{i}") for i, host in enumerate(hosts)]
    await asyncio.gather(*(room.until_synced(10) for room in rooms))
    await asyncio.sleep(3)
    return hosts, rooms


def test_a_thousand_edits_of_one_turn_are_one_message(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        _, [one, other] = await linked(2)
        tap = Wiretap(monkeypatch)
        for i in range(1000):
            one.text("text").insert(i, "x")
        await asyncio.sleep(1)

        assert str(other.text("text")) == "x" * 1000
        [update] = tap.sent(SyncUpdate)
        assert isinstance(update, SyncUpdate)
        assert len(update.update) < 1100, "one run of text, not a thousand pieces"

    run_virtual(main())


def test_each_turn_has_its_own_message(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        _, [one, other] = await linked(2)
        tap = Wiretap(monkeypatch)
        for i in range(5):
            one.list("array").append(i)
            await asyncio.sleep(0)
        await asyncio.sleep(1)

        assert other.list("array").to_py() == [0, 1, 2, 3, 4]
        assert len(tap.sent(SyncUpdate)) == 5

    run_virtual(main())


def test_an_idle_room_says_little(monkeypatch: pytest.MonkeyPatch) -> None:
    async def main() -> None:
        await linked(2)
        tap = Wiretap(monkeypatch)
        await asyncio.sleep(600)

        assert tap.sent(SyncUpdate) == []
        idle = 2  # each tells once that nobody does anything there
        assert len(tap.sent(AwarenessMessage)) == 2 * 600 / 15 + idle, "each renews every 15 s"
        assert len(tap.sent(StateCheck)) == 2 * 600 / 15, "and tells what it has"
        assert len(tap.frames) == 2 * 2 * 600 / 15 + idle
        assert tap.payloads == []

    run_virtual(main())
