"""Homes whose connections lack rollback, ICE restart or both, among browsers and stock peers.

Their connections in memory refuse what they are not able to do, which is told as a fault of the
peer: no such fault may come.
More plays: `python -m tests.simulation.test_abilities --runs 3000`.
"""

from __future__ import annotations

import asyncio
import sys
from itertools import product
from random import Random

import pytest

from pyodide_rtc.ports import PeerTransport
from pyodide_rtc.room import Room
from pyodide_rtc.testing import Abilities, MemoryHost, Network, run_virtual

from .hard import Actor, Play, main, play
from .play_helpers import OF_A_BROWSER, Wiretap
from .test_mixed_rooms import LARGER, SMALLER, check
from .test_mixed_rooms import play as play_mixed

NONE = Abilities(rollback=False, ice_restart=False)
NO_ROLLBACK = Abilities(rollback=False, ice_restart=True)
NO_RESTART = Abilities(rollback=True, ice_restart=False)
EVERY = (OF_A_BROWSER, NONE, NO_ROLLBACK, NO_RESTART)
PAIRS = list(product(EVERY, EVERY))
WORDS = {OF_A_BROWSER: "all", NONE: "none", NO_ROLLBACK: "no rollback", NO_RESTART: "no restart"}


def words(pair: object) -> str:
    assert isinstance(pair, tuple)
    return ", ".join(WORDS[one] for one in pair)


class PlayOfAbilities(Play):
    """A play in bad weather among homes of all kinds."""

    COMMAND = "python -m tests.simulation.test_abilities"

    def __post_init__(self) -> None:
        super().__post_init__()
        self.chances = Random(f"abilities {self.seed}")

    def _host(self, name: str) -> MemoryHost:
        is_stock = name.startswith("s")
        abilities = OF_A_BROWSER if is_stock else self.chances.choice(EVERY)
        self._tell(f"{name} has {WORDS[abilities]}")
        return self.network.host(abilities=abilities)

    def _check_room(self, actor: Actor, room: Room) -> None:
        super()._check_room(actor, room)
        check_nothing_was_refused(room)


def check_nothing_was_refused(room: Room) -> None:
    refusals = [fault for fault in room.faults if "there is no" in str(fault)]
    assert refusals == []


@pytest.mark.parametrize("start", range(0, 60, 10))
def test_whatever_breaks_all_end_with_the_same_and_know_it(start: int) -> None:
    for seed in range(start, start + 10):
        play(seed, PlayOfAbilities)


async def linked(pair: tuple[Abilities, ...], seed: int) -> tuple[list[MemoryHost], list[Room]]:
    network = Network(seed)
    hosts = [network.host(abilities=abilities) for abilities in pair]
    rooms = [host.join(user=f"u{i}") for i, host in enumerate(hosts)]
    await asyncio.gather(*(room.until_synced(10) for room in rooms))
    return hosts, rooms


@pytest.mark.parametrize("pair", PAIRS, ids=words)
def test_both_lose_the_path_at_once(
    pair: tuple[Abilities, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main(seed: int) -> None:
        hosts, rooms = await linked(pair, seed)
        ends = [host.connected[0] for host in hosts]
        for end in ends:
            end.fail()
        await asyncio.sleep(3.0)

        assert all(room.synced for room in rooms), rooms[0].why
        assert [host.connected == [end] for host, end in zip(hosts, ends, strict=True)] == (
            [pair == (OF_A_BROWSER, OF_A_BROWSER)] * 2
        ), "the same connection, if it can be kept"
        rooms[0].map("m")["x"] = seed
        await asyncio.sleep(1.0)
        assert rooms[1].map("m")["x"] == seed
        assert [room.faults for room in rooms] == [(), ()]

    for seed in range(5):
        with monkeypatch.context() as patch:
            tap = Wiretap(patch)
            run_virtual(main(seed))
            assert tap.has_glare


@pytest.mark.parametrize("pair", PAIRS, ids=words)
def test_one_sees_that_the_path_is_lost(pair: tuple[Abilities, ...]) -> None:
    async def main() -> None:
        hosts, rooms = await linked(pair, 0)
        [end] = hosts[0].connected
        end.fail()
        await asyncio.sleep(3.0)

        assert all(room.synced for room in rooms), rooms[0].why
        is_kept = pair == (OF_A_BROWSER, OF_A_BROWSER)
        assert (hosts[0].connected == [end]) is is_kept
        assert [room.faults for room in rooms] == [(), ()]

    run_virtual(main())


@pytest.mark.parametrize("tokens", [SMALLER, LARGER], ids=["we-win", "we-lose"])
def test_glare_with_a_stock_peer(monkeypatch: pytest.MonkeyPatch, tokens: float) -> None:
    async def main(seed: int) -> None:
        rooms, pages = await play_mixed(seed, 1, 1, tokens=tokens, abilities=NONE)
        check(rooms, pages)
        check_nothing_was_refused(rooms[0])

    glaring = 0
    for seed in range(100):  # it is rare
        with monkeypatch.context() as patch:
            tap = Wiretap(patch)
            run_virtual(main(seed))
            glaring += tap.has_glare

    assert glaring >= 3


def test_rooms_of_homes_without_abilities_and_stock_peers() -> None:
    async def main() -> None:
        for seed in range(12):
            rooms, pages = await play_mixed(seed, 1 + seed % 3, 1 + seed % 2, abilities=NONE)
            check(rooms, pages)
            for room in rooms:
                check_nothing_was_refused(room)

    run_virtual(main())


class End:
    """One end of a connection that is handled by hand."""

    def __init__(self, host: MemoryHost) -> None:
        self.sdp = ""
        self.errors: list[str] = []
        self.transport: PeerTransport = host.network.open_peer(
            self, ice_servers=(), is_offering=True
        )

    def on_prepared(self, sdp: str) -> None: ...

    def on_description(self, kind: str, sdp: str) -> None:
        self.sdp = sdp

    def on_candidate(self, candidate: str, index: int | None, mid: str | None) -> None: ...

    def on_channel(self, channel: object, side: str) -> None: ...

    def on_state(self, state: str, max_message_bytes: int | None) -> None: ...

    def on_path(self, is_relayed: bool) -> None: ...
    def on_round_trip(self, round_trip_s: float) -> None: ...

    def on_quiet(self, quiet_s: float, is_asleep: bool) -> None: ...

    def on_error(self, operation: str, reason: str) -> None:
        self.errors.append(f"{operation}: {reason}")


def test_a_connection_in_memory_refuses_what_it_is_not_able_to_do() -> None:
    # Else the tests above would show nothing.
    async def main() -> None:
        network = Network()
        lacking, able = End(network.host(abilities=NONE)), End(network.host())
        for end in (lacking, able):
            end.transport.offer(in_band=False)
        await asyncio.sleep(1)
        for end, other in ((lacking, able), (able, lacking)):
            end.transport.accept_description("offer", other.sdp)
        await asyncio.sleep(1)
        assert able.errors == []
        assert lacking.errors == ["description: an own offer is pending, and there is no rollback"]

        lacking.transport.accept_description("answer", able.sdp)
        able.transport.restart_ice()
        await asyncio.sleep(1)
        lacking.transport.accept_description("offer", able.sdp)
        await asyncio.sleep(1)
        assert lacking.errors[1:] == [
            "description: an offer of a new path, and there is no ICE restart"
        ]
        with pytest.raises(AssertionError, match="is not asked for it"):
            lacking.transport.restart_ice()

    run_virtual(main())


if __name__ == "__main__":
    sys.exit(main(PlayOfAbilities))
